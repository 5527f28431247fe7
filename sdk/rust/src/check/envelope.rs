//! Requests as a server could send them: one of each type, under a wide, a narrow and an empty ceiling.

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::LazyLock,
};

use serde_json::Value;

use crate::{
    InstantMillis, clock,
    decision::{
        AccessTokenLimits, ClaimsLimits, ClientLimits, DecisionRequest, DemandLimits, Freedom, GrantLimits,
        HookType, IdTokenLimits, IntrospectionLimits, Limits, ObjectLimits, RefreshTokenLimits,
        SessionLimits, SessionProposal, merged,
    },
    grant::{Grant, GrantedClaims, Object, RESERVED_CLAIMS},
};

/// The requests; `types` names, per type, the pieces that are merged (RFC 7396) into `common`.
static PIECES: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("envelopes.json")).unwrap_or_default());

/// How much a policy may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ceiling {
    /// More than is proposed.
    Wide,
    /// What is proposed, and that is little.
    Narrow,
    /// Nothing but what a policy of the type has to set.
    Empty,
}

impl Ceiling {
    /// Every ceiling.
    pub const ALL: [Self; 3] = [Self::Wide, Self::Narrow, Self::Empty];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Wide => "wide",
            Self::Narrow => "narrow",
            Self::Empty => "empty",
        }
    }
}

/// An id that no request had before.
pub(super) fn fresh_id() -> String {
    let random = || RandomState::new().hash_one(0u8);
    format!("dec_{:016x}{:016x}", random(), random())
}

/// A request of the type, with an id and instants of its own. It is in mode `test`.
pub fn envelope(hook: HookType, ceiling: Ceiling) -> Result<DecisionRequest, serde_json::Error> {
    from_patch(hook, &Object::new(), ceiling)
}

/// A request of the type with a merge patch over it.
pub(super) fn from_patch(
    hook: HookType,
    patch: &Object,
    ceiling: Ceiling,
) -> Result<DecisionRequest, serde_json::Error> {
    let mut whole = PIECES["common"].clone();
    for piece in PIECES["types"][hook.as_str()].as_array().into_iter().flatten() {
        let piece = piece.as_str().map_or(piece, |name| &PIECES[name]);
        if let Some(piece) = piece.as_object() {
            whole = merged(whole, piece);
        }
    }
    let now = InstantMillis(clock::now().0.saturating_mul(1000));
    let deadline = InstantMillis(now.0 + i64::from(hook.default_timeout_ms()));
    for (name, value) in [
        ("id", Value::from(fresh_id())),
        ("type", hook.as_str().into()),
        ("time", serde_json::to_value(now)?),
        ("deadline", serde_json::to_value(deadline)?),
    ] {
        whole[name] = value;
    }
    let mut request: DecisionRequest = serde_json::from_value(merged(whole, patch))?;
    if let Some(grant) = &mut request.limits.grant
        && grant.reserved_claims.is_empty()
    {
        grant.reserved_claims = RESERVED_CLAIMS.map(str::to_owned).to_vec();
    }
    match ceiling {
        Ceiling::Wide => {}
        Ceiling::Narrow => narrow(&mut request),
        Ceiling::Empty => empty(&mut request),
    }
    Ok(request)
}

fn narrow(request: &mut DecisionRequest) {
    let (proposal, limits) = (&mut request.proposal, &mut request.limits);
    if let (Some(grant), Some(limits)) = (&mut proposal.grant, &mut limits.grant) {
        *limits = narrow_grant(grant, limits);
    }
    if let Some(demand) = &mut limits.demand {
        *demand = DemandLimits {
            acr_values: vec!["urn:acme:loa:2".to_owned()],
            max_age: Some(300),
            uis: Vec::new(),
        };
    }
    if let Some(session) = &mut limits.session {
        *session = SessionLimits { max_life: 60, max_idle: 60, auth_life: 60 };
        proposal.session =
            Some(SessionProposal { max_life: Some(60), max_idle: Some(60), auth_life: Some(60) });
    }
    if let (Some(device), Some(limits)) = (proposal.device, &mut limits.device) {
        (limits.max_expires_in, limits.min_interval) = (device.expires_in, device.interval);
    }
    if let (Some(ciba), Some(limits)) = (&proposal.ciba, &mut limits.ciba) {
        (limits.max_expires_in, limits.min_interval) = (ciba.expires_in, ciba.interval);
        limits.max_channel_bytes = 32;
    }
    if let Some(client) = &mut limits.client {
        client.members = vec!["client_name".to_owned()];
    }
    if let (Some(limits), Some(section)) = (&mut limits.claims, &mut request.claims) {
        section.requested.truncate(1);
        limits.names.truncate(1);
        (limits.max_bytes, limits.claim_sources) = (128, false);
    }
    if let (Some(limits), Some(response)) = (&mut limits.introspection, &mut proposal.introspection) {
        limits.scope.truncate(1);
        if let Some(first) = limits.scope.first() {
            response.insert("scope".to_owned(), first.clone().into());
        }
        limits.max_bytes = bytes(response).saturating_add(64);
    }
    if let Some(response) = &mut limits.token_response {
        response.max_bytes = 64;
    }
}

/// Little, and nothing beyond it.
fn narrow_grant(grant: &mut Grant, wide: &GrantLimits) -> GrantLimits {
    let list = |list: &Option<Vec<String>>| list.clone().unwrap_or_default();
    if let Some(scope) = &mut grant.scope {
        scope.truncate(1);
    }
    let token = grant.access_token.get_or_insert_default();
    token.lifetime = Some(60);
    let refresh = grant.refresh_token.clone().unwrap_or_default();
    let id_token = grant.id_token.clone().unwrap_or_default();
    let issued = |issue: Option<bool>| issue == Some(true);
    GrantLimits {
        sub: wide.sub,
        act: if wide.sub == Freedom::Settable { wide.act } else { Freedom::Fixed },
        may_act: Freedom::Forbidden,
        scope: list(&grant.scope),
        resources: list(&grant.resources),
        claims: grant.claims.clone().unwrap_or_default(),
        authentication: wide.authentication,
        access_token: AccessTokenLimits {
            max_lifetime: 60,
            audiences: list(&token.audience),
            encodings: token.encoding.into_iter().collect(),
            sub_types: token.sub_type.into_iter().collect(),
            sender_constraint: token.sender_constraint,
            encrypt: false,
            single_use: false,
            max_claims_bytes: 128,
        },
        refresh_token: if issued(refresh.issue) {
            RefreshTokenLimits {
                allowed: true,
                max_lifetime: refresh.lifetime.unwrap_or_default(),
                max_idle: refresh.max_idle.unwrap_or_default(),
                max_grace: refresh.grace.unwrap_or_default(),
                rotation: refresh.rotation,
                tokens: refresh.tokens.into_iter().collect(),
            }
        } else {
            RefreshTokenLimits::default()
        },
        id_token: IdTokenLimits {
            allowed: issued(id_token.issue),
            max_lifetime: id_token.lifetime.unwrap_or_default(),
            max_claims_bytes: if issued(id_token.issue) { 128 } else { 0 },
            ..IdTokenLimits::default()
        },
        max_data_bytes: 128,
        max_claims_context_bytes: 128,
        max_userinfo_bytes: 128,
        reserved_claims: wide.reserved_claims.clone(),
        authorization_details: Vec::new(),
        enrichable: std::collections::BTreeMap::new(),
    }
}

fn empty(request: &mut DecisionRequest) {
    let (proposal, wide) = (&mut request.proposal, std::mem::take(&mut request.limits));
    let needed = |pointer: &str, freedom: Freedom| {
        if request.requires.iter().any(|required| required == pointer) { freedom } else { Freedom::Forbidden }
    };
    if let Some(grant) = &mut proposal.grant {
        grant.scope = Some(Vec::new());
        grant.resources = Some(Vec::new());
        grant.claims = Some(GrantedClaims::default());
        if let Some(refresh) = &mut grant.refresh_token {
            refresh.issue = Some(false);
        }
        if let Some(id_token) = &mut grant.id_token {
            id_token.issue = Some(false);
        }
    }
    let claims = wide.claims.is_some();
    request.limits = Limits {
        grant: wide.grant.map(|grant| GrantLimits {
            sub: needed("/grant/sub", grant.sub),
            reserved_claims: grant.reserved_claims,
            ..GrantLimits::default()
        }),
        demand: wide.demand.map(|_| DemandLimits {
            // Classes that no policy can know, since an empty list means any.
            acr_values: vec!["urn:none".to_owned()],
            max_age: Some(0),
            uis: Vec::new(),
        }),
        consent: wide.consent.map(|_| crate::decision::ConsentLimits::default()),
        session: wide.session.map(|_| SessionLimits::default()),
        device: wide.device.map(|_| crate::decision::DeviceLimits::default()),
        ciba: wide.ciba.map(|ciba| crate::decision::CibaLimits {
            sub: needed("/ciba/sub", ciba.sub),
            ..crate::decision::CibaLimits::default()
        }),
        logout: wide.logout.map(|_| crate::decision::LogoutLimits::default()),
        client: wide.client.map(|_| ClientLimits { scope: Some(Vec::new()), ..ClientLimits::default() }),
        claims: wide.claims.map(|_| ClaimsLimits { max_bytes: 128, ..ClaimsLimits::default() }),
        introspection: wide.introspection.map(|introspection| IntrospectionLimits {
            scope: Vec::new(),
            reserved: introspection.reserved,
            max_bytes: proposal.introspection.as_ref().map_or(0, bytes),
        }),
        token_response: wide.token_response.map(|_| ObjectLimits::default()),
        saml2_bearer: wide.saml2_bearer,
    };
    if let (true, Some(section)) = (claims, &mut request.claims) {
        section.requested.clear();
    }
}

fn bytes(object: &Object) -> u32 {
    u32::try_from(Value::Object(object.clone()).to_string().len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::{Decision, judge};

    #[test]
    fn there_is_a_request_of_each_type_under_each_ceiling_and_a_bare_allow_of_it_is_sound() {
        for hook in HookType::ALL {
            for ceiling in Ceiling::ALL {
                let mut request = envelope(hook, ceiling).unwrap();
                let written = serde_json::to_value(&request).unwrap();
                assert!(written.get(hook.section()).is_some(), "{hook}");
                assert_eq!(request.hook, hook);
                // What is required cannot be in the proposal yet.
                request.requires.clear();
                let judged = judge(&request, &Decision::allow(&request.id), &[]);
                assert!(judged.is_ok(), "{hook}, {ceiling:?}: {judged:?}");
            }
        }
    }

    #[test]
    fn a_proposal_has_the_sections_that_its_type_sets_and_a_limit_for_each() {
        for hook in HookType::ALL {
            let request = serde_json::to_value(envelope(hook, Ceiling::Wide).unwrap()).unwrap();
            for section in hook.settable().iter().filter(|section| **section != "claim_sources") {
                assert!(request["limits"].get(*section).is_some(), "{hook}: {section}");
            }
        }
    }

    #[test]
    fn two_requests_have_different_ids() {
        assert_ne!(fresh_id(), fresh_id());
        assert_eq!(fresh_id().len(), 36);
    }
}
