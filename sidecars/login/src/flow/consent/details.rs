//! Authorization details (RFC 9396) in words: a title, and what the members say, one under the other.

use std::collections::BTreeMap;

use placet_sdk::{
    grant::Object,
    interaction::{ConsentPrompt, DetailInfo},
};
use serde_json::Value;

use crate::{flow::custom::plain, text::Text};

/// A detail as the page shows it.
pub(super) struct DetailRow {
    pub(super) field: String,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) granted: bool,
    /// Whether it is asked for each time, whatever is remembered.
    pub(super) one_time: bool,
    pub(super) facts: Vec<Line>,
}

/// A member with its value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) value: String,
}

/// The name of the box that stands for a detail.
pub(super) fn field(at: usize) -> String {
    format!("detail:{at}")
}

/// The details of a prompt.
pub(super) fn rows(t: &Text, consent: &ConsentPrompt) -> Vec<DetailRow> {
    let unknown = DetailInfo::default();
    let row = |(at, detail): (usize, &Object)| {
        let info = consent.authorization_details_info.get(at).unwrap_or(&unknown);
        let mut members = detail.clone();
        let kind = members.remove("type");
        let status = members.remove("status");
        let kind = kind.as_ref().and_then(Value::as_str).unwrap_or_default();
        let mut facts = Vec::new();
        lines(&members, ("", None), (t, &info.labels), &mut facts);
        DetailRow {
            field: field(at),
            title: info.title.clone().unwrap_or_else(|| words(kind)),
            description: info.description.clone().unwrap_or_default(),
            granted: status.is_some_and(|status| status == "granted"),
            one_time: info.one_time,
            facts,
        }
    };
    consent.authorization_details.iter().enumerate().map(row).collect()
}

fn lines(
    members: &Object,
    (pointer, outer): (&str, Option<&str>),
    (t, labels): (&Text, &BTreeMap<String, String>),
    out: &mut Vec<Line>,
) {
    for (member, value) in members {
        let here = format!("{pointer}/{}", member.replace('~', "~0").replace('/', "~1"));
        let own = match labels.get(&here) {
            Some(label) => label.clone(),
            None if here == "/locations" => t.details_used_at.to_owned(),
            None => words(member),
        };
        let name = outer.map_or_else(|| own.clone(), |outer| format!("{outer}: {own}"));
        match value {
            Value::Object(inner) => match money(inner) {
                Some(value) => out.push(Line { name, value }),
                None => lines(inner, (&here, Some(&name)), (t, labels), out),
            },
            other => out.push(Line { name, value: plain(other, t) }),
        }
    }
}

/// An amount with its currency, which belong together. The number is shown as it was sent: nothing is rounded here.
fn money(members: &Object) -> Option<String> {
    let amount = members.get("amount").or_else(|| members.get("value"))?;
    let amount = match amount {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let currency = members.get("currency").and_then(Value::as_str)?;
    (members.len() == 2).then(|| format!("{amount} {currency}"))
}

/// The name of a member as words: `creditorName` and `creditor_name` are both `creditor name`.
fn words(name: &str) -> String {
    let mut words = String::new();
    let mut before = ' ';
    for c in name.chars() {
        if c == '_' || c == '-' {
            words.push(' ');
        } else if c.is_uppercase() && before.is_lowercase() {
            words.push(' ');
            words.extend(c.to_lowercase());
        } else {
            words.push(c);
        }
        before = c;
    }
    words
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::text::EN;

    fn shown(detail: &Value, labels: &[(&str, &str)]) -> Vec<(String, String)> {
        let labels =
            labels.iter().map(|(pointer, label)| ((*pointer).to_owned(), (*label).to_owned())).collect();
        let mut out = Vec::new();
        lines(detail.as_object().unwrap(), ("", None), (&EN, &labels), &mut out);
        out.into_iter().map(|line| (line.name, line.value)).collect()
    }

    #[track_caller]
    fn shows(detail: &Value, labels: &[(&str, &str)], expected: &[(&str, &str)]) {
        let expected: Vec<_> = expected.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        assert_eq!(shown(detail, labels), expected);
    }

    #[test]
    fn an_amount_stands_with_its_currency_and_exactly_as_it_was_sent() {
        let detail = json!({ "instructedAmount": { "currency": "EUR", "amount": "1234.50" } });
        shows(&detail, &[], &[("instructed amount", "1234.50 EUR")]);
        shows(&detail, &[("/instructedAmount", "Amount")], &[("Amount", "1234.50 EUR")]);
        // What would be left out otherwise is shown.
        let more = json!({ "fee": { "currency": "EUR", "value": 1, "per": "day" } });
        shows(&more, &[], &[("fee: currency", "EUR"), ("fee: per", "day"), ("fee: value", "1")]);
    }

    #[test]
    fn members_are_called_by_their_labels_or_by_their_names() {
        let detail = json!({ "creditor_name": "Acme", "to": { "iban": "DE1" }, "actions": ["list", "read"] });
        shows(
            &detail,
            &[("/to/iban", "IBAN")],
            &[("actions", "list, read"), ("creditor name", "Acme"), ("to: IBAN", "DE1")],
        );
        shows(&json!({ "locations": ["https://a"] }), &[], &[("used at", "https://a")]);
    }
}
