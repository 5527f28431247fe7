//! A server of somebody else, as the script that started it describes it in a file: where its endpoints are, and what to
//! send them. Nothing of a product is known here, so that all are loaded by the same code.

use std::{net::SocketAddr, path::Path};

use serde::Deserialize;

use crate::{scenario::Kind, wire::Broken};

/// The file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Target {
    /// Its name and version.
    pub name: String,
    /// Its processes; those that they start count as well.
    pub pids: Vec<u32>,
    /// The token endpoint.
    pub token: Endpoint,
    /// The introspection endpoint; it may be on a listener of its own.
    pub introspection: Endpoint,
    /// What gives a JWT.
    pub jwt: Option<Form>,
    /// What gives an opaque token.
    pub opaque: Option<Form>,
    /// What refreshes.
    pub refresh: Option<Refresh>,
}

/// An endpoint.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Endpoint {
    /// Where it listens.
    pub address: SocketAddr,
    /// What stands in `Host`.
    pub host: String,
    /// Its path.
    pub path: String,
}

/// A form and who sends it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Form {
    /// The header `Authorization`; none if empty.
    #[serde(default)]
    pub authorization: String,
    /// The body.
    pub body: String,
    /// The header `Authorization` of whoever introspects the token, none if empty; absent if nobody can.
    pub introspects: Option<String>,
}

/// Refresh tokens, one for each connection.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refresh {
    /// The header `Authorization`; none if empty.
    #[serde(default)]
    pub authorization: String,
    /// Of different grants each.
    pub tokens: Vec<String>,
}

impl Target {
    /// Reads a file.
    pub(crate) fn read(path: &Path) -> Result<Self, Broken> {
        let text = std::fs::read(path).map_err(Broken::File)?;
        serde_json::from_slice(&text).map_err(|error| Broken::Answer(format!("{}: {error}", path.display())))
    }

    /// Whether it can be loaded with a scenario over so many connections.
    pub(crate) fn does(&self, kind: Kind, connections: usize) -> bool {
        match kind {
            Kind::CredentialsJwt => self.jwt.is_some(),
            Kind::CredentialsOpaque => self.opaque.is_some(),
            Kind::IntrospectJwt => self.jwt.as_ref().is_some_and(|form| form.introspects.is_some()),
            Kind::IntrospectOpaque => self.opaque.as_ref().is_some_and(|form| form.introspects.is_some()),
            Kind::Refresh => self.refresh.as_ref().is_some_and(|refresh| refresh.tokens.len() >= connections),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_was_not_prepared_for_is_left_out() {
        let target: Target = serde_json::from_str(
            r#"{
                "name": "other 1.0", "pids": [7],
                "token": {"address": "127.0.0.1:1", "host": "127.0.0.1:1", "path": "/t"},
                "introspection": {"address": "127.0.0.1:2", "host": "127.0.0.1:2", "path": "/i"},
                "jwt": {"body": "grant_type=client_credentials"},
                "refresh": {"tokens": ["a", "b"]}
            }"#,
        )
        .unwrap();
        assert!(target.does(Kind::CredentialsJwt, 8));
        assert!(!target.does(Kind::IntrospectJwt, 8), "nobody introspects them there");
        assert!(!target.does(Kind::CredentialsOpaque, 8) && !target.does(Kind::CodeFlow, 8));
        assert!(target.does(Kind::Refresh, 2) && !target.does(Kind::Refresh, 3));
    }
}
