//! What a sidecar is told from outside.

use std::{net::SocketAddr, path::PathBuf};

use crate::signature::{Secret, SecretError};

/// Where samples listen unless they are told otherwise.
const DEFAULT_PORT: &str = "8092";
const DEFAULT_HOST: &str = "127.0.0.1";

/// Who the sidecar is, and the secrets that it shares with the server.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(super) id: String,
    pub(super) secrets: Vec<Secret>,
    pub(super) response_secret: Option<Secret>,
}

/// The settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A variable that must be there is not.
    #[error("`{0}` is not set")]
    Missing(&'static str),
    /// A secret is none.
    #[error("`{0}`: {1}")]
    Secret(&'static str, SecretError),
    /// The answers would be signed with the secret of the requests, so that one could be taken for the other.
    #[error("answers are signed with a secret of their own")]
    SameSecret,
    /// The id is no URL of a sidecar.
    #[error(
        "`{0}` is not the URL of a sidecar: `http://…`, `https://…` or `unix:///…`, no query, no fragment"
    )]
    Id(String),
    /// There is no such address.
    #[error("`{0}` is not an address to listen on")]
    Address(String),
}

/// Where a sidecar listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// On an address.
    Tcp(SocketAddr),
    /// On a Unix socket.
    Unix(PathBuf),
}

impl Settings {
    /// `id` is the sidecar's URL as the server's operator registers it; `secret` signs the requests.
    pub fn new(id: impl Into<String>, secret: Secret) -> Result<Self, SettingsError> {
        let id = id.into();
        let plain = !id.contains(['?', '#', ' ']);
        let rest = ["http://", "https://", "unix:///"].iter().find_map(|scheme| id.strip_prefix(scheme));
        if !plain || rest.is_none_or(str::is_empty) {
            return Err(SettingsError::Id(id));
        }
        Ok(Self { id, secrets: vec![secret], response_secret: None })
    }

    /// Requests may still be signed with this secret too: the one before a change.
    #[must_use]
    pub fn previous_secret(mut self, secret: Secret) -> Self {
        self.secrets.push(secret);
        self
    }

    /// Answers are signed with this secret, which is not one of those for requests.
    pub fn response_secret(mut self, secret: Secret) -> Result<Self, SettingsError> {
        if self.secrets.contains(&secret) {
            return Err(SettingsError::SameSecret);
        }
        self.response_secret = Some(secret);
        Ok(self)
    }

    /// Reads `PLACET_SECRET`, `PLACET_PREVIOUS_SECRET`, `PLACET_RESPONSE_SECRET`, `PLACET_SIDECAR_ID`, and where to
    /// listen: `PLACET_SOCKET`, or `HOST` and `PORT` (8092 on the loopback interface). `variable` looks them up.
    pub fn read(variable: impl Fn(&'static str) -> Option<String>) -> Result<(Self, Listen), SettingsError> {
        let variable = |name| variable(name).filter(|value| !value.is_empty());
        let secret = |name| {
            let parse =
                |text: String| text.parse::<Secret>().map_err(|error| SettingsError::Secret(name, error));
            variable(name).map(parse).transpose()
        };
        let listen = if let Some(path) = variable("PLACET_SOCKET") {
            Listen::Unix(path.into())
        } else {
            let host = variable("HOST").unwrap_or_else(|| DEFAULT_HOST.to_owned());
            let port = variable("PORT").unwrap_or_else(|| DEFAULT_PORT.to_owned());
            // An IPv6 address stands in brackets before a port.
            let host = if host.contains(':') { format!("[{host}]") } else { host };
            let address = format!("{host}:{port}");
            Listen::Tcp(address.parse().map_err(|_| SettingsError::Address(address))?)
        };
        let id = variable("PLACET_SIDECAR_ID").unwrap_or_else(|| match &listen {
            Listen::Unix(path) => format!("unix://{}", path.display()),
            Listen::Tcp(address) => format!("http://{address}"),
        });
        let current = secret("PLACET_SECRET")?.ok_or(SettingsError::Missing("PLACET_SECRET"))?;
        let mut settings = Self::new(id, current)?;
        if let Some(previous) = secret("PLACET_PREVIOUS_SECRET")? {
            settings = settings.previous_secret(previous);
        }
        if let Some(response) = secret("PLACET_RESPONSE_SECRET")? {
            settings = settings.response_secret(response)?;
        }
        Ok((settings, listen))
    }

    /// The path of the id, without a slash at its end.
    pub(super) fn path(&self) -> &str {
        let Some((scheme, rest)) = self.id.split_once("://") else { return "" };
        match rest.find('/') {
            Some(at) if scheme != "unix" => rest[at..].trim_end_matches('/'),
            _ => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const OTHER: &str = "whsec_HxweHRobGBkWFxQVEhMQEQ4PDA0KCwgJBgcEBQIDAAE=";

    fn read(set: &[(&'static str, &str)]) -> Result<(Settings, Listen), SettingsError> {
        Settings::read(|name| set.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn a_secret_is_enough() {
        let (settings, listen) = read(&[("PLACET_SECRET", SECRET)]).unwrap();
        assert_eq!(listen, Listen::Tcp(([127, 0, 0, 1], 8092).into()));
        assert_eq!((settings.id.as_str(), settings.path()), ("http://127.0.0.1:8092", ""));
    }

    #[test]
    fn everything_can_be_said() {
        let (settings, listen) = read(&[
            ("PLACET_SECRET", SECRET),
            ("PLACET_PREVIOUS_SECRET", OTHER),
            ("PLACET_SIDECAR_ID", "https://policy.example/placet/"),
            ("HOST", "::1"),
            ("PORT", "9000"),
        ])
        .unwrap();
        assert_eq!(listen, Listen::Tcp("[::1]:9000".parse().unwrap()));
        assert_eq!((settings.secrets.len(), settings.path()), (2, "/placet"));
        let (settings, listen) =
            read(&[("PLACET_SECRET", SECRET), ("PLACET_SOCKET", "/run/p.sock")]).unwrap();
        assert_eq!(listen, Listen::Unix("/run/p.sock".into()));
        assert_eq!((settings.id.as_str(), settings.path()), ("unix:///run/p.sock", ""));
    }

    #[test]
    fn what_cannot_be_used_is_named_and_never_shown() {
        for (set, said) in [
            (vec![], "`PLACET_SECRET` is not set"),
            (vec![("PLACET_SECRET", "hunter2")], "`PLACET_SECRET`: a secret begins with `whsec_`"),
            (
                vec![("PLACET_SECRET", SECRET), ("PLACET_RESPONSE_SECRET", SECRET)],
                "answers are signed with a secret of their own",
            ),
            (
                vec![("PLACET_SECRET", SECRET), ("PORT", "99999")],
                "`127.0.0.1:99999` is not an address to listen on",
            ),
        ] {
            assert_eq!(read(&set).unwrap_err().to_string(), said);
        }
        for id in ["policy.example", "https://", "ftp://a.example", "https://a.example/?x"] {
            let id = [("PLACET_SECRET", SECRET), ("PLACET_SIDECAR_ID", id)];
            assert!(matches!(read(&id), Err(SettingsError::Id(_))));
        }
    }
}
