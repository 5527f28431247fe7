//! Token introspection (RFC 7662), also as signed JWTs (RFC 9701).

use placet_oauth::{bearer::Scheme, client::JwtResponse, error::OAuthError, id::Secret, scope::Scope};
use placet_sdk::{
    decision::{
        HookType, IntrospectionCaller, IntrospectionLimits, IntrospectionSection, IntrospectionToken, Limits,
        Proposal, RequestFacts,
    },
    grant::Object,
};
use serde_json::{Map, Value, json};

use crate::{
    actors,
    client::{AuthenticatedClient, Client},
    config::ResourceEncryption,
    encryption,
    outcome::{Fault, Outcome},
    policy::{Decided, Question},
    possession::Bound,
    secured,
    server::Server,
    store::{AuthorizationRecord, Digest},
    token::{
        ActiveToken, Authorized, is_for, join_scope, known_active, list_scope,
        refresh::{self, Presented},
        scope_of,
    },
};

/// Members of an answer that policies leave as they are: what the token is, for whom, how long, bound to what.
const KEPT: [&str; 14] = [
    "active",
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "nbf",
    "jti",
    "client_id",
    "authorization_details",
    "token_type",
    "cnf",
    "act",
    "may_act",
];
/// What a client is told of its own token that is encrypted: what the token endpoint told it as well. The rest is for the
/// resource server.
const KNOWN_ANYWAY: [&str; 7] = ["iss", "aud", "exp", "iat", "client_id", "scope", "authorization_details"];
/// An answer, in bytes of JSON.
const MAX_ANSWER: u32 = 32 * 1024;

/// What an answer is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Plain JSON (RFC 7662 section 2.2).
    Json,
    /// A signed JWT (RFC 9701 section 5).
    Jwt,
}

/// An answer.
#[derive(Debug)]
pub enum Introspected {
    /// Plain members.
    Json(Map<String, Value>),
    /// A signed JWT, encrypted if the caller registered that.
    Jwt(Secret),
}

/// What is found out about a token.
struct Found {
    answer: Map<String, Value>,
    /// The digest to use the token up with, if the answer does.
    single_use: Option<Digest>,
}

/// Tells `caller` about a token (RFC 7662 section 2). Whatever it must not know about is inactive, as is whatever
/// does not count (section 2.2).
///
/// A token that can be used once only is used up by the answer, if `caller` is in its audience.
pub async fn introspect(
    server: &Server,
    caller: &AuthenticatedClient,
    (token, form): (&Secret, Form),
    asking: RequestFacts,
) -> Outcome<Introspected> {
    if caller.is_public() {
        // RFC 7662 section 2.1: the endpoint demands authentication, else it could be used to guess tokens.
        return Err(OAuthError::invalid_client("a public client cannot introspect tokens").into());
    }
    let found = match refresh::read(server, token) {
        Some(presented) => refresh_token(server, caller, &presented, asking).await?,
        None => access_token(server, caller, token, asking).await?,
    };
    let Some(found) = found else { return write(server, caller, form, inactive()).await };
    let answer = write(server, caller, form, found.answer).await?;
    // Used up last: nothing that fails before may cost the token.
    if let Some(digest) = found.single_use
        && !server.store().use_token(&digest, server.now()).await?
    {
        return write(server, caller, form, inactive()).await;
    }
    Ok(answer)
}

fn inactive() -> Map<String, Value> {
    Map::from_iter([("active".to_owned(), false.into())])
}

/// The JWT has no `sub` and no `exp`, so that nobody takes it for an access token (RFC 9701 section 8.1).
async fn write(
    server: &Server,
    caller: &Client,
    form: Form,
    answer: Map<String, Value>,
) -> Outcome<Introspected> {
    if form == Form::Json {
        return Ok(Introspected::Json(answer));
    }
    let claims = json!({
        "iss": server.issuer(),
        "aud": caller.id,
        "iat": server.now(),
        "token_introspection": answer,
    });
    let response = JwtResponse::Introspection;
    let jwt = secured::jwt(server, caller, response, ("token-introspection+jwt", &claims)).await?;
    let registered = caller.metadata.algs_of(response).alg.is_some();
    match encrypted_resource(server, caller).filter(|_| !registered) {
        None => Ok(Introspected::Jwt(jwt)),
        Some(recipient) => {
            let sealed = encryption::encrypt_for_resource(server, recipient, jwt.expose());
            Ok(Introspected::Jwt(Secret::new(Box::pin(sealed).await?)))
        }
    }
}

/// The first resource that `caller` is and whose tokens are encrypted. Its key is one of the caller.
fn encrypted_resource<'a>(
    server: &'a Server,
    caller: &'a Client,
) -> Option<(&'a str, &'a ResourceEncryption)> {
    caller.settings.resources.iter().find_map(|uri| {
        let settings = server.config().resource(uri)?.encryption.as_ref()?;
        Some((uri.as_str(), settings))
    })
}

async fn access_token(
    server: &Server,
    caller: &AuthenticatedClient,
    token: &Secret,
    asking: RequestFacts,
) -> Outcome<Option<Found>> {
    let Some(found) = known_active(server, token).await? else { return Ok(None) };
    let in_audience = in_audience(caller, &found);
    if !in_audience && caller.id != found.client_id && !caller.settings.introspect_all {
        tracing::debug!(caller = %caller.id, client = %found.client_id, "a token for others was introspected");
        return Ok(None);
    }
    let data = data_of(found.authorization.as_ref())?;
    let shut = encryption::is_encrypted(token.expose()) && !in_audience && !caller.settings.introspect_all;
    let token = IntrospectionToken {
        authorization_id: found.authorization.as_ref().map(|a| a.id.clone()),
        kind: "access_token".to_owned(),
        claims: found.claims.clone(),
        data,
    };
    let mut answer = found.claims;
    let listed = join_scope(&mut answer);
    if in_audience && caller.id != found.client_id && !caller.settings.introspect_all {
        keep_own(server, caller, &mut answer);
    }
    let bound_to_key = answer.get("cnf").is_some_and(|cnf| cnf.get("jkt").is_some());
    let scheme = if bound_to_key { Scheme::Dpop } else { Scheme::Bearer };
    if shut {
        answer.retain(|name, _| KNOWN_ANYWAY.contains(&name.as_str()));
    }
    answer.insert("active".to_owned(), true.into());
    answer.insert("token_type".to_owned(), scheme.as_str().into());
    let Some(mut answer) = shape(server, caller, (token, in_audience, answer), asking).await? else {
        return Ok(None);
    };
    if listed {
        // Whoever gets the scope of JWTs as an array gets that of opaque tokens in the same way.
        list_scope(&mut answer);
    }
    Ok(Some(Found { answer, single_use: found.single_use.filter(|_| in_audience) }))
}

/// Leaves in an answer what concerns the resources that `caller` is: the scope values that these know, and the
/// authorization details that are for them (RFC 9396 section 9.2).
fn keep_own(server: &Server, caller: &Client, answer: &mut Map<String, Value>) {
    let config = server.config();
    let mut own: Vec<String> =
        caller.settings.resources.iter().filter(|uri| is_for(answer, uri)).cloned().collect();
    if is_for(answer, &caller.id) {
        own.push(caller.id.clone());
    }
    let known: Vec<String> =
        scope_of(answer).iter().filter(|value| config.knows_scope(&own, value)).map(str::to_owned).collect();
    if answer.contains_key("scope") {
        answer.insert("scope".to_owned(), known.join(" ").into());
    }
    if let Some(Value::Array(details)) = answer.get_mut("authorization_details") {
        details.retain(|detail| detail.as_object().is_some_and(|detail| config.concerns(&own, detail)));
    }
}

/// Whether the token is meant for `caller`, by its own id or by one of the resources that it is.
fn in_audience(caller: &Client, token: &ActiveToken) -> bool {
    token.is_for(&caller.id) || caller.settings.resources.iter().any(|resource| token.is_for(resource))
}

/// The answer has no `token_type`: that is the type of an access token (RFC 6749 section 7.1).
async fn refresh_token(
    server: &Server,
    caller: &AuthenticatedClient,
    presented: &Presented,
    asking: RequestFacts,
) -> Outcome<Option<Found>> {
    let Some(refresh::Found { family, authorization, .. }) = refresh::find_current(server, presented).await?
    else {
        return Ok(None);
    };
    let now = server.now();
    if family.client_id != caller.id || !family.is_live(now) || !authorization.is_live(now) {
        return Ok(None);
    }
    let authorized = Authorized::read(&authorization)?;
    let granted = authorized.scope().difference(&caller.denied_scope());
    let idle_at = family.idle_seconds.map_or(i64::MAX, |idle| family.last_used_at.saturating_add(idle));
    let mut answer = Map::new();
    let mut set = |name: &str, value: Value| answer.insert(name.to_owned(), value);
    set("active", true.into());
    set("client_id", caller.id.clone().into());
    set("iss", server.issuer().into());
    set("sub", caller.subject(&authorization.sub, server.root().pairwise_salt()).into());
    set("iat", family.rotated_at.into());
    set("exp", family.expires_at.min(authorization.expires_at).min(idle_at).into());
    if !granted.is_empty() {
        set("scope", granted.to_string().into());
    }
    if let Some(bound) = Bound::read(family.bound.as_deref())?.as_ref().and_then(Bound::confirmation) {
        set("cnf", bound.to_claim());
    }
    if let Some(details) = authorized.grant.authorization_details.as_ref().filter(|all| !all.is_empty()) {
        set("authorization_details", json!(details));
    }
    if let Some(act) = &authorized.grant.act {
        set("act", json!(actors::shown(server, caller, act)));
    }
    let token = IntrospectionToken {
        authorization_id: Some(authorization.id.clone()),
        kind: "refresh_token".to_owned(),
        claims: answer.clone(),
        data: data_of(Some(&authorization))?,
    };
    let answer = shape(server, caller, (token, false, answer), asking).await?;
    Ok(answer.map(|answer| Found { answer, single_use: None }))
}

fn data_of(authorization: Option<&AuthorizationRecord>) -> Outcome<Option<Object>> {
    Ok(match authorization {
        Some(authorization) => Authorized::read(authorization)?.grant.data,
        None => None,
    })
}

/// Lets policies shape the answer; none if they deny.
async fn shape(
    server: &Server,
    caller: &AuthenticatedClient,
    (token, in_audience, answer): (IntrospectionToken, bool, Map<String, Value>),
    asking: RequestFacts,
) -> Outcome<Option<Map<String, Value>>> {
    const HOOK: HookType = HookType::TokenIntrospect;
    if !server.policies().asks_about(HOOK, caller) {
        return Ok(Some(answer));
    }
    let mut question = Question::asked_by(HOOK, caller, asking);
    let request = &mut question.request;
    let scope = answer.get("scope").and_then(Value::as_str).unwrap_or_default();
    request.limits = Limits {
        introspection: Some(IntrospectionLimits {
            scope: Scope::from_values(scope.split(' ')).to_vec(),
            reserved: KEPT.map(str::to_owned).to_vec(),
            max_bytes: MAX_ANSWER,
        }),
        ..Limits::default()
    };
    request.proposal = Proposal { introspection: Some(answer), ..Proposal::default() };
    request.introspection = Some(IntrospectionSection {
        caller: IntrospectionCaller { client_id: caller.id.clone(), in_audience },
        token,
    });
    match server.policies().decide(question).await? {
        Decided::Allow(allowed) => Ok(allowed.proposal.introspection),
        Decided::Deny(_) => Ok(None),
        Decided::Challenge(_) => Err(Fault::new("policy", "nobody is at hand to be challenged").into()),
    }
}
