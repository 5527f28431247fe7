//! `docs/protocol.md`.

use std::fmt::Write as _;

use placet_server::openapi;

use super::{
    examples,
    markdown::{Document, cell},
    reference::Api,
};

const INTRODUCTION: &str = include_str!("protocol.in.md");

/// The reference of the interaction API.
pub(super) fn reference() -> String {
    let description = openapi::interaction_api();
    let api = Api { document: Document(&description), operations: openapi::interaction_operations() };
    let mut out = INTRODUCTION.to_owned();
    api.resources(&mut out);
    prompts(&api, &mut out);
    answers(&api, &mut out);
    api.problems(&mut out);
    samples(&mut out, "problem");
    api.objects(&["Prompt", "Answer"], &mut out);
    out
}

/// The members of `Prompt` that belong to one type of prompt.
const SECTIONS: [&str; 7] = ["user_code", "confirm", "auth", "consent", "custom", "response", "error"];

fn prompts(api: &Api<'_>, out: &mut String) {
    let (document, prompt) = (&api.document, api.component("Prompt"));
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

fn answers(api: &Api<'_>, out: &mut String) {
    let (document, answer) = (&api.document, api.component("Answer"));
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
