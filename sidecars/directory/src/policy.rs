//! The decisions.

use placet_sdk::{
    decision::HookType,
    policy::{CibaRequest, ClaimsSource, Decision, Description, Policy},
};

use crate::source::{Entry, Source};

/// Answers from a directory.
#[derive(Debug)]
pub struct DirectoryPolicy {
    source: Source,
    cache_seconds: u32,
}

impl DirectoryPolicy {
    /// Answers from this directory, to be used again for so many seconds.
    pub fn new(source: Source, cache_seconds: u32) -> Self {
        Self { source, cache_seconds }
    }
}

impl Policy for DirectoryPolicy {
    fn describe(&self) -> Description {
        Description::new("directory", env!("CARGO_PKG_VERSION"))
            .needs(HookType::ClaimsSource, ["/subject", "/claims"])
            .needs(HookType::CibaRequest, ["/ciba"])
    }

    async fn claims_source(&self, request: ClaimsSource) -> Decision<ClaimsSource> {
        let Some(subject) = request.subject() else {
            return request.deny("access_denied", "nobody is asked about");
        };
        let entry = match self.source.by_sub(&subject.sub).await {
            Ok(entry) => entry.unwrap_or_default(),
            Err(error) => {
                tracing::error!(%error, "claims are not told");
                return Decision::unavailable();
            }
        };
        let section = request.section();
        let mut answer = request.allow().reason(if entry.sub.is_empty() { "unknown" } else { "found" });
        for wanted in &section.requested {
            for (name, value) in variants(&entry, &wanted.name, &section.locales) {
                answer = answer.claim(name, value);
            }
        }
        if self.cache_seconds > 0 { answer.cache_secs(self.cache_seconds) } else { answer }
    }

    async fn ciba_request(&self, request: CibaRequest) -> Decision<CibaRequest> {
        let hint = &request.section().hint;
        let Some(value) = hint.value.as_deref().filter(|_| hint.kind == "login_hint") else {
            return request.deny("unknown_user_id", "only login_hint is known here");
        };
        match self.source.by_hint(value).await {
            Ok(Some(entry)) => request.allow().user(&entry.sub).reason("found"),
            Ok(None) => request.deny("unknown_user_id", "no user is meant by this hint"),
            Err(error) => {
                tracing::error!(%error, "a hint is not resolved");
                Decision::unavailable()
            }
        }
    }
}

/// A claim by its name, and its variants in the languages that are asked for (OpenID Connect Core section 5.2).
fn variants<'a>(
    entry: &'a Entry,
    wanted: &'a str,
    locales: &'a [String],
) -> impl Iterator<Item = (&'a str, &'a serde_json::Value)> {
    let tagged = wanted.contains('#');
    entry
        .claims
        .iter()
        .filter(move |(name, _)| match name.split_once('#') {
            _ if name.as_str() == wanted => true,
            Some((base, language)) => {
                !tagged
                    && base == wanted
                    && locales.iter().any(|locale| {
                        locale.eq_ignore_ascii_case(language)
                            || locale
                                .split('-')
                                .next()
                                .is_some_and(|short| short.eq_ignore_ascii_case(language))
                    })
            }
            None => false,
        })
        .map(|(name, value)| (name.as_str(), value))
}
