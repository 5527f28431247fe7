//! How connections to the database are secured, read from its URL.
//!
//! libpq's words are used, with two differences. What it guesses is refused: `allow` and `prefer` fall back to
//! plain text when somebody in between asks for it, and `require` trusts any certificate unless told otherwise.
//! And a host beyond this machine is only spoken to with TLS and a verified certificate, unless
//! `sslmode=disable` says in so many words that its network is trusted.

use std::net::IpAddr;

use openssl::ssl::{SslConnector, SslFiletype, SslMethod};
use postgres_openssl::MakeTlsConnector;
use tokio_postgres::{
    Config,
    config::{Host, SslMode},
};

/// What the URL of a database says.
pub(super) struct Target {
    /// Where it is, and who asks.
    pub(super) config: Config,
    /// How TLS is spoken with it, where the configuration wants TLS.
    pub(super) connector: MakeTlsConnector,
}

/// How much of the server's certificate is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Disable,
    /// A known authority vouches for it.
    VerifyCa,
    /// And it is one for the host of the URL.
    VerifyFull,
}

/// What is ours to read: the client library knows only a part of it.
#[derive(Default)]
struct Settings {
    mode: Option<Mode>,
    authorities: Option<String>,
    certificate: Option<String>,
    key: Option<String>,
}

/// Reads `url` and the files that it names; an error says what is wrong, without the password.
pub(super) fn read(url: &str) -> Result<Target, String> {
    let (rest, settings) = split(url)?;
    let mut config: Config =
        rest.parse().map_err(|error| format!("the database url is not valid: {error}"))?;
    let mode = settings.mode.unwrap_or(if is_here(&config) { Mode::Disable } else { Mode::VerifyFull });
    if mode == Mode::Disable && (settings.authorities.is_some() || settings.certificate.is_some()) {
        return Err("the database url names certificates, but not `sslmode=verify-full`".to_owned());
    }
    config.ssl_mode(if mode == Mode::Disable { SslMode::Disable } else { SslMode::Require });
    Ok(Target { config, connector: connector(&settings, mode)? })
}

/// Takes the parameters about TLS out of the query.
fn split(url: &str) -> Result<(String, Settings), String> {
    let mut settings = Settings::default();
    let Some((base, query)) = url.split_once('?') else { return Ok((url.to_owned(), settings)) };
    let mut others = Vec::new();
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let slot = match name {
            "sslmode" if settings.mode.is_some() => return Err(twice(name)),
            "sslmode" => {
                settings.mode = Some(mode(value)?);
                continue;
            }
            "sslrootcert" => &mut settings.authorities,
            "sslcert" => &mut settings.certificate,
            "sslkey" => &mut settings.key,
            _ => {
                others.push(pair);
                continue;
            }
        };
        if slot.replace(decoded(name, value)?).is_some() {
            return Err(twice(name));
        }
    }
    if settings.certificate.is_some() != settings.key.is_some() {
        return Err("the database url needs `sslcert` and `sslkey`, or neither".to_owned());
    }
    let rest = if others.is_empty() { base.to_owned() } else { format!("{base}?{}", others.join("&")) };
    Ok((rest, settings))
}

fn twice(name: &str) -> String {
    format!("the database url has `{name}` twice")
}

fn mode(value: &str) -> Result<Mode, String> {
    match value {
        "disable" => Ok(Mode::Disable),
        "verify-ca" => Ok(Mode::VerifyCa),
        "verify-full" => Ok(Mode::VerifyFull),
        "allow" | "prefer" | "require" => Err(format!(
            "the database url has `sslmode={value}`, which somebody in between can undo: \
             use `verify-full` with `sslrootcert`, or `disable` within a trusted network"
        )),
        _ => Err(format!(
            "the database url has `sslmode={value}`: there are `verify-full`, `verify-ca` and `disable`"
        )),
    }
}

fn decoded(name: &str, value: &str) -> Result<String, String> {
    let pair = format!("v={}", value.replace('+', "%2B"));
    match url::form_urlencoded::parse(pair.as_bytes()).next() {
        Some((_, path)) if !path.is_empty() => Ok(path.into_owned()),
        _ => Err(format!("the database url has an empty `{name}`")),
    }
}

/// Whether every host is this machine: then nobody is in between.
fn is_here(config: &Config) -> bool {
    let named = config.get_hosts().iter().all(|host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback()),
    });
    // `hostaddr` is where it really goes.
    named && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

fn connector(settings: &Settings, mode: Mode) -> Result<MakeTlsConnector, String> {
    let openssl = |error: openssl::error::ErrorStack| format!("TLS towards the database: {error}");
    let mut builder = SslConnector::builder(SslMethod::tls()).map_err(openssl)?;
    if let Some(path) = &settings.authorities {
        // Only these, not those of the system as well.
        builder.set_cert_store(openssl::x509::store::X509StoreBuilder::new().map_err(openssl)?.build());
        builder.set_ca_file(path).map_err(|error| format!("`sslrootcert` {path}: {error}"))?;
    }
    if let (Some(certificate), Some(key)) = (&settings.certificate, &settings.key) {
        builder
            .set_certificate_chain_file(certificate)
            .map_err(|error| format!("`sslcert` {certificate}: {error}"))?;
        builder
            .set_private_key_file(key, SslFiletype::PEM)
            .and_then(|()| builder.check_private_key())
            .map_err(|error| format!("`sslkey` {key}: {error}"))?;
    }
    let mut connector = MakeTlsConnector::new(builder.build());
    if mode == Mode::VerifyCa {
        connector.set_callback(|configuration, _| {
            configuration.set_verify_hostname(false);
            Ok(())
        });
    }
    Ok(connector)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode_of(url: &str) -> Result<SslMode, String> {
        read(url).map(|target| target.config.get_ssl_mode())
    }

    #[test]
    fn a_host_beyond_this_machine_is_spoken_to_with_tls() {
        assert_eq!(mode_of("postgres://placet@db.example.com/placet"), Ok(SslMode::Require));
        assert_eq!(mode_of("postgres://placet@10.0.0.5/placet"), Ok(SslMode::Require));
        assert_eq!(mode_of("postgres://placet@localhost,db.example.com/placet"), Ok(SslMode::Require));
        assert_eq!(mode_of("postgres://placet@localhost/placet?hostaddr=10.0.0.5"), Ok(SslMode::Require));
        assert_eq!(
            mode_of("postgres://placet@db.example.com/placet?sslmode=verify-ca"),
            Ok(SslMode::Require)
        );
    }

    #[test]
    fn this_machine_and_networks_said_to_be_trusted_need_none() {
        for url in [
            "postgres://placet@%2Frun%2Fpostgresql/placet",
            "postgres://placet@localhost/placet?application_name=x",
            "postgres://placet@127.0.0.1:5433/placet",
            "postgres://placet@[::1]/placet",
            "postgres://placet@db.example.com/placet?sslmode=disable&application_name=x",
        ] {
            assert_eq!(mode_of(url), Ok(SslMode::Disable), "{url}");
        }
    }

    #[test]
    fn what_can_be_undone_or_means_nothing_is_refused() {
        for (query, part) in [
            ("sslmode=prefer", "somebody in between"),
            ("sslmode=allow", "somebody in between"),
            ("sslmode=require", "somebody in between"),
            ("sslmode=on", "there are"),
            ("sslmode=verify-full&sslmode=disable", "twice"),
            ("sslrootcert=", "empty"),
            ("sslrootcert=/does/not/exist", "`sslrootcert` /does/not/exist"),
            ("sslcert=/a", "or neither"),
            ("sslkey=/a", "or neither"),
            ("sslmode=disable&sslrootcert=/a", "not `sslmode=verify-full`"),
        ] {
            let error = mode_of(&format!("postgres://placet:secret@db/placet?{query}")).expect_err(query);
            assert!(error.contains(part), "{query}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
