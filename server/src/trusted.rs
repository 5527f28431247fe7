//! JWTs of others that count as proof: of clients about themselves, and of issuers that the operator trusts (RFC 7523
//! section 3, RFC 8725).

use placet_oauth::{
    confirmation::Confirmation,
    error::OAuthError,
    jwt::{self, Compact, JwtError},
};
use placet_sdk::grant::Object;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    client::{AuthenticatedClient, Client},
    config::TrustedIssuer,
    jwks::{KeySet, KeySetError},
    outcome::{Failure, Fault, Outcome},
    seal::hex,
    server::Server,
};

/// Clocks may differ by so many seconds.
pub const SKEW: i64 = 10;
/// How long an assertion of a client itself may be good for, in seconds.
const OWN_LIFETIME: u32 = 600;
/// The kind of the ids of assertions that were used.
pub const USED_ASSERTION: &str = "assertion";

/// A JWT whose signature, issuer, audience and times hold. Only [`verify`] makes one.
#[derive(Clone, Debug)]
pub struct VerifiedJwt {
    /// `alg`, `kid` and `typ`.
    pub header: Object,
    /// Its claims, from the bytes that were signed.
    pub claims: Object,
    /// Who issued it.
    pub issuer: String,
    /// Where the key came from: `inline` or `uri`.
    pub jwks_source: &'static str,
    /// The client vouches for itself.
    pub own: bool,
    /// What it is bound to; its client proved that.
    pub confirmation: Option<Confirmation>,
    /// When it ends.
    pub expires_at: i64,
    /// What it is remembered by once it is used: its `jti` or, without one, its digest; with the issuer.
    pub id: String,
}

impl VerifiedJwt {
    /// Its subject.
    pub fn sub(&self) -> &str {
        self.claims.get("sub").and_then(Value::as_str).unwrap_or_default()
    }

    /// Until when its use has to be remembered: longer than it is accepted.
    pub fn remembered_until(&self) -> i64 {
        self.expires_at + 2 * SKEW
    }
}

/// Who may vouch, and how.
struct Rules<'a> {
    issuer: &'a str,
    own: bool,
    algorithms: Vec<String>,
    types: Vec<String>,
    audiences: Vec<&'a str>,
    max_lifetime: i64,
    keys: Keys<'a>,
}

enum Keys<'a> {
    Inline(&'a Object),
    At(&'a str),
}

/// Verifies a JWT that `client` presents: its own, or one of a trusted issuer.
///
/// # Errors
///
/// `invalid_grant` for everything that is wrong with it; a fault if the keys of a trusted issuer cannot be had.
pub async fn verify(server: &Server, client: &AuthenticatedClient, compact: &str) -> Outcome<VerifiedJwt> {
    let parsed = jwt::parse(compact).map_err(|e| refused(&e))?;
    let issuer = parsed.claims.get("iss").and_then(Value::as_str).unwrap_or_default().to_owned();
    let token_endpoint = format!("{}/token", server.issuer());
    let rules = rules(server, client, &issuer, &token_endpoint)?;
    // What can be refused without a key is refused first: it is cheaper, and nothing is fetched for it.
    let expires_at = check(&rules, &parsed, server.now())?;
    if !signed(server, &rules, &parsed).await? {
        return Err(OAuthError::invalid_grant("the signature of the assertion does not hold").into());
    }
    let confirmation = confirmation(client, &parsed)?;
    let id = match parsed.claims.get("jti") {
        Some(Value::String(jti)) if !jti.is_empty() => {
            hex(&Sha256::digest(json!(["jti", issuer, jti]).to_string()))
        }
        Some(_) => {
            return Err(OAuthError::invalid_grant(
                "`jti` of the assertion must be a string that says something",
            )
            .into());
        }
        // Of what is signed, and not of the signature: one of ES256 has a twin that holds, too.
        None => hex(&Sha256::digest(parsed.message)),
    };
    let mut header = Object::new();
    header.insert("alg".to_owned(), parsed.header.alg.clone().into());
    for (name, value) in [("kid", &parsed.header.kid), ("typ", &parsed.header.typ)] {
        if let Some(value) = value {
            header.insert(name.to_owned(), value.clone().into());
        }
    }
    let jwks_source = match rules.keys {
        Keys::Inline(_) => "inline",
        Keys::At(_) => "uri",
    };
    let own = rules.own;
    Ok(VerifiedJwt { header, claims: parsed.claims, issuer, jwks_source, own, confirmation, expires_at, id })
}

fn rules<'a>(
    server: &'a Server,
    client: &'a Client,
    issuer: &'a str,
    token_endpoint: &'a str,
) -> Result<Rules<'a>, OAuthError> {
    let mut audiences = vec![server.issuer(), token_endpoint];
    if issuer == client.id {
        let keys = match (&client.metadata.jwks, &client.metadata.jwks_uri) {
            (Some(Value::Object(set)), _) => Keys::Inline(set),
            (_, Some(uri)) => Keys::At(uri),
            _ => return Err(OAuthError::invalid_grant("the client has registered no keys")),
        };
        return Ok(Rules {
            issuer,
            own: true,
            algorithms: TrustedIssuer::default().algorithms,
            types: TrustedIssuer::default().types,
            audiences,
            max_lifetime: OWN_LIFETIME.into(),
            keys,
        });
    }
    let unknown = || OAuthError::invalid_grant("the issuer of the assertion is not trusted");
    let trusted = server.config().trusted_issuers.iter().find(|t| t.issuer == issuer).ok_or_else(unknown)?;
    if !trusted.client_ids.is_empty() && !trusted.client_ids.contains(&client.id) {
        return Err(unknown());
    }
    audiences.extend(trusted.audiences.iter().map(String::as_str));
    let keys = match (&trusted.jwks, &trusted.jwks_uri) {
        (Some(set), _) => Keys::Inline(set),
        (None, Some(uri)) => Keys::At(uri),
        (None, None) => return Err(unknown()),
    };
    Ok(Rules {
        issuer,
        own: false,
        algorithms: trusted.algorithms.clone(),
        types: trusted.types.clone(),
        audiences,
        max_lifetime: trusted.max_lifetime.into(),
        keys,
    })
}

/// Everything that can be said without a key; gives when the JWT ends.
fn check(rules: &Rules<'_>, parsed: &Compact<'_>, now: i64) -> Result<i64, OAuthError> {
    let types: Vec<Option<&str>> =
        rules.types.iter().map(|typ| (!typ.is_empty()).then_some(typ.as_str())).collect();
    let profile = jwt::VerifyProfile {
        typ: &types,
        issuer: rules.issuer,
        audiences: Some(&rules.audiences),
        accept_expired: false,
        leeway: SKEW,
    };
    profile.check(&parsed.header, &parsed.claims, now).map_err(|e| refused(&e))?;
    let sub = parsed.claims.get("sub").and_then(Value::as_str).unwrap_or_default();
    if sub.is_empty() || sub.len() > 255 {
        return Err(OAuthError::invalid_grant("the assertion lacks the claim `sub`"));
    }
    let instant = |name: &str| parsed.claims.get(name).and_then(Value::as_i64);
    let expires_at = instant("exp").unwrap_or(0);
    let too_long = expires_at > now + rules.max_lifetime + SKEW
        || instant("iat").is_some_and(|issued| issued < now - rules.max_lifetime - SKEW);
    if too_long {
        return Err(OAuthError::invalid_grant(format!(
            "the assertion may be at most {} seconds old and live no longer",
            rules.max_lifetime
        )));
    }
    Ok(expires_at)
}

/// What the assertion is bound to: it counts only from whoever proves that.
fn confirmation(
    client: &AuthenticatedClient,
    parsed: &Compact<'_>,
) -> Result<Option<Confirmation>, OAuthError> {
    match Confirmation::of_claims(&parsed.claims) {
        Ok(None) => Ok(None),
        Ok(Some(asked)) if client.possession().meets(&asked) => Ok(Some(asked)),
        _ => Err(OAuthError::invalid_grant("the assertion is bound to a key whose proof is not given")),
    }
}

async fn signed(server: &Server, rules: &Rules<'_>, parsed: &Compact<'_>) -> Outcome<bool> {
    let verifies = |set: &KeySet| set.verifies(parsed, &rules.algorithms);
    let set = match rules.keys {
        Keys::Inline(set) => KeySet::parse(set).map(|set| verifies(&set)),
        Keys::At(uri) => server.key_sets().at(uri, parsed).await.map(|set| verifies(&set)),
    };
    set.map_err(|error| trouble(rules, &error))
}

/// Keys of a client that cannot be had are its own trouble, those of a trusted issuer are ours.
fn trouble(rules: &Rules<'_>, error: &KeySetError) -> Failure {
    if rules.own {
        return OAuthError::invalid_grant(format!("the keys of the client cannot be used: {error}")).into();
    }
    Fault::new("trusted issuer", format!("`{}`: {error}", rules.issuer)).into()
}

fn refused(error: &JwtError) -> OAuthError {
    OAuthError::invalid_grant(error.to_string().replace("the token", "the assertion"))
}
