//! Looking at DPoP proofs (RFC 9449 section 4.3).

use placet_oauth::{
    confirmation::Thumbprint,
    dpop::{Expected, Proof, ProofError, TOLERANCE},
    error::{ErrorCode, OAuthError},
    id::Secret,
};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{Possession, nonce};
use crate::{client::ClientCertificate, jwks, outcome::Outcome, seal::hex, server::Server};

/// The kind of the ids of proofs that were used.
const USED: &str = "dpop";

/// What comes with a request as a proof, as it was sent.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// The only header `DPoP`.
    pub proof: Option<&'a str>,
    /// The certificate of the connection.
    pub certificate: Option<&'a ClientCertificate>,
    /// The method of the request.
    pub method: &'a str,
    /// The path of the endpoint.
    pub endpoint: &'a str,
}

/// A proof that fits the request, if there is one; nobody has looked at its signature yet.
#[derive(Clone, Debug)]
pub struct Examined<'a> {
    proof: Option<Proof<'a>>,
    pub(super) certificate: Option<&'a ClientCertificate>,
}

/// A DPoP proof that was verified, and that was not used before. Only the verifier makes one.
#[derive(Clone, Debug)]
pub struct VerifiedProof {
    jkt: Thumbprint,
    alg: String,
}

impl VerifiedProof {
    /// The thumbprint of its key (RFC 7638).
    pub fn jkt(&self) -> &Thumbprint {
        &self.jkt
    }

    /// The algorithm of its signature.
    pub fn alg(&self) -> &str {
        &self.alg
    }
}

/// Everything that can be said of a proof before its signature is verified. At a protected resource, it has to be one
/// for the access token that is presented.
///
/// # Errors
///
/// `invalid_dpop_proof`, or `use_dpop_nonce` for one that lacks a nonce of this server which is still good (RFC 9449
/// section 8).
pub fn examine<'a>(
    server: &Server,
    evidence: Evidence<'a>,
    token: Option<&Secret>,
) -> Result<Examined<'a>, OAuthError> {
    let Evidence { proof, certificate, method, endpoint } = evidence;
    let Some(text) = proof else { return Ok(Examined { proof: None, certificate }) };
    let proof = Proof::parse(text).map_err(|error| refused(&error))?;
    let targets = server.config().urls_of(endpoint);
    let expected = Expected {
        method,
        targets: &targets,
        algorithms: &jwks::SUPPORTED,
        now: server.now(),
        access_token: token,
    };
    proof.check(&expected).map_err(|error| refused(&error))?;
    if server.config().dpop.require_nonce && !nonce::is_good(server, proof.nonce.as_deref()) {
        let text = "the DPoP proof must hold the nonce that the header `DPoP-Nonce` of this answer has";
        return Err(OAuthError::new(ErrorCode::UseDpopNonce, text));
    }
    Ok(Examined { proof: Some(proof), certificate })
}

impl<'a> Examined<'a> {
    /// A request without a proof, whatever it sent.
    pub fn of_connection(certificate: Option<&'a ClientCertificate>) -> Self {
        Self { proof: None, certificate }
    }
}

impl Examined<'_> {
    /// The key that the proof claims.
    pub fn claimed(&self) -> Option<&Thumbprint> {
        self.proof.as_ref().map(|proof| &proof.jkt)
    }

    /// The nonce that the proof holds.
    pub fn nonce(&self) -> Option<&str> {
        self.proof.as_ref().and_then(|proof| proof.nonce.as_deref())
    }

    /// Whether it is a proof of this very key, by its signature too. Nothing is used up.
    pub fn demonstrates(&self, key: &Thumbprint) -> bool {
        self.proof
            .as_ref()
            .is_some_and(|proof| proof.jkt == *key && jwks::verifies_by(&proof.key, &proof.jwt))
    }

    /// The algorithm of the proof.
    pub fn alg(&self) -> Option<&str> {
        self.proof.as_ref().map(|proof| proof.jwt.header.alg.as_str())
    }

    /// Verifies the signature, and uses the proof up: of many that send it one gets through, at any replica.
    ///
    /// # Errors
    ///
    /// `invalid_dpop_proof`.
    pub async fn prove(self, server: &Server) -> Outcome<Possession> {
        let possession = Possession::of_connection(self.certificate);
        let Some(proof) = self.proof else { return Ok(possession) };
        if !jwks::verifies_by(&proof.key, &proof.jwt) {
            return Err(OAuthError::invalid_dpop_proof(
                "the signature of the DPoP proof does not hold, or its key cannot be used",
            )
            .into());
        }
        let unique = json!([proof.jkt.as_str(), proof.target, proof.jti]).to_string();
        // Longer than it is accepted by any clock.
        let until = proof.issued_at + 2 * TOLERANCE;
        if !server.store().consume_once(USED, &hex(&Sha256::digest(unique)), until).await? {
            let text = "the DPoP proof was used before; every request needs a new one";
            return Err(OAuthError::invalid_dpop_proof(text).into());
        }
        let proved = VerifiedProof { jkt: proof.jkt, alg: proof.jwt.header.alg };
        Ok(Possession { proof: Some(proved), ..possession })
    }
}

fn refused(error: &ProofError) -> OAuthError {
    OAuthError::invalid_dpop_proof(error.to_string())
}
