//! Verified claims: what a source tells, held against what was asked for (OpenID Connect for Identity Assurance 1.0
//! sections 5 and 8).

mod age;

use placet_sdk::grant::Object;
use serde_json::{Map, Value};

use crate::outcome::Fault;

/// What of verified claims goes out: elements that meet what was asked of their verification, with the claims that were
/// asked for and are supported. None if nothing is left (section 5.7). `asked` is the value in the parameter `claims`,
/// `supported` what discovery announces, if it does; how old things are is reckoned at `now`.
///
/// # Errors
///
/// A fault if what was told are no verified claims.
pub(super) fn fitting(
    told: Value,
    asked: Option<&Value>,
    supported: &[String],
    now: i64,
) -> Result<Option<Value>, Fault> {
    let many = told.is_array();
    let mut kept = Vec::new();
    for element in elements(told) {
        let (verification, claims) = parts(element)?;
        let Some(asked) = asked else {
            kept.extend(assembled(verification, announced(claims, supported)));
            continue;
        };
        let asked = if let Value::Array(all) = asked { all.as_slice() } else { std::slice::from_ref(asked) };
        let met = |one: &&Value| meets(&one["verification"], Some(&Value::Object(verification.clone())), now);
        // Each demand is answered for itself (section 5.6).
        for demand in asked.iter().filter(met) {
            let mut shown = verification.clone();
            shown.retain(|name, _| name == "trust_framework" || demand["verification"].get(name).is_some());
            let mut told = announced(claims.clone(), supported);
            told.retain(|name, value| {
                let base = name.split('#').next().unwrap_or(name);
                let demand = demand["claims"].get(name).or_else(|| demand["claims"].get(base));
                demand.is_some_and(|demand| meets(demand, Some(value), now))
            });
            kept.extend(assembled(shown, told));
        }
    }
    kept.dedup();
    Ok(if many || kept.len() > 1 {
        Some(Value::Array(kept)).filter(|all| *all != Value::Array(Vec::new()))
    } else {
        kept.pop()
    })
}

fn elements(value: Value) -> Vec<Value> {
    if let Value::Array(all) = value { all } else { vec![value] }
}

/// What an element must have (OpenID Identity Assurance Schema Definition 1.0 section 5).
fn parts(element: Value) -> Result<(Object, Object), Fault> {
    let wrong = |detail: &str| Fault::new("policy", format!("verified_claims: {detail}"));
    let Value::Object(mut element) = element else { return Err(wrong("an element is no object")) };
    let mut part = |name: &str| match element.remove(name) {
        Some(Value::Object(members)) => Ok(members),
        _ => Err(wrong("an element needs `verification` and `claims`")),
    };
    let (verification, claims) = (part("verification")?, part("claims")?);
    if !verification.get("trust_framework").is_some_and(Value::is_string) {
        return Err(wrong("a verification needs a `trust_framework`"));
    }
    Ok((verification, claims))
}

/// The claims that discovery announces; all, where it announces none.
fn announced(mut claims: Object, supported: &[String]) -> Object {
    claims.retain(|name, _| {
        let base = name.split('#').next().unwrap_or(name);
        supported.is_empty() || supported.iter().any(|one| one == name || one == base)
    });
    claims
}

/// An element without claims is no valid one (section 5.7.5).
fn assembled(verification: Object, claims: Object) -> Option<Value> {
    if claims.is_empty() {
        return None;
    }
    let members = [
        ("verification".to_owned(), Value::Object(verification)),
        ("claims".to_owned(), Value::Object(claims)),
    ];
    Some(Value::Object(Map::from_iter(members)))
}

/// Whether a value is one that was asked for: by `value`, `values` and `max_age`, at any depth (section 5.5). A part that
/// is not there is one that was not restricted; a restriction that says nothing intelligible is met by nothing.
fn meets(demand: &Value, value: Option<&Value>, now: i64) -> bool {
    match demand {
        Value::Object(members) => {
            // An object under one of these names is an element that has that name.
            let restriction = |name: &str| members.get(name).filter(|demand| !demand.is_object());
            let (exact, listed) = (restriction("value"), restriction("values"));
            let age = restriction("max_age");
            if exact.is_some() || listed.is_some() || age.is_some() {
                let is = |wanted: &Value| value == Some(wanted);
                return exact.is_none_or(is)
                    && listed.is_none_or(|all| all.as_array().is_some_and(|all| all.iter().any(is)))
                    && age.is_none_or(|most| age::is_at_most(most, value, now));
            }
            members.iter().all(|(name, demand)| meets(demand, value.and_then(|value| value.get(name)), now))
        }
        // Each element that was asked for is met by one that is there.
        Value::Array(demands) => demands.iter().all(|demand| match value.and_then(Value::as_array) {
            Some(values) => values.iter().any(|value| meets(demand, Some(value), now)),
            None => meets(demand, None, now),
        }),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// 2026-11-23T10:05:00Z.
    const NOW: i64 = 1_795_428_300;

    fn told() -> Value {
        json!({
            "verification": { "trust_framework": "eidas", "assurance_level": "high", "time": "2026-11-23T09:05Z",
                "evidence": [{ "type": "document", "time": "2026-11-22T10:05:01Z",
                    "document_details": { "type": "idcard", "date_of_issuance": "2026-11-22" } }] },
            "claims": { "given_name": "Alice", "family_name": "Adams", "birthdate": "1990-01-01" },
        })
    }

    fn shown(asked: &Value, supported: &[&str]) -> Option<Value> {
        let supported: Vec<String> = supported.iter().map(|name| (*name).to_owned()).collect();
        fitting(told(), Some(asked), &supported, NOW).unwrap()
    }

    #[test]
    fn only_what_was_asked_for_goes_out() {
        let asked = json!({ "verification": { "trust_framework": null }, "claims": { "given_name": null } });
        let expected =
            json!({ "verification": { "trust_framework": "eidas" }, "claims": { "given_name": "Alice" } });
        assert_eq!(shown(&asked, &[]), Some(expected));
        assert_eq!(shown(&json!({ "verification": {}, "claims": {} }), &[]), None);
        assert_eq!(shown(&Value::Null, &[]), None);
    }

    #[test]
    fn claims_that_discovery_does_not_announce_stay_here() {
        let asked = json!({ "verification": {}, "claims": { "given_name": null, "birthdate": null } });
        let shown = shown(&asked, &["given_name"]).unwrap();
        assert_eq!(shown["claims"], json!({ "given_name": "Alice" }));
    }

    #[test]
    fn a_verification_that_was_not_asked_for_is_none_and_a_claim_that_was_not_is_left_out() {
        let asked =
            |verification: Value| json!({ "verification": verification, "claims": { "given_name": null } });
        for unmet in [
            json!({ "trust_framework": { "value": "de_aml" } }),
            json!({ "assurance_level": { "values": ["low", "substantial"] } }),
            json!({ "evidence": [{ "type": { "value": "electronic_record" } }] }),
            json!({ "evidence": [{ "type": { "value": "document" },
                "document_details": { "type": { "values": ["passport"] } } }] }),
            json!({ "assurance_process": { "policy": { "value": "gpg45" } } }),
        ] {
            assert_eq!(shown(&asked(unmet.clone()), &[]), None, "{unmet}");
        }
        for met in [
            json!({ "trust_framework": { "values": ["de_aml", "eidas"] } }),
            json!({ "evidence": [{ "type": { "value": "document" },
                "document_details": { "type": { "values": ["passport", "idcard"] } } }], "time": null }),
        ] {
            assert!(shown(&asked(met.clone()), &[]).is_some(), "{met}");
        }
        let claims = json!({ "given_name": { "value": "Bob" }, "family_name": { "essential": true } });
        let shown = shown(&json!({ "verification": {}, "claims": claims }), &[]).unwrap();
        assert_eq!(shown["claims"], json!({ "family_name": "Adams" }));
    }

    #[test]
    fn what_is_older_than_was_asked_for_is_left_out() {
        let asked =
            |verification: Value| json!({ "verification": verification, "claims": { "given_name": null } });
        let of_evidence = |demand: Value| json!({ "evidence": [demand] });
        for met in [
            // The last second of the minute is 59 minutes and one second ago.
            json!({ "time": { "max_age": 3541 } }),
            of_evidence(json!({ "time": { "max_age": 86_399 } })),
            // The last second of that day is ten hours, five minutes and one second ago.
            of_evidence(json!({ "document_details": { "date_of_issuance": { "max_age": 36_301 } } })),
            // That a claim may be named like the restriction does not make it one.
            json!({ "max_age": { "value": null } }),
        ] {
            let unmet = met.pointer("/max_age").is_some();
            assert_eq!(shown(&asked(met.clone()), &[]).is_none(), unmet, "{met}");
        }
        for unmet in [
            json!({ "time": { "max_age": 3540 } }),
            json!({ "time": { "max_age": 3541, "value": "2026-11-23T09:06Z" } }),
            of_evidence(json!({ "time": { "max_age": 86_398 } })),
            of_evidence(json!({ "document_details": { "date_of_issuance": { "max_age": 36_300 } } })),
            // Not there, or no time: how old it is cannot be told.
            json!({ "assurance_process": { "time": { "max_age": 1_000_000_000 } } }),
            json!({ "assurance_level": { "max_age": 1_000_000_000 } }),
            // What is no age is no restriction that anything meets.
            json!({ "time": { "max_age": -1 } }),
            json!({ "time": { "max_age": "3600" } }),
            json!({ "time": { "max_age": null } }),
            json!({ "trust_framework": { "values": "eidas" } }),
        ] {
            assert_eq!(shown(&asked(unmet.clone()), &[]), None, "{unmet}");
        }
        let young = json!({ "birthdate": { "max_age": 60 }, "given_name": null });
        let shown = shown(&json!({ "verification": {}, "claims": young }), &[]).unwrap();
        assert_eq!(shown["claims"], json!({ "given_name": "Alice" }), "claims have their own age");
    }

    #[test]
    fn each_of_several_demands_is_answered_for_itself() {
        let demand = |framework: &str, claim: &str| json!({ "verification": { "trust_framework": { "value": framework } }, "claims": { claim: null } });
        let asked = json!([
            demand("eidas", "given_name"),
            demand("other", "birthdate"),
            demand("eidas", "family_name")
        ]);
        let shown = shown(&asked, &[]).unwrap();
        let claims: Vec<&Value> = shown.as_array().unwrap().iter().map(|one| &one["claims"]).collect();
        assert_eq!(claims, [&json!({ "given_name": "Alice" }), &json!({ "family_name": "Adams" })]);
    }

    #[test]
    fn what_is_no_verified_claims_is_a_fault() {
        for wrong in [
            json!("eidas"),
            json!([1]),
            json!({ "claims": { "given_name": "Alice" } }),
            json!({ "verification": {}, "claims": { "given_name": "Alice" } }),
            json!({ "verification": { "trust_framework": "eidas" } }),
        ] {
            assert!(fitting(wrong.clone(), None, &[], NOW).is_err(), "{wrong}");
        }
    }
}
