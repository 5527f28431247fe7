//! A policy as it is registered.

use std::{path::Path, sync::Arc, time::Duration};

use placet_sdk::{decision::HookType, signature::Secret};

use super::backend::{Backend, http::Http};
use crate::{
    clock::Clock,
    config::{BackendKind, OnFailure, PolicyConfig, PolicyMode, SecretText, SignConfig},
    outbound::{Operator, Route},
    outcome::Fault,
};

/// A policy as it is registered.
pub(super) struct Registration {
    pub(super) config: PolicyConfig,
    pub(super) backend: Box<dyn Backend>,
}

impl Registration {
    /// Reads its files and makes its client.
    pub(super) fn new(config: &PolicyConfig, clock: Arc<dyn Clock>) -> Result<Self, Fault> {
        let backend: Box<dyn Backend> = match config.backend {
            BackendKind::Http => {
                let url = config.url.clone().unwrap_or_default();
                let secrets = config.auth.sign.as_ref().map(secrets).transpose()?.unwrap_or_default();
                let client = Operator::new(&Route::default())?;
                Box::new(Http { url, client, secrets, clock })
            }
        };
        Ok(Self { config: config.clone(), backend })
    }

    /// Whether its answers count for this type.
    pub(super) fn enforces(&self, hook: HookType) -> bool {
        self.config.mode == PolicyMode::Enforce && self.config.types.contains(&hook)
    }

    /// How long an answer may take.
    pub(super) fn timeout(&self, hook: HookType) -> Duration {
        Duration::from_millis(self.config.timeout_ms.unwrap_or(hook.default_timeout_ms()).into())
    }

    /// What happens when it fails.
    pub(super) fn on_failure(&self, hook: HookType) -> OnFailure {
        let default = if hook == HookType::LogoutEvaluate { OnFailure::Proceed } else { OnFailure::Fail };
        self.config.on_failure.unwrap_or(default)
    }
}

fn secrets(sign: &SignConfig) -> Result<Vec<Secret>, Fault> {
    let current = secret(sign.secret.as_ref(), sign.secret_file.as_deref())?;
    let previous = secret(sign.previous.as_ref(), sign.previous_file.as_deref())?;
    Ok(current.into_iter().chain(previous).collect())
}

fn secret(text: Option<&SecretText>, file: Option<&Path>) -> Result<Option<Secret>, Fault> {
    let wrong = |e: &dyn std::fmt::Display| Fault::new("policy secret", e);
    if let Some(SecretText(text)) = text {
        return text.parse().map(Some).map_err(|e| wrong(&e));
    }
    let Some(path) = file else { return Ok(None) };
    let broken = |e: &dyn std::fmt::Display| Fault::new("policy secret", format!("{}: {e}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|e| broken(&e))?;
    text.parse().map(Some).map_err(|e| broken(&e))
}
