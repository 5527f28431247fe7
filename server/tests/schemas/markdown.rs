//! Tables of schemas.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// The members of the document `$ref`s lead into.
pub(super) struct Document<'a>(pub(super) &'a Value);

impl<'a> Document<'a> {
    /// The schema itself, wherever it stands.
    pub(super) fn resolve(&self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str().and_then(|target| target.strip_prefix('#')) {
            Some(pointer) => self.0.pointer(pointer).unwrap_or_else(|| panic!("{pointer} leads nowhere")),
            None => schema,
        }
    }

    /// What a value is, in a cell of a table. Named types are links where `link` says so.
    pub(super) fn kind(&self, schema: &'a Value, link: bool) -> String {
        if let Some(target) = schema["$ref"].as_str() {
            let name = target.rsplit('/').next().unwrap_or_default();
            let behind = self.resolve(schema);
            return match (link, behind["properties"].is_object()) {
                _ if name == "Instant" => "instant".to_owned(),
                (true, _) => format!("[{name}](#{})", name.to_lowercase()),
                (false, true) => "table".to_owned(),
                (false, false) => self.kind(behind, link),
            };
        }
        if let Some(values) = choices(schema) {
            return values.iter().map(|(value, _)| format!("`{value}`")).collect::<Vec<_>>().join(", ");
        }
        let bounds = bounds(schema);
        match schema["type"].as_str() {
            Some("array") => format!("list of {}", self.kind(&schema["items"], link)),
            Some("object") if schema["additionalProperties"].is_object() => {
                format!("object of {}", self.kind(&schema["additionalProperties"], link))
            }
            Some(name) if bounds.is_empty() => name.to_owned(),
            Some(name) => format!("{name}, {bounds}"),
            None if schema.is_boolean() || is_open(schema) => "anything".to_owned(),
            None => panic!("no type: {schema}"),
        }
    }

    /// A table of the members of an object, but `without` these.
    pub(super) fn members(&self, schema: &'a Value, without: &[&str]) -> String {
        let mut out = "| Member | Type | | Meaning |\n|---|---|---|---|\n".to_owned();
        for (name, member) in ordered(schema) {
            if without.contains(&name.as_str()) {
                continue;
            }
            let required = if is_required(schema, name) { "required" } else { "" };
            let meaning = cell(self.meaning(member));
            let _ = writeln!(out, "| `{name}` | {} | {required} | {meaning} |", self.kind(member, true));
        }
        out
    }

    /// What a schema is for: its own words, or those of the type behind it.
    pub(super) fn meaning(&self, schema: &'a Value) -> &'a str {
        let own = schema["description"].as_str();
        own.or_else(|| self.resolve(schema)["description"].as_str()).unwrap_or_default()
    }
}

/// Whether a schema says what a value is for, and nothing of what it is.
fn is_open(schema: &Value) -> bool {
    schema.as_object().is_some_and(|members| members.keys().all(|name| name == "description"))
}

/// The members of an object, those that are required first.
pub(super) fn ordered(schema: &Value) -> Vec<(&String, &Value)> {
    let mut members: Vec<_> = schema["properties"].as_object().into_iter().flat_map(Map::iter).collect();
    members.sort_by_key(|(name, _)| !is_required(schema, name));
    members
}

fn is_required(schema: &Value, name: &str) -> bool {
    schema["required"].as_array().is_some_and(|names| names.iter().any(|n| n == name))
}

/// The values of an enumeration with what they mean.
pub(super) fn choices(schema: &Value) -> Option<Vec<(&str, &str)>> {
    if let Some(value) = schema["const"].as_str() {
        return Some(vec![(value, "")]);
    }
    if let Some(values) = schema["enum"].as_array() {
        return Some(values.iter().filter_map(|v| Some((v.as_str()?, ""))).collect());
    }
    let mut found = Vec::new();
    for choice in schema["oneOf"].as_array()? {
        match (choice["const"].as_str(), choice["enum"].as_array()) {
            (Some(value), _) => found.push((value, choice["description"].as_str().unwrap_or_default())),
            (None, Some(values)) => found.extend(values.iter().filter_map(|v| Some((v.as_str()?, "")))),
            (None, None) => return None,
        }
    }
    Some(found)
}

fn bounds(schema: &Value) -> String {
    let mut words = Vec::new();
    match (schema["minLength"].as_u64().filter(|n| *n > 0), schema["maxLength"].as_u64()) {
        (Some(least), Some(most)) => words.push(format!("{least} to {most} characters")),
        (None, Some(most)) => words.push(format!("at most {most} characters")),
        (Some(least), None) => words.push(format!("at least {least} characters")),
        (None, None) => {}
    }
    if let Some(least) = schema["minimum"].as_u64().filter(|n| *n > 0) {
        words.push(format!("at least {least}"));
    }
    let wide = [u64::from(u32::MAX), u64::from(u16::MAX)];
    if let Some(most) = schema["maximum"].as_u64().filter(|n| !wide.contains(n)) {
        words.push(format!("at most {most}"));
    }
    words.join(", ")
}

/// Text in a cell of a table.
pub(super) fn cell(text: &str) -> String {
    text.replace('|', "\\|").split_whitespace().collect::<Vec<_>>().join(" ")
}
