//! Sessions, consents, authorizations, direct grants and reports.

use http::Method;
use placet_sdk::resources::{DirectGrant, DirectGrantTokens, Report, ReportType};
use warp::reply::Response;

use super::{
    Request,
    api::{may, object},
    reply,
};
use crate::{
    problem::{Outcome, invalid_answer, problem},
    random,
    run::answer_object,
    state::Shared,
};

/// Answers a call; `rest` is the path below `/ui/v1`.
pub(super) fn answer(state: &Shared, request: &Request, rest: &[&str]) -> Outcome<Response> {
    may(
        state,
        match rest[0] {
            "sessions" => "sessions",
            "grants" => "direct_grant",
            "reports" => "report",
            _ => "authorizations",
        },
    )?;
    let mut accounts = state.accounts();
    match rest {
        ["sessions"] => Ok(reply::json(200, &accounts.sessions(&sub(request)?))),
        ["consents"] => Ok(reply::json(200, &accounts.consents(&sub(request)?))),
        ["authorizations"] => Ok(reply::json(200, &accounts.authorizations(&sub(request)?))),
        ["sessions", id] if request.method == Method::GET => {
            accounts.session(id).map(|session| reply::json(200, session)).ok_or_else(nothing)
        }
        ["sessions", id] => gone(accounts.end_session(id)),
        ["consents", id] => gone(accounts.delete_consent(id)),
        ["authorizations", id] => gone(accounts.revoke(id)),
        ["grants"] => {
            let asked: DirectGrant = answer_object(object(request)?)?;
            if asked.session.is_some() == asked.sub.is_some() {
                return Err(invalid_answer(
                    "",
                    "invalid",
                    "either `session` or `sub` says whose grant it is",
                ));
            }
            if asked.session.iter().any(|id| accounts.session(id).is_none()) {
                return Err(invalid_answer("/session", "wrong_session", "there is no such session"));
            }
            Ok(reply::json(200, &tokens(&asked)))
        }
        _ => {
            let report: Report = answer_object(object(request)?)?;
            if report.end_sessions || report.report_type == ReportType::AccountDisabled {
                accounts.end_all(&report.sub);
            }
            Ok(reply::empty(202))
        }
    }
}

fn sub(request: &Request) -> Outcome<String> {
    let sub = request.parameter("sub").unwrap_or_default();
    if sub.is_empty() || sub.chars().count() > 255 || sub.chars().any(char::is_control) {
        let detail = "`sub` has 1 to 255 characters without control characters";
        return Err(problem(400, "invalid_request", detail).into());
    }
    Ok(sub)
}

fn nothing() -> crate::problem::Refusal {
    problem(404, "not_found", "there is nothing of this id").into()
}

fn gone(was_there: bool) -> Outcome<Response> {
    if was_there { Ok(reply::empty(204)) } else { Err(nothing()) }
}

/// Tokens that open nothing.
fn tokens(asked: &DirectGrant) -> DirectGrantTokens {
    let scope = asked.grant.scope.clone().unwrap_or_default();
    let has = |value: &str| scope.iter().any(|one| one == value);
    DirectGrantTokens {
        access_token: random::secret(),
        token_type: "Bearer".to_owned(),
        expires_in: 600,
        refresh_token: has("offline_access").then(random::secret),
        id_token: has("openid").then(|| "an.id.token".to_owned()),
        scope: scope.join(" "),
        authorization_details: asked.grant.authorization_details.clone().filter(|all| !all.is_empty()),
    }
}
