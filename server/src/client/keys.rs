//! The public keys that a client registered.

use placet_oauth::jwt::Compact;
use serde_json::Value;

use super::Client;
use crate::{jwks::KeySet, server::Server};

/// Whether a JWT is signed, by the algorithm in its header, with a key that `client` registered. A secret is none.
///
/// # Errors
///
/// Why the keys cannot be used: there are none, they are unsound, or they cannot be fetched. Reads on after "the keys of
/// the client cannot be used: ".
pub(crate) async fn signed_by(server: &Server, client: &Client, jwt: &Compact<'_>) -> Result<bool, String> {
    let algorithms = std::slice::from_ref(&jwt.header.alg);
    let metadata = &client.metadata;
    let verified = match (&metadata.jwks, &metadata.jwks_uri) {
        (Some(Value::Object(set)), _) => KeySet::parse(set).map(|set| set.verifies(jwt, algorithms)),
        (_, Some(uri)) => server.key_sets().at(uri, jwt).await.map(|set| set.verifies(jwt, algorithms)),
        _ => return Err("it has registered none".to_owned()),
    };
    verified.map_err(|error| error.to_string())
}
