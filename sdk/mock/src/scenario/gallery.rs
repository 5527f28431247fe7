//! The scenarios that are there: those that come with the mock, and those in files.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::Scenario;

macro_rules! built_in {
    ($($name:literal),+ $(,)?) => {
        /// The scenarios that come with the mock, by name, as JSON, in the order of the gallery.
        pub const BUILT_IN: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../scenarios/", $name, ".json")))),+];
    };
}

built_in![
    "first-login",
    "login-only",
    "sso-consent",
    "sso-silent",
    "session-idle",
    "max-age",
    "login-hint",
    "answer-insufficient",
    "deny-login",
    "step-up-essential",
    "step-up-voluntary",
    "step-up-policy",
    "challenge-after-consent",
    "three-accounts",
    "select-none",
    "fixed-account",
    "prompt-login",
    "prompt-create",
    "prompt-none",
    "consent-first",
    "consent-incremental",
    "consent-required",
    "consent-claims",
    "consent-rar",
    "consent-offline",
    "consent-offline-refused",
    "prompt-consent",
    "consent-native",
    "consent-policy",
    "consent-many",
    "deny-consent",
    "custom-terms",
    "custom-unknown",
    "policy-refuses",
    "response-query",
    "response-fragment",
    "response-form-post",
    "response-query-jwt",
    "response-fragment-jwt",
    "response-form-post-jwt",
    "response-fragment-hybrid",
    "step-conflict",
    "expired-on-arrival",
    "expired-on-answer",
    "expires-soon",
    "not-found",
    "invalid-answer",
    "too-many-requests",
    "policy-unavailable",
    "server-unavailable",
    "error-page",
    "device-code",
    "device-link",
    "device-wrong-code",
    "device-expired-code",
    "device-different-network",
    "device-refused",
    "ciba-approve",
    "ciba-sign-in",
    "ciba-deny",
    "logout-client",
    "logout-session",
    "logout-subject",
    "logout-frames",
    "logout-by-user",
    "logout-without-hint",
    "logout-declined",
];

/// Scenarios cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// A file is not a scenario.
    #[error("{}: {reason}", path.display())]
    Unsound {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is neither a scenario nor a file of that name.
    #[error("there is no scenario `{0}`, and no such file; `placet mock --list` shows the scenarios")]
    Unknown(String),
    /// Two scenarios have one name.
    #[error("two scenarios are called `{0}`")]
    Twice(String),
    /// A folder has no scenario in it.
    #[error("{}: there is no `.json` file in this folder", .0.display())]
    Empty(PathBuf),
}

/// The scenarios that are there, in their order.
#[derive(Clone, Debug, Default)]
pub struct Gallery {
    scenarios: Vec<Arc<Scenario>>,
}

impl Gallery {
    /// The scenarios of these sources: `all`, the name of a built-in one, a file, or a folder.
    pub fn of(sources: &[String]) -> Result<Self, ScenarioError> {
        let mut gallery = Self::default();
        for source in sources {
            gallery.add(source)?;
        }
        Ok(gallery)
    }

    fn add(&mut self, source: &str) -> Result<(), ScenarioError> {
        if source == "all" {
            return BUILT_IN.iter().try_for_each(|(_, text)| self.add_text(text, Path::new("built in")));
        }
        if let Some((name, text)) = BUILT_IN.iter().find(|(name, _)| *name == source) {
            return self.add_text(text, Path::new(name));
        }
        let path = Path::new(source);
        if path.is_dir() {
            return self.add_folder(path);
        }
        if !path.exists() {
            return Err(ScenarioError::Unknown(source.to_owned()));
        }
        self.add_file(path)
    }

    fn add_folder(&mut self, folder: &Path) -> Result<(), ScenarioError> {
        let unreadable = |source| ScenarioError::Unreadable { path: folder.to_owned(), source };
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_some_and(|ending| ending == "json") {
                files.push(path);
            }
        }
        files.sort();
        if files.is_empty() {
            return Err(ScenarioError::Empty(folder.to_owned()));
        }
        files.iter().try_for_each(|file| self.add_file(file))
    }

    fn add_file(&mut self, path: &Path) -> Result<(), ScenarioError> {
        let text = fs::read_to_string(path);
        let text = text.map_err(|source| ScenarioError::Unreadable { path: path.to_owned(), source })?;
        self.add_text(&text, path)
    }

    fn add_text(&mut self, text: &str, path: &Path) -> Result<(), ScenarioError> {
        let read = Scenario::read(text);
        let scenario = read.map_err(|reason| ScenarioError::Unsound { path: path.to_owned(), reason })?;
        if self.find(&scenario.name).is_some() {
            return Err(ScenarioError::Twice(scenario.name));
        }
        self.scenarios.push(Arc::new(scenario));
        Ok(())
    }

    /// The scenario of this name.
    pub fn find(&self, name: &str) -> Option<Arc<Scenario>> {
        self.scenarios.iter().find(|scenario| scenario.name == name).cloned()
    }

    /// All scenarios.
    pub fn scenarios(&self) -> &[Arc<Scenario>] {
        &self.scenarios
    }

    /// The scenarios by their groups; both in the order in which they came.
    pub fn groups(&self) -> Vec<(&str, Vec<&Scenario>)> {
        let mut groups: Vec<(&str, Vec<&Scenario>)> = Vec::new();
        for scenario in &self.scenarios {
            match groups.iter_mut().find(|(name, _)| *name == scenario.group) {
                Some((_, members)) => members.push(scenario),
                None => groups.push((&scenario.group, vec![scenario])),
            }
        }
        groups
    }
}
