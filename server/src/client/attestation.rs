//! Client authentication by an attestation about the instance of the client and a proof of its key (OAuth 2.0
//! Attestation-Based Client Authentication, a draft).

use placet_oauth::{
    attestation::{ATTESTATION, Attestation, POP, Pop, WINDOW},
    client::AuthMethod,
    confirmation::Thumbprint,
    credentials::Attested,
    error::{ErrorCode, OAuthError},
    jwt::Compact,
};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::Client;
use crate::{
    config::Attester,
    jwks::{self, KeySet, KeySetError},
    outcome::{Failure, Fault, Outcome},
    possession::{self, Examined},
    seal::hex,
    server::Server,
};

/// The kind of the ids of proofs that were used.
const USED: &str = "client_attestation_pop";

/// What proves the key of an instance.
enum Proof<'a> {
    /// A JWT for nothing else.
    Pop(Pop<'a>),
    /// The DPoP proof of the request: whoever issues something uses it up.
    Dpop(&'a Examined<'a>),
}

/// Proves that an attester vouches for an instance of `client`, and that the request comes from this instance. Gives the
/// thumbprint of its key.
///
/// # Errors
///
/// `invalid_client_attestation`, `use_fresh_attestation` or `use_attestation_challenge`; a fault if the keys of an attester
/// cannot be had.
pub(super) async fn prove(
    server: &Server,
    client: &Client,
    attested: &Attested,
    dpop: Option<&Examined<'_>>,
) -> Outcome<Thumbprint> {
    let attestation =
        Attestation::parse(attested.attestation.expose()).map_err(|e| e.refusal(ATTESTATION))?;
    let proof = proof_of(client, attested, dpop)?;
    // What can be refused without a key is refused first: it is cheaper, and nothing is fetched for it.
    attestation.check(&client.id, server.now()).map_err(|e| e.refusal(ATTESTATION))?;
    let alg = check_proof(server, &proof, &attestation)?;
    for alg in [alg, &attestation.jwt.header.alg] {
        if !client.may_sign_with(alg) {
            return Err(invalid(
                ATTESTATION,
                "the profile of the client does not allow its algorithm, or that of the proof",
            ));
        }
    }
    let vouching = attester(server, client, &attestation).await?;
    if let Some(age) = vouching.max_age {
        attestation.check_age(age.into(), server.now()).map_err(|e| e.refusal(ATTESTATION))?;
    }
    match &proof {
        Proof::Pop(pop) => use_up(server, &attestation, pop).await?,
        Proof::Dpop(examined) if examined.demonstrates(&attestation.jkt) => {}
        Proof::Dpop(_) => {
            return Err(invalid("DPoP", "its signature does not hold, or its key cannot be used"));
        }
    }
    tracing::debug!(client = %client.id, attester = vouching.name, instance = %attestation.jkt, "an instance is attested");
    Ok(attestation.jkt)
}

/// The one proof that belongs to the method of the client (the draft, "Verification and Processing").
fn proof_of<'a>(
    client: &Client,
    attested: &'a Attested,
    dpop: Option<&'a Examined<'a>>,
) -> Result<Proof<'a>, Failure> {
    if client.auth_method() == AuthMethod::AttestJwtClientAuth {
        let text = "it is missing: the client is registered for `attest_jwt_client_auth`";
        let pop = attested.pop.as_ref().ok_or_else(|| invalid(POP, text))?;
        return Ok(Proof::Pop(Pop::parse(pop.expose()).map_err(|e| e.refusal(POP))?));
    }
    if attested.pop.is_some() {
        let text =
            "the client is registered for `attest_jwt_client_auth_dpop`: the DPoP proof takes its place";
        return Err(invalid(POP, text));
    }
    let text = "it is missing: the client is registered for `attest_jwt_client_auth_dpop`";
    let examined = dpop.filter(|examined| examined.claimed().is_some());
    Ok(Proof::Dpop(examined.ok_or_else(|| invalid("DPoP", text))?))
}

/// Everything of the proof but its signature; gives its algorithm. A client that has to try again with a challenge must not have
/// used up anything by then.
fn check_proof<'a>(
    server: &Server,
    proof: &'a Proof<'_>,
    attestation: &Attestation<'_>,
) -> Result<&'a str, Failure> {
    let (challenge, alg) = match proof {
        Proof::Pop(pop) => {
            pop.check(server.issuer(), server.now(), &jwks::SUPPORTED).map_err(|e| e.refusal(POP))?;
            (pop.challenge.as_deref(), pop.jwt.header.alg.as_str())
        }
        Proof::Dpop(examined) => {
            if examined.claimed() != Some(&attestation.jkt) {
                return Err(invalid("DPoP", "its key is not the one that the attestation is about"));
            }
            (examined.nonce(), examined.alg().unwrap_or_default())
        }
    };
    if server.config().client_attestation.challenges() && !possession::answers_challenge(server, challenge) {
        let text = "the proof must hold the challenge that the header `OAuth-Client-Attestation-Challenge` of this answer has";
        return Err(OAuthError::new(ErrorCode::UseAttestationChallenge, text).into());
    }
    Ok(alg)
}

/// The attester whose signature holds, among those that vouch for this client.
async fn attester<'a>(
    server: &'a Server,
    client: &Client,
    attestation: &Attestation<'_>,
) -> Outcome<&'a Attester> {
    let all = &server.config().client_attestation.attesters;
    let mut trouble = None;
    for attester in all {
        if !attester.vouches_for(&client.id) || !attester.may_be(attestation.issuer.as_deref()) {
            continue;
        }
        match signed(server, attester, &attestation.jwt).await {
            Ok(true) => return Ok(attester),
            Ok(false) => {}
            Err(error) => trouble = Some(Fault::new("attester", format!("`{}`: {error}", attester.name))),
        }
    }
    match trouble {
        // It may be one of an attester that cannot be asked right now.
        Some(fault) => Err(fault.into()),
        None => Err(invalid(ATTESTATION, "no attester that is trusted for this client has signed it")),
    }
}

async fn signed(server: &Server, attester: &Attester, jwt: &Compact<'_>) -> Result<bool, KeySetError> {
    let verifies = |set: &KeySet| set.verifies(jwt, &attester.algorithms);
    match (&attester.jwks, &attester.jwks_uri) {
        (Some(set), _) => KeySet::parse(set).map(|set| verifies(&set)),
        (None, Some(uri)) => server.key_sets().at(uri, jwt).await.map(|set| verifies(&set)),
        (None, None) => Ok(false),
    }
}

/// Verifies the proof, and uses it up: of many that send it one gets through, at any replica.
async fn use_up(server: &Server, attestation: &Attestation<'_>, pop: &Pop<'_>) -> Outcome<()> {
    if !jwks::verifies_by(&attestation.key, &pop.jwt) {
        return Err(invalid(
            POP,
            "its signature does not hold, or the key of the attestation cannot be used",
        ));
    }
    let unique = json!([attestation.jkt.as_str(), pop.jti]).to_string();
    // Longer than it is accepted by any clock.
    let until = pop.issued_at + 2 * WINDOW;
    if !server.store().consume_once(USED, &hex(&Sha256::digest(unique)), until).await? {
        return Err(invalid(POP, "it was used before; every request needs a new one"));
    }
    Ok(())
}

fn invalid(header: &str, reason: &str) -> Failure {
    OAuthError::new(ErrorCode::InvalidClientAttestation, format!("header `{header}`: {reason}")).into()
}
