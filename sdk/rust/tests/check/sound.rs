//! A policy that holds the contract, and the secrets of the tests.

use placet_sdk::{
    Instant,
    decision::HookType,
    policy::{ClaimsSource, Decision, Description, Password, Policy, Secret, TokenExchange},
};

pub(crate) const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
pub(crate) const RESPONSE: &str = "whsec_HxweHRobGBkWFxQVEhMQEQ4PDA0KCwgJBgcEBQIDAAE=";

pub(crate) fn secret(text: &str) -> Secret {
    text.parse().unwrap()
}

#[expect(clippy::disallowed_methods, reason = "the sidecar looks at the real clock too")]
pub(crate) fn now() -> Instant {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Instant(i64::try_from(since.as_secs()).unwrap())
}

pub(crate) struct Sound;

impl Policy for Sound {
    fn describe(&self) -> Description {
        Description::new("sound", "7")
            .needs(HookType::ClaimsSource, ["/subject"])
            .returns(HookType::ClaimsSource, ["/claims"])
    }

    async fn token_exchange(&self, x: TokenExchange) -> Decision<TokenExchange> {
        let Some(actor) = x.actor() else { return x.deny("invalid_request", "actor_token required") };
        let scope = x.limits().scope_where(|value| value.starts_with('o'));
        if scope.is_empty() {
            return x.deny("invalid_scope", "nothing to delegate");
        }
        x.allow().scope(scope).shorten_access_token(120).require_sender_constraint().tag("actor", &actor.sub)
    }

    async fn password(&self, x: Password) -> Decision<Password> {
        if x.section().username == "alice" {
            x.allow().sub("alice").no_refresh_token()
        } else {
            x.deny("invalid_grant", "no such user")
        }
    }

    async fn claims_source(&self, x: ClaimsSource) -> Decision<ClaimsSource> {
        let owned = x.limits().claims.clone().unwrap_or_default().names;
        match x.subject() {
            Some(subject) if owned.iter().any(|name| name == "email") => {
                x.allow().claim("email", format!("{}@example.com", subject.sub)).cache_secs(60)
            }
            _ => x.allow(),
        }
    }
}
