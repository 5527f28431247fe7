//! What would be issued, and the ceiling of what may be set instead: the same for policies and login apps.

use placet_oauth::resource::{Terms, TokenFormat};
use placet_sdk::{
    decision::{AccessTokenLimits, Freedom, GrantLimits, IdTokenLimits, ObjectLimits, RefreshTokenLimits},
    details::Enrichable,
    grant::{
        AccessTokenSettings, Encoding, Grant, IdTokenSettings, RESERVED_CLAIMS, RefreshTokenSettings,
        Rotation, SubType, Tokens,
    },
};

use super::tighten;
use crate::{
    client::Client, config::MAX_GRACE, outcome::Fault, possession::demanded, server::Server, token::audience,
};

/// Server-side data of a grant, in bytes of JSON.
pub const MAX_DATA: u32 = 8 * 1024;
/// Context for claims sources, in bytes of JSON.
pub const MAX_CLAIMS_CONTEXT: u32 = 4 * 1024;
/// Claims that are set, in bytes of JSON.
pub const MAX_CLAIMS: u32 = 8 * 1024;
/// Extra members of the token endpoint's answer, in bytes of JSON.
pub const MAX_TOKEN_RESPONSE: u32 = 8 * 1024;

/// The grant with the token settings that apply filled in: what a bare allow leads to. `refresh` and `id_token` tell
/// whether those tokens would be issued.
pub fn effective(
    server: &Server,
    client: &Client,
    mut grant: Grant,
    (refresh, id_token): (bool, bool),
) -> Grant {
    let lifetimes = &server.config().lifetimes;
    let own = &client.settings;
    let audience = audience(server, client, &grant);
    let sender_constraint = demanded(client, &grant, server.config().requires_sender_constraint(&audience));
    // Resources that no single token can be for are asked for one at a time, when the grant is used.
    let terms = server.config().terms(&audience).unwrap_or_default();
    let set = grant.access_token.take().unwrap_or_default();
    let single_use = set.single_use.unwrap_or(own.access_token.single_use);
    let encoding = encoding(&terms).or(set.encoding).or(own.access_token.encoding).unwrap_or(Encoding::Jwt);
    let lifetime = set.lifetime.or(own.access_token.lifetime).unwrap_or(lifetimes.access_token);
    grant.access_token = Some(AccessTokenSettings {
        encoding: Some(if single_use { Encoding::Opaque } else { encoding }),
        lifetime: Some(terms.lifetime.map_or(lifetime, |longest| lifetime.min(longest))),
        audience: Some(audience),
        sub_type: Some(set.sub_type.unwrap_or(sub_type(client))),
        sender_constraint: Some(sender_constraint),
        single_use: Some(single_use),
        encrypt: set.encrypt,
        claims: set.claims,
    });
    let set = grant.refresh_token.take();
    grant.refresh_token = Some(if refresh {
        refresh_token(server, client, set)
    } else {
        RefreshTokenSettings { issue: Some(false), ..RefreshTokenSettings::default() }
    });
    let set = grant.id_token.take().unwrap_or_default();
    grant.id_token = Some(if id_token {
        IdTokenSettings {
            issue: Some(true),
            lifetime: Some(set.lifetime.or(own.id_token.lifetime).unwrap_or(lifetimes.id_token)),
            ..set
        }
    } else {
        IdTokenSettings { issue: Some(false), ..IdTokenSettings::default() }
    });
    grant
}

/// How the tokens for these resources look, if one of them says so.
pub fn encoding(terms: &Terms) -> Option<Encoding> {
    terms.format.map(|format| match format {
        TokenFormat::Jwt => Encoding::Jwt,
        TokenFormat::Opaque => Encoding::Opaque,
    })
}

/// The settings of a refresh token that apply. A lifetime of 0, "as long as the authorization", is one in seconds here:
/// whoever is shown it can shorten it.
pub fn refresh_token(
    server: &Server,
    client: &Client,
    set: Option<RefreshTokenSettings>,
) -> RefreshTokenSettings {
    let (lifetimes, own) = (&server.config().lifetimes, &client.settings.refresh_token);
    let set = set.unwrap_or_default();
    RefreshTokenSettings {
        issue: Some(true),
        lifetime: Some(
            set.lifetime.or(own.lifetime).filter(|seconds| *seconds > 0).unwrap_or(lifetimes.refresh_token),
        ),
        max_idle: Some(set.max_idle.or(own.max_idle).unwrap_or(lifetimes.refresh_token_idle)),
        rotation: Some(set.rotation.or(own.rotation).unwrap_or(Rotation::Always)),
        grace: Some(set.grace.or(own.grace).unwrap_or(lifetimes.refresh_token_grace).min(MAX_GRACE)),
        tokens: Some(set.tokens.unwrap_or(server.config().tokens_of(client))),
    }
}

/// The ceiling that an effective grant is for whoever may only narrow it. Callers lift what their decision point lets
/// a policy establish: `sub`, `act`, `authentication`, `data`.
pub fn narrow_only(server: &Server, client: &Client, grant: &Grant) -> GrantLimits {
    let fixed = |there: bool| if there { Freedom::Fixed } else { Freedom::Forbidden };
    GrantLimits {
        sub: fixed(grant.sub.is_some()),
        act: fixed(grant.act.is_some()),
        may_act: fixed(grant.may_act.is_some()),
        scope: grant.scope.clone().unwrap_or_default(),
        resources: grant.resources.clone().unwrap_or_default(),
        authorization_details: grant.authorization_details.clone().unwrap_or_default(),
        enrichable: Enrichable::new(),
        claims: grant.claims.clone().unwrap_or_default(),
        authentication: fixed(grant.authentication.is_some()),
        access_token: access_token(server, client, &grant.access_token.clone().unwrap_or_default()),
        refresh_token: refresh_token_limits(server, client, grant),
        id_token: id_token(&grant.id_token.clone().unwrap_or_default()),
        max_userinfo_bytes: MAX_CLAIMS,
        max_data_bytes: 0,
        max_claims_context_bytes: 0,
        reserved_claims: RESERVED_CLAIMS.map(str::to_owned).to_vec(),
    }
}

/// What would be issued of an offer, and the ceiling of what a login app may set of its tokens. What policies set of the
/// offer binds the app as it binds a later policy.
pub fn of_login_app(
    server: &Server,
    client: &Client,
    offered: &Grant,
) -> Result<(Grant, GrantLimits), Fault> {
    let issued = |set: Option<bool>| set != Some(false);
    let tokens = (
        issued(offered.refresh_token.as_ref().and_then(|set| set.issue)),
        issued(offered.id_token.as_ref().and_then(|set| set.issue)),
    );
    let proposed = effective(server, client, offered.clone(), tokens);
    let mut limits = narrow_only(server, client, &proposed);
    let resources = offered.resources.iter().flatten().cloned();
    limits.access_token.audiences.extend(resources.chain([server.issuer().to_owned()]));
    let limits = tighten::after(offered, &proposed, limits)?;
    Ok((proposed, limits))
}

fn access_token(server: &Server, client: &Client, set: &AccessTokenSettings) -> AccessTokenLimits {
    let single_use = set.single_use == Some(true);
    let terms = server.config().terms(set.audience.as_deref().unwrap_or_default()).unwrap_or_default();
    let encodings = match encoding(&terms) {
        _ if single_use => vec![Encoding::Opaque],
        Some(only) => vec![only],
        None => vec![Encoding::Jwt, Encoding::Opaque],
    };
    AccessTokenLimits {
        max_lifetime: set.lifetime.unwrap_or_default(),
        audiences: set.audience.clone().unwrap_or_default(),
        encodings,
        sub_types: vec![sub_type(client)],
        sender_constraint: set.sender_constraint,
        encrypt: false,
        single_use: true,
        max_claims_bytes: MAX_CLAIMS,
    }
}

fn refresh_token_limits(server: &Server, client: &Client, grant: &Grant) -> RefreshTokenLimits {
    let set = grant.refresh_token.clone().unwrap_or_default();
    if set.issue != Some(true) {
        return RefreshTokenLimits::default();
    }
    RefreshTokenLimits {
        allowed: true,
        max_lifetime: set.lifetime.unwrap_or_default(),
        max_idle: set.max_idle.unwrap_or_default(),
        max_grace: set.grace.unwrap_or_default(),
        rotation: set.rotation,
        tokens: tokens_limits(server, client, grant),
    }
}

/// What would be done, and what may be chosen instead: access tokens that the store has to know go with refresh tokens that
/// it knows.
fn tokens_limits(server: &Server, client: &Client, grant: &Grant) -> Vec<Tokens> {
    let proposed = grant.refresh_token.as_ref().and_then(|set| set.tokens);
    let access = grant.access_token.clone().unwrap_or_default();
    let signed = access.encoding == Some(Encoding::Jwt) && access.single_use != Some(true);
    let offered = |one: Tokens| server.config().may_choose(client, one) && (signed || one == Tokens::Stored);
    let both = [Tokens::Stored, Tokens::Stateless].into_iter();
    both.filter(|one| proposed == Some(*one) || offered(*one)).collect()
}

fn id_token(set: &IdTokenSettings) -> IdTokenLimits {
    if set.issue != Some(true) {
        return IdTokenLimits::default();
    }
    IdTokenLimits {
        allowed: true,
        max_lifetime: set.lifetime.unwrap_or_default(),
        audiences: set.audience.clone().unwrap_or_default(),
        max_claims_bytes: MAX_CLAIMS,
        reissue_on_refresh: set.reissue_on_refresh.unwrap_or(true),
    }
}

/// Members of the token endpoint's answer that policies may add: none that a standard knows.
pub fn token_response() -> ObjectLimits {
    let reserved = [
        "access_token",
        "token_type",
        "expires_in",
        "refresh_token",
        "id_token",
        "scope",
        "issued_token_type",
        "authorization_details",
        "device_secret",
        "error",
        "error_description",
        "error_uri",
        "iss",
        "state",
        "code",
        "auth_req_id",
        "interval",
    ];
    ObjectLimits { reserved: reserved.map(str::to_owned).to_vec(), max_bytes: MAX_TOKEN_RESPONSE }
}

fn sub_type(client: &Client) -> SubType {
    if client.is_pairwise() { SubType::Pairwise } else { SubType::Public }
}
