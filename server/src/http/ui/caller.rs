//! Who calls the interaction API: a registered login app, never just anybody near.

use placet_oauth::id::Secret;
use serde_json::Value;

use crate::{
    config::{Capability, UiConfig},
    http::{credential, request::Request},
    problem::{ApiResult, capability_missing, problem},
    server::Server,
    token,
};

/// The login app behind a request: by a bearer or a certificate of its registration, or by an access token of this
/// server for the audience `{issuer}/ui` whose client is named there. A scope alone opens nothing.
pub(super) async fn authenticate<'a>(server: &'a Server, request: &Request) -> ApiResult<&'a UiConfig> {
    let bearer = request.bearer().ok().flatten();
    let found = match &bearer {
        None => credential::certificate(server, request)?
            .and_then(|digest| credential::holder(&server.config().ui, |ui| &ui.certificate_sha256, &digest)),
        Some(bearer) => {
            match credential::holder(&server.config().ui, |ui| &ui.token_sha256, &bearer.sha256()) {
                Some(ui) => Some(ui),
                None => by_token(server, bearer).await?,
            }
        }
    };
    found.ok_or_else(|| {
        problem(401, "unauthorized", "the bearer of a registered login app is expected").into()
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
