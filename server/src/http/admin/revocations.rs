//! Revocation: everything of a user, of a client, or of somebody who acts, at once.

use placet_oauth::id::Subject;
use placet_sdk::admin::{GlobalRevocation, Revocation, SubjectId};
use serde_json::{Value, json};
use warp::reply::Response;

use super::{audit, caller, not_found};
use crate::{
    config::AdminRole,
    http::{reply, request::Request, ui::object},
    interaction::answer::body,
    outcome::Outcome,
    problem::{ApiFailure, ApiResult, invalid_answer, problem},
    server::Server,
    store::Whose,
};

/// `POST /revocations`.
pub(super) async fn revocations(server: Server, request: Request) -> Outcome<Response> {
    reply::api(revoke(&server, &request).await)
}

async fn revoke(server: &Server, request: &Request) -> ApiResult<Response> {
    let by = caller::with(server, request, AdminRole::Revoke).await?;
    let asked: Revocation = body::member(object(request)?)?;
    let whose = match (asked.sub, asked.client_id, asked.actor, asked.everybody) {
        (Some(sub), None, None, None) => Whose::Subject(named(sub, "/sub")?),
        (None, Some(client_id), None, None) => Whose::Client(named(client_id, "/client_id")?),
        (None, None, Some(actor), None) => Whose::Actor(named(actor, "/actor")?),
        (None, None, None, Some(true)) => Whose::Everybody,
        _ => {
            let detail = "exactly one of `sub`, `client_id`, `actor` and `everybody` is expected";
            return Err(invalid_answer("", "ambiguous", detail));
        }
    };
    end(server, by, whose).await
}

/// `POST /global-token-revocation`: what an identity provider calls when it learns that an account is in wrong hands
/// (draft-parecki-oauth-global-token-revocation).
pub(super) async fn global(server: Server, request: Request) -> Outcome<Response> {
    reply::api(revoke_globally(&server, &request).await)
}

async fn revoke_globally(server: &Server, request: &Request) -> ApiResult<Response> {
    let by = caller::with(server, request, AdminRole::Revoke).await?;
    // A subject identifier that is not understood is 400 there, and a user of others 404.
    let malformed = |error: serde_json::Error| -> ApiFailure {
        problem(400, "invalid_request", &format!("`sub_id` cannot be read: {error}")).into()
    };
    let asked: GlobalRevocation =
        serde_json::from_value(Value::Object(object(request)?)).map_err(malformed)?;
    let sub = match asked.sub_id {
        SubjectId::IssSub { iss, .. } if iss != server.issuer() => return Err(not_found()),
        SubjectId::IssSub { sub, .. } | SubjectId::Opaque { id: sub } => sub,
    };
    if Subject::parse(&sub).is_none() {
        return Err(not_found());
    }
    end(server, by, Whose::Subject(sub)).await
}

/// Ids of clients are as long and as printable as subjects are.
fn named(name: String, pointer: &str) -> ApiResult<String> {
    if Subject::parse(&name).is_none() {
        return Err(invalid_answer(pointer, "invalid", "1 to 255 characters without control characters"));
    }
    Ok(name)
}

async fn end(server: &Server, by: caller::Admin<'_>, whose: Whose) -> ApiResult<Response> {
    let (of, name) = match &whose {
        Whose::Subject(sub) => ("subject", sub.clone()),
        Whose::Client(client_id) => ("client", client_id.clone()),
        Whose::Actor(actor) => ("actor", actor.clone()),
        Whose::Everybody => ("everybody", "everybody".to_owned()),
    };
    let event = audit(server, ("access.revoked", &name), &by, json!({ "of": of }))?;
    server.store().revoke_all(whose, server.now(), vec![event]).await?;
    server.learn_of_revocations().await;
    server.deliver_soon();
    server.policies().flush_all();
    Ok(reply::empty(204))
}
