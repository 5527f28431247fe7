//! Client authentication by a certificate (RFC 8705 section 2).

use openssl::error::ErrorStack;
use placet_oauth::{client::AuthMethod, mtls::CertificateSubject};
use serde_json::Value;

use super::ClientCertificate;
use crate::{
    client::Client,
    jwks::KeySet,
    outcome::{Fault, Outcome},
    server::Server,
};

/// What a key has to withstand at least: RSA with 2048 bits.
const STRENGTH: u32 = 112;

/// Whether the certificate is that of the client; else why not, for the log.
pub(in crate::client) async fn prove(
    server: &Server,
    client: &Client,
    shown: &ClientCertificate,
) -> Outcome<Result<(), String>> {
    match client.auth_method() {
        AuthMethod::TlsClientAuth => vouched_for(server, client, shown),
        AuthMethod::SelfSignedTlsClientAuth => registered(server, client, shown).await,
        _ => Ok(refuse("the client is not registered for certificates")),
    }
}

/// RFC 8705 section 2.1: an authority vouches for it, and it says what the client registered.
fn vouched_for(server: &Server, client: &Client, shown: &ClientCertificate) -> Outcome<Result<(), String>> {
    let Ok(Some(subject)) = CertificateSubject::registered(&client.metadata) else {
        return Ok(refuse("the client has registered no subject"));
    };
    if !subject.is_in(&shown.names()) {
        return Ok(refuse("it is that of somebody else"));
    }
    let vouched = server.authorities().vouch_for(shown, server.now()).map_err(broken)?;
    Ok(vouched.map_err(|reason| format!("no authority vouches for it: {reason}")))
}

/// RFC 8705 section 2.2: nobody needs to vouch for it, since it was registered itself. Its time counts all the same.
async fn registered(
    server: &Server,
    client: &Client,
    shown: &ClientCertificate,
) -> Outcome<Result<(), String>> {
    if !shown.is_timely(server.now()).map_err(broken)? {
        return Ok(refuse("its time has passed, or has not come"));
    }
    if shown.x509().public_key().is_ok_and(|key| key.security_bits() < STRENGTH) {
        return Ok(refuse("its key is too weak"));
    }
    let holds = match (&client.metadata.jwks, &client.metadata.jwks_uri) {
        (Some(Value::Object(set)), _) => KeySet::parse(set).map(|set| set.holds(shown)),
        (_, Some(uri)) => server.key_sets().with_certificate(uri, shown).await.map(|set| set.holds(shown)),
        _ => return Ok(refuse("the client has registered no keys")),
    };
    Ok(match holds {
        Ok(true) => Ok(()),
        Ok(false) => refuse("it is not among the keys of the client"),
        Err(error) => Err(format!("the keys of the client cannot be used: {error}")),
    })
}

fn refuse(reason: &str) -> Result<(), String> {
    Err(reason.to_owned())
}

fn broken(error: ErrorStack) -> Fault {
    Fault::new("certificate of a client", error)
}
