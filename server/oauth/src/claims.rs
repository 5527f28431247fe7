//! Which claims a client asks for (OpenID Connect Core sections 5.1, 5.4 and 5.5).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::error::OAuthError;

mod strict;

pub use strict::{strict_json, strict_json_bytes};

/// At most this many bytes in the parameter `claims`.
const MAX_BYTES: usize = 8 * 1024;

/// The claims about a user that OpenID Connect Core section 5.1 defines.
pub const STANDARD_CLAIMS: [&str; 20] = [
    "sub",
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "email",
    "email_verified",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
    "phone_number_verified",
    "address",
    "updated_at",
];

/// The claims that one scope value asks for (OpenID Connect Core section 5.4); none for every other scope value.
pub fn scope_claims(scope: &str) -> &'static [&'static str] {
    match scope {
        "profile" => &[
            "name",
            "family_name",
            "given_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        ],
        "email" => &["email", "email_verified"],
        "address" => &["address"],
        "phone" => &["phone_number", "phone_number_verified"],
        _ => &[],
    }
}

/// The request parameter `claims` (OpenID Connect Core section 5.5).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClaimsRequest {
    /// The claims to return from the UserInfo endpoint.
    #[serde(deserialize_with = "null_as_default")]
    pub userinfo: BTreeMap<String, ClaimDemand>,
    /// The claims to return in the ID token.
    #[serde(deserialize_with = "null_as_default")]
    pub id_token: BTreeMap<String, ClaimDemand>,
}

/// What is asked of one claim (OpenID Connect Core section 5.5.1).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClaimDemand {
    /// Whether the client needs the claim to do what the user wants.
    pub essential: bool,
    /// The value that the claim shall have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// The values that the claim may have, best first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<Value>>,
    /// Why the client asks, to be shown to the user (OpenID Connect for Identity Assurance).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// What is asked of `verified_claims`, as it is (OpenID Connect for Identity Assurance).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
}

impl ClaimDemand {
    /// `value`, then `values`.
    fn wanted(&self) -> impl Iterator<Item = &Value> {
        self.value.iter().chain(self.values.iter().flatten())
    }
}

impl ClaimsRequest {
    /// Reads the parameter. Members on the top level that this server does not know are ignored, as the
    /// specification demands.
    ///
    /// Fails with `invalid_request` for text over 8 KiB, JSON that is malformed or repeats a name, members of the
    /// wrong type, and demands for two different subjects.
    pub fn parse(text: &str) -> Result<Self, OAuthError> {
        if text.len() > MAX_BYTES {
            return Err(OAuthError::invalid_request("`claims` is longer than 8192 bytes"));
        }
        let value = strict_json(text)
            .map_err(|reason| OAuthError::invalid_request(format!("`claims` is not JSON: {reason}")))?;
        let Value::Object(mut sections) = value else { return Err(wrong_type("claims", "an object")) };
        let request = Self {
            userinfo: parse_section("userinfo", sections.remove("userinfo"))?,
            id_token: parse_section("id_token", sections.remove("id_token"))?,
        };
        request.check_reserved()?;
        Ok(request)
    }

    /// Whether no claim is asked for.
    pub fn is_empty(&self) -> bool {
        self.userinfo.is_empty() && self.id_token.is_empty()
    }

    /// The `acr` values that the ID token may have, best first, and whether one of them is essential
    /// (OpenID Connect Core section 5.5.1.1). `None` where any value will do.
    pub fn acr(&self) -> Option<(Vec<String>, bool)> {
        let demand = self.id_token.get("acr")?;
        let mut values: Vec<String> = Vec::new();
        for value in demand.wanted().filter_map(Value::as_str) {
            if !values.iter().any(|known| known == value) {
                values.push(value.to_owned());
            }
        }
        (!values.is_empty()).then_some((values, demand.essential))
    }

    /// The subject that must be signed in.
    pub fn sub(&self) -> Option<String> {
        self.wanted_subjects().find_map(Value::as_str).map(str::to_owned)
    }

    fn wanted_subjects(&self) -> impl Iterator<Item = &Value> {
        [&self.id_token, &self.userinfo]
            .into_iter()
            .filter_map(|section| section.get("sub"))
            .flat_map(ClaimDemand::wanted)
    }

    /// `acr` and `sub` steer the authentication, so what they demand must make sense.
    fn check_reserved(&self) -> Result<(), OAuthError> {
        let acr_values = self.id_token.get("acr").into_iter().flat_map(ClaimDemand::wanted);
        if acr_values.into_iter().any(|value| !value.is_string()) {
            return Err(wrong_type("claims.id_token.acr", "demanded as strings"));
        }
        let mut subjects = BTreeSet::new();
        for value in self.wanted_subjects() {
            subjects.insert(value.as_str().ok_or_else(|| wrong_type("claims sub", "demanded as a string"))?);
        }
        if subjects.len() > 1 {
            return Err(OAuthError::invalid_request("`claims` demands more than one value of `sub`"));
        }
        Ok(())
    }
}

fn wrong_type(what: &str, expected: &str) -> OAuthError {
    OAuthError::invalid_request(format!("`{what}` must be {expected}"))
}

fn parse_section(section: &str, value: Option<Value>) -> Result<BTreeMap<String, ClaimDemand>, OAuthError> {
    match value {
        None | Some(Value::Null) => Ok(BTreeMap::new()),
        Some(Value::Object(demands)) => demands
            .into_iter()
            .map(|(claim, demand)| {
                if claim == "verified_claims" && (demand.is_object() || demand.is_array()) {
                    let details = Some(demand);
                    return Ok((claim, ClaimDemand { details, ..ClaimDemand::default() }));
                }
                let demand = parse_demand(demand).map_err(|(member, expected)| match member {
                    "" => wrong_type(&format!("claims.{section}.{claim}"), expected),
                    _ => wrong_type(&format!("claims.{section}.{claim}.{member}"), expected),
                })?;
                Ok((claim, demand))
            })
            .collect(),
        Some(_) => Err(wrong_type(&format!("claims.{section}"), "an object")),
    }
}

/// Reads what is asked of one claim, or says which member should have been what.
fn parse_demand(value: Value) -> Result<ClaimDemand, (&'static str, &'static str)> {
    let mut members = match value {
        Value::Null => Map::new(),
        Value::Object(members) => members,
        _ => return Err(("", "null or an object")),
    };
    let essential = match members.remove("essential") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(essential)) => essential,
        Some(_) => return Err(("essential", "a boolean")),
    };
    let values = match members.remove("values") {
        None | Some(Value::Null) => None,
        Some(Value::Array(values)) => Some(values),
        Some(_) => return Err(("values", "an array")),
    };
    let purpose = match members.remove("purpose") {
        None | Some(Value::Null) => None,
        Some(Value::String(purpose)) => Some(purpose),
        Some(_) => return Err(("purpose", "a string")),
    };
    let value = members.remove("value").filter(|value| !value.is_null());
    Ok(ClaimDemand { essential, value, values, purpose, details: None })
}

/// The specification writes a claim without further demands as `null`.
fn null_as_default<'de, D: Deserializer<'de>>(input: D) -> Result<BTreeMap<String, ClaimDemand>, D::Error> {
    let demands = BTreeMap::<String, Option<ClaimDemand>>::deserialize(input)?;
    Ok(demands.into_iter().map(|(claim, demand)| (claim, demand.unwrap_or_default())).collect())
}

#[cfg(test)]
mod tests;
