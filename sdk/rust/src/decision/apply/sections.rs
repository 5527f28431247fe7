//! The limits of the sections that are neither grant nor claims.

use serde_json::Value;

use super::{
    super::{
        assertion::Saml2BearerSection,
        json::below,
        limits::{CibaLimits, ClientLimits, DemandLimits, DeviceLimits, Limits, ObjectLimits, SessionLimits},
        proposal::{CibaProposal, DemandProposal, DeviceProposal, Proposal, SessionProposal},
        violation::Violation,
    },
    grant::subject,
    rules::{changed, member, quoted, size, unstated},
};
use crate::grant::Object;

type Checked = Result<(), Violation>;

pub(super) fn check(old: &Proposal, new: &Proposal, limits: &Limits) -> Checked {
    if old.demand != new.demand {
        let limits = limits.demand.as_ref().ok_or_else(|| unstated("demand"))?;
        demand(&old.demand.clone().unwrap_or_default(), &new.demand.clone().unwrap_or_default(), limits)?;
    }
    if old.consent != new.consent {
        let limits = limits.consent.ok_or_else(|| unstated("consent"))?;
        let (old, new) = (old.consent.unwrap_or_default(), new.consent.unwrap_or_default());
        member("/consent/ask", Some(&old.ask), Some(&new.ask)).only_on_if(limits.ask)?;
    }
    if old.session != new.session {
        let limits = limits.session.ok_or_else(|| unstated("session"))?;
        session(old.session.unwrap_or_default(), new.session.unwrap_or_default(), limits)?;
    }
    if old.device != new.device {
        let limits = limits.device.as_ref().ok_or_else(|| unstated("device"))?;
        device(old.device, new.device.unwrap_or_default(), limits)?;
    }
    if old.ciba != new.ciba {
        let limits = limits.ciba.as_ref().ok_or_else(|| unstated("ciba"))?;
        ciba(old.ciba.as_ref(), &new.ciba.clone().unwrap_or_default(), limits)?;
    }
    if old.logout != new.logout {
        let limits = limits.logout.ok_or_else(|| unstated("logout"))?;
        let confirm = new.logout.unwrap_or_default().confirm;
        let before = old.logout.is_none_or(|logout| logout.confirm);
        if before && !confirm && !limits.skip_confirm {
            return Err(Violation::limit("/logout/confirm", "this cannot be switched off"));
        }
    }
    if old.client != new.client {
        let limits = limits.client.as_ref().ok_or_else(|| unstated("client"))?;
        client(&old.client.clone().unwrap_or_default(), &new.client.clone().unwrap_or_default(), limits)?;
    }
    if old.saml2_bearer != new.saml2_bearer {
        let limits = limits.saml2_bearer.as_ref().ok_or_else(|| unstated("saml2_bearer"))?;
        saml2_bearer(old.saml2_bearer.as_ref(), new.saml2_bearer.as_ref(), limits)?;
    }
    Ok(())
}

/// A demand is only ever raised.
fn demand(old: &DemandProposal, new: &DemandProposal, limits: &DemandLimits) -> Checked {
    let values = member("/demand/acr_values", Some(&old.acr_values), Some(&new.acr_values));
    if !limits.acr_values.is_empty() {
        values.among(&limits.acr_values, |value| quoted(value))?;
    }
    if !old.acr_values.is_empty() && new.acr_values.is_empty() {
        return Err(Violation::limit("/demand/acr_values", "the demand cannot be lifted"));
    }
    member("/demand/acr_essential", Some(&old.acr_essential), Some(&new.acr_essential)).only_on_if(true)?;
    if old.max_age != new.max_age {
        let ceiling = old.max_age.into_iter().chain(limits.max_age).min();
        match (new.max_age, ceiling) {
            (None, _) => return Err(Violation::limit("/demand/max_age", "this cannot be removed")),
            (Some(new), Some(ceiling)) if new > ceiling => {
                return Err(Violation::limit("/demand/max_age", format!("this is at most {ceiling}")));
            }
            _ => {}
        }
    }
    member("/demand/force_auth", Some(&old.force_auth), Some(&new.force_auth)).only_on_if(true)?;
    member("/demand/ui", old.ui.as_ref(), new.ui.as_ref()).one_of(&limits.uis)
}

fn session(old: SessionProposal, new: SessionProposal, limits: SessionLimits) -> Checked {
    member("/session/max_life", old.max_life.as_ref(), new.max_life.as_ref()).lasts(limits.max_life)?;
    member("/session/max_idle", old.max_idle.as_ref(), new.max_idle.as_ref()).lasts(limits.max_idle)?;
    member("/session/auth_life", old.auth_life.as_ref(), new.auth_life.as_ref()).lasts(limits.auth_life)
}

fn device(old: Option<DeviceProposal>, new: DeviceProposal, limits: &DeviceLimits) -> Checked {
    let old = old.as_ref();
    member("/device/expires_in", old.map(|d| &d.expires_in), Some(&new.expires_in))
        .lasts(limits.max_expires_in)?;
    member("/device/interval", old.map(|d| &d.interval), Some(&new.interval)).no_less(limits.min_interval)
}

fn ciba(old: Option<&CibaProposal>, new: &CibaProposal, limits: &CibaLimits) -> Checked {
    let sub = old.and_then(|ciba| ciba.sub.as_deref());
    member("/ciba/sub", sub, new.sub.as_deref()).free(limits.sub)?;
    if sub != new.sub.as_deref() {
        subject("/ciba/sub", new.sub.as_deref())?;
    }
    member("/ciba/expires_in", old.map(|c| &c.expires_in), Some(&new.expires_in))
        .lasts(limits.max_expires_in)?;
    member("/ciba/interval", old.map(|c| &c.interval), Some(&new.interval)).no_less(limits.min_interval)?;
    let nothing = Object::new();
    let channel = old.map_or(&nothing, |ciba| &ciba.channel);
    member("/ciba/channel", Some(channel), Some(&new.channel)).sized(limits.max_channel_bytes)
}

/// Metadata of a client, as RFC 7591 names it. The server checks the result like any registration.
fn client(old: &Object, new: &Object, limits: &ClientLimits) -> Checked {
    for name in changed(old, new) {
        let pointer = below("/client", name);
        if !limits.members.contains(name) {
            return Err(Violation::limit(&pointer, "this member cannot be set"));
        }
        match (name.as_str(), new.get(name)) {
            ("grant_types", Some(Value::Array(types))) => {
                for one in types {
                    if !one.as_str().is_some_and(|one| limits.grant_types.iter().any(|t| t == one)) {
                        let detail = format!("{} is not among what is allowed", quoted(one));
                        return Err(Violation::limit(&pointer, detail));
                    }
                }
            }
            // Without it, the default of RFC 7591 section 2 counts.
            ("grant_types", None) if limits.grant_types.iter().any(|t| t == "authorization_code") => {}
            ("grant_types", None) => return Err(Violation::limit(&pointer, "this cannot be removed")),
            ("grant_types", _) => return Err(Violation::schema(&pointer, "this is a list of strings")),
            ("scope", value) => scope(&pointer, value, limits.scope.as_deref())?,
            _ => {}
        }
    }
    Ok(())
}

/// A scope as tokens have it: one string, values separated by spaces.
pub(super) fn scope(pointer: &str, value: Option<&Value>, allowed: Option<&[String]>) -> Checked {
    let Some(allowed) = allowed else { return Ok(()) };
    let Some(value) = value else { return Err(Violation::limit(pointer, "this cannot be removed")) };
    let Some(text) = value.as_str() else { return Err(Violation::schema(pointer, "this is a string")) };
    match text.split(' ').find(|one| !one.is_empty() && !allowed.iter().any(|allowed| allowed == one)) {
        Some(one) => Err(Violation::limit(pointer, format!("{} is not among what is allowed", quoted(one)))),
        None => Ok(()),
    }
}

fn saml2_bearer(
    old: Option<&Saml2BearerSection>,
    new: Option<&Saml2BearerSection>,
    limits: &ObjectLimits,
) -> Checked {
    let object = |section: Option<&Saml2BearerSection>| match serde_json::to_value(section) {
        Ok(Value::Object(members)) => members,
        _ => Object::new(),
    };
    let (before, after) = (object(old), object(new));
    if let Some(name) = changed(&before, &after).find(|name| limits.reserved.contains(name)) {
        return Err(Violation::limit(&below("/saml2_bearer", name), "this member cannot be set"));
    }
    // Only the server knows which assertions it has seen.
    if new.is_some_and(|new| new.verified.replay_checked) {
        let pointer = "/saml2_bearer/verified/replay_checked";
        return Err(Violation::limit(pointer, "the server alone sets this"));
    }
    size("/saml2_bearer", &after, limits.max_bytes)
}
