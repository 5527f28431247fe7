//! A page that a policy asked for, in a form that fits any: message, parameters, accept or decline.

use askama::Template;
use http::StatusCode;
use placet_sdk::{
    grant::Object,
    interaction::{Answer, CustomAnswer, CustomPrompt, Prompt},
};
use serde_json::{Value, json};
use warp::reply::Response;

use crate::{
    failure::Failure,
    form::Form,
    page::{self, Binding, Shell},
    text::Text,
    visit::Visit,
};

#[derive(Template)]
#[template(path = "custom.html")]
struct CustomPage<'a> {
    shell: Shell<'a>,
    form: Binding,
    message: &'a str,
    params: Vec<Fact>,
}

/// A name with its value, as a page shows it.
pub(super) struct Fact {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) is_link: bool,
}

/// The page.
pub(super) fn page(visit: &Visit, prompt: &Prompt, custom: &CustomPrompt) -> Response {
    let shell = Shell::new(visit, Some(prompt));
    let page = CustomPage {
        message: custom.message.as_deref().unwrap_or(shell.t.custom_lead),
        params: facts(&custom.params, shell.t),
        form: Binding::new(visit, prompt),
        shell,
    };
    page::send(visit, StatusCode::OK, &page.shell.nonce, &page)
}

/// The members of an object in readable form.
pub(super) fn facts(object: &Object, t: &Text) -> Vec<Fact> {
    let fact = |(name, value): (&String, &Value)| {
        let value = plain(value, t);
        Fact { name: name.replace('_', " "), is_link: page::is_web(&value), value }
    };
    object.iter().map(fact).collect()
}

/// A value in readable form.
pub(super) fn plain(value: &Value, t: &Text) -> String {
    let list = |items: Vec<String>| items.join(", ");
    match value {
        Value::Null => String::new(),
        Value::Bool(true) => t.yes.to_owned(),
        Value::Bool(false) => t.no.to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) => list(items.iter().map(|item| plain(item, t)).collect()),
        Value::Object(members) => {
            list(members.iter().map(|(name, item)| format!("{name}: {}", plain(item, t))).collect())
        }
    }
}

/// The answer; the policy that asked reads it.
pub(super) fn decide(custom: &CustomPrompt, form: &Form) -> Result<Answer, Failure> {
    let accepted = match form.text("action") {
        "accept" => true,
        "deny" => false,
        _ => return Err(Failure::Malformed),
    };
    let mut result = Object::new();
    result.insert("accepted".to_owned(), json!(accepted));
    Ok(Answer::Custom(CustomAnswer { name: custom.name.clone(), result }))
}
