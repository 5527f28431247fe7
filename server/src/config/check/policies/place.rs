//! Where a policy is, and how it and the server know each other.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use url::Url;

use crate::config::{BackendKind, Config, PolicyConfig, SecretText, SigningSecret};

/// Signing secrets that the project publishes, in examples and test vectors: known to everybody.
pub(super) const PUBLISHED: [&str; 3] = [
    "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "whsec_HxweHRobGBkWFxQVEhMQEQ4PDA0KCwgJBgcEBQIDAAE=",
    "whsec_QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8=",
];

pub(super) fn check(config: &Config, policy: &PolicyConfig, wrong: &mut Vec<String>) {
    if policy.backend == BackendKind::Rules {
        return;
    }
    address(config, (policy.url.as_deref(), policy.auth.allow_plaintext_loopback), wrong);
    let (sign, response) = (&policy.auth.sign, &policy.auth.response);
    signing(config, sign, wrong);
    secret(config, ("auth.response.secret", &response.secret, &response.secret_file), wrong);
    let (auth, unix) = (&policy.auth, is_unix(policy));
    if auth.mtls.cert_file.is_some() != auth.mtls.key_file.is_some() {
        wrong.push("auth.mtls needs both cert_file and key_file".to_owned());
    }
    let signed = auth.sign.secret.is_some() || auth.sign.secret_file.is_some();
    let known = signed || auth.bearer_file.is_some() || auth.mtls.cert_file.is_some() || unix;
    if policy.backend == BackendKind::Http && !known {
        wrong.push("needs auth.sign: the sidecar must know that it is this server who asks".to_owned());
    }
    let response = auth.response.secret.is_some() || auth.response.secret_file.is_some();
    if auth.require_signed_response && (policy.backend != BackendKind::Http || !response) {
        wrong.push("auth.require_signed_response needs backend = \"http\" and auth.response".to_owned());
    }
    if let Some(path) = &auth.bearer_file
        && issued_by(path, &config.issuer)
    {
        wrong.push("auth.bearer_file is a token of this very server, which would need itself".to_owned());
    }
}

fn is_unix(policy: &PolicyConfig) -> bool {
    policy.url.as_ref().is_some_and(|url| url.starts_with("unix://"))
}

/// What the address of a policy or of a receiver must be like.
pub(in crate::config::check) fn address(
    config: &Config,
    (text, plain): (Option<&str>, Option<bool>),
    wrong: &mut Vec<String>,
) {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return wrong.push("needs a url".to_owned());
    };
    if text.starts_with("unix://") {
        if crate::outbound::unix(text).is_none() {
            wrong.push(format!(
                "url `{text}` is not like `unix:///run/policy.sock` or `unix:///run/policy.sock:/path`"
            ));
        }
        return;
    }
    let Ok(url) = Url::parse(text) else { return wrong.push(format!("url `{text}` is no URL")) };
    if !url.username().is_empty() || url.password().is_some() {
        wrong.push("url must have no user and no password".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        wrong.push("url must have no query and no fragment".to_owned());
    }
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    let plain = plain.unwrap_or(config.development);
    match url.scheme() {
        "https" => {}
        "http" if loopback && plain => {}
        "http" if loopback => {
            wrong.push("http:// on this machine needs auth.allow_plaintext_loopback = true".to_owned());
        }
        _ => wrong.push(format!("url `{text}` must be https")),
    }
    let own = Url::parse(&config.issuer).is_ok_and(|issuer| issuer.origin() == url.origin());
    // `localhost` may be any of this machine's addresses, and a listener on all of them is reached by each.
    let reaches = |listening: IpAddr| match url.host() {
        Some(url::Host::Ipv4(ip)) => listening.is_unspecified() || listening == IpAddr::V4(ip),
        Some(url::Host::Ipv6(ip)) => listening.is_unspecified() || listening == IpAddr::V6(ip),
        _ => true,
    };
    let listens = [config.listen, config.private_listen].iter().any(|at| {
        let port = at.port() != 0 && url.port_or_known_default() == Some(at.port());
        loopback && port && reaches(at.ip())
    });
    if own || listens {
        wrong.push(format!("url `{text}` is this very server"));
    }
}

/// What the secrets must be like that requests are signed with.
pub(in crate::config::check) fn signing(config: &Config, sign: &SigningSecret, wrong: &mut Vec<String>) {
    secret(config, ("auth.sign.secret", &sign.secret, &sign.secret_file), wrong);
    secret(config, ("auth.sign.previous", &sign.previous, &sign.previous_file), wrong);
}

fn secret(
    config: &Config,
    (setting, text, file): (&str, &Option<SecretText>, &Option<PathBuf>),
    wrong: &mut Vec<String>,
) {
    if text.is_some() && file.is_some() {
        wrong.push(format!("{setting} and {setting}_file exclude each other"));
    }
    if config.development {
        return;
    }
    if text.is_some() {
        wrong.push(format!("use {setting}_file; a secret in the configuration is for development"));
    }
    // A file that cannot be read is told of at the start, with the reason.
    let read = file.as_ref().and_then(|path| std::fs::read_to_string(path).ok());
    let known =
        |text: &str| PUBLISHED.iter().any(|known| known.trim_end_matches('=') == text.trim_end_matches('='));
    if read.is_some_and(|text| known(text.trim())) {
        wrong.push(format!("{setting}_file has a secret of an example, which everybody knows"));
    }
}

/// Whether a file has a JWT of this issuer.
pub(in crate::config::check) fn issued_by(path: &Path, issuer: &str) -> bool {
    let payload = std::fs::read_to_string(path).ok().and_then(|token| {
        let payload = token.trim().split('.').nth(1)?.to_owned();
        serde_json::from_slice::<serde_json::Value>(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
    });
    payload.is_some_and(|claims| claims["iss"] == issuer)
}
