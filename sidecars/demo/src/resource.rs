//! A small API that this app calls with its access token. It makes transfers, and wants to be sure who asks: a second
//! factor, and not long ago (RFC 9470).

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use openidconnect::AccessToken;
use serde_json::{Value, json};

use crate::{ambient, app::App};

/// How old the authentication may be, in seconds.
pub(crate) const MAX_AGE: i64 = 300;

impl App {
    /// Answers `POST /api/transfer`. The token comes in the header `Authorization`.
    pub(crate) async fn api_transfer(&self, authorization: Option<&str>, body: &[u8]) -> Response<Bytes> {
        let token = authorization.and_then(|value| value.split_once(' '));
        let Some((_, token)) = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) else {
            // RFC 6750 section 3.1: whoever brings no token is told no error.
            return challenge(StatusCode::UNAUTHORIZED, "Bearer", "a bearer token is needed");
        };
        match self.provider.introspect_token(&AccessToken::new(token.to_owned())).await {
            // Asked by this app's own client: a token for others is not active to it (RFC 7662 section 4).
            Ok(claims) => judge(&claims, (&self.step_up_acr, ambient::now()), body),
            Err(failure) => {
                tracing::warn!(error = failure.code(), "the API cannot ask about a token");
                answer(StatusCode::BAD_GATEWAY, &json!({ "error": "temporarily_unavailable" }))
            }
        }
    }
}

/// What the API answers to whoever holds a token with these claims.
fn judge(claims: &Value, (acr, now): (&str, i64), body: &[u8]) -> Response<Bytes> {
    if claims["active"] != true {
        return challenge(
            StatusCode::UNAUTHORIZED,
            r#"Bearer error="invalid_token""#,
            "the token is not active",
        );
    }
    let class = claims["acr"].as_str() == Some(acr);
    // A token without a time, or with one of the future, proves nothing.
    let age = claims["auth_time"].as_i64().map(|at| now - at);
    let fresh = age.is_some_and(|age| (-60..=MAX_AGE).contains(&age));
    if !class || !fresh {
        let why = if class { "the authentication is too old" } else { "a second factor is needed" };
        let header = format!(
            r#"Bearer error="insufficient_user_authentication", error_description="{why}", acr_values="{acr}", max_age="{MAX_AGE}""#
        );
        return challenge(StatusCode::UNAUTHORIZED, &header, why);
    }
    let Ok(transfer @ Value::Object(_)) = serde_json::from_slice::<Value>(body) else {
        return answer(StatusCode::BAD_REQUEST, &json!({ "error": "invalid_request" }));
    };
    let done = json!({
        "status": "done", "transfer": transfer, "by": claims["sub"], "acr": claims["acr"],
        "auth_time": claims["auth_time"],
    });
    answer(StatusCode::OK, &done)
}

fn challenge(status: StatusCode, header: &str, why: &str) -> Response<Bytes> {
    let mut refused = answer(status, &json!({ "error_description": why }));
    if let Ok(value) = HeaderValue::from_str(header) {
        refused.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    refused
}

fn answer(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::from(body.to_string()));
    *answer.status_mut() = status;
    for (name, value) in [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// What a resource asks for by a challenge (RFC 9470 section 3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StepUp {
    /// The classes that will do, separated by spaces.
    pub(crate) acr_values: Option<String>,
    /// How old the authentication may be, in seconds.
    pub(crate) max_age: Option<u64>,
}

impl StepUp {
    /// What an answer asks for, if it is such a challenge.
    pub(crate) fn of(answer: &Response<Bytes>) -> Option<Self> {
        if answer.status() != StatusCode::UNAUTHORIZED {
            return None;
        }
        let header = answer.headers().get(header::WWW_AUTHENTICATE)?.to_str().ok()?;
        let parameters = parameters(header.strip_prefix("Bearer ")?)?;
        let get =
            |name: &str| parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        if get("error").as_deref() != Some("insufficient_user_authentication") {
            return None;
        }
        let max_age = get("max_age").map(|age| age.parse()).transpose().ok()?;
        Some(Self { acr_values: get("acr_values"), max_age })
    }

    /// As the query of an authorization request.
    pub(crate) fn query(&self, scope: &[String]) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for value in scope {
            query.append_pair("scope", value);
        }
        if let Some(values) = &self.acr_values {
            query.append_pair("acr_values", values);
        }
        if let Some(age) = self.max_age {
            query.append_pair("max_age", &age.to_string());
        }
        query.finish()
    }
}

/// The parameters of a challenge, `name="value"` after `name="value"` (RFC 9110 section 11.2); `None` if it is not written
/// so.
fn parameters(mut rest: &str) -> Option<Vec<(String, String)>> {
    let mut all = Vec::new();
    loop {
        let (name, quoted) = rest.trim_start().split_once("=\"")?;
        let mut value = String::new();
        let mut letters = quoted.char_indices();
        let end = loop {
            match letters.next()? {
                (at, '"') => break at,
                (_, '\\') => value.push(letters.next()?.1),
                (_, letter) => value.push(letter),
            }
        };
        all.push((name.to_ascii_lowercase(), value));
        rest = quoted[end + 1..].trim_start();
        match rest.strip_prefix(',') {
            Some(more) => rest = more,
            None if rest.is_empty() => return Some(all),
            None => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MFA: &str = "urn:placet:acr:mfa";

    fn judged(claims: &Value) -> Response<Bytes> {
        judge(claims, (MFA, 10_000), b"{}")
    }

    #[test]
    fn a_token_of_a_strong_and_fresh_authentication_will_do_and_no_other() {
        let good = json!({ "active": true, "acr": MFA, "auth_time": 9_700 });
        assert_eq!(judged(&good).status(), StatusCode::OK);
        let wanted = StepUp { acr_values: Some(MFA.to_owned()), max_age: Some(300) };
        for weak in [
            json!({ "active": true, "acr": MFA, "auth_time": 9_699 }),
            json!({ "active": true, "acr": MFA, "auth_time": 10_061 }),
            json!({ "active": true, "acr": MFA, "auth_time": "9700" }),
            json!({ "active": true, "acr": MFA }),
            json!({ "active": true, "acr": "urn:placet:acr:pwd", "auth_time": 9_700 }),
            json!({ "active": true, "auth_time": 9_700 }),
        ] {
            assert_eq!(StepUp::of(&judged(&weak)), Some(wanted.clone()), "{weak}");
        }
        for inactive in [json!({ "active": false, "acr": MFA, "auth_time": 9_700 }), json!({})] {
            let refused = judged(&inactive);
            assert_eq!((refused.status(), StepUp::of(&refused)), (StatusCode::UNAUTHORIZED, None));
        }
        assert_eq!(judge(&good, (MFA, 10_000), b"[]").status(), StatusCode::BAD_REQUEST);
    }

    #[test]
    fn a_challenge_is_read_and_what_is_none_asks_for_nothing() {
        let of = |header: &str| StepUp::of(&challenge(StatusCode::UNAUTHORIZED, header, ""));
        let insufficient = r#"Bearer error="insufficient_user_authentication""#;
        assert_eq!(of(insufficient), Some(StepUp::default()));
        let escaped = format!(
            r#"{insufficient} , error_description="say \"yes\", please", ACR_VALUES="a b", max_age="0""#
        );
        assert_eq!(of(&escaped), Some(StepUp { acr_values: Some("a b".to_owned()), max_age: Some(0) }));
        for other in [
            "Bearer",
            r#"Bearer error="invalid_token""#,
            r#"Basic error="insufficient_user_authentication""#,
            r#"Bearer error="insufficient_user_authentication", max_age="soon""#,
            r#"Bearer error="insufficient_user_authentication", acr_values="a"#,
            r#"Bearer error="insufficient_user_authentication" acr_values="a""#,
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn what_is_asked_for_becomes_a_request() {
        let step_up = StepUp { acr_values: Some("a b".to_owned()), max_age: Some(0) };
        let scope = ["openid", "email"].map(str::to_owned);
        assert_eq!(step_up.query(&scope), "scope=openid&scope=email&acr_values=a+b&max_age=0");
    }
}
