//! The command line of the kit.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use super::{CaseFile, CheckError, Options, Report, run};
use crate::{decision::HookType, signature::Secret};

/// Whether the sidecar holds the contract.
const FAILED: u8 = 1;
/// Nothing could be checked.
const NOT_CHECKED: u8 = 2;

/// Check whether a sidecar speaks the decision API as it should.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// The sidecar's URL, as it is registered: https://…, http://… or unix:///…
    #[arg(long)]
    url: String,
    /// What requests are signed with: whsec_…
    #[arg(long, env = "PLACET_SECRET", hide_env_values = true)]
    secret: String,
    /// What the sidecar's answers are signed with, if they are: whsec_…
    #[arg(long, env = "PLACET_RESPONSE_SECRET", hide_env_values = true)]
    response_secret: Option<String>,
    /// The types to try, separated by commas; else those that the sidecar lists.
    #[arg(long, value_delimiter = ',')]
    types: Vec<String>,
    /// A file of cases, `.json` or `.toml`: questions, and what the policy should answer. May be given again.
    #[arg(long)]
    cases: Vec<PathBuf>,
    /// Where to write a `JUnit` report.
    #[arg(long)]
    report: Option<PathBuf>,
    /// A URL whose answer differs after a side effect: a counter, say.
    #[arg(long)]
    probe: Option<String>,
    /// Certificates of a private authority, PEM.
    #[arg(long)]
    ca: Option<PathBuf>,
    /// A certificate, PEM, for a sidecar that wants one; with `--key`
    #[arg(long, requires = "key")]
    cert: Option<PathBuf>,
    /// Its private key, PEM.
    #[arg(long, requires = "cert")]
    key: Option<PathBuf>,
    /// A file with a bearer token for a sidecar that wants one.
    #[arg(long)]
    bearer_file: Option<PathBuf>,
    /// Codes with which the policy may deny besides those of its types, separated by commas (`extra_error_codes`).
    #[arg(long, value_delimiter = ',')]
    error_codes: Vec<String>,
    /// How long the sidecar has to answer, in milliseconds; else what its types have by default.
    #[arg(long)]
    timeout_ms: Option<u32>,
}

impl Arguments {
    fn options(&self) -> Result<Options, CheckError> {
        let secret = |name: &str, text: &str| {
            text.parse::<Secret>().map_err(|error| CheckError::Options(format!("{name}: {error}")))
        };
        let mut options = Options::new(&self.url, secret("--secret", &self.secret)?);
        if let Some(text) = &self.response_secret {
            options.response_secret = Some(secret("--response-secret", text)?);
        }
        for name in &self.types {
            let hook = name.parse::<HookType>();
            options.types.push(hook.map_err(|error| CheckError::Options(format!("`{name}`: {error}")))?);
        }
        for path in &self.cases {
            options.cases.extend(CaseFile::read(path)?.cases);
        }
        let read = |path: &PathBuf| std::fs::read(path).map_err(|error| unreadable(path, &error));
        options.ca = self.ca.as_ref().map(read).transpose()?;
        if let (Some(certificate), Some(key)) = (&self.cert, &self.key) {
            options.identity = Some((read(certificate)?, read(key)?));
        }
        if let Some(path) = &self.bearer_file {
            let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
            options.bearer = Some(text.trim().to_owned());
        }
        options.error_codes.clone_from(&self.error_codes);
        options.probe.clone_from(&self.probe);
        options.timeout_ms = self.timeout_ms;
        Ok(options)
    }

    async fn check(&self) -> Result<Report, CheckError> {
        let report = run(self.options()?).await?;
        if let Some(path) = &self.report {
            let written = std::fs::write(path, report.junit());
            written.map_err(|error| unreadable(path, &error))?;
        }
        Ok(report)
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> CheckError {
    CheckError::File(path.display().to_string(), error.to_string())
}

/// Runs the command: prints the report, and ends with 0 if everything holds, with 1 if something does not, and with
/// 2 if nothing could be checked.
pub async fn main(arguments: Arguments) -> ExitCode {
    match arguments.check().await {
        Ok(report) => {
            println!("{report}");
            if report.passed() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) }
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(NOT_CHECKED)
        }
    }
}
