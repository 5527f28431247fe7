//! The files of a registration, and the way to its endpoint.

use std::{
    collections::HashMap,
    fmt,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use placet_sdk::signature::Secret;
use url::Url;

use crate::{
    config::{PolicyAuth, PolicyConfig, SecretText},
    outbound::{Operator, Route},
    outcome::Fault,
    policy::{
        backend::{
            discovery::{Origin, unix},
            transport::{Bearer, Socket, Transport},
        },
        breaker::Gate,
    },
};

/// What stands for the host of a Unix socket in URLs.
const SOCKET_HOST: &str = "http://localhost";

/// The way to the endpoint of a policy. Those who ask the same endpoint share its gate.
pub(super) fn to(
    config: &PolicyConfig,
    gates: &mut HashMap<String, Arc<Gate>>,
) -> Result<(Origin, Transport), Fault> {
    let broken = |e: &dyn fmt::Display| Fault::new("policy", format!("`{}`: {e}", config.name));
    let url = config.url.clone().ok_or_else(|| broken(&"has no url"))?;
    let auth = &config.auth;
    let socket = unix(&url).map(|(socket, path)| (PathBuf::from(socket), path.to_owned()));
    let through = socket.as_ref().map(|(_, path)| Url::parse(&format!("{SOCKET_HOST}{path}")));
    let through = through.transpose().map_err(|e| broken(&e))?;
    let read = |path: &PathBuf| std::fs::read(path).map_err(|e| broken(&format!("{}: {e}", path.display())));
    let identity = match (&auth.mtls.cert_file, &auth.mtls.key_file) {
        (Some(certificate), Some(key)) => Some((read(certificate)?, read(key)?)),
        _ => None,
    };
    let route = Route {
        unix_socket: socket.as_ref().map(|(path, _)| path.clone()),
        authorities: auth.mtls.ca_file.as_ref().map(read).transpose()?,
        identity,
    };
    let socket = socket.map(|(path, _)| Ok::<_, Fault>(Socket::new(path, owners(auth)?))).transpose()?;
    let transport = Transport {
        client: Operator::new(&route).map_err(|e| broken(&e))?,
        gate: gates.entry(url.clone()).or_insert_with(|| Arc::new(Gate::new())).clone(),
        socket,
        bearer: auth.bearer_file.clone().map(Bearer::new),
    };
    Ok((Origin { id: url, through }, transport))
}

/// Who may own the socket of a policy: the user that is named, else this server's own, or root.
fn owners(auth: &PolicyAuth) -> Result<Vec<u32>, Fault> {
    if let Some(uid) = auth.peer_uid {
        return Ok(vec![uid]);
    }
    let own = std::fs::metadata("/proc/self").map_err(|e| Fault::new("peer_uid", e))?.uid();
    Ok(vec![own, 0])
}

/// A secret from the configuration or from a file.
pub(super) fn secret(text: Option<&SecretText>, file: Option<&Path>) -> Result<Option<Secret>, Fault> {
    let wrong = |e: &dyn fmt::Display| Fault::new("policy secret", e);
    if let Some(SecretText(text)) = text {
        return text.parse().map(Some).map_err(|e| wrong(&e));
    }
    let Some(path) = file else { return Ok(None) };
    let broken = |e: &dyn fmt::Display| Fault::new("policy secret", format!("{}: {e}", path.display()));
    let text = zeroize::Zeroizing::new(std::fs::read_to_string(path).map_err(|e| broken(&e))?);
    text.parse().map(Some).map_err(|e| broken(&e))
}
