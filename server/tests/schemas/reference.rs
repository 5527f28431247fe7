//! What the references of both APIs have in common.

use std::{collections::BTreeMap, fmt::Write as _};

use placet_server::{
    openapi::{Access, Body, MEMBER_CODES, Operation},
    problem::MEANINGS,
};
use serde_json::Value;

use super::markdown::{Document, cell, choices};

/// An API with its description.
pub(super) struct Api<'a> {
    pub(super) document: Document<'a>,
    pub(super) operations: Vec<&'static Operation>,
}

fn named(body: Body) -> String {
    match body {
        Body::Type(name) => format!("[{name}](#{})", name.to_lowercase()),
        Body::Scratch => "an object of the app's own".to_owned(),
        Body::Description => "the OpenAPI description".to_owned(),
    }
}

fn role(operation: &Operation) -> Option<String> {
    match operation.access {
        Access::Role(role) => serde_json::to_value(role).unwrap().as_str().map(str::to_owned),
        Access::Open | Access::Bearer => None,
    }
}

type Problems = BTreeMap<u16, Vec<&'static str>>;

fn rows(out: &mut String, problems: &Problems) {
    for (status, codes) in problems {
        let codes: Vec<String> = codes.iter().map(|code| format!("`{code}`")).collect();
        let headers = match status {
            401 => "`WWW-Authenticate`",
            429 | 503 => "`Retry-After`",
            _ => "",
        };
        let _ = writeln!(out, "| {status} | [Problem](#problem): {} | {headers} |", codes.join(", "));
    }
}

impl Api<'_> {
    /// The table of operations, and each of them.
    pub(super) fn resources(&self, out: &mut String) {
        let roles = self.operations.iter().any(|operation| role(operation).is_some());
        out.push_str("\n## Resources\n\n");
        out.push_str(if roles {
            "| Request | Purpose | Role | Success |\n|---|---|---|---|\n"
        } else {
            "| Request | Purpose | Success |\n|---|---|---|\n"
        });
        for operation in &self.operations {
            let success = operation.success.body.map(|body| format!(", {}", named(body))).unwrap_or_default();
            let role = role(operation).map_or_else(|| "none".to_owned(), |role| format!("`{role}`"));
            let _ = writeln!(
                out,
                "| [`{} {}`](#{}) | {} |{} {}{success} |",
                operation.method.to_uppercase(),
                operation.path,
                operation.id.to_lowercase(),
                operation.summary,
                if roles { format!(" {role} |") } else { String::new() },
                operation.success.status,
            );
        }
        let common = self.common();
        if !common.is_empty() {
            out.push_str("\nEvery request that needs a role may also be answered with these:\n\n");
            out.push_str("| Status | Body | Headers |\n|---|---|---|\n");
            rows(out, &common);
        }
        for operation in &self.operations {
            self.resource(out, operation, &common);
        }
    }

    /// The problems that every operation that needs a role may have.
    fn common(&self) -> Problems {
        let of_roles = self.operations.iter().filter(|operation| role(operation).is_some());
        let all = of_roles.map(|operation| operation.problems());
        all.reduce(|mut common, other| {
            for (status, codes) in &mut common {
                codes.retain(|code| other.get(status).is_some_and(|codes| codes.contains(code)));
            }
            common.retain(|_, codes| !codes.is_empty());
            common
        })
        .unwrap_or_default()
    }

    fn resource(&self, out: &mut String, operation: &Operation, common: &Problems) {
        let document = &self.document;
        let method = operation.method.to_uppercase();
        let _ = write!(out, "\n### {}\n\n`{method} {}`: ", operation.id, operation.path);
        let needed = role(operation).map(|role| format!(" Needs the role `{role}`.")).unwrap_or_default();
        let _ = writeln!(out, "{}. {}{needed}", operation.summary, operation.description);
        if !operation.parameters.is_empty() {
            out.push_str("\n| Parameter | In | Type | Meaning |\n|---|---|---|---|\n");
        }
        for name in operation.parameters {
            let parameter = &document.0["components"]["parameters"][name];
            let name = parameter["name"].as_str().unwrap_or_default();
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
        let mut own = operation.problems();
        for (status, codes) in &mut own {
            codes.retain(|code| common.get(status).is_none_or(|common| !common.contains(code)));
        }
        own.retain(|_, codes| !codes.is_empty());
        rows(out, &own);
    }

    /// The codes that this API has, and those of members.
    pub(super) fn problems(&self, out: &mut String) {
        out.push_str("\n## Errors\n\n| Code | Status | Meaning |\n|---|---|---|\n");
        for meaning in MEANINGS {
            let mut statuses: Vec<u16> = self
                .operations
                .iter()
                .flat_map(|operation| operation.problems())
                .filter_map(|(status, codes)| codes.contains(&meaning.code).then_some(status))
                .collect();
            statuses.sort_unstable();
            statuses.dedup();
            if meaning.code == "method_not_allowed" {
                statuses.push(405);
            }
            if statuses.is_empty() {
                continue;
            }
            let statuses: Vec<String> = statuses.iter().map(u16::to_string).collect();
            let (title, advice) = (meaning.title, meaning.advice);
            let _ =
                writeln!(out, "| `{}` | {} | {title}. {} |", meaning.code, statuses.join(", "), cell(advice));
        }
        out.push_str("\nIn `errors`, each member that is not as it should be has a code of its own:\n\n");
        out.push_str("| Code | Meaning |\n|---|---|\n");
        for (code, meaning) in MEMBER_CODES {
            let _ = writeln!(out, "| `{code}` | {meaning} |");
        }
    }

    /// All types but those that are told elsewhere.
    pub(super) fn objects(&self, elsewhere: &[&str], out: &mut String) {
        out.push_str("\n## Objects\n");
        let schemas = self.document.0["components"]["schemas"].as_object().expect("there are schemas");
        for (name, schema) in schemas {
            if elsewhere.contains(&name.as_str()) || name == "Instant" {
                continue;
            }
            let _ = write!(out, "\n### {name}\n\n{}\n\n", self.document.meaning(schema));
            if let Some(values) = choices(schema) {
                out.push_str("| Value | Meaning |\n|---|---|\n");
                for (value, meaning) in values {
                    let _ = writeln!(out, "| `{value}` | {} |", cell(meaning));
                }
            } else {
                out.push_str(&self.document.members(schema, &[]));
            }
        }
    }

    /// A type.
    pub(super) fn component(&self, name: &str) -> &Value {
        &self.document.0["components"]["schemas"][name]
    }
}
