//! What an answer leads to.

use placet_sdk::{
    Instant,
    grant::{Grant, GrantedClaims},
    interaction::{
        AccountMode, Answer, AuthAnswer, AuthPrompt, AuthReason, Body, ClaimTarget, ConsentAnswer,
        ConsentPrompt, DenyAnswer, ErrorPrompt, Kind, SessionAction, SessionInfo,
    },
};
use serde_json::Value;

use super::{Answered, Denied, Judged, Run, digest};
use crate::{
    problem::{Outcome, problem},
    random,
};

/// How long a session of the mock lasts, in seconds.
const SESSION: i64 = 12 * 3600;

/// What becomes of the step.
enum Fate {
    /// It is done.
    Done,
    /// It is asked again: the answer did not meet the demand, in these words.
    Again(Vec<String>),
    /// It was the last one.
    End,
}

impl Run {
    /// Records an answer that was found to be one, and goes on.
    pub(super) fn take(&mut self, answer: Answer, raw: &[u8], now: Instant) -> Outcome<()> {
        let given: Value = serde_json::from_slice(raw).unwrap_or_default();
        let (number, facts, prompt) = (self.prompt.step, self.facts.clone(), self.prompt.clone());
        let at = self.at;
        let fate = self.apply(answer, now);
        let mut judged = Judged::new(prompt, given);
        match fate {
            Fate::Done | Fate::End => {
                judged.differences = self.scenario.differences(at, &judged.answer, &facts);
                self.at += 1;
                self.advance(number + 1, now).map_err(|e| problem(500, "invalid_request", &e))?;
            }
            Fate::Again(short) => {
                judged.short = short;
                let mut prompt = self.prompt.clone();
                self.envelope(&mut prompt, number + 1, now);
                self.prompt = prompt;
            }
        }
        self.judged.push(judged);
        let answered = Answered { step: number, digest: digest(raw), prompt: self.prompt.clone() };
        self.history.push(answered);
        Ok(())
    }

    fn apply(&mut self, answer: Answer, now: Instant) -> Fate {
        match (answer, self.prompt.body.clone()) {
            (Answer::Deny(denial), _) => self.deny(&denial),
            (Answer::Auth(answer), Body::Auth { auth }) => self.sign_in(&auth, answer, now),
            (Answer::Consent(answer), Body::Consent { consent }) => {
                self.granted = Some(granted(&consent, *answer));
                Fate::Done
            }
            (Answer::Confirm(answer), Body::Confirm { confirm }) => {
                if answer.accepted {
                    self.logout = answer.scope.or(confirm.default);
                    Fate::Done
                } else {
                    self.deny(&DenyAnswer::default())
                }
            }
            (Answer::UserCode(answer), Body::UserCode { user_code }) => {
                self.code(&answer.user_code, user_code.attempts_left)
            }
            _ => Fate::Done,
        }
    }

    fn deny(&mut self, denial: &DenyAnswer) -> Fate {
        // A declined logout ends nothing and still goes back.
        self.logout = None;
        if self.scenario.kind == Kind::Logout {
            self.at = self.scenario.steps.len();
            return Fate::End;
        }
        let description = denial.error_description.as_deref().unwrap_or("the user declined the request");
        self.denied = Some(Denied {
            error: denial.error.map_or("access_denied", |error| error.code()).to_owned(),
            description: description.to_owned(),
        });
        Fate::End
    }

    fn sign_in(&mut self, demand: &AuthPrompt, answer: AuthAnswer, now: Instant) -> Fate {
        let at = answer.authenticated_at.unwrap_or(now).min(now);
        let short = shortfall(demand, &answer, at, now);
        if !short.is_empty() {
            let mut again = demand.clone();
            again.attempt += 1;
            again.reasons = vec![AuthReason::AnswerInsufficient];
            again.reasons.extend(short.iter().map(|(reason, _)| *reason));
            self.prompt.body = Body::Auth { auth: again };
            return Fate::Again(short.into_iter().map(|(_, words)| words).collect());
        }
        self.facts.sub.clone_from(&answer.sub);
        let id = match answer.session.action {
            SessionAction::Reuse => answer.session.id,
            SessionAction::Create => Some(random::id("ses_")),
            SessionAction::None => None,
        };
        self.session = id.map(|id| SessionInfo {
            id,
            sub: answer.sub,
            created_at: Some(now),
            authenticated_at: at,
            acr: answer.acr,
            amr: answer.amr,
            last_used_at: Some(now),
            expires_at: Some(now.plus(answer.session.max_life.map_or(SESSION, i64::from))),
            data: answer.session.data,
        });
        Fate::Done
    }

    /// Case and separators do not matter.
    fn code(&mut self, typed: &str, left: u32) -> Fate {
        let plain = |code: &str| -> String {
            code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
        };
        let right = self.scenario.steps.get(self.at).map(|step| step.accepts.as_slice()).unwrap_or_default();
        if right.is_empty() || right.iter().any(|code| plain(code) == plain(typed)) {
            return Fate::Done;
        }
        let short = vec!["the code is wrong".to_owned()];
        self.prompt.body = match left.saturating_sub(1) {
            0 => Body::Error {
                error: ErrorPrompt {
                    error: "access_denied".to_owned(),
                    error_description: "too many wrong codes".to_owned(),
                    retryable: true,
                },
            },
            left => {
                Body::UserCode { user_code: placet_sdk::interaction::UserCodePrompt { attempts_left: left } }
            }
        };
        Fate::Again(short)
    }
}

/// Where an authentication falls short of the demand.
fn shortfall(
    demand: &AuthPrompt,
    answer: &AuthAnswer,
    at: Instant,
    now: Instant,
) -> Vec<(AuthReason, String)> {
    let mut short = Vec::new();
    let fixed = demand.account.sub.as_deref().filter(|_| demand.account.mode == AccountMode::Fixed);
    if let Some(sub) = fixed.filter(|sub| *sub != answer.sub) {
        short.push((AuthReason::SubjectMismatch, format!("the user has to be `{sub}`")));
    }
    if let Some(acr) = demand.acr.as_ref().filter(|acr| acr.essential)
        && !answer.acr.as_ref().is_some_and(|given| acr.values.contains(given))
    {
        let words = format!("`acr` has to be one of {}", acr.values.join(", "));
        short.push((AuthReason::AcrInsufficient, words));
    }
    let wanted = demand.amr.iter().flat_map(|amr| &amr.values);
    let missing: Vec<&str> = wanted.filter(|one| !answer.amr.contains(one)).map(String::as_str).collect();
    if !missing.is_empty() {
        short.push((AuthReason::AmrInsufficient, format!("`amr` lacks {}", missing.join(", "))));
    }
    let oldest = demand.max_age.and_then(|age| i64::try_from(age).ok()).map(|age| now.plus(-age));
    if demand.not_before.into_iter().chain(oldest).any(|least| at < least) {
        short.push((AuthReason::MaxAgeExceeded, "`authenticated_at` is too long ago".to_owned()));
    }
    short
}

/// What a consent grants.
fn granted(offered: &ConsentPrompt, answer: ConsentAnswer) -> Grant {
    let mut grant = answer.grant.unwrap_or_default();
    if answer.accept_all == Some(true) {
        let allowed = |value: &str| value != "offline_access" || offered.offline.allowed;
        let values = offered.scope.iter().map(|item| item.value.clone());
        grant.scope = Some(values.filter(|value| allowed(value)).collect());
        let claims = |target| {
            let listed = offered.claims.iter().filter(|claim| claim.targets.contains(&target));
            let names: Vec<String> = listed.map(|claim| claim.name.clone()).collect();
            (!names.is_empty()).then_some(names)
        };
        grant.claims = Some(GrantedClaims {
            id_token: claims(ClaimTarget::IdToken),
            userinfo: claims(ClaimTarget::Userinfo),
            access_token: claims(ClaimTarget::AccessToken),
        });
    }
    // `openid` makes it an OpenID request: it cannot be declined, only the whole request can.
    if let Some(scope) = &mut grant.scope
        && offered.scope.iter().any(|item| item.value == "openid")
        && !scope.iter().any(|value| value == "openid")
    {
        scope.insert(0, "openid".to_owned());
    }
    grant
}
