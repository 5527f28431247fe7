//! Comparing an answer with what a scenario expects.

use serde_json::{Map, Value};

/// How an answer differs from what is expected, a sentence for each difference.
pub(crate) fn differences(expected: &Value, answer: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare(expected, Some(answer), "", &mut found);
    found
}

fn compare(expected: &Value, given: Option<&Value>, pointer: &str, found: &mut Vec<String>) {
    let place = if pointer.is_empty() { "the answer" } else { pointer };
    let given = given.filter(|value| !value.is_null());
    let Some(value) = given else {
        if !expected.is_null() {
            found.push(format!("`{place}` is missing, expected is {}", words(expected)));
        }
        return;
    };
    match expected {
        Value::Null => found.push(format!("`{place}` should be absent, it is {value}")),
        Value::Object(members) => match operator(members) {
            Some(("any", _)) => {}
            Some((name, operand)) => {
                if !holds(name, operand, value) {
                    found.push(format!("`{place}` is {value}, expected is {}", words(expected)));
                }
            }
            None => {
                if !value.is_object() {
                    found.push(format!("`{place}` is {value}, expected is an object"));
                    return;
                }
                for (name, expected) in members {
                    let below = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
                    compare(expected, value.get(name), &below, found);
                }
            }
        },
        Value::Array(items) => {
            if !same_items(items, value) {
                found.push(format!("`{place}` is {value}, expected is {expected}"));
            }
        }
        _ => {
            if expected != value {
                found.push(format!("`{place}` is {value}, expected is {expected}"));
            }
        }
    }
}

/// An object that says how to compare rather than what with.
fn operator(members: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, operand) = members.iter().next().filter(|_| members.len() == 1)?;
    let known = match name.as_str() {
        "any" => operand == &Value::Bool(true),
        "one_of" | "contains" => operand.is_array(),
        _ => false,
    };
    known.then_some((name, operand))
}

fn holds(name: &str, operand: &Value, value: &Value) -> bool {
    let operands = operand.as_array().map(Vec::as_slice).unwrap_or_default();
    match name {
        "one_of" => operands.contains(value),
        _ => value.as_array().is_some_and(|items| operands.iter().all(|operand| items.contains(operand))),
    }
}

fn same_items(expected: &[Value], value: &Value) -> bool {
    value.as_array().is_some_and(|items| {
        items.len() == expected.len()
            && expected.iter().all(|item| items.contains(item))
            && items.iter().all(|item| expected.contains(item))
    })
}

fn words(expected: &Value) -> String {
    let Value::Object(members) = expected else { return expected.to_string() };
    match operator(members) {
        Some(("any", _)) => "any value".to_owned(),
        Some(("one_of", operand)) => format!("one of {operand}"),
        Some((_, operand)) => format!("a list with {operand}"),
        None => expected.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_fits_if_every_expected_member_does() {
        let answer = json!({"type": "auth", "sub": "alice", "amr": ["otp", "pwd"], "acr": "2"});
        for fits in [
            json!({}),
            json!({"type": "auth", "sub": {"any": true}}),
            json!({"amr": ["pwd", "otp"]}),
            json!({"amr": {"contains": ["otp"]}, "acr": {"one_of": ["2", "3"]}}),
            json!({"session": null}),
        ] {
            assert_eq!(differences(&fits, &answer), [""; 0], "{fits}");
        }
    }

    #[test]
    fn every_difference_is_told_with_its_place() {
        let answer = json!({"type": "auth", "amr": ["pwd"], "session": {"action": "create"}, "acr": "1"});
        for (wrong, told) in [
            (json!({"type": "deny"}), r#"`/type` is "auth", expected is "deny""#),
            (json!({"sub": {"any": true}}), "`/sub` is missing, expected is any value"),
            (json!({"amr": ["pwd", "otp"]}), r#"`/amr` is ["pwd"], expected is ["pwd","otp"]"#),
            (json!({"amr": ["pwd", "pwd"]}), r#"`/amr` is ["pwd"], expected is ["pwd","pwd"]"#),
            (json!({"amr": {"contains": ["otp"]}}), r#"`/amr` is ["pwd"], expected is a list with ["otp"]"#),
            (json!({"acr": {"one_of": ["2"]}}), r#"`/acr` is "1", expected is one of ["2"]"#),
            (
                json!({"session": {"action": "reuse"}}),
                r#"`/session/action` is "create", expected is "reuse""#,
            ),
            (json!({"acr": null}), r#"`/acr` should be absent, it is "1""#),
            (json!({"acr": {"level": 1}}), r#"`/acr` is "1", expected is an object"#),
        ] {
            assert_eq!(differences(&wrong, &answer), [told]);
        }
    }
}
