//! Rich authorization requests (RFC 9396): reading the parameter `authorization_details`, and the bounds of what is in it.
//!
//! What the members of a detail mean is a matter of its type. Here is only what holds for every type: the form of
//! section 2, and limits, since details are stored, shown to users and policies, and written into tokens.

use serde_json::{Map, Value};

use crate::{
    claims::strict_json,
    error::{ErrorCode, OAuthError},
    params::Params,
    uri::AbsoluteUri,
};

/// A JSON object.
type Object = Map<String, Value>;

/// The most bytes of the parameter, and of all details of a grant as JSON.
pub const MAX_BYTES: usize = 16 * 1024;
/// The most details.
pub const MAX_DETAILS: usize = 32;
/// The most arrays and objects inside each other, the detail among them.
const MAX_DEPTH: usize = 12;
/// The longest text, in bytes.
const MAX_TEXT: usize = 4096;
/// Numbers beyond this are not the same to every reader (RFC 7493 section 2.2).
const MAX_NUMBER: i64 = (1 << 53) - 1;
/// Prompts say by this member whether a detail was granted before: a detail of its own must not be mistaken for that.
const RESERVED: &str = "status";

/// What is wrong with details, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// A JSON pointer that begins at the array of details.
    pub pointer: String,
    /// What is wrong there.
    pub reason: String,
}

impl Unfit {
    /// Something wrong at a place.
    pub fn new(pointer: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), reason: reason.into() }
    }
}

impl From<Unfit> for OAuthError {
    fn from(unfit: Unfit) -> Self {
        let Unfit { pointer, reason } = unfit;
        let place = if pointer.is_empty() { String::new() } else { format!(" at `{pointer}`") };
        Self::new(
            ErrorCode::InvalidAuthorizationDetails,
            format!("`authorization_details`{place}: {}", reason.replace('"', "`")),
        )
    }
}

/// The details that a request asks for; none if it has no such parameter.
///
/// # Errors
///
/// `invalid_authorization_details` (section 5) for anything but an array of objects, each with a `type`, within the
/// limits; the description says where.
pub fn parse_details(params: &Params) -> Result<Option<Vec<Object>>, OAuthError> {
    let Some(text) = params.get("authorization_details") else { return Ok(None) };
    if text.len() > MAX_BYTES {
        return Err(Unfit::new("", format!("is longer than {MAX_BYTES} bytes")).into());
    }
    let value = strict_json(text).map_err(|reason| Unfit::new("", format!("is not JSON: {reason}")))?;
    let Value::Array(items) = value else { return Err(Unfit::new("", "is not an array").into()) };
    let mut details = Vec::with_capacity(items.len().min(MAX_DETAILS));
    for (at, item) in items.into_iter().enumerate() {
        let Value::Object(detail) = item else {
            return Err(Unfit::new(format!("/{at}"), "is not an object").into());
        };
        details.push(detail);
    }
    check_details(&details)?;
    Ok(Some(details))
}

/// Holds details against the form and the limits that all of them share, wherever they come from.
pub fn check_details(details: &[Object]) -> Result<(), Unfit> {
    if details.len() > MAX_DETAILS {
        return Err(Unfit::new("", format!("has more than {MAX_DETAILS} elements")));
    }
    for (at, detail) in details.iter().enumerate() {
        let here = format!("/{at}");
        match detail.get("type") {
            Some(Value::String(name)) if !name.is_empty() => {}
            Some(_) => return Err(Unfit::new(format!("{here}/type"), "is not the name of a type")),
            None => return Err(Unfit::new(here, "has no `type`")),
        }
        if detail.contains_key(RESERVED) {
            let reason = "is a name that this server uses for itself";
            return Err(Unfit::new(format!("{here}/{RESERVED}"), reason));
        }
        object(detail, &here, 1)?;
        check_locations(detail, &here)?;
    }
    let bytes = serde_json::to_vec(details).map_or(usize::MAX, |bytes| bytes.len());
    if bytes > MAX_BYTES {
        return Err(Unfit::new("", format!("is longer than {MAX_BYTES} bytes")));
    }
    Ok(())
}

fn object(members: &Object, pointer: &str, depth: usize) -> Result<(), Unfit> {
    members.iter().try_for_each(|(name, value)| {
        let below = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
        if name.len() > MAX_TEXT {
            return Err(Unfit::new(pointer, "has a member with a name that is too long"));
        }
        check_value(value, &below, depth)
    })
}

fn check_value(value: &Value, pointer: &str, depth: usize) -> Result<(), Unfit> {
    if matches!(value, Value::Object(_) | Value::Array(_)) && depth == MAX_DEPTH {
        return Err(Unfit::new(pointer, format!("is nested deeper than {MAX_DEPTH}")));
    }
    match value {
        Value::Object(members) => object(members, pointer, depth + 1),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(at, item)| check_value(item, &format!("{pointer}/{at}"), depth + 1)),
        Value::String(text) if text.len() > MAX_TEXT => {
            Err(Unfit::new(pointer, format!("is longer than {MAX_TEXT} bytes")))
        }
        // Where not even the number is certain, nobody can consent to it.
        Value::Number(number) if !is_exact(number) => {
            Err(Unfit::new(pointer, "is a number that not every reader reads alike (RFC 7493 section 2.2)"))
        }
        _ => Ok(()),
    }
}

fn is_exact(number: &serde_json::Number) -> bool {
    #[allow(clippy::cast_precision_loss, reason = "the limit is a power of two less one: exact")]
    let limit = MAX_NUMBER as f64;
    match (number.as_i64(), number.as_u64()) {
        (Some(integer), _) => (-MAX_NUMBER..=MAX_NUMBER).contains(&integer),
        (None, Some(_)) => false,
        (None, None) => number.as_f64().is_some_and(|float| float.abs() <= limit),
    }
}

/// `locations` has the same meaning in every type (section 2.2): where the resource or its server is.
fn check_locations(detail: &Object, pointer: &str) -> Result<(), Unfit> {
    let Some(value) = detail.get("locations") else { return Ok(()) };
    let here = format!("{pointer}/locations");
    let Value::Array(items) = value else { return Err(Unfit::new(here, "is not an array")) };
    for (at, item) in items.iter().enumerate() {
        let Value::String(uri) = item else {
            return Err(Unfit::new(format!("{here}/{at}"), "is not a string"));
        };
        if let Err(reason) = AbsoluteUri::parse(uri) {
            return Err(Unfit::new(format!("{here}/{at}"), reason));
        }
    }
    Ok(())
}

/// Where the resources of a detail are; empty if it does not say.
pub fn locations(detail: &Object) -> impl Iterator<Item = &str> {
    detail.get("locations").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// One text for all details that are the same, whatever the order of their members.
pub fn canonical(detail: &Object) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(members) => {
                let mut names: Vec<&String> = members.keys().collect();
                names.sort_unstable();
                Value::Object(names.into_iter().map(|name| (name.clone(), sorted(&members[name]))).collect())
            }
            Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
            other => other.clone(),
        }
    }
    sorted(&Value::Object(detail.clone())).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(text: &str) -> Result<Option<Vec<Object>>, OAuthError> {
        let pair = ("authorization_details".to_owned(), text.to_owned());
        parse_details(&Params::from_pairs([pair]).unwrap())
    }

    fn refusal(text: &str) -> String {
        let error = parse(text).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidAuthorizationDetails, "{text}");
        error.description
    }

    #[test]
    fn details_are_an_array_of_objects_with_a_type() {
        assert_eq!(parse_details(&Params::default()), Ok(None));
        assert_eq!(parse("[]"), Ok(Some(Vec::new())));
        let details = parse(r#"[{"type": "pay", "amount": 1.5}]"#).unwrap().unwrap();
        assert_eq!(json!(details), json!([{ "type": "pay", "amount": 1.5 }]));
        for (text, place) in [
            ("{}", "`authorization_details`: is not an array"),
            (r#"{"type": "pay"}"#, "`authorization_details`: is not an array"),
            ("null", "`authorization_details`: is not an array"),
            ("[", "`authorization_details`: is not JSON: "),
            ("[] []", "`authorization_details`: is not JSON: "),
            (r#"[{"type": "pay"}, "pay"]"#, "`authorization_details` at `/1`: is not an object"),
            ("[{}]", "`authorization_details` at `/0`: has no `type`"),
            (r#"[{"type": "pay"}, {"type": ""}]"#, "`authorization_details` at `/1/type`: "),
            (r#"[{"type": ["pay"]}]"#, "`authorization_details` at `/0/type`: "),
            (r#"[{"type": "pay", "status": "granted"}]"#, "`authorization_details` at `/0/status`: "),
        ] {
            let description = refusal(text);
            assert!(description.starts_with(place), "{text}: {description}");
        }
    }

    #[test]
    fn json_that_two_readers_could_read_otherwise_is_refused() {
        for text in [
            r#"[{"type": "pay", "type": "own"}]"#,
            r#"[{"type": "pay", "to": {"iban": "A", "iban": "B"}}]"#,
            r#"[{"type": "pay", "amount": 12345678901234567890123}]"#,
            r#"[{"type": "pay", "amount": 9007199254740993}]"#,
            r#"[{"type": "pay", "amount": -9007199254740993}]"#,
            r#"[{"type": "pay", "amount": 1e300}]"#,
        ] {
            refusal(text);
        }
        assert!(parse(r#"[{"type": "pay", "amount": 9007199254740991}]"#).is_ok());
    }

    #[test]
    fn what_is_asked_for_is_bounded() {
        let many = |count: usize| format!("[{}]", vec![r#"{"type":"pay"}"#; count].join(","));
        assert!(parse(&many(MAX_DETAILS)).is_ok());
        assert!(refusal(&many(MAX_DETAILS + 1)).contains("more than 32"));

        let deep =
            |levels: usize| format!(r#"[{{"type":"pay","x":{}{}}}]"#, "[".repeat(levels), "]".repeat(levels));
        assert!(parse(&deep(MAX_DEPTH - 1)).is_ok());
        assert!(refusal(&deep(MAX_DEPTH)).contains("nested deeper"));
        refusal(&deep(100));

        let long = |bytes: usize| format!(r#"[{{"type":"pay","x":"{}"}}]"#, "x".repeat(bytes));
        assert!(parse(&long(MAX_TEXT)).is_ok());
        assert!(refusal(&long(MAX_TEXT + 1)).contains("`/0/x`"));
        let large = format!(r#"[{{"type":"pay"{}}}]"#, r#","x":1"#.repeat(MAX_BYTES));
        assert!(refusal(&large).contains("longer than 16384"));
    }

    #[test]
    fn the_bound_counts_what_was_read_and_not_only_what_was_sent() {
        let detail = json!({ "type": "pay", "x": vec!["x".repeat(MAX_TEXT); 4] });
        let Value::Object(detail) = detail else { panic!("an object") };
        assert!(check_details(&[detail]).is_err());
    }

    #[test]
    fn locations_are_absolute_uris() {
        let detail = |locations: &str| format!(r#"[{{"type":"pay","locations":{locations}}}]"#);
        let found = parse(&detail(r#"["https://a.example/", "urn:b"]"#)).unwrap().unwrap();
        assert_eq!(locations(&found[0]).collect::<Vec<_>>(), ["https://a.example/", "urn:b"]);
        for (text, place) in [
            (r#""https://a.example""#, "/0/locations"),
            (r#"["a"]"#, "/0/locations/0"),
            (r#"["https://a.example", 1]"#, "/0/locations/1"),
        ] {
            assert!(refusal(&detail(text)).contains(&format!("`{place}`")), "{text}");
        }
    }

    #[test]
    fn a_description_never_holds_a_quote() {
        let error = OAuthError::from(Unfit::new("/0/x", "\"5\" is not of type \"number\""));
        assert_eq!(error.description, "`authorization_details` at `/0/x`: `5` is not of type `number`");
    }

    #[test]
    fn the_order_of_members_does_not_make_another_detail() {
        let one = parse(r#"[{"type":"pay","to":{"b":[{"d":1,"c":2}],"a":1}}]"#).unwrap().unwrap();
        let other = parse(r#"[{"to":{"a":1,"b":[{"c":2,"d":1}]},"type":"pay"}]"#).unwrap().unwrap();
        assert_eq!(canonical(&one[0]), canonical(&other[0]));
        let third = parse(r#"[{"to":{"a":1,"b":[{"c":2,"d":2}]},"type":"pay"}]"#).unwrap().unwrap();
        assert_ne!(canonical(&one[0]), canonical(&third[0]));
    }
}
