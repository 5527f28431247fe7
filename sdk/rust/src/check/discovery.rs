//! Level Discovery.

use reqwest::Url;

use super::{
    CheckError, Context, Finding,
    core::{unusual, usual},
    envelope::Ceiling,
    round::{again, question},
    sidecar::Sidecar,
};
use crate::decision::{HookType, PolicyDocument, WELL_KNOWN, project};

type Found = (&'static str, Finding);

/// What the sidecar says of itself.
#[derive(Debug)]
pub(super) enum Discovered {
    /// Nothing.
    Nothing,
    /// Something that cannot be used.
    Invalid(String),
    /// This.
    Document(Box<PolicyDocument>),
}

impl Discovered {
    pub(super) fn document(&self) -> Option<&PolicyDocument> {
        match self {
            Self::Document(document) => Some(document),
            _ => None,
        }
    }

    /// The types that the kit knows, of those that are listed.
    pub(super) fn types(&self) -> Vec<HookType> {
        let listed = self.document().into_iter().flat_map(|document| &document.types);
        listed.filter_map(|one| one.hook.parse().ok()).collect()
    }

    /// Where decisions are asked, if that is said and may be followed.
    pub(super) fn endpoint(&self, id: &str) -> Option<String> {
        let endpoint = &self.document()?.decision_endpoint;
        if id.starts_with("unix:") {
            return None;
        }
        same_origin(id, endpoint).then(|| endpoint.clone())
    }
}

/// Whether two URLs have an origin in common; those of a Unix socket are compared as they are.
fn same_origin(one: &str, other: &str) -> bool {
    match (Url::parse(one), Url::parse(other)) {
        (Ok(one), Ok(other)) if one.scheme() == "unix" => one == other,
        (Ok(one), Ok(other)) => one.origin() == other.origin(),
        _ => false,
    }
}

/// Where the document is: well-known is inserted before the path (RFC 8414 section 3.1).
fn document_url(id: &str) -> Option<String> {
    if id.starts_with("unix:") {
        return Some(format!("http://localhost{WELL_KNOWN}"));
    }
    let url = Url::parse(id).ok()?;
    let path = url.path().trim_end_matches('/');
    Some(format!("{}{WELL_KNOWN}{path}", url.origin().ascii_serialization()))
}

pub(super) async fn discover(sidecar: &Sidecar) -> Result<Discovered, CheckError> {
    let Some(url) = document_url(&sidecar.url) else {
        return Err(CheckError::Options(format!("`{}` is not the URL of a sidecar", sidecar.url)));
    };
    let answer = sidecar.get(&url).await;
    let answer = answer.map_err(|error| CheckError::Unreachable(sidecar.url.clone(), error))?;
    if answer.status != 200 {
        return Ok(Discovered::Nothing);
    }
    Ok(match serde_json::from_slice(&answer.body) {
        Ok(document) => Discovered::Document(Box::new(document)),
        Err(error) => Discovered::Invalid(error.to_string()),
    })
}

pub(super) async fn check(context: &Context) -> Vec<Found> {
    let document = match &context.discovered {
        Discovered::Nothing => {
            let skipped = || Finding::skipped("there is no discovery document");
            return vec![("D1", skipped()), ("D2", skipped()), ("D3", skipped())];
        }
        Discovered::Invalid(error) => {
            let skipped = || Finding::skipped("the discovery document cannot be read");
            return vec![("D1", Finding::Failed(vec![error.clone()])), ("D2", skipped()), ("D3", skipped())];
        }
        Discovered::Document(document) => document,
    };
    vec![
        ("D1", Finding::of(valid(&context.sidecar.url, document))),
        ("D2", Finding::of(answered(context, document).await)),
        ("D3", honest(context, document).await),
    ]
}

fn valid(url: &str, document: &PolicyDocument) -> Vec<String> {
    let mut found = Vec::new();
    if document.sidecar.id != url {
        found.push(format!("`sidecar.id` is `{}`, not `{url}`", document.sidecar.id));
    }
    if !document.protocols.iter().any(|protocol| protocol.starts_with("1.")) {
        found.push("`protocols` has no version 1".to_owned());
    }
    for (name, endpoint) in [
        ("decision_endpoint", Some(&document.decision_endpoint)),
        ("event_endpoint", document.event_endpoint.as_ref()),
        ("health_endpoint", document.health_endpoint.as_ref()),
    ] {
        if let Some(endpoint) = endpoint
            && !same_origin(url, endpoint)
        {
            found.push(format!("`{name}` is not of the origin of the sidecar: `{endpoint}`"));
        }
    }
    for (at, one) in document.types.iter().enumerate() {
        if document.types[..at].iter().any(|before| before.hook == one.hook) {
            found.push(format!("`{}` is listed twice", one.hook));
        }
        for pointer in one.needs.iter().chain(&one.returns).flatten() {
            if !pointer.starts_with('/') {
                found.push(format!("`{}`: `{pointer}` is not a JSON Pointer", one.hook));
            }
        }
        let Ok(hook) = one.hook.parse::<HookType>() else { continue };
        for pointer in one.returns.iter().flatten() {
            let section = pointer.split('/').nth(1).unwrap_or_default();
            if !hook.settable().contains(&section) {
                found.push(format!("`{hook}` does not set `{pointer}`, which `returns` names"));
            }
        }
        if one.cacheable && !hook.cacheable() {
            found.push(format!(
                "decisions of `{hook}` are never remembered, and `cacheable` says they may be"
            ));
        }
    }
    found
}

async fn answered(context: &Context, document: &PolicyDocument) -> Vec<String> {
    let mut found = Vec::new();
    for hook in HookType::ALL {
        let declared = document.types.iter().any(|one| one.hook == hook.as_str());
        let Ok(request) = question(hook, Ceiling::Wide) else { continue };
        match context.sidecar.ask(&request).await {
            Ok(answer) if declared && answer.status == 501 => {
                found.push(format!("`{hook}` is declared, and answered with 501"));
            }
            Ok(answer) if !declared && answer.status != 501 => {
                found.push(format!("`{hook}` is not declared, and answered with {}", answer.shown()));
            }
            Ok(_) => {}
            Err(error) => found.push(format!("`{hook}`: {error}")),
        }
    }
    found
}

/// Whether the decision is the same for a sidecar that is sent only what it says it needs.
async fn honest(context: &Context, document: &PolicyDocument) -> Finding {
    if document.types.iter().all(|one| one.needs.is_none()) {
        return Finding::skipped("every type needs everything");
    }
    let mut found = Vec::new();
    for round in context.rounds.iter().filter(|round| round.good().is_some()) {
        let hook = round.request.hook;
        let listed = document.types.iter().find(|one| one.hook == hook.as_str());
        let Some(needs) = listed.and_then(|one| one.needs.as_deref()) else { continue };
        let tried = async {
            let usual = usual(context, &round.request).await?;
            let whole = serde_json::to_value(&*again(&round.request)).map_err(|error| error.to_string())?;
            let shown = project(&whole, needs);
            let message = context.sidecar.raw(&shown, context.sidecar.budget(hook));
            let answer = context.sidecar.send(message).await?;
            Ok::<_, String>(unusual(&answer, &usual))
        };
        if let Some(said) = tried.await.unwrap_or_else(Some) {
            found.push(format!("{}, with what it needs alone: {said}", round.place()));
        }
    }
    Finding::of(found)
}
