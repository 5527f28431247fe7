//! Filling in what a scenario cannot know: instants, the user, the id.

use placet_sdk::Instant;
use serde_json::Value;

use super::Scenario;

/// What stands for the words in braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) now: Instant,
    pub(crate) sub: String,
    pub(crate) id: String,
    pub(crate) issuer: String,
}

impl Facts {
    /// Facts that are not true of anything, to rehearse a scenario with.
    pub(crate) fn example(scenario: &Scenario) -> Self {
        Self {
            now: Instant(1_795_428_300),
            sub: first_sub(scenario),
            id: format!("ia_{}", "0".repeat(38)),
            issuer: "http://localhost:8081".to_owned(),
        }
    }
}

/// The user before anybody signed in.
pub(crate) fn first_sub(scenario: &Scenario) -> String {
    let known = scenario.session.as_ref().and_then(|session| session.get("sub"));
    known.and_then(Value::as_str).unwrap_or("alice").to_owned()
}

/// The value, with the words in braces replaced in all its strings.
pub(crate) fn fill(value: Value, facts: &Facts) -> Value {
    match value {
        Value::String(text) => Value::String(fill_text(&text, facts)),
        Value::Array(items) => Value::Array(items.into_iter().map(|item| fill(item, facts)).collect()),
        Value::Object(members) => {
            Value::Object(members.into_iter().map(|(name, item)| (name, fill(item, facts))).collect())
        }
        other => other,
    }
}

fn fill_text(text: &str, facts: &Facts) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        out.push_str(&rest[..open]);
        rest = &rest[open..];
        let word = rest[1..].find('}').map(|close| &rest[1..=close]);
        if let Some((word, meaning)) = word.and_then(|word| Some((word, meaning(word, facts)?))) {
            out.push_str(&meaning);
            rest = &rest[word.len() + 2..];
        } else {
            out.push('{');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    out
}

fn meaning(word: &str, facts: &Facts) -> Option<String> {
    match word {
        "sub" => Some(facts.sub.clone()),
        "id" => Some(facts.id.clone()),
        "issuer" => Some(facts.issuer.clone()),
        "now" => Some(facts.now.to_string()),
        _ => {
            let shift = word.strip_prefix("now")?;
            let unit = match shift.chars().next_back()? {
                's' => 1,
                'm' => 60,
                'h' => 3600,
                'd' => 86_400,
                _ => return None,
            };
            let signed = shift.starts_with(['+', '-']).then(|| &shift[..shift.len() - 1])?;
            let count: i64 = signed.parse().ok()?;
            Some(facts.now.plus(count.checked_mul(unit)?).to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_in_braces_are_replaced_and_everything_else_stays() {
        let facts = Facts {
            now: Instant(1_795_428_300),
            sub: "bob".to_owned(),
            id: "ia_1".to_owned(),
            issuer: "http://localhost:8081".to_owned(),
        };
        let filled = fill(
            json!({"at": "{now-20m}", "then": ["{now+1h}", "{now}"], "who": "{issuer}/{id}?{sub}", "n": 1,
                   "odd": ["{", "{nobody}", "{now-}", "{now-5x}", "a{b{sub}", "{{sub}}", "é{now5m}"]}),
            &facts,
        );
        assert_eq!(filled["at"], "2026-11-23T09:45:00Z");
        assert_eq!(filled["then"], json!(["2026-11-23T11:05:00Z", "2026-11-23T10:05:00Z"]));
        assert_eq!(filled["who"], "http://localhost:8081/ia_1?bob");
        assert_eq!(
            filled["odd"],
            json!(["{", "{nobody}", "{now-}", "{now-5x}", "a{bbob", "{bob}", "é{now5m}"])
        );
    }
}
