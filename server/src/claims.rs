//! Claims about a user: what the login app knew, what was preset with the grant, and what claims sources tell.
//!
//! A claim name that a source owns comes from that source alone; every other one from the session and the grant. So what
//! a policy or a login app preset of it is left out ([`presets`]): the owner may have said otherwise since.

mod verified;

use placet_oauth::claims::{ClaimDemand, ClaimsRequest};
use placet_sdk::{
    decision::{
        ClaimsLimits, ClaimsSection, HookType, Limits, Party, PartySource, PartyType, ProofOfPossession,
        Proposal, RequestFacts, RequestedClaim,
    },
    grant::{Object, is_reserved_claim},
};
use serde_json::{Value, json};

use crate::{
    client::Client,
    outcome::{Failure, Fault, Outcome},
    policy::{Decided, Question, client_facts},
    server::Server,
    store::AuthorizationRecord,
    token::Authorized,
};

/// All claims for one target, in bytes of JSON.
const MAX_CLAIMS: u32 = 16 * 1024;
/// The claim that holds verified ones (OpenID Connect for Identity Assurance 1.0).
const VERIFIED_CLAIMS: &str = "verified_claims";

/// Where claims are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// In an ID token.
    IdToken,
    /// In the answer of the `UserInfo` endpoint.
    Userinfo,
    /// In an access token.
    AccessToken,
}

impl Target {
    /// The name of the target in the decision API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IdToken => "id_token",
            Self::Userinfo => "userinfo",
            Self::AccessToken => "access_token",
        }
    }

    /// What the authorization request demanded of single claims.
    fn demands(self, request: &ClaimsRequest) -> Option<&std::collections::BTreeMap<String, ClaimDemand>> {
        match self {
            Self::IdToken => Some(&request.id_token),
            Self::Userinfo => Some(&request.userinfo),
            Self::AccessToken => None,
        }
    }
}

/// Whose claims are wanted, and which.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// For whom.
    pub client: &'a Client,
    /// About whom.
    pub authorization: &'a AuthorizationRecord,
    /// What was granted.
    pub authorized: &'a Authorized,
    /// Where they are shown.
    pub target: Target,
    /// The names that the target may show.
    pub names: Vec<String>,
    /// The request that needs them.
    pub asking: RequestFacts,
    /// What that request proved.
    pub pop: Option<ProofOfPossession>,
}

/// The claims that the target may show, with values. Reserved names are never among them.
///
/// # Errors
///
/// A fault if a source fails that is not optional; `access_denied` if one denies.
pub async fn gather(server: &Server, wanted: Wanted<'_>) -> Outcome<Object> {
    if wanted.authorized.client_subject {
        // A client is no user, even if some user has the name that it has.
        return Ok(Object::new());
    }
    let policies = server.policies();
    let (owned, known): (Vec<String>, Vec<String>) =
        wanted.names.iter().cloned().partition(|name| policies.owns_claim(name));
    let mut claims = wanted.authorized.values(Some(&known));
    claims.retain(|name, _| !policies.owns_claim(name));
    if !owned.is_empty() && policies.has(HookType::ClaimsSource) {
        claims = ask(server, &wanted, (owned, claims)).await?;
    }
    claims.retain(|name, _| !is_reserved_claim(name) || name == "_claim_names" || name == "_claim_sources");
    if let Some(told) = claims.remove(VERIFIED_CLAIMS) {
        let demands = wanted.target.demands(&wanted.authorized.demands);
        let asked = demands.and_then(|demands| demands.get(VERIFIED_CLAIMS)?.details.as_ref());
        let supported = &server.config().identity_assurance.claims;
        if let Some(fitting) = verified::fitting(told, asked, supported, server.now())? {
            claims.insert(VERIFIED_CLAIMS.to_owned(), fitting);
        }
    }
    Ok(claims)
}

/// What was preset with a grant, beside the claims that were gathered for a target: less the names that a claims source
/// says are its own, and those that a source which owns all others was asked for.
pub fn presets(
    server: &Server,
    authorized: &Authorized,
    (preset, gathered): (Option<Object>, &Object),
) -> Object {
    let mut preset = preset.unwrap_or_default();
    if authorized.client_subject {
        return preset;
    }
    let (policies, consented) = (server.policies(), authorized.claims());
    let of = |name: &str| name.split('#').next().unwrap_or(name).to_owned();
    let lists = [consented.id_token, consented.userinfo, consented.access_token];
    let asked: Vec<String> =
        lists.iter().flatten().flatten().chain(gathered.keys()).map(|name| of(name)).collect();
    preset.retain(|name, _| {
        let told = policies.owns_claim(name) && asked.contains(&of(name));
        !told && !policies.names_claim(name)
    });
    preset
}

async fn ask(server: &Server, wanted: &Wanted<'_>, (owned, known): (Vec<String>, Object)) -> Outcome<Object> {
    let (client, authorized) = (wanted.client, wanted.authorized);
    let facts = client_facts(client, false);
    let mut question = Question::new(HookType::ClaimsSource, Some((client, facts)), wanted.asking.clone());
    let demands = wanted.target.demands(&authorized.demands);
    let request = &mut question.request;
    request.pop.clone_from(&wanted.pop);
    request.subject = Some(Party {
        sub: wanted.authorization.sub.clone(),
        party_type: PartyType::User,
        source: PartySource::Authorization,
        claims: None,
    });
    request.claims = Some(ClaimsSection {
        target: wanted.target.as_str().to_owned(),
        requested: owned.iter().map(|name| requested(name, demands.and_then(|d| d.get(name)))).collect(),
        locales: authorized.claims_locales.clone(),
        context: authorized.grant.claims_context.clone().unwrap_or_default(),
    });
    request.proposal = Proposal { claims: Some(known), ..Proposal::default() };
    request.limits = Limits {
        claims: Some(ClaimsLimits {
            names: owned.clone(),
            max_bytes: MAX_CLAIMS,
            claim_sources: wanted.target != Target::AccessToken,
        }),
        ..Limits::default()
    };
    match server.policies().decide(question).await? {
        Decided::Allow(allowed) => {
            let result = allowed.proposal;
            let mut claims = result.claims.unwrap_or_default();
            if let Some(sources) = result.claim_sources.filter(|sources| !sources.is_empty()) {
                refer(&mut claims, &sources, &owned)?;
            }
            Ok(claims)
        }
        Decided::Deny(error) => Err(crate::policy::denial(&error).into()),
        Decided::Challenge(_) => Err(Fault::new("policy", "a claims source cannot challenge").into()),
    }
}

fn requested(name: &str, demand: Option<&ClaimDemand>) -> RequestedClaim {
    let demand = demand.cloned().unwrap_or_default();
    RequestedClaim {
        name: name.to_owned(),
        essential: demand.essential,
        value: demand.value,
        values: demand.values,
        details: demand.details,
    }
}

/// Writes aggregated and distributed claims (OpenID Connect Core section 5.6.2).
fn refer(claims: &mut Object, sources: &Object, owned: &[String]) -> Result<(), Failure> {
    let wrong = |detail: &str| Failure::from(Fault::new("policy", format!("claim_sources: {detail}")));
    let (mut names, mut described) = (Object::new(), Object::new());
    for (source, value) in sources {
        let list = value["claims"].as_array().ok_or_else(|| wrong("`claims` is missing"))?;
        for name in list {
            let name = name.as_str().ok_or_else(|| wrong("a claim name is not a string"))?;
            if !owned.iter().any(|owned| owned == name)
                || claims.contains_key(name)
                || names.contains_key(name)
            {
                return Err(wrong("a claim is not asked for, or has a value already"));
            }
            names.insert(name.to_owned(), source.clone().into());
        }
        let reference = match (value["jwt"].as_str(), value["endpoint"].as_str()) {
            (Some(jwt), None) => json!({ "JWT": jwt }),
            (None, Some(endpoint)) if endpoint.starts_with("https://") => {
                match value["access_token"].as_str() {
                    Some(token) => json!({ "endpoint": endpoint, "access_token": token }),
                    None => json!({ "endpoint": endpoint }),
                }
            }
            _ => return Err(wrong("a source has either `jwt` or an https `endpoint`")),
        };
        described.insert(source.clone(), reference);
    }
    claims.insert("_claim_names".to_owned(), Value::Object(names));
    claims.insert("_claim_sources".to_owned(), Value::Object(described));
    Ok(())
}
