//! `docs/protocol.md`.

use std::fmt::Write as _;

use placet_server::{
    openapi::{self, Body, MEMBER_CODES, OPERATIONS, Operation},
    problem::MEANINGS,
};
use serde_json::Value;

use super::{
    examples,
    markdown::{Document, cell, choices},
};

const INTRODUCTION: &str = include_str!("protocol.in.md");

/// The reference of the interaction API.
pub(super) fn reference() -> String {
    let description = openapi::interaction_api();
    let document = Document(&description);
    let mut out = INTRODUCTION.to_owned();
    resources(&document, &mut out);
    prompts(&document, &mut out);
    answers(&document, &mut out);
    problems(&mut out);
    objects(&document, &mut out);
    out
}

fn named(body: Body) -> String {
    match body {
        Body::Type(name) => format!("[{name}](#{})", name.to_lowercase()),
        Body::Scratch => "an object of the app's own".to_owned(),
        Body::Description => "the OpenAPI description".to_owned(),
    }
}

fn resources(document: &Document<'_>, out: &mut String) {
    out.push_str("\n## Resources\n\n| Request | Purpose | Success |\n|---|---|---|\n");
    for operation in &OPERATIONS {
        let success = operation.success.body.map(|body| format!(", {}", named(body))).unwrap_or_default();
        let _ = writeln!(
            out,
            "| [`{} {}`](#{}) | {} | {}{success} |",
            operation.method.to_uppercase(),
            operation.path,
            operation.id.to_lowercase(),
            operation.summary,
            operation.success.status,
        );
    }
    for operation in &OPERATIONS {
        resource(document, out, operation);
    }
}

fn resource(document: &Document<'_>, out: &mut String, operation: &Operation) {
    let method = operation.method.to_uppercase();
    let _ = write!(out, "\n### {}\n\n`{method} {}`: ", operation.id, operation.path);
    let _ = writeln!(out, "{}. {}", operation.summary, operation.description);
    if !operation.parameters.is_empty() {
        out.push_str("\n| Parameter | In | Type | Meaning |\n|---|---|---|---|\n");
    }
    for name in operation.parameters {
        let parameter = &document.0["components"]["parameters"][name];
        let place = parameter["in"].as_str().unwrap_or_default();
        let required = if parameter["required"] == true { ", required" } else { "" };
        let (kind, meaning) = (document.kind(&parameter["schema"], true), document.meaning(parameter));
        let _ = writeln!(out, "| `{name}` | {place}{required} | {kind} | {} |", cell(meaning));
    }
    if let Some(body) = operation.body {
        let _ = write!(out, "\nBody: {}.\n", named(body));
    }
    out.push_str("\n| Status | Body | Headers |\n|---|---|---|\n");
    let success = operation.success;
    let body = success.body.map_or_else(|| "none".to_owned(), named);
    let headers: Vec<String> = success.headers.iter().map(|name| format!("`{name}`")).collect();
    let _ = writeln!(out, "| {} | {body} | {} |", success.status, headers.join(", "));
    for (status, codes) in operation.problems() {
        let codes: Vec<String> = codes.iter().map(|code| format!("`{code}`")).collect();
        let headers = match status {
            401 => "`WWW-Authenticate`",
            429 | 503 => "`Retry-After`",
            _ => "",
        };
        let _ = writeln!(out, "| {status} | [Problem](#problem): {} | {headers} |", codes.join(", "));
    }
}

fn component<'a>(document: &Document<'a>, name: &str) -> &'a Value {
    &document.0["components"]["schemas"][name]
}

/// The members of `Prompt` that belong to one type of prompt.
const SECTIONS: [&str; 7] = ["user_code", "confirm", "auth", "consent", "custom", "response", "error"];

fn prompts(document: &Document<'_>, out: &mut String) {
    let prompt = component(document, "Prompt");
    let _ = write!(out, "\n## Prompts\n\n### Prompt\n\n{}\n\n", document.meaning(prompt));
    out.push_str(&document.members(prompt, &[]));
    out.push_str("\nThe other two members are `type` and a section of the same name:\n\n");
    out.push_str("| `type` | The app has to… | Section |\n|---|---|---|\n");
    let variants = prompt["oneOf"].as_array().expect("a prompt is one of several");
    assert_eq!(variants.len(), SECTIONS.len());
    for variant in variants {
        let name = variant["properties"]["type"]["const"].as_str().expect("a variant has a type");
        let section = document.kind(&variant["properties"][name], true);
        let _ = writeln!(out, "| `{name}` | {} | `{name}`: {section} |", cell(document.meaning(variant)));
    }
    samples(out, "prompt");
}

fn answers(document: &Document<'_>, out: &mut String) {
    let answer = component(document, "Answer");
    let _ = write!(out, "\n## Answers\n\n### Answer\n\n{}\n", document.meaning(answer));
    for variant in answer["oneOf"].as_array().expect("an answer is one of several") {
        let name = variant["properties"]["type"]["const"].as_str().expect("a variant has a type");
        let _ = write!(out, "\n#### `{name}`\n\n{}\n\n", document.meaning(variant));
        out.push_str(&document.members(variant, &[]));
    }
    samples(out, "answer");
}

/// The examples of a schema, folded.
fn samples(out: &mut String, of: &str) {
    for (name, schema, example) in examples::all() {
        if schema == of {
            let title = name[of.len() + 1..].replace('-', ", ");
            let _ = write!(
                out,
                "\n<details><summary>Example: {title}</summary>\n\n```json\n{example:#}\n```\n</details>\n"
            );
        }
    }
}

fn problems(out: &mut String) {
    out.push_str("\n## Errors\n\n| Code | Status | Meaning |\n|---|---|---|\n");
    for meaning in MEANINGS {
        let mut statuses: Vec<u16> = OPERATIONS
            .iter()
            .flat_map(Operation::problems)
            .filter_map(|(status, codes)| codes.contains(&meaning.code).then_some(status))
            .collect();
        statuses.sort_unstable();
        statuses.dedup();
        if meaning.code == "method_not_allowed" {
            statuses.push(405);
        }
        let statuses: Vec<String> = statuses.iter().map(u16::to_string).collect();
        let (title, advice) = (meaning.title, meaning.advice);
        let _ = writeln!(out, "| `{}` | {} | {title}. {} |", meaning.code, statuses.join(", "), cell(advice));
    }
    out.push_str("\nIn `errors`, each member that is not as it should be has a code of its own:\n\n");
    out.push_str("| Code | Meaning |\n|---|---|\n");
    for (code, meaning) in MEMBER_CODES {
        let _ = writeln!(out, "| `{code}` | {meaning} |");
    }
    samples(out, "problem");
}

fn objects(document: &Document<'_>, out: &mut String) {
    out.push_str("\n## Objects\n");
    let schemas = document.0["components"]["schemas"].as_object().expect("there are schemas");
    for (name, schema) in schemas {
        if matches!(name.as_str(), "Prompt" | "Answer" | "Instant") {
            continue;
        }
        let _ = write!(out, "\n### {name}\n\n{}\n\n", document.meaning(schema));
        if let Some(values) = choices(schema) {
            out.push_str("| Value | Meaning |\n|---|---|\n");
            for (value, meaning) in values {
                let _ = writeln!(out, "| `{value}` | {} |", cell(meaning));
            }
        } else {
            out.push_str(&document.members(schema, &[]));
        }
    }
}
