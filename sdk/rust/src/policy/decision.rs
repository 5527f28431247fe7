//! The answer of a policy, as it is built.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use serde::Serialize;
use serde_json::Value;

use super::{
    hooks::{
        Hook, SetsCiba, SetsClaims, SetsClient, SetsConsent, SetsDemand, SetsDevice, SetsIntrospection,
        SetsLogout, SetsSaml2, SetsSession, SetsTokenResponse,
    },
    question::Question,
};
use crate::{
    decision::{
        self, CacheHint, Challenge, DecidedBy, DeviceProposal, PolicyError, Reason, Saml2BearerSection,
        SessionProposal, Verdict, difference,
    },
    grant::Object,
};

/// The answer to a request of type `H`: an allow, a denial or a challenge.
///
/// An allow begins with what the server proposes, and each method changes what it names; only the differences are
/// sent. Nothing is cut to the limits silently: what exceeds them is a failure of the policy. Of a denial or a
/// challenge, the methods that set something change nothing.
#[must_use = "an answer that is not returned decides nothing"]
pub struct Decision<H> {
    said: Said,
    reason: Option<Reason>,
    tags: BTreeMap<String, String>,
    policy: Option<DecidedBy>,
    cache: Option<CacheHint>,
    hook: PhantomData<fn() -> H>,
}

#[derive(Debug)]
enum Said {
    Allow { proposed: Object, result: Object },
    Deny(PolicyError),
    Challenge(Challenge),
    NotImplemented,
    Unavailable,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// The policy does not decide that.
    NotImplemented,
    /// The policy cannot decide now.
    Unavailable,
}

impl<H: Hook> fmt::Debug for Decision<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decision").field("type", &H::TYPE).field("said", &self.said).finish_non_exhaustive()
    }
}

impl<H> Decision<H> {
    fn new(said: Said) -> Self {
        let tags = BTreeMap::new();
        Self { said, reason: None, tags, policy: None, cache: None, hook: PhantomData }
    }

    /// A denial: `code` is one that [`decision::HookType::error_codes`] has, `description` is for the client's
    /// developer, in printable ASCII without `"` and `\` (RFC 6749 section 5.2); empty means none.
    pub fn deny(code: impl Into<String>, description: impl Into<String>) -> Self {
        let description = Some(description.into()).filter(|text| !text.is_empty());
        Self::new(Said::Deny(PolicyError { code: code.into(), description, uri: None }))
    }

    pub(super) fn challenge_with(challenge: Challenge) -> Self {
        Self::new(Said::Challenge(challenge))
    }

    pub(super) fn allow_of(question: &Question) -> Self {
        let proposed = question.proposed();
        Self::new(Said::Allow { result: proposed.clone(), proposed })
    }

    /// No answer: what the policy depends on does not answer itself. The sidecar answers 503, and the server does what
    /// the registration says of failures; nothing is decided.
    pub fn unavailable() -> Self {
        Self::new(Said::Unavailable)
    }

    pub(super) fn not_implemented() -> Self {
        Self::new(Said::NotImplemented)
    }

    /// Sets the member of the result at a JSON Pointer (`/grant/access_token/lifetime`); null removes it.
    pub fn set(mut self, pointer: &str, value: impl Serialize) -> Self {
        let Said::Allow { result, .. } = &mut self.said else { return self };
        let mut names =
            pointer.trim_start_matches('/').split('/').map(|n| n.replace("~1", "/").replace("~0", "~"));
        let Some(last) = names.next_back() else { return self };
        let value = serde_json::to_value(value).unwrap_or(Value::Null);
        let mut at = result;
        for name in names {
            let inner = at.entry(name).or_insert_with(|| Value::Object(Object::new()));
            if !inner.is_object() {
                *inner = Value::Object(Object::new());
            }
            let Value::Object(inner) = inner else { return self };
            at = inner;
        }
        if value.is_null() {
            at.remove(&last);
        } else {
            at.insert(last, value);
        }
        self
    }

    /// What is proposed at a JSON Pointer.
    pub(super) fn proposed(&self, pointer: &str) -> Option<&Value> {
        let Said::Allow { proposed, .. } = &self.said else { return None };
        let (section, rest) = pointer.strip_prefix('/')?.split_once('/')?;
        proposed.get(section)?.pointer(&format!("/{rest}"))
    }

    /// Sets a member of an object whose names are no part of a contract.
    pub(super) fn put(self, object: &str, name: &str, value: impl Serialize) -> Self {
        let name = name.replace('~', "~0").replace('/', "~1");
        self.set(&format!("{object}/{name}"), value)
    }

    /// Sets the members that the value has, and leaves the others.
    pub(super) fn merge(self, pointer: &str, members: impl Serialize) -> Self {
        let Ok(Value::Object(members)) = serde_json::to_value(members) else { return self };
        members.into_iter().fold(self, |answer, (name, value)| answer.put(pointer, &name, value))
    }

    /// Why: a short stable word, for the decision log alone.
    pub fn reason(mut self, code: impl Into<String>) -> Self {
        let detail = self.reason.and_then(|reason| reason.detail);
        self.reason = Some(Reason { code: code.into(), detail });
        self
    }

    /// Why, as a sentence; goes with [`Self::reason`].
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        let code = self.reason.map_or_else(|| "unspecified".to_owned(), |reason| reason.code);
        self.reason = Some(Reason { code, detail: Some(detail.into()) });
        self
    }

    /// A label for log and metrics; there are at most 16.
    pub fn tag(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.insert(name.into(), value.into());
        self
    }

    /// The server may use the answer again for so many seconds, if its operator agrees.
    pub fn cache_secs(mut self, seconds: u32) -> Self {
        let stale_if_error = self.cache.and_then(|cache| cache.stale_if_error);
        self.cache = Some(CacheHint { max_age: seconds, stale_if_error });
        self
    }

    /// While the sidecar fails, the server may use the answer for so many seconds more; goes with
    /// [`Self::cache_secs`].
    pub fn stale_if_error_secs(mut self, seconds: u32) -> Self {
        let max_age = self.cache.map_or(0, |cache| cache.max_age);
        self.cache = Some(CacheHint { max_age, stale_if_error: Some(seconds) });
        self
    }

    /// What decided, if it is not what the sidecar describes itself as.
    pub fn policy(mut self, name: impl Into<String>, version: impl Into<String>) -> Self {
        self.policy = Some(DecidedBy { name: name.into(), version: version.into() });
        self
    }

    /// A page about the error of a denial.
    pub fn error_uri(mut self, uri: impl Into<String>) -> Self {
        if let Said::Deny(error) = &mut self.said {
            error.uri = Some(uri.into());
        }
        self
    }

    /// The answer as it is sent.
    pub(super) fn finish(self, id: String) -> Result<decision::Decision, Unanswered> {
        let (verdict, set, error, challenge) = match self.said {
            Said::Allow { proposed, result } => {
                let patch = difference(&proposed, &result);
                (Verdict::Allow, Some(patch).filter(|patch| !patch.is_empty()), None, None)
            }
            Said::Deny(error) => (Verdict::Deny, None, Some(error), None),
            Said::Challenge(challenge) => (Verdict::Challenge, None, None, Some(challenge)),
            Said::NotImplemented => return Err(Unanswered::NotImplemented),
            Said::Unavailable => return Err(Unanswered::Unavailable),
        };
        Ok(decision::Decision {
            id,
            decision: verdict,
            set,
            error,
            challenge,
            reason: self.reason,
            tags: self.tags,
            policy: self.policy,
            cache: self.cache,
        })
    }
}

impl<H: SetsClaims> Decision<H> {
    /// Gives the value of a claim that the limits name.
    pub fn claim(self, name: &str, value: impl Serialize) -> Self {
        self.put("/claims", name, value)
    }
}

impl<H: SetsDemand> Decision<H> {
    /// The user has to reach one of these authentication context classes, best first.
    pub fn demand_acr(self, values: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let values: Vec<String> = values.into_iter().map(Into::into).collect();
        self.set("/demand/acr_values", values).set("/demand/acr_essential", true)
    }

    /// The user has authenticated at most so many seconds ago.
    pub fn demand_max_age(self, seconds: u64) -> Self {
        self.set("/demand/max_age", seconds)
    }

    /// A session does not count: the user has to authenticate now.
    pub fn force_auth(self) -> Self {
        self.set("/demand/force_auth", true)
    }

    /// The login app that asks the user.
    pub fn ui(self, name: &str) -> Self {
        self.set("/demand/ui", name)
    }
}

impl<H: SetsConsent> Decision<H> {
    /// The user is asked for consent, even to what was consented to before.
    pub fn ask_consent(self) -> Self {
        self.set("/consent/ask", true)
    }
}

impl<H: SetsSession> Decision<H> {
    /// How long the session lives; what is absent stays as proposed.
    pub fn session(self, session: SessionProposal) -> Self {
        self.merge("/session", session)
    }
}

impl<H: SetsDevice> Decision<H> {
    /// How long the device's codes live, and how often it may poll, in seconds.
    pub fn device(self, device: DeviceProposal) -> Self {
        self.set("/device", device)
    }
}

impl<H: SetsCiba> Decision<H> {
    /// The user whom the hint means.
    pub fn user(self, sub: &str) -> Self {
        self.set("/ciba/sub", sub)
    }

    /// How the user is reached, for the login app.
    pub fn channel(self, name: &str, value: impl Serialize) -> Self {
        self.put("/ciba/channel", name, value)
    }

    /// How long the request lives, in seconds.
    pub fn expires_in(self, seconds: u32) -> Self {
        self.set("/ciba/expires_in", seconds)
    }
}

impl<H: SetsLogout> Decision<H> {
    /// Whether the user has to confirm.
    pub fn confirm(self, confirm: bool) -> Self {
        self.set("/logout/confirm", confirm)
    }
}

impl<H: SetsClient> Decision<H> {
    /// Sets a member of the client's metadata (RFC 7591 section 2); null removes it.
    pub fn metadata(self, name: &str, value: impl Serialize) -> Self {
        self.put("/client", name, value)
    }
}

impl<H: SetsIntrospection> Decision<H> {
    /// Sets a member of the introspection response; null removes it.
    pub fn member(self, name: &str, value: impl Serialize) -> Self {
        self.put("/introspection", name, value)
    }
}

impl<H: SetsTokenResponse> Decision<H> {
    /// Adds a member to the token endpoint's answer.
    pub fn response_member(self, name: &str, value: impl Serialize) -> Self {
        self.put("/token_response", name, value)
    }
}

impl<H: SetsSaml2> Decision<H> {
    /// The facts of the assertion, verified.
    pub fn facts(self, facts: Saml2BearerSection) -> Self {
        self.set("/saml2_bearer", facts)
    }
}
