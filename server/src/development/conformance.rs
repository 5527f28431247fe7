//! What `placet dev --profile conformance` adds to a configuration: what the plans of the OpenID Foundation's conformance suite
//! need, and nothing of the demo. Keys and secrets are those of the file, which is written anew for every such server.

use placet_server::config::{Config, ConfigError, RegistrationMode};

/// What a development server is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Purpose {
    /// To try things out: a demo client, with secrets that everybody knows.
    #[default]
    Demo,
    /// To be examined by a conformance suite.
    Conformance,
}

/// Prepares a configuration for a conformance suite; clients, scopes and hosts are those of the file.
///
/// # Errors
///
/// Suites speak to servers over TLS only.
pub(crate) fn prepare(config: &mut Config) -> Result<(), ConfigError> {
    if !config.issuer.starts_with("https://") || config.tls.certificate_file.is_none() {
        let text = "`--profile conformance` serves over TLS: it needs an https issuer and [tls]";
        return Err(ConfigError::Refused(vec![text.to_owned()]));
    }
    config.development = true;
    config.registration.mode = RegistrationMode::Open;
    // Suites open the session's frames from their own site.
    config.browser.third_party = true;
    // Nobody is there to say yes on a telephone.
    config.ciba.automatic_answers = true;
    config.request_objects.by_reference = true;
    // Nothing but what would do in a query as well; the plans look at the precedence of what is inside.
    config.request_objects.unsigned = true;
    config.limits.enabled = false;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn over_tls() -> Config {
        let mut config = Config { issuer: "https://op.example".to_owned(), ..Config::default() };
        config.tls.certificate_file = Some("tls.pem".into());
        config
    }

    #[test]
    fn it_is_development_over_tls_without_the_demo() {
        let mut config = over_tls();
        prepare(&mut config).unwrap();
        assert!(config.development && config.browser.third_party && config.ciba.automatic_answers);
        assert_eq!(config.registration.mode, RegistrationMode::Open);
        assert!(config.request_objects.by_reference && config.request_objects.unsigned);
        assert!(
            config.clients.is_empty() && config.ui.is_empty(),
            "nothing with a secret that everybody knows"
        );
    }

    #[test]
    fn without_tls_it_is_refused() {
        let plain = Config { issuer: "http://localhost:8080".to_owned(), ..over_tls() };
        let bare = Config { tls: Config::default().tls, ..over_tls() };
        for mut config in [plain, bare] {
            let error = prepare(&mut config).unwrap_err().to_string();
            assert!(error.contains("over TLS"), "{error}");
            assert!(!config.development, "nothing was changed");
        }
    }
}
