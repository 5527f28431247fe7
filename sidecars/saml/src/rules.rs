//! Which assertions hold here and now (RFC 7522 section 3).

use placet_sdk::{
    Instant,
    decision::{AuthnStatement, Saml2Conditions, SubjectConfirmation},
};

use crate::{
    assertion::{Assertion, Confirmation, Time},
    names::BEARER,
    refusal::{Reason, Refusal, shown},
};

/// What an assertion is measured by.
pub(crate) struct Measure<'a> {
    /// Names of this server; every audience restriction must name the same one of them.
    pub(crate) audience: &'a [String],
    /// The token endpoint.
    pub(crate) recipient: &'a str,
    /// Clocks may differ by so many seconds.
    pub(crate) skew: i64,
    /// The longest life, in seconds.
    pub(crate) max_lifetime: i64,
    /// Whether an `Address` in a confirmation is passed over (RFC 7522 section 3 leaves it to the server).
    pub(crate) ignore_address: bool,
    /// The time of day.
    pub(crate) now: Instant,
}

/// What is left of an assertion that holds.
pub(crate) struct Holding {
    pub(crate) conditions: Saml2Conditions,
    pub(crate) confirmations: Vec<SubjectConfirmation>,
    pub(crate) authn: Vec<AuthnStatement>,
}

impl Measure<'_> {
    /// Holds an assertion to every rule.
    pub(crate) fn apply(&self, assertion: &Assertion) -> Result<Holding, Refusal> {
        let conditions = &assertion.conditions;
        let audiences = self.audiences(&conditions.restrictions)?;
        if self.is_ahead(assertion.issued_at) {
            return Err(Refusal::new(Reason::IssuedInFuture, "the assertion was issued in the future"));
        }
        if conditions.not_before.is_some_and(|from| self.is_ahead(from)) {
            return Err(Refusal::new(Reason::NotYetValid, "the assertion is not valid yet"));
        }
        if conditions.not_on_or_after.is_some_and(|until| self.is_over(until)) {
            return Err(Refusal::new(Reason::Expired, "the assertion has expired"));
        }
        let confirmations = self.confirmations(&assertion.confirmations)?;
        self.check_lifetime(assertion, &confirmations)?;
        Ok(Holding {
            conditions: Saml2Conditions {
                not_before: conditions.not_before.map(Time::ceil),
                not_on_or_after: conditions.not_on_or_after.map(Time::floor),
                audiences,
                one_time_use: conditions.one_time_use,
            },
            confirmations,
            authn: self.authentications(assertion)?,
        })
    }

    /// Whether an instant is in the future, even by a clock that is ahead.
    fn is_ahead(&self, time: Time) -> bool {
        time.ceil() > self.now.plus(self.skew)
    }

    /// Whether a period that ends there is over, even by a clock that is behind.
    fn is_over(&self, end: Time) -> bool {
        end.floor() <= self.now.plus(-self.skew)
    }

    /// The audiences that all restrictions name; one of them must be this server.
    fn audiences(&self, restrictions: &[Vec<String>]) -> Result<Vec<String>, Refusal> {
        let refuse = |detail: String| Refusal::new(Reason::Audience, detail);
        let (first, others) = restrictions
            .split_first()
            .ok_or_else(|| refuse("the assertion has no AudienceRestriction".to_owned()))?;
        let mut common = first.clone();
        common.retain(|audience| others.iter().all(|other| other.contains(audience)));
        if common.iter().any(|audience| self.audience.contains(audience)) {
            return Ok(common);
        }
        let wanted = self.audience.first().map(|name| shown(name)).unwrap_or_default();
        Err(refuse(format!("the assertion is not meant for this server: an audience must be {wanted}")))
    }

    fn confirmations(&self, all: &[Confirmation]) -> Result<Vec<SubjectConfirmation>, Refusal> {
        let mut why = "there is none of the method bearer".to_owned();
        let mut holding = Vec::new();
        for confirmation in all.iter().filter(|c| c.method == BEARER) {
            match self.confirm(confirmation) {
                Ok(holds) => holding.push(holds),
                Err(reason) => why = reason,
            }
        }
        if holding.is_empty() {
            return Err(Refusal::new(Reason::Confirmation, format!("no subject confirmation holds: {why}")));
        }
        Ok(holding)
    }

    fn confirm(&self, confirmation: &Confirmation) -> Result<SubjectConfirmation, String> {
        let refuse = |why: &str| Err(why.to_owned());
        if confirmation.names_somebody {
            return refuse("it is for somebody named in it, and nobody can tell who came");
        }
        let Some(data) = &confirmation.data else {
            return refuse("it has no SubjectConfirmationData");
        };
        if data.demands_more || (data.address.is_some() && !self.ignore_address) {
            return refuse("it demands something that cannot be checked");
        }
        if data.not_before.is_some() {
            return refuse("a bearer confirmation must have no NotBefore");
        }
        if data.recipient.as_deref() != Some(self.recipient) {
            return Err(format!("its Recipient must be {}", shown(self.recipient)));
        }
        let Some(until) = data.not_on_or_after else {
            return refuse("it has no NotOnOrAfter");
        };
        if self.is_over(until) {
            return refuse("it has expired");
        }
        Ok(SubjectConfirmation {
            method: confirmation.method.clone(),
            recipient: data.recipient.clone(),
            not_on_or_after: Some(until.floor()),
        })
    }

    /// From its issue until nothing of it can be used any more.
    fn check_lifetime(&self, assertion: &Assertion, holding: &[SubjectConfirmation]) -> Result<(), Refusal> {
        let confirmed = holding.iter().filter_map(|c| c.not_on_or_after).max();
        let stated = assertion.conditions.not_on_or_after.map(Time::floor);
        let end = confirmed.into_iter().chain(stated).min();
        if end.is_none_or(|end| end > assertion.issued_at.floor().plus(self.max_lifetime)) {
            let longest = self.max_lifetime;
            return Err(Refusal::new(
                Reason::Lifetime,
                format!("the assertion may be used for longer than {longest} seconds after it was issued"),
            ));
        }
        Ok(())
    }

    fn authentications(&self, assertion: &Assertion) -> Result<Vec<AuthnStatement>, Refusal> {
        let mut all = Vec::new();
        for authentication in &assertion.authentications {
            if self.is_ahead(authentication.instant) {
                return Err(Refusal::new(
                    Reason::InvalidAssertion,
                    "the assertion is not taken: an authentication lies in the future",
                ));
            }
            if authentication.session_not_on_or_after.is_some_and(|end| self.is_over(end)) {
                return Err(Refusal::new(Reason::SessionEnded, "the session at the issuer has ended"));
            }
            all.push(AuthnStatement {
                instant: authentication.instant.floor(),
                session_index: authentication.session_index.clone(),
                class_ref: authentication.class_ref.clone(),
            });
        }
        Ok(all)
    }
}
