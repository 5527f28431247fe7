//! The files of a registration, and the way to its endpoint.

use std::{collections::HashMap, fmt, path::Path, sync::Arc};

use placet_sdk::signature::Secret;

use crate::{
    config::{PolicyConfig, SecretText},
    outbound::{CONNECT_TIMEOUT, Endpoint, Way},
    outcome::Fault,
    policy::{
        backend::{discovery::Origin, transport::Transport},
        breaker::Gate,
    },
};

/// The way to the endpoint of a policy. Those who ask the same endpoint share its gate.
pub(super) fn to(
    config: &PolicyConfig,
    gates: &mut HashMap<String, Arc<Gate>>,
) -> Result<(Origin, Transport), Fault> {
    let broken = |e: &dyn fmt::Display| Fault::new("policy", format!("`{}`: {e}", config.name));
    let url = config.url.clone().ok_or_else(|| broken(&"has no url"))?;
    let auth = &config.auth;
    let endpoint = Endpoint::new(&Way {
        url: &url,
        mtls: &auth.mtls,
        bearer_file: auth.bearer_file.as_deref(),
        peer_uid: auth.peer_uid,
        connect_timeout: CONNECT_TIMEOUT,
    });
    let endpoint = endpoint.map_err(|e| broken(&e))?;
    let through = endpoint.through().cloned();
    let gate = gates.entry(url.clone()).or_insert_with(|| Arc::new(Gate::new())).clone();
    Ok((Origin { id: url, through }, Transport { endpoint, gate }))
}

/// A secret from the configuration or from a file.
pub(crate) fn secret(text: Option<&SecretText>, file: Option<&Path>) -> Result<Option<Secret>, Fault> {
    let wrong = |e: &dyn fmt::Display| Fault::new("signing secret", e);
    if let Some(SecretText(text)) = text {
        return text.parse().map(Some).map_err(|e| wrong(&e));
    }
    let Some(path) = file else { return Ok(None) };
    let broken = |e: &dyn fmt::Display| Fault::new("signing secret", format!("{}: {e}", path.display()));
    let text = zeroize::Zeroizing::new(std::fs::read_to_string(path).map_err(|e| broken(&e))?);
    text.parse().map(Some).map_err(|e| broken(&e))
}
