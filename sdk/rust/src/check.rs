//! The conformance kit for sidecars, in whatever language they are written (feature `check`).
//!
//! It asks a running sidecar what a server asks, and what nobody should ask, and looks at the answers: whether they
//! are decisions within the limits, whether signatures count, whether load and broken connections do harm. What a
//! policy should decide it cannot know; for that, the author writes [cases](CaseFile).
//!
//! Everything is asked in mode `test`, in which a sidecar must have no side effects.
//!
//! * `placet check-sidecar --url … --secret …` is the command line, [`main`] its entry.
//! * [`check!`](crate::check!) makes `cargo test` try a policy that is written with [`crate::policy`].
//! * [`run`] is the library.

mod cases;
mod command;
mod compare;
mod core;
mod discovery;
mod envelope;
mod harness;
mod reliability;
mod report;
mod round;
mod security;
mod sidecar;
mod tls;

pub use cases::{Case, CaseFile, Expected, Given};
pub use command::{Arguments, main};
pub use envelope::{Ceiling, envelope};
#[doc(hidden)]
pub use harness::{Tried, policy};
pub use report::{CHECKS, Check, Checked, Finding, Level, Report};

use self::{discovery::Discovered, round::Round, sidecar::Sidecar};
use crate::{decision::HookType, signature::Secret};

/// What is checked, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// The sidecar's URL, as the operator of a server registers it: `https://…`, `http://…` or `unix:///…`, with `:/path` behind
    /// it for another path than `/`.
    pub url: String,
    /// What requests are signed with.
    pub secret: Secret,
    /// What the sidecar's answers are signed with.
    pub response_secret: Option<Secret>,
    /// The types to try; none means those that the discovery document lists.
    pub types: Vec<HookType>,
    /// What the author expects.
    pub cases: Vec<Case>,
    /// A URL whose answer differs after a side effect.
    pub probe: Option<String>,
    /// Certificates of a private authority, PEM.
    pub ca: Option<Vec<u8>>,
    /// Certificate and private key that the kit shows, PEM, to a sidecar that wants one.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
    /// The bearer token that the kit sends.
    pub bearer: Option<String>,
    /// Codes with which the policy may deny besides those of its types (`extra_error_codes`).
    pub error_codes: Vec<String>,
    /// How long the sidecar has to answer, in milliseconds, if it is not what the types have by default.
    pub timeout_ms: Option<u32>,
}

impl Options {
    /// A sidecar and its secret.
    pub fn new(url: impl Into<String>, secret: Secret) -> Self {
        Self {
            url: url.into(),
            secret,
            response_secret: None,
            types: Vec::new(),
            cases: Vec::new(),
            probe: None,
            ca: None,
            identity: None,
            bearer: None,
            error_codes: Vec::new(),
            timeout_ms: None,
        }
    }
}

/// Why nothing could be checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The options do not go together.
    #[error("{0}")]
    Options(String),
    /// Nobody answers.
    #[error("`{0}` cannot be reached: {1}")]
    Unreachable(String, String),
    /// A file cannot be read.
    #[error("`{0}`: {1}")]
    File(String, String),
}

/// What every check looks at.
struct Context {
    options: Options,
    sidecar: Sidecar,
    discovered: Discovered,
    types: Vec<HookType>,
    rounds: Vec<Round>,
}

/// Checks a sidecar.
pub async fn run(options: Options) -> Result<Report, CheckError> {
    let context = Context::new(options).await?;
    let mut findings = core::check(&context).await;
    findings.extend(security::check(&context).await);
    findings.extend(discovery::check(&context).await);
    let cases = cases::check(&context).await;
    // Load and broken connections last: what they break would look like something else.
    findings.extend(Box::pin(reliability::check(&context)).await);
    findings.extend(security::noted(&context));
    let found =
        |id: &str| findings.iter().find(|(other, _)| *other == id).map(|(_, finding)| finding.clone());
    let checked = CHECKS.iter().map(|check| Checked {
        id: check.id.to_owned(),
        level: check.level,
        title: check.title.to_owned(),
        finding: found(check.id).unwrap_or_else(|| Finding::skipped("the kit did not come to it")),
    });
    Ok(Report {
        url: context.options.url.clone(),
        about: context.about(),
        checked: checked.chain(cases).collect(),
    })
}

impl Context {
    async fn new(options: Options) -> Result<Self, CheckError> {
        let mut sidecar = Sidecar::new(&options)?;
        let discovered = discovery::discover(&sidecar).await?;
        if let Some(endpoint) = discovered.endpoint(&sidecar.url) {
            sidecar.endpoint = endpoint;
        }
        let mut types = options.types.clone();
        if types.is_empty() {
            types = discovered.types();
        }
        if types.is_empty() {
            let why = "the sidecar lists no types in a discovery document: say which to try";
            return Err(CheckError::Options(why.to_owned()));
        }
        let rounds = round::rounds(&sidecar, &types).await?;
        Ok(Self { options, sidecar, discovered, types, rounds })
    }

    fn about(&self) -> String {
        let types = match self.types.len() {
            1 => "1 type".to_owned(),
            many => format!("{many} types"),
        };
        match self.discovered.document() {
            Some(document) => format!("{} {}, {types}", document.sidecar.name, document.sidecar.version),
            None => types,
        }
    }
}
