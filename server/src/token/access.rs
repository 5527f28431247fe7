//! Access tokens: JWTs after RFC 9068, the same encrypted to their resource, or opaque with the same claims in the store.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use placet_oauth::{bearer::Scheme, confirmation::Confirmation, id::Secret, resource::Terms, scope::Scope};
use placet_sdk::grant::{Encoding, Grant, Object, is_reserved_claim};
use serde_json::{Value, json};

use super::profile;
use crate::{
    client::Client,
    config::{AccessTokenProfile, Config, ResourceEncryption},
    encryption::encrypt_for_resource,
    outcome::{Fault, Outcome},
    policy::ceiling::encoding,
    possession::{self, Possession},
    random,
    server::Server,
    store::{JwtHome, OfClient, REMEMBERED, TokenRecord},
};

/// Kind of the digests of opaque access tokens.
pub const ACCESS_TOKEN: &str = "access_token";

/// What the own part of a `jti` begins with inside of an encrypted token; no other one does.
const INSIDE: &str = "~";

/// Access tokens are signed with this unless somebody says otherwise.
const DEFAULT_ALGORITHM: &str = "EdDSA";

/// What an access token shall say.
#[derive(Debug)]
pub struct AccessRequest<'a> {
    /// The client it is for.
    pub client: &'a Client,
    /// The user as the client sees them; none for client credentials.
    pub sub: Option<&'a str>,
    /// What it is good for.
    pub scope: &'a Scope,
    /// The authorization it belongs to.
    pub authorization_id: Option<&'a str>,
    /// Authorization details, settings, extra claims, and the actors as the client sees them.
    pub grant: &'a Grant,
    /// For whom it is.
    pub audience: &'a [String],
    /// What these want of it.
    pub terms: &'a Terms,
    /// Facts of the authentication: `auth_time`, `acr`, `amr`.
    pub facts: Object,
    /// It must not outlive this.
    pub not_after: Option<i64>,
    /// What the request for it proved, which it is bound to.
    pub holder: &'a Possession,
}

/// A minted access token.
#[derive(Debug)]
pub struct Access {
    /// The token.
    pub value: Secret,
    /// How it is presented.
    pub token_type: Scheme,
    /// What it is bound to.
    pub confirmation: Option<Confirmation>,
    /// Its lifetime in seconds.
    pub expires_in: i64,
    /// What the store must keep of it.
    pub record: Option<TokenRecord>,
}

/// What becomes of the claims.
#[derive(Clone, Copy)]
enum Form<'a> {
    /// The store keeps them, and the token is a random text.
    Opaque,
    /// They are in the token, and the store keeps nothing.
    Signed,
    /// They are in the token, which this server cannot read any more: the store keeps them as well.
    Encrypted((&'a str, &'a ResourceEncryption)),
}

/// Mints an access token, bound to what was proved for it. Every access token is made here.
///
/// # Errors
///
/// A refusal if it has to be bound and what it takes was not proved, or if it has to be encrypted and cannot be.
pub async fn mint(server: &Server, request: &AccessRequest<'_>) -> Outcome<Access> {
    let demands = server.config().requires_sender_constraint(request.audience);
    let confirmation = possession::bind(request.client, request.grant, request.holder, demands)?;
    let bound_to_key = confirmation.as_ref().is_some_and(|bound| bound.jkt.is_some());
    let token_type = if bound_to_key { Scheme::Dpop } else { Scheme::Bearer };
    let settings = request.grant.access_token.clone().unwrap_or_default();
    let own = &request.client.settings.access_token;
    let now = server.now();
    let terms = request.terms;
    let lifetime = settings.lifetime.or(own.lifetime).unwrap_or(server.config().lifetimes.access_token);
    let lifetime = i64::from(terms.lifetime.map_or(lifetime, |longest| lifetime.min(longest)));
    // Of what has no authorization nothing is known but that everything of its client was revoked, for as long as that is
    // remembered.
    let limit = request.not_after.unwrap_or(now + REMEMBERED);
    let expires_at = limit.min(now + lifetime);
    let single_use = settings.single_use.unwrap_or(own.single_use);
    let wanted = encoding(terms).or(settings.encoding).or(own.encoding);
    let form = match wanted.unwrap_or(Encoding::Jwt) {
        // A JWT cannot be used up: whoever asked for single use gets an opaque one, which tells nobody anything either.
        _ if single_use => Form::Opaque,
        Encoding::Opaque => Form::Opaque,
        Encoding::Jwt => signed_form(server.config(), request)?,
    };
    let mut claims = claims(server, request, (now, expires_at, form))?;
    if let Some(bound) = &confirmation {
        claims.insert("cnf".to_owned(), bound.to_claim());
    }
    let value = match form {
        Form::Opaque => random::secret(server.random())?,
        Form::Signed => sign(server, request, &claims).await?,
        Form::Encrypted(recipient) => {
            let inner = sign(server, request, &claims).await?;
            // Keys may have to be fetched: on the heap, so that other tokens do not carry the state of that along.
            let sealed = encrypt_for_resource(server, recipient, inner.expose());
            Secret::new(Box::pin(sealed).await?)
        }
    };
    let record = (!matches!(form, Form::Signed)).then(|| TokenRecord {
        digest: server.root().digest(ACCESS_TOKEN, &value),
        authorization_id: request.authorization_id.map(str::to_owned),
        client_id: request.client.id.clone(),
        doc: Value::Object(claims).to_string(),
        single_use,
        created_at: now,
        expires_at,
        used_at: None,
        revoked_at: None,
    });
    Ok(Access { value, token_type, confirmation, expires_in: expires_at - now, record })
}

/// Whether a JWT is encrypted is a matter of its audience alone; nobody's settings make it less.
fn signed_form<'a>(config: &'a Config, request: &AccessRequest<'a>) -> Result<Form<'a>, Fault> {
    match (request.audience, config.encryption(request.audience)) {
        ([uri], Some(settings)) => Ok(Form::Encrypted((uri, settings))),
        _ if request.terms.encrypted => {
            Err(Fault::new("access token", "it has to be encrypted, and nobody says to whom"))
        }
        _ => Ok(Form::Signed),
    }
}

async fn sign(server: &Server, request: &AccessRequest<'_>, claims: &Object) -> Result<Secret, Fault> {
    let own = request.client.settings.access_token.signing_alg.as_deref();
    let usual = server.config().usual_signing_alg(DEFAULT_ALGORITHM);
    let algorithm = request.terms.signing_alg.as_deref().or(own).unwrap_or(usual);
    let key = server.keys().signer(algorithm).await?;
    Ok(Secret::new(key.sign("at+jwt", claims)?))
}

fn claims(
    server: &Server,
    request: &AccessRequest<'_>,
    (now, expires_at, form): (i64, i64, Form<'_>),
) -> Result<Object, Fault> {
    let settings = request.grant.access_token.as_ref();
    let own = &request.client.settings.access_token;
    let audience = request.audience;
    let profile = profile::of(server.config(), request.client, audience)?;
    let mut claims = Object::new();
    let constants = profile.into_iter().flat_map(AccessTokenProfile::constants);
    for (name, value) in
        constants.chain(&own.claims).chain(settings.and_then(|s| s.claims.as_ref()).into_iter().flatten())
    {
        if !is_reserved_claim(name) {
            claims.insert(name.clone(), value.clone());
        }
    }
    claims.extend(request.facts.clone());
    let audience = if let [one] = audience { json!(one) } else { json!(audience) };
    claims.insert("iss".to_owned(), server.issuer().into());
    claims.insert("sub".to_owned(), request.sub.unwrap_or(&request.client.id).into());
    claims.insert("aud".to_owned(), audience);
    claims.insert("exp".to_owned(), expires_at.into());
    claims.insert("iat".to_owned(), now.into());
    let mark = if matches!(form, Form::Encrypted(_)) { INSIDE } else { "" };
    let mut jti = jti(server, request.authorization_id, mark)?;
    if request.authorization_id.is_none() && matches!(form, Form::Signed) {
        jti.push_str(&numbered(server.newest_revocation()));
    }
    claims.insert("jti".to_owned(), jti.into());
    claims.insert("client_id".to_owned(), request.client.id.clone().into());
    if !request.scope.is_empty() {
        claims.insert("scope".to_owned(), request.scope.to_string().into());
    }
    if let Some(details) = request.grant.authorization_details.as_ref().filter(|all| !all.is_empty()) {
        claims.insert("authorization_details".to_owned(), json!(details));
    }
    if let Some(act) = &request.grant.act {
        claims.insert("act".to_owned(), json!(act));
    }
    if let Some(may_act) = &request.grant.may_act {
        claims.insert("may_act".to_owned(), may_act.clone().into());
    }
    if let Some(profile) = profile {
        profile.write(&mut claims);
    }
    Ok(claims)
}

/// The `jti` holds the id of the authorization, so that one read tells whether a JWT still counts. `mark` stands before
/// the part that is its own.
pub(super) fn jti(server: &Server, authorization_id: Option<&str>, mark: &str) -> Result<String, Fault> {
    let own = random::id(server.random(), mark)?;
    Ok(match authorization_id.and_then(|id| id.strip_prefix("az_")) {
        Some(authorization) => format!("{authorization}.{own}"),
        None => own,
    })
}

/// What stands at the end of the `jti` of a token that belongs to its client alone: the number of the newest revocation
/// that is known here. Everything of the client that was issued before a later one can then be told from what is issued
/// after it, without a row for each token.
fn numbered(number: i64) -> String {
    if number == 0 { String::new() } else { format!(":{number}") }
}

/// What a JWT access token of `client_id` with this `jti` stands and falls with.
pub fn home_of_jwt(jti: &str, client_id: &str) -> JwtHome {
    if let Some(id) = authorization_of_jti(jti) {
        return JwtHome::Authorization(id);
    }
    let number = jti.split_once(':').and_then(|(_, number)| number.parse().ok()).unwrap_or(0);
    JwtHome::Client(OfClient { client_id: client_id.to_owned(), number })
}

/// Whether this is the `jti` of a JWT that went out encrypted. What is inside is for the eyes of its resource server: the
/// token is what surrounds it, and that alone is used, asked about and revoked.
pub(super) fn is_inside(jti: &str) -> bool {
    jti.split('.').next_back().is_some_and(|own| own.starts_with(INSIDE))
}

/// The authorization that a `jti` of this server belongs to.
pub fn authorization_of_jti(jti: &str) -> Option<String> {
    let (authorization, _) = jti.split_once('.')?;
    URL_SAFE_NO_PAD.decode(authorization).ok()?;
    Some(format!("az_{authorization}"))
}
