//! How a client says who it is (RFC 6749 section 2.3.1). Whether it is true is for the store to say.

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    attestation::named_client,
    client::AuthMethod,
    error::OAuthError,
    id::{ClientId, Secret},
    jwt,
    params::{Params, decode},
};

/// The type of a JWT that authenticates a client (RFC 7523 section 2.2).
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What a client presented, one variant for each method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// A name and no proof in the request: of public clients, and of those whose proof is the certificate of the
    /// connection (RFC 8705 section 2).
    None {
        /// Who the client says it is.
        client_id: ClientId,
    },
    /// Name and password in the `Authorization` header.
    SecretBasic {
        /// Who the client says it is.
        client_id: ClientId,
        /// Its password.
        secret: Secret,
    },
    /// Name and password in the body.
    SecretPost {
        /// Who the client says it is.
        client_id: ClientId,
        /// Its password.
        secret: Secret,
    },
    /// A JWT about the client itself (RFC 7523 section 2.2).
    Assertion {
        /// Who the JWT says the client is.
        client_id: ClientId,
        /// The JWT.
        assertion: Secret,
        /// `private_key_jwt` or `client_secret_jwt`, by the algorithm of its signature.
        method: AuthMethod,
    },
    /// An attestation about the instance of the client, beside a name or without one (Attestation-Based Client
    /// Authentication). It is no proof for clients that authenticate otherwise, and does not get in their way.
    Attestation {
        /// Who the body says the client is or, without that, the attestation.
        client_id: ClientId,
        /// What the headers hold.
        attested: Attested,
    },
}

/// An attestation as it was sent, with its proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attested {
    /// The header `OAuth-Client-Attestation`.
    pub attestation: Secret,
    /// The header `OAuth-Client-Attestation-PoP`; without it the proof is that of DPoP.
    pub pop: Option<Secret>,
}

impl Credentials {
    /// Who the client says it is.
    pub fn client_id(&self) -> &ClientId {
        match self {
            Self::None { client_id }
            | Self::SecretBasic { client_id, .. }
            | Self::SecretPost { client_id, .. }
            | Self::Assertion { client_id, .. }
            | Self::Attestation { client_id, .. } => client_id,
        }
    }

    /// Whether they are those of the method that the client is registered for.
    pub fn fit(&self, registered: AuthMethod) -> bool {
        match self {
            Self::None { .. } => registered == AuthMethod::None || registered.needs_certificate(),
            Self::SecretBasic { .. } => registered == AuthMethod::ClientSecretBasic,
            Self::SecretPost { .. } => registered == AuthMethod::ClientSecretPost,
            Self::Assertion { method, .. } => registered == *method,
            // Whoever proves itself in no header and no parameter may send one that nobody asked for.
            Self::Attestation { .. } => {
                registered.needs_attestation()
                    || registered == AuthMethod::None
                    || registered.needs_certificate()
            }
        }
    }
}

/// Reads the credentials from the value of the `Authorization` header, the parameters of the body, and the attestation in
/// further headers. An attestation beside another method is no second one (Attestation-Based Client Authentication,
/// "Client Attestation as an additional security signal"): nothing rests on it.
///
/// # Errors
///
/// `invalid_request` for more than one method (RFC 6749 section 2.3) or a `client_id` in the body that is not
/// the one of the header; `invalid_client` for no credentials, malformed ones, a method the server does not have, or
/// an assertion about somebody else.
pub fn parse(
    authorization: Option<&str>,
    params: &Params,
    attested: Option<Attested>,
) -> Result<Credentials, OAuthError> {
    let in_header = authorization.is_some();
    let in_body = params.contains("client_secret");
    let assertion = params.contains("client_assertion") || params.contains("client_assertion_type");
    if [in_header, in_body, assertion].into_iter().filter(|used| *used).count() > 1 {
        return Err(OAuthError::invalid_request("more than one method of client authentication"));
    }
    let named = params.get("client_id");
    if assertion {
        return of_assertion(params, named);
    }
    if let Some(authorization) = authorization {
        let (client_id, secret) = basic(authorization)?;
        if named.is_some_and(|named| named != client_id.as_str()) {
            return Err(OAuthError::invalid_request(
                "`client_id` is not the one of the authorization header",
            ));
        }
        return Ok(Credentials::SecretBasic { client_id, secret });
    }
    let secret = params.get("client_secret").map(Secret::new);
    if let Some(attested) = attested.filter(|_| secret.is_none()) {
        return of_attestation(attested, named);
    }
    let Some(named) = named else {
        let description =
            if secret.is_some() { "`client_secret` without `client_id`" } else { "no client credentials" };
        return Err(OAuthError::invalid_client(description));
    };
    let client_id =
        ClientId::parse(named).ok_or_else(|| OAuthError::invalid_client("`client_id` is malformed"))?;
    Ok(match secret {
        Some(secret) => Credentials::SecretPost { client_id, secret },
        None => Credentials::None { client_id },
    })
}

/// Reads who a JWT says the client is. Nothing of it is verified here.
fn of_assertion(params: &Params, named: Option<&str>) -> Result<Credentials, OAuthError> {
    match params.get("client_assertion_type") {
        Some(JWT_BEARER) => {}
        Some(_) => return Err(OAuthError::invalid_client("this `client_assertion_type` is not supported")),
        None => return Err(OAuthError::invalid_client("`client_assertion` without `client_assertion_type`")),
    }
    let compact = params
        .get("client_assertion")
        .ok_or_else(|| OAuthError::invalid_client("`client_assertion_type` without `client_assertion`"))?;
    let parsed = jwt::parse(compact)
        .map_err(|error| OAuthError::invalid_client(format!("`client_assertion`: {error}")))?;
    let client_id = parsed
        .claims
        .get("sub")
        .and_then(serde_json::Value::as_str)
        .and_then(ClientId::parse)
        .ok_or_else(|| OAuthError::invalid_client("`client_assertion`: `sub` does not name a client"))?;
    // RFC 7521 section 4.2: the parameter is not needed, but must not name another client.
    if named.is_some_and(|named| named != client_id.as_str()) {
        return Err(OAuthError::invalid_client("`client_id` is not the subject of `client_assertion`"));
    }
    let method = if parsed.header.alg.starts_with("HS") {
        AuthMethod::ClientSecretJwt
    } else {
        AuthMethod::PrivateKeyJwt
    };
    Ok(Credentials::Assertion { client_id, assertion: Secret::new(compact), method })
}

/// Reads who an attestation is about, unless the body says it. Nothing of it is verified here.
fn of_attestation(attested: Attested, named: Option<&str>) -> Result<Credentials, OAuthError> {
    let client_id = match named {
        Some(named) => ClientId::parse(named),
        None => named_client(attested.attestation.expose()).as_deref().and_then(ClientId::parse),
    };
    let client_id = client_id.ok_or_else(|| {
        let place =
            if named.is_some() { "`client_id` is malformed" } else { "the attestation names no client" };
        OAuthError::invalid_client(place)
    })?;
    Ok(Credentials::Attestation { client_id, attested })
}

/// Reads `Basic` credentials. Name and password are form-encoded before they are joined, which is what lets
/// them hold a colon.
fn basic(authorization: &str) -> Result<(ClientId, Secret), OAuthError> {
    let (scheme, encoded) = authorization.split_once(' ').unwrap_or((authorization, ""));
    if !scheme.eq_ignore_ascii_case("Basic") {
        return Err(OAuthError::invalid_client("the authorization header has to be of the scheme `Basic`"));
    }
    let malformed = || OAuthError::invalid_client("the `Basic` credentials are malformed");
    let decoded = STANDARD.decode(encoded.trim_matches(' ')).map_err(|_| malformed())?;
    let colon = decoded.iter().position(|byte| *byte == b':').ok_or_else(malformed)?;
    let client_id = decode(&decoded[..colon]).ok_or_else(malformed)?;
    let secret = decode(&decoded[colon + 1..]).filter(|secret| !secret.is_empty()).ok_or_else(malformed)?;
    Ok((ClientId::parse(&client_id).ok_or_else(malformed)?, Secret::new(secret)))
}

#[cfg(test)]
mod tests;
