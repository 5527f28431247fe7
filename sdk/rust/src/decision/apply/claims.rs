//! The limits of claims, of an introspection response, and of the token endpoint's answer.

use serde_json::Value;

use super::{
    super::{
        json::below,
        limits::{ClaimsLimits, IntrospectionLimits, Limits, ObjectLimits},
        proposal::Proposal,
        violation::Violation,
    },
    rules::{MAX_CLAIMS, Member, changed, is_reserved, quoted, size, unstated},
    sections::scope,
};
use crate::grant::Object;

/// What the token endpoint's answer has by the standards (RFC 6749 section 5, RFC 8693 section 2.2, RFC 9396 section
/// 7, OpenID Connect Core section 3.1.3.3, Native SSO): no policy writes it.
const TOKEN_RESPONSE: [&str; 12] = [
    "access_token",
    "token_type",
    "expires_in",
    "refresh_token",
    "scope",
    "id_token",
    "issued_token_type",
    "authorization_details",
    "device_secret",
    "error",
    "error_description",
    "error_uri",
];

type Checked = Result<(), Violation>;

pub(super) fn check(old: &Proposal, new: &Proposal, limits: &Limits) -> Checked {
    let reserved = limits.grant.as_ref().map_or(&[][..], |grant| &grant.reserved_claims);
    let object = |section: &Option<Object>| section.clone().unwrap_or_default();
    if old.claims != new.claims || old.claim_sources != new.claim_sources {
        let limits = limits.claims.as_ref().ok_or_else(|| unstated("claims"))?;
        let (claims, sources) = (object(&new.claims), object(&new.claim_sources));
        values(&object(&old.claims), &claims, limits, reserved)?;
        claim_sources(&object(&old.claim_sources), &sources, limits, reserved)?;
        let all = Object::from_iter([("c".to_owned(), claims.into()), ("s".to_owned(), sources.into())]);
        // What the two names and the braces around them take is not the policy's.
        size("/claims", &all, limits.max_bytes.saturating_add(15))?;
    }
    if old.introspection != new.introspection {
        let limits = limits.introspection.as_ref().ok_or_else(|| unstated("introspection"))?;
        introspection(&object(&old.introspection), &object(&new.introspection), limits)?;
    }
    if old.token_response != new.token_response {
        let limits = limits.token_response.as_ref().ok_or_else(|| unstated("token_response"))?;
        token_response(&object(&old.token_response), &object(&new.token_response), limits)?;
    }
    Ok(())
}

impl Member<'_, Vec<String>> {
    /// Names of claims, each covered by one that is allowed, and none twice.
    pub(super) fn covered(&self, allowed: &[String]) -> Checked {
        let Some(new) = self.replaced()? else { return Ok(()) };
        for (at, name) in new.iter().enumerate() {
            if !covers(allowed, name) || new[..at].contains(name) {
                let detail = format!("{} is not among what is allowed, or is there twice", quoted(name));
                return Err(Violation::limit(self.pointer(), detail));
            }
        }
        Ok(())
    }
}

/// A name covers itself, and itself with a language tag.
fn covers(allowed: &[String], name: &str) -> bool {
    let base = name.split('#').next().unwrap_or(name);
    allowed.iter().any(|one| one == name || one == base)
}

fn own_name(pointer: &str, name: &str, limits: &ClaimsLimits, reserved: &[String]) -> Checked {
    if is_reserved(name, reserved) {
        return Err(Violation::limit(&below(pointer, name), "the server alone writes this claim"));
    }
    if !covers(&limits.names, name) {
        return Err(Violation::limit(&below(pointer, name), "this claim is not among what is allowed"));
    }
    Ok(())
}

fn values(old: &Object, new: &Object, limits: &ClaimsLimits, reserved: &[String]) -> Checked {
    for name in changed(old, new) {
        own_name("/claims", name, limits, reserved)?;
    }
    if new.len() > MAX_CLAIMS {
        return Err(Violation::limit("/claims", format!("there are at most {MAX_CLAIMS} claims")));
    }
    Ok(())
}

/// Aggregated and distributed claims (OpenID Connect Core section 5.6.2).
fn claim_sources(old: &Object, new: &Object, limits: &ClaimsLimits, reserved: &[String]) -> Checked {
    for name in changed(old, new) {
        let pointer = below("/claim_sources", name);
        if !limits.claim_sources {
            return Err(Violation::limit(&pointer, "no sources of claims can be named here"));
        }
        let Some(source) = new.get(name) else { continue };
        let Some(source) = source.as_object() else {
            return Err(Violation::schema(&pointer, "this is an object"));
        };
        let known = ["claims", "jwt", "endpoint", "access_token"];
        if let Some(name) = source.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(Violation::schema(&below(&pointer, name), "this is not a member here"));
        }
        for (name, value) in source.iter().filter(|(name, _)| *name != "claims") {
            if !value.is_string() {
                return Err(Violation::schema(&below(&pointer, name), "this is a string"));
            }
        }
        // Aggregated: a JWT. Distributed: an endpoint, with or without a token for it.
        let jwt = source.contains_key("jwt");
        let endpoint = source.get("endpoint").and_then(Value::as_str);
        if jwt == endpoint.is_some() || (jwt && source.contains_key("access_token")) {
            return Err(Violation::schema(&pointer, "a source has either `jwt` or `endpoint`"));
        }
        if endpoint.is_some_and(|endpoint| !endpoint.starts_with("https://")) {
            return Err(Violation::schema(&below(&pointer, "endpoint"), "this is an https URL"));
        }
        let names = source.get("claims").and_then(Value::as_array).filter(|names| !names.is_empty());
        let Some(names) = names else {
            return Err(Violation::schema(&below(&pointer, "claims"), "this is a list of names"));
        };
        for name in names {
            let Some(name) = name.as_str() else {
                return Err(Violation::schema(&below(&pointer, "claims"), "this is a list of names"));
            };
            own_name(&below(&pointer, "claims"), name, limits, reserved)?;
        }
    }
    Ok(())
}

/// What the standard says of a token stays; to say that it is not active is a denial.
fn introspection(old: &Object, new: &Object, limits: &IntrospectionLimits) -> Checked {
    for name in changed(old, new) {
        let pointer = below("/introspection", name);
        if name == "active" || limits.reserved.contains(name) {
            return Err(Violation::limit(&pointer, "this stays as it is proposed"));
        }
        if name != "scope" && new.contains_key(name) && is_of_server(name) {
            return Err(Violation::limit(&pointer, "the server alone writes this; it can be taken away"));
        }
        if name == "scope" {
            scope(&pointer, new.get(name), Some(&limits.scope))?;
        }
    }
    size("/introspection", new, limits.max_bytes)
}

/// Resource servers rely on these: an `acr` that nobody reached would open what the authentication did not.
fn is_of_server(name: &str) -> bool {
    is_reserved(name, &[]) || name == "username"
}

fn token_response(old: &Object, new: &Object, limits: &ObjectLimits) -> Checked {
    for name in changed(old, new) {
        if TOKEN_RESPONSE.contains(&name.as_str()) || limits.reserved.contains(name) {
            return Err(Violation::limit(&below("/token_response", name), "the server alone writes this"));
        }
    }
    size("/token_response", new, limits.max_bytes)
}
