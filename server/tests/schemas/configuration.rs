//! `docs/configuration.md`.

use std::fmt::Write as _;

use placet_server::config::Config;
use serde_json::Value;

use super::markdown::{Document, cell, choices, ordered};

const INTRODUCTION: &str = include_str!("configuration.in.md");

/// The reference of the configuration.
pub(super) fn reference() -> String {
    let schema = schemars::schema_for!(Config).to_value();
    let mut out = INTRODUCTION.to_owned();
    section(&Document(&schema), &mut out, ("", &schema));
    out
}

/// A table of settings, and those of the tables in it.
fn section<'a>(document: &Document<'a>, out: &mut String, (path, schema): (&str, &'a Value)) {
    if !path.is_empty() {
        let _ = write!(out, "\n## `{path}`\n\n{}\n", document.meaning(schema));
    }
    out.push_str("\n| Setting | Type | Default | Meaning |\n|---|---|---|---|\n");
    let schema = document.resolve(schema);
    let mut inner = Vec::new();
    for (name, member) in ordered(schema) {
        if let Some((table, of)) = table(document, (path, name), member) {
            inner.push((table, of));
            continue;
        }
        let kind = nullable(document, member);
        let meaning = [document.meaning(member).to_owned(), explained(document, member)].join(" ");
        let _ = writeln!(out, "| `{name}` | {kind} | {} | {} |", default(member), cell(&meaning));
    }
    let mut names: Vec<&str> = inner.iter().map(|(table, _)| table.as_str()).collect();
    names.sort_unstable();
    if !names.is_empty() {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        let _ = write!(out, "\nTables in it: {}.\n", names.join(", "));
    }
    for (table, of) in inner {
        section(document, out, (&table, of));
    }
}

/// The name of the table that a member is, if it is one, and what it consists of.
fn table<'a>(
    document: &Document<'a>,
    (path, name): (&str, &str),
    member: &'a Value,
) -> Option<(String, &'a Value)> {
    let path = path.trim_matches(['[', ']']);
    let full = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    let is_table = |schema: &'a Value| document.resolve(schema)["properties"].is_object();
    if is_table(member) {
        return Some((format!("[{full}]"), member));
    }
    is_table(&member["items"]).then(|| (format!("[[{full}]]"), &member["items"]))
}

/// The type of a setting; those that may be left out are `null` in the schema, which TOML does not have.
fn nullable<'a>(document: &Document<'a>, member: &'a Value) -> String {
    if let Some(types) = member["type"].as_array() {
        let name = types.iter().find(|t| *t != "null").and_then(Value::as_str).unwrap_or_default();
        if name == "array" {
            return format!("list of {}", document.kind(&member["items"], false));
        }
        return name.to_owned();
    }
    match member["anyOf"].as_array().and_then(|any| any.iter().find(|s| s["type"] != "null")) {
        Some(schema) => document.kind(schema, false),
        None => document.kind(member, false),
    }
}

fn explained<'a>(document: &Document<'a>, member: &'a Value) -> String {
    let behind = document.resolve(member);
    let behind = if behind["type"] == "array" { document.resolve(&behind["items"]) } else { behind };
    let Some(values) = choices(behind) else { return String::new() };
    let explained = values.iter().filter(|(_, meaning)| !meaning.is_empty());
    explained.map(|(value, meaning)| format!("`{value}`: {meaning}")).collect::<Vec<_>>().join(" ")
}

fn default(member: &Value) -> String {
    match &member["default"] {
        Value::Null => String::new(),
        value => format!("`{value}`"),
    }
}

#[test]
fn every_setting_says_what_it_is_for() {
    for line in reference().lines().filter(|line| line.starts_with("| `")) {
        let meaning = line.trim_end_matches('|').rsplit('|').next().unwrap_or_default();
        assert!(!meaning.trim().is_empty(), "{line}");
    }
}
