//! The consent page.

mod details;

use askama::Template;
use http::StatusCode;
use placet_sdk::{
    grant::{Grant, GrantedClaims, Object},
    interaction::{
        Answer, ClaimItem, ClaimTarget, ConsentAnswer, ConsentPrompt, ConsentReason, Kind, Prompt, Remember,
        RememberMode, ScopeItem, Status,
    },
};
use warp::reply::Response;

use self::details::DetailRow;
use crate::{
    failure::Failure,
    form::Form,
    page::{self, Binding, Shell},
    text::{self, Text},
    visit::Visit,
};

#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentPage<'a> {
    shell: Shell<'a>,
    form: Binding,
    title: String,
    lead: String,
    signed_in_as: String,
    note: Option<&'static str>,
    /// What a policy says.
    message: Option<&'a str>,
    binding_message: Option<&'a str>,
    scopes: Vec<ScopeRow>,
    claims: Vec<ClaimRow>,
    details: Vec<DetailRow>,
    /// What remembering the decision means; absent where there is nothing to remember.
    remember: Option<&'static str>,
}

struct ScopeRow {
    field: String,
    title: String,
    description: String,
    required: bool,
    granted: bool,
    /// Claims that come with it.
    claims: Vec<String>,
}

struct ClaimRow {
    field: String,
    label: String,
    purpose: String,
    essential: bool,
    granted: bool,
}

/// The page.
pub(super) fn page(visit: &Visit, prompt: &Prompt, consent: &ConsentPrompt) -> Response {
    let shell = Shell::new(visit, Some(prompt));
    let t = shell.t;
    let client = shell.client_name().unwrap_or_default();
    let sub = &consent.subject.sub;
    let user = visit.app.directory.by_sub(sub);
    let user = user.as_ref().map_or(sub.as_str(), |user| user.display_name(t.tag));
    let has = |reason| consent.reasons.contains(&reason);
    let note = if has(ConsentReason::NativeClient) {
        Some(t.consent_native)
    } else {
        has(ConsentReason::Expired).then_some(t.consent_expired)
    };
    let (scopes, claims): (Vec<_>, _) =
        (offered(consent).map(|item| scope_row(t, item, consent)).collect(), claim_rows(t, consent));
    let details = details::rows(t, consent);
    let page = ConsentPage {
        // Whoever asks without a browser asks each time.
        remember: remembering(t, (&scopes, &claims, &details)).filter(|_| prompt.kind != Kind::Ciba),
        title: t.consent_title.say(client),
        lead: t.consent_lead.say(client),
        signed_in_as: t.signed_in_as.say(user),
        note,
        message: consent.message.as_deref(),
        binding_message: prompt.ciba.as_ref().and_then(|ciba| ciba.binding_message.as_deref()),
        scopes,
        claims,
        details,
        form: Binding::new(visit, prompt),
        shell,
    };
    page::send(visit, StatusCode::OK, &page.shell.nonce, &page)
}

/// What remembering means here: what is good for one time is asked for each time. Where that is all there is to decide,
/// remembering is not offered.
fn remembering(
    t: &Text,
    (scopes, claims, details): (&[ScopeRow], &[ClaimRow], &[DetailRow]),
) -> Option<&'static str> {
    let once = details.iter().any(|row| row.one_time);
    let lasting = scopes.iter().any(|row| !row.granted)
        || claims.iter().any(|row| !row.granted)
        || details.iter().any(|row| !row.one_time && !row.granted);
    match (once, lasting) {
        (true, true) => Some(t.remember_hint_once),
        (true, false) => None,
        (false, _) => Some(t.remember_hint),
    }
}

/// The scope values that may be granted at all.
fn offered(consent: &ConsentPrompt) -> impl Iterator<Item = &ScopeItem> {
    let offline = consent.offline;
    consent
        .scope
        .iter()
        .filter(move |item| item.value != "offline_access" || !offline.requested || offline.allowed)
}

/// The scope value that a claim is shown with and shares its fate: its standard scope, if that is asked too and
/// was not decided earlier than the claim.
fn owner<'a>(consent: &'a ConsentPrompt, claim: &ClaimItem) -> Option<&'a ScopeItem> {
    let scope = text::scope_of_claim(&claim.name)?;
    offered(consent)
        .find(|item| item.value == scope)
        .filter(|item| item.status == Status::New || claim.status == Status::Granted)
}

fn scope_row(t: &Text, item: &ScopeItem, consent: &ConsentPrompt) -> ScopeRow {
    let known = t.scope(&item.value);
    let title = item.title.as_deref().or(known.map(|(title, _)| title)).unwrap_or(&item.value);
    let own_words = if item.title.is_none() { known.map(|(_, words)| words) } else { None };
    let description = item.description.as_deref().or(own_words).unwrap_or_default();
    let mut claims: Vec<String> = consent
        .claims
        .iter()
        .filter(|claim| owner(consent, claim) == Some(item))
        .map(|claim| t.claim(&claim.name))
        .collect();
    claims.dedup();
    ScopeRow {
        field: scope_field(&item.value),
        title: title.to_owned(),
        description: description.to_owned(),
        required: item.required,
        granted: item.status == Status::Granted,
        claims,
    }
}

fn claim_rows(t: &Text, consent: &ConsentPrompt) -> Vec<ClaimRow> {
    let mut rows: Vec<ClaimRow> = Vec::new();
    for claim in consent.claims.iter().filter(|claim| owner(consent, claim).is_none()) {
        let field = claim_field(&claim.name);
        if rows.iter().any(|row| row.field == field) {
            continue;
        }
        rows.push(ClaimRow {
            field,
            label: t.claim(&claim.name),
            purpose: claim.purpose.clone().unwrap_or_default(),
            essential: claim.essential,
            granted: claim.status == Status::Granted,
        });
    }
    rows
}

fn scope_field(value: &str) -> String {
    format!("scope:{value}")
}

fn claim_field(name: &str) -> String {
    format!("claim:{name}")
}

/// The answer: exactly what is checked, and nothing that the prompt did not list.
pub(super) fn decide(consent: &ConsentPrompt, form: &Form) -> Result<Answer, Failure> {
    if form.get("action") != Some("allow") {
        return Err(Failure::Malformed);
    }
    let accepts = |item: &ScopeItem| item.required || form.is_checked(&scope_field(&item.value));
    let accepted = |claim: &ClaimItem| match owner(consent, claim) {
        Some(item) => accepts(item),
        None => form.is_checked(&claim_field(&claim.name)),
    };
    let claims = |target: ClaimTarget| {
        let mut names: Vec<String> = Vec::new();
        for claim in consent.claims.iter().filter(|claim| claim.targets.contains(&target)) {
            if accepted(claim) && !names.contains(&claim.name) {
                names.push(claim.name.clone());
            }
        }
        (!names.is_empty()).then_some(names)
    };
    let granted = GrantedClaims {
        id_token: claims(ClaimTarget::IdToken),
        userinfo: claims(ClaimTarget::Userinfo),
        access_token: claims(ClaimTarget::AccessToken),
    };
    let details: Vec<Object> = consent
        .authorization_details
        .iter()
        .enumerate()
        .filter(|(at, _)| form.is_checked(&details::field(*at)))
        .map(|(_, detail)| detail.iter().filter(|(name, _)| *name != "status"))
        .map(|members| members.map(|(name, value)| (name.clone(), value.clone())).collect())
        .collect();
    let mode = if form.is_checked("remember") { RememberMode::Always } else { RememberMode::Never };
    Ok(Answer::Consent(Box::new(ConsentAnswer {
        grant: Some(Grant {
            scope: Some(offered(consent).filter(|item| accepts(item)).map(|i| i.value.clone()).collect()),
            claims: (granted != GrantedClaims::default()).then_some(granted),
            authorization_details: (!details.is_empty()).then_some(details),
            ..Grant::default()
        }),
        accept_all: None,
        remember: Some(Remember { mode, lifetime: None }),
    })))
}
