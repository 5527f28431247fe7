//! Who calls the interaction API: a registered login app, never just anybody near.

use placet_oauth::id::Secret;
use serde_json::Value;
use subtle::ConstantTimeEq as _;

use crate::{
    config::{Capability, UiConfig},
    http::request::Request,
    problem::{ApiResult, capability_missing, problem},
    seal::hex,
    server::Server,
    token,
};

/// The login app behind a request: by a bearer of its registration, or by an access token of this server for the
/// audience `{issuer}/ui` whose client is named there. A scope alone opens nothing.
pub(super) async fn authenticate<'a>(server: &'a Server, request: &Request) -> ApiResult<&'a UiConfig> {
    let bearer = request.bearer().ok().flatten();
    let found = match &bearer {
        None => None,
        Some(bearer) => match by_bearer(server, bearer) {
            Some(ui) => Some(ui),
            None => by_token(server, bearer).await?,
        },
    };
    found.ok_or_else(|| {
        problem(401, "unauthorized", "the bearer of a registered login app is expected").into()
    })
}

/// Every registered digest is compared, so that the time tells nothing of which is near.
fn by_bearer<'a>(server: &'a Server, bearer: &Secret) -> Option<&'a UiConfig> {
    let digest = hex(&bearer.sha256());
    server.config().ui.iter().fold(None, |found, ui| {
        let own = ui.token_sha256.iter().fold(false, |own, registered| {
            own | bool::from(registered.to_ascii_lowercase().as_bytes().ct_eq(digest.as_bytes()))
        });
        if own { Some(ui) } else { found }
    })
}

async fn by_token<'a>(server: &'a Server, bearer: &Secret) -> ApiResult<Option<&'a UiConfig>> {
    let Some(active) = token::active(server, bearer).await? else { return Ok(None) };
    // One that is bound is no bearer, and nothing is proved here.
    if active.claims.contains_key("cnf") {
        return Ok(None);
    }
    let audience = format!("{}/ui", server.issuer());
    let for_ui = match active.claims.get("aud") {
        Some(Value::String(one)) => *one == audience,
        Some(Value::Array(all)) => all.iter().any(|a| *a == audience),
        _ => false,
    };
    if !for_ui || active.authorization.is_some() || active.single_use.is_some() {
        return Ok(None);
    }
    Ok(server.config().ui.iter().find(|ui| ui.client_ids.contains(&active.client_id)))
}

/// The login app, if it has this capability.
pub(super) async fn with<'a>(
    server: &'a Server,
    request: &Request,
    (capability, name): (Capability, &str),
) -> ApiResult<&'a UiConfig> {
    let ui = authenticate(server, request).await?;
    if ui.may(capability) { Ok(ui) } else { Err(capability_missing("", name)) }
}
