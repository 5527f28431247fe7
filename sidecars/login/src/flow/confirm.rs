//! Confirmations: signing out, and devices; and the code that a device shows.

use askama::Template;
use http::StatusCode;
use placet_sdk::interaction::{Answer, ConfirmAnswer, ConfirmPrompt, LogoutScope, Prompt, UserCodeAnswer};
use warp::reply::Response;

use crate::{
    failure::Failure,
    form::Form,
    page::{self, Binding, Shell},
    text::Text,
    visit::Visit,
};

/// Longer codes are not sent; no server makes such.
const MAX_CODE: usize = 64;

#[derive(Template)]
#[template(path = "logout.html")]
struct LogoutPage<'a> {
    shell: Shell<'a>,
    form: Binding,
    lead: String,
    choices: Vec<Choice>,
}

struct Choice {
    value: &'static str,
    label: String,
    hint: &'static str,
    checked: bool,
}

#[derive(Template)]
#[template(path = "device.html")]
struct DevicePage<'a> {
    shell: Shell<'a>,
    form: Binding,
    title: String,
    is_device: bool,
    user_code: Option<&'a str>,
    facts: Vec<(&'static str, String)>,
    warnings: Vec<&'static str>,
    scopes: Vec<String>,
}

#[derive(Template)]
#[template(path = "code.html")]
struct CodePage<'a> {
    shell: Shell<'a>,
    form: Binding,
    error: Option<String>,
}

/// The page of a confirmation.
pub(super) fn page(visit: &Visit, prompt: &Prompt, confirm: &ConfirmPrompt) -> Response {
    if confirm.what == "logout" {
        logout_page(visit, prompt, confirm)
    } else {
        device_page(visit, prompt, confirm)
    }
}

fn logout_page(visit: &Visit, prompt: &Prompt, confirm: &ConfirmPrompt) -> Response {
    let shell = Shell::new(visit, Some(prompt));
    let t = shell.t;
    let lead = shell.client_name().map_or_else(|| t.logout_lead.to_owned(), |c| t.logout_asked.say(c));
    let default = confirm
        .default
        .filter(|scope| confirm.choices.contains(scope))
        .or_else(|| confirm.choices.iter().copied().find(|scope| *scope == LogoutScope::Session))
        .or_else(|| confirm.choices.first().copied());
    let choices = match confirm.choices.as_slice() {
        [] | [_] => Vec::new(),
        several => several
            .iter()
            .map(|scope| choice(t, *scope, shell.client_name().unwrap_or_default(), default))
            .collect(),
    };
    let page = LogoutPage { lead, choices, form: Binding::new(visit, prompt), shell };
    page::send(visit, StatusCode::OK, &page.shell.nonce, &page)
}

fn choice(t: &Text, scope: LogoutScope, client: &str, default: Option<LogoutScope>) -> Choice {
    let (label, hint) = match scope {
        LogoutScope::Client => (t.logout_client.say(client), t.logout_client_hint),
        LogoutScope::Session => (t.logout_session.to_owned(), t.logout_session_hint),
        LogoutScope::Subject => (t.logout_subject.to_owned(), t.logout_subject_hint),
    };
    Choice { value: scope_name(scope), label, hint, checked: default == Some(scope) }
}

fn scope_name(scope: LogoutScope) -> &'static str {
    match scope {
        LogoutScope::Client => "client",
        LogoutScope::Session => "session",
        LogoutScope::Subject => "subject",
    }
}

fn device_page(visit: &Visit, prompt: &Prompt, confirm: &ConfirmPrompt) -> Response {
    let shell = Shell::new(visit, Some(prompt));
    let t = shell.t;
    let device = prompt.device.as_ref();
    let facts = device.map_or_else(Vec::new, |device| {
        let mut facts =
            vec![(t.device_time, device.started_at.to_string().replace('T', " ").replace('Z', " UTC"))];
        facts.extend(device.user_agent.clone().map(|agent| (t.device_agent, agent)));
        facts.extend(device.ip.clone().map(|ip| (t.device_address, ip)));
        facts
    });
    let warning = |code: &String| match code.as_str() {
        "different_network" => t.warn_network,
        "prefilled_code" => t.warn_prefilled,
        "old_request" => t.warn_old,
        _ => t.warn_other,
    };
    let title = shell.client_name().filter(|_| confirm.what == "device");
    let page = DevicePage {
        title: title.map_or_else(|| t.confirm_title.to_owned(), |name| t.device_title.say(name)),
        is_device: confirm.what == "device",
        user_code: device.map(|device| device.user_code.as_str()),
        facts,
        warnings: confirm.warn.iter().map(warning).collect(),
        scopes: prompt.request.iter().flat_map(|r| &r.scope).map(|value| scope_title(t, value)).collect(),
        form: Binding::new(visit, prompt),
        shell,
    };
    page::send(visit, StatusCode::OK, &page.shell.nonce, &page)
}

fn scope_title(t: &Text, value: &str) -> String {
    t.scope(value).map_or(value, |(title, _)| title).to_owned()
}

/// The answer to a confirmation: only an explicit yes is one.
pub(super) fn decide(confirm: &ConfirmPrompt, form: &Form) -> Result<Answer, Failure> {
    let accepted = match form.text("action") {
        "confirm" => true,
        "deny" => false,
        _ => return Err(Failure::Malformed),
    };
    let chosen = form.get("scope");
    let scope = match confirm.choices.as_slice() {
        _ if !accepted => None,
        [] => None,
        [only] => Some(*only),
        several => match several.iter().find(|scope| Some(scope_name(**scope)) == chosen) {
            Some(scope) => Some(*scope),
            None => return Err(Failure::Malformed),
        },
    };
    Ok(Answer::Confirm(ConfirmAnswer { accepted, scope }))
}

/// The page that asks for a device's code.
pub(super) fn code_page(visit: &Visit, prompt: &Prompt) -> Response {
    show_code(visit, prompt, None)
}

/// The same, after a wrong code.
pub(super) fn wrong_code(visit: &Visit, prompt: &Prompt, left: u32) -> Response {
    let t = visit.text(Some(prompt));
    let error = match left {
        1 => t.code_wrong_last.to_owned(),
        _ => t.code_wrong.say(&left.to_string()),
    };
    show_code(visit, prompt, Some(error))
}

fn show_code(visit: &Visit, prompt: &Prompt, error: Option<String>) -> Response {
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = CodePage { shell: Shell::new(visit, Some(prompt)), form: Binding::new(visit, prompt), error };
    page::send(visit, status, &page.shell.nonce, &page)
}

/// The answer with the code.
pub(super) fn user_code(form: &Form) -> Answer {
    let code = form.text("user_code").trim().chars().take(MAX_CODE).collect();
    Answer::UserCode(UserCodeAnswer { user_code: code })
}
