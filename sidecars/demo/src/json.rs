//! JSON and JWTs, made ready to be read.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;
use time::OffsetDateTime;

/// Members whose numbers are points in time, in seconds since 1970.
const TIMES: [&str; 5] = ["auth_time", "exp", "iat", "nbf", "updated_at"];

/// A stretch of text of one kind; the texts of all pieces together are the JSON.
pub(crate) struct Piece {
    pub(crate) class: &'static str,
    pub(crate) text: String,
    /// What a number means, where it is a point in time.
    pub(crate) at: Option<String>,
}

/// Pretty-prints `value`.
pub(crate) fn pieces(value: &Value) -> Vec<Piece> {
    let mut out = Vec::new();
    write(&mut out, value, "", 0);
    out
}

/// Header and payload, if `token` is a JWT.
pub(crate) fn decode(token: &str) -> Option<(Value, Value)> {
    let mut parts = token.split('.');
    let (header, payload, signature) = (parts.next()?, parts.next()?, parts.next());
    if signature.is_none() || parts.next().is_some() {
        return None;
    }
    let read = |part: &str| serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok();
    Some((read(header)?, read(payload)?))
}

fn write(out: &mut Vec<Piece>, value: &Value, name: &str, depth: usize) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            push(out, "p", "{");
            for (i, (name, value)) in members.iter().enumerate() {
                next(out, i > 0, depth + 1);
                push(out, "k", &Value::from(name.as_str()).to_string());
                push(out, "p", ": ");
                write(out, value, name, depth + 1);
            }
            push(out, "p", &format!("{}}}", line(depth)));
        }
        Value::Array(items) if !items.is_empty() => {
            push(out, "p", "[");
            for (i, value) in items.iter().enumerate() {
                next(out, i > 0, depth + 1);
                write(out, value, "", depth + 1);
            }
            push(out, "p", &format!("{}]", line(depth)));
        }
        Value::String(_) => push(out, "s", &value.to_string()),
        Value::Number(number) => {
            let at = number.as_i64().filter(|_| TIMES.contains(&name)).and_then(moment);
            out.push(Piece { class: "n", text: number.to_string(), at });
        }
        _ => push(out, "b", &value.to_string()),
    }
}

fn push(out: &mut Vec<Piece>, class: &'static str, text: &str) {
    out.push(Piece { class, text: text.to_owned(), at: None });
}

/// Goes to the next line. What a number means follows the comma after it.
fn next(out: &mut Vec<Piece>, comma: bool, depth: usize) {
    if comma {
        let at = out.last_mut().and_then(|piece| piece.at.take());
        out.push(Piece { class: "p", text: ",".to_owned(), at });
    }
    push(out, "p", &line(depth));
}

fn line(depth: usize) -> String {
    format!("\n{}", "  ".repeat(depth))
}

fn moment(seconds: i64) -> Option<String> {
    let at = OffsetDateTime::from_unix_timestamp(seconds).ok()?;
    let (hour, minute, second) = at.to_hms();
    Some(format!("{} {hour:02}:{minute:02}:{second:02} UTC", at.date()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_pieces_together_are_the_json() {
        let value =
            json!({"sub": "a\"<b>", "exp": 0, "aud": ["x", "y"], "deep": {"yes": true, "no": null}, "e": []});
        let text: String = pieces(&value).into_iter().map(|piece| piece.text).collect();
        assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), value);
        assert_eq!(text, serde_json::to_string_pretty(&value).expect("JSON"));
    }

    #[test]
    fn points_in_time_are_told_in_words() {
        let pieces = pieces(&json!({"exp": 1_795_419_432}));
        assert!(pieces.iter().any(|piece| piece.at.as_deref() == Some("2026-11-23 07:37:12 UTC")));
    }

    #[test]
    fn an_opaque_token_is_no_jwt() {
        assert!(decode("opaque").is_none());
        assert!(decode("a.b.c").is_none());
        assert!(decode("e30.e30.sig").is_some());
    }
}
