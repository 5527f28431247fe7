//! Who may register a client, and who may look after a registration.

use placet_oauth::{
    error::{ErrorCode, OAuthError},
    id::Secret,
};
use subtle::{Choice, ConstantTimeEq as _};

use crate::{
    client::{Client, REGISTRATION_TOKEN},
    config::{RegistrationConfig, RegistrationMode},
    outcome::Outcome,
    seal::parse_hex,
    server::Server,
    store::Digest,
};

/// Whether the holder of `token` may register a client (RFC 7591 section 3).
pub(super) fn admit(config: &RegistrationConfig, token: Option<&Secret>) -> Result<(), OAuthError> {
    match config.mode {
        RegistrationMode::Open => Ok(()),
        // No token would help.
        RegistrationMode::Closed => {
            Err(OAuthError::new(ErrorCode::InsufficientScope, "this server does not register clients"))
        }
        RegistrationMode::InitialAccessToken => match token {
            None => Err(OAuthError::invalid_token("an initial access token is needed to register a client")),
            Some(token) if is_initial_token(config, token) => Ok(()),
            Some(_) => Err(OAuthError::invalid_token("the initial access token is not valid")),
        },
    }
}

/// Compares with every token, so that the time does not tell which one came close.
fn is_initial_token(config: &RegistrationConfig, token: &Secret) -> bool {
    let presented = token.sha256();
    let known = config.initial_access_token_sha256.iter().filter_map(|digest| parse_hex(digest));
    known.fold(Choice::from(0), |found, digest| found | digest.ct_eq(&presented)).into()
}

/// The client with this id, straight from the store, for the holder of its registration access token (RFC 7592
/// section 2). This also works while registration is closed: whoever is registered can still leave.
///
/// An unknown client, a client that the operator registered and a wrong token are the same to the caller, in words
/// and in work.
pub(super) async fn managed<'a>(
    server: &Server,
    client_id: &str,
    token: Option<&'a Secret>,
) -> Outcome<(Client, &'a Secret)> {
    let token = token.ok_or_else(|| OAuthError::invalid_token("a registration access token is needed"))?;
    let stored = server.store().client(client_id).await?.map(Client::from_record).transpose()?;
    let stored = stored.filter(|_| !server.is_configured(client_id));
    let registered = stored.as_ref().and_then(|client| client.registration);
    let proved = server.root().matches(REGISTRATION_TOKEN, token, &registered.unwrap_or(Digest([0; 32])));
    match stored {
        Some(client) if proved && registered.is_some() => Ok((client, token)),
        _ => {
            Err(OAuthError::invalid_token("the registration access token is not valid for this client")
                .into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::hex;

    fn config(mode: RegistrationMode, tokens: &[&str]) -> RegistrationConfig {
        let digests = tokens.iter().map(|token| hex(&Secret::new(*token).sha256()));
        RegistrationConfig {
            mode,
            initial_access_token_sha256: digests.collect(),
            ..RegistrationConfig::default()
        }
    }

    #[test]
    fn a_closed_server_registers_nobody() {
        let config = config(RegistrationMode::Closed, &["a"]);
        assert_eq!(admit(&config, Some(&Secret::new("a"))).unwrap_err().code, ErrorCode::InsufficientScope);
    }

    #[test]
    fn an_open_server_registers_everybody() {
        assert_eq!(admit(&config(RegistrationMode::Open, &[]), None), Ok(()));
    }

    #[test]
    fn with_initial_access_tokens_any_of_them_opens_and_nothing_else() {
        let config = config(RegistrationMode::InitialAccessToken, &["a", "b"]);
        assert_eq!(admit(&config, Some(&Secret::new("a"))), Ok(()));
        assert_eq!(admit(&config, Some(&Secret::new("b"))), Ok(()));
        for refused in [None, Some(&Secret::new("c")), Some(&Secret::new(""))] {
            assert_eq!(admit(&config, refused).unwrap_err().code, ErrorCode::InvalidToken);
        }
    }
}
