//! What the user would be asked to grant, and whether that was granted before.

pub(crate) mod details;

use std::collections::BTreeSet;

use placet_oauth::{
    authorization::{AuthorizationRequest, Prompt},
    claims::scope_claims,
    client::ApplicationType,
};
use placet_sdk::{
    Instant,
    grant::{
        AccessTokenSettings, Encoding, Grant, GrantedClaims, IdTokenSettings, RefreshTokenSettings, SubType,
        is_reserved_claim,
    },
    interaction::{
        ClaimItem, ClaimTarget, ConsentPrompt, ConsentReason, ConsentSubject, Offline, Remembered, ScopeItem,
        Status,
    },
};

use crate::{
    client::Client,
    config::{ConsentMode, ScopeConfig},
    outcome::Fault,
    server::Server,
    store::{ConsentKey, ConsentRecord},
};

/// The key under which a consent is remembered: consents for different resources do not mix.
pub(super) fn resource_key(offer: &Grant) -> String {
    let resources: BTreeSet<&str> = offer.resources.iter().flatten().map(String::as_str).collect();
    resources.into_iter().collect::<Vec<_>>().join(" ")
}

/// What is remembered for this user, this client and the resources that are offered.
pub(crate) async fn remembered(
    server: &Server,
    client: &Client,
    offer: &Grant,
    sub: &str,
) -> Result<Option<ConsentRecord>, Fault> {
    let resource = resource_key(offer);
    let key = ConsentKey { sub, client_id: &client.id, resource: &resource };
    Ok(server.store().consent(key, server.now()).await?)
}

/// The claims that the request asks for, with their targets; claims that the server itself writes are left out.
pub(super) fn requested_claims(request: &AuthorizationRequest) -> Vec<ClaimItem> {
    let response_type = request.response_type;
    // Without an access token there is no UserInfo: the claims go into the ID token (OpenID Connect Core 5.4).
    let of_scope =
        if response_type.token || response_type.code { ClaimTarget::Userinfo } else { ClaimTarget::IdToken };
    let mut items: Vec<ClaimItem> = Vec::new();
    let mut add = |name: &str, target: ClaimTarget, essential: bool, purpose: Option<&String>| {
        if is_reserved_claim(name) {
            return;
        }
        match items.iter_mut().find(|item| item.name == name) {
            Some(item) => {
                if !item.targets.contains(&target) {
                    item.targets.push(target);
                }
                item.essential |= essential;
                item.purpose = item.purpose.take().or_else(|| purpose.cloned());
            }
            None => items.push(ClaimItem {
                name: name.to_owned(),
                status: Status::New,
                essential,
                targets: vec![target],
                purpose: purpose.cloned(),
            }),
        }
    };
    if request.is_openid() {
        for scope in request.scope.iter() {
            for name in scope_claims(scope) {
                add(name, of_scope, false, None);
            }
        }
        for (name, demand) in &request.claims.userinfo {
            add(name, ClaimTarget::Userinfo, demand.essential, demand.purpose.as_ref());
        }
        for (name, demand) in &request.claims.id_token {
            add(name, ClaimTarget::IdToken, demand.essential, demand.purpose.as_ref());
        }
    }
    items
}

/// The requested claims that may be granted.
fn offered_claims(request: &AuthorizationRequest, offer: &Grant) -> Vec<ClaimItem> {
    let offered = offer.claims.clone().unwrap_or_default();
    let mut items = requested_claims(request);
    for item in &mut items {
        let name = &item.name;
        item.targets.retain(|target| {
            let names = match target {
                ClaimTarget::IdToken => &offered.id_token,
                ClaimTarget::Userinfo => &offered.userinfo,
                ClaimTarget::AccessToken => &offered.access_token,
            };
            names.as_ref().is_some_and(|names| names.contains(name))
        });
    }
    items.retain(|item| !item.targets.is_empty());
    items
}

/// Everything that was asked for, as a grant: what `accept_all`, a remembered consent and implicit consent give.
pub(super) fn everything(request: &AuthorizationRequest) -> Grant {
    let claims = requested_claims(request);
    Grant {
        scope: Some(request.scope.to_vec()),
        resources: Some(request.resources.clone()),
        authorization_details: Some(request.authorization_details.clone()).filter(|all| !all.is_empty()),
        claims: Some(granted_claims(&claims)),
        ..Grant::default()
    }
}

fn granted_claims(items: &[ClaimItem]) -> GrantedClaims {
    let of = |target: ClaimTarget| {
        let names: Vec<String> =
            items.iter().filter(|i| i.targets.contains(&target)).map(|i| i.name.clone()).collect();
        Some(names).filter(|n| !n.is_empty())
    };
    GrantedClaims {
        id_token: of(ClaimTarget::IdToken),
        userinfo: of(ClaimTarget::Userinfo),
        access_token: of(ClaimTarget::AccessToken),
    }
}

/// Why the user has to be asked for what is offered; empty if all of it was granted before or nobody has to be asked.
pub(super) fn reasons(
    server: &Server,
    client: &Client,
    request: &AuthorizationRequest,
    (offer, remembered): (&Grant, Option<&ConsentRecord>),
) -> Vec<ConsentReason> {
    if client.settings.consent == ConsentMode::Implicit
        && client.settings.first_party
        && !request.prompt.contains(&Prompt::Consent)
    {
        return Vec::new();
    }
    let mut reasons = Vec::new();
    match remembered {
        None => reasons.push(ConsentReason::FirstTime),
        Some(consent) => {
            if offer.scope.iter().flatten().any(|s| !consent.scope.contains(s)) {
                reasons.push(ConsentReason::NewScope);
            }
            if offered_claims(request, offer).iter().any(|c| !consent.claims.contains(&c.name)) {
                reasons.push(ConsentReason::NewClaims);
            }
            if details::granted_before(server, request, (offer, remembered)).contains(&None) {
                reasons.push(ConsentReason::NewAuthorizationDetails);
            }
        }
    }
    if request.prompt.contains(&Prompt::Consent) {
        reasons.push(ConsentReason::PromptConsent);
        if offers_offline(offer) {
            reasons.push(ConsentReason::OfflineAccess);
        }
    }
    if client.settings.consent == ConsentMode::Always {
        reasons.push(ConsentReason::Always);
    }
    if reasons.is_empty() && is_impersonable(client, request) {
        reasons.push(ConsentReason::NativeClient);
    }
    reasons
}

fn offers_offline(offer: &Grant) -> bool {
    offer.scope.iter().flatten().any(|value| value == "offline_access")
}

/// Another app on the device can claim a custom scheme or a loopback port, so that the client's identity is not
/// assured and remembered consent must not answer for it (RFC 8252 section 8.6). Where no browser leads back to it, every
/// client without a secret can be anybody (RFC 8628 section 5.6).
fn is_impersonable(client: &Client, request: &AuthorizationRequest) -> bool {
    let native = client.metadata.application_type == Some(ApplicationType::Native);
    client.is_public() && (!request.has_browser() || (native && !request.redirect_uri.starts_with("https:")))
}

/// The section of the prompt.
pub(super) fn prompt(
    server: &Server,
    client: &Client,
    request: &AuthorizationRequest,
    (sub, remembered, offer): (&str, Option<&ConsentRecord>, &Grant),
) -> ConsentPrompt {
    let status = |granted: bool| if granted { Status::Granted } else { Status::New };
    let scope = offer
        .scope
        .iter()
        .flatten()
        .map(|value| {
            let texts = server.config().scopes.iter().find(|s| s.value == *value);
            ScopeItem {
                value: value.clone(),
                status: status(remembered.is_some_and(|r| r.scope.contains(value))),
                required: value == "openid",
                resources: resources_of(server, offer, value),
                title: texts.and_then(|t| localised(&t.title, &request.ui_locales)),
                description: texts.and_then(|t: &ScopeConfig| localised(&t.description, &request.ui_locales)),
            }
        })
        .collect();
    let mut claims = offered_claims(request, offer);
    for item in &mut claims {
        item.status = status(remembered.is_some_and(|r| r.claims.contains(&item.name)));
    }
    let (authorization_details, authorization_details_info) =
        details::shown(server, request, (offer, remembered));
    ConsentPrompt {
        reasons: reasons(server, client, request, (offer, remembered)),
        subject: ConsentSubject { sub: sub.to_owned() },
        scope,
        claims,
        authorization_details,
        authorization_details_info,
        offline: Offline {
            requested: request.scope.contains("offline_access"),
            allowed: offers_offline(offer),
        },
        remembered: remembered.map(|r| Remembered {
            consent_id: r.id.clone(),
            granted_at: Instant(r.granted_at),
            scope: r.scope.clone(),
        }),
        defaults: defaults(server, client, request, offer),
        message: None,
    }
}

/// The resources that say that a scope value is theirs.
fn resources_of(server: &Server, offer: &Grant, value: &str) -> Vec<String> {
    let lists = |uri: &&String| {
        let scopes = server.config().resource(uri).and_then(|resource| resource.scopes.as_ref());
        scopes.is_some_and(|scopes| scopes.iter().any(|one| one == value))
    };
    offer.resources.iter().flatten().filter(lists).cloned().collect()
}

fn localised(texts: &std::collections::BTreeMap<String, String>, locales: &[String]) -> Option<String> {
    locales
        .iter()
        .flat_map(|locale| [locale.as_str(), locale.split('-').next().unwrap_or(locale)])
        .chain([""])
        .find_map(|language| texts.get(language))
        .cloned()
}

/// The token settings that apply when the answer sends none.
fn defaults(server: &Server, client: &Client, request: &AuthorizationRequest, offer: &Grant) -> Grant {
    let lifetimes = &server.config().lifetimes;
    let own = &client.settings;
    let pairwise = client.metadata.subject_type == Some(placet_oauth::client::SubjectType::Pairwise);
    let probe = crate::token::Authorized { grant: offer.clone(), ..Default::default() };
    let access = offer.access_token.clone().unwrap_or_default();
    let id_token = offer.id_token.clone().unwrap_or_default();
    Grant {
        access_token: Some(AccessTokenSettings {
            encoding: Some(access.encoding.or(own.access_token.encoding).unwrap_or(Encoding::Jwt)),
            lifetime: Some(access.lifetime.or(own.access_token.lifetime).unwrap_or(lifetimes.access_token)),
            sub_type: Some(if pairwise { SubType::Pairwise } else { SubType::Public }),
            ..AccessTokenSettings::default()
        }),
        refresh_token: Some(RefreshTokenSettings {
            issue: Some(crate::token::family_wanted(client, &probe)),
            ..RefreshTokenSettings::default()
        }),
        id_token: Some(IdTokenSettings {
            issue: Some(request.is_openid() && id_token.issue != Some(false)),
            lifetime: Some(id_token.lifetime.or(own.id_token.lifetime).unwrap_or(lifetimes.id_token)),
            ..IdTokenSettings::default()
        }),
        ..Grant::default()
    }
}
