//! The SAML 2.0 bearer grant (RFC 7522 section 2.1). No XML is read here: a sidecar of the type `assertion.saml2` turns
//! the assertion into facts, and a policy of the type `grant.saml2_bearer` turns the facts into a local subject.

use placet_oauth::{
    error::OAuthError,
    grant_type::GrantType,
    id::Secret,
    token_request::{Asked, TokenResponse},
};
use placet_sdk::{
    decision::{
        HookType, Limits, ObjectLimits, Party, PartySource, PartyType, Proposal, RawAssertionSection,
        RequestFacts, Saml2BearerSection,
    },
    grant::Authentication,
};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::establish::{Establish, establish};
use crate::{
    client::{AuthenticatedClient, Client},
    config::SamlIssuer,
    outcome::{Fault, Outcome},
    policy::{Decided, Question, denial},
    seal::hex,
    server::Server,
    store::Once,
    trusted::{SKEW, USED_ASSERTION},
};

/// The facts of an assertion, in bytes of JSON.
const MAX_FACTS: u32 = 64 * 1024;
/// What stands before the names of signature algorithms (RFC 9231 section 2.3).
const ALGORITHMS: &str = "http://www.w3.org/2001/04/xmldsig-more#";

pub(super) async fn exchange(
    server: &Server,
    client: &AuthenticatedClient,
    (assertion, asked): (&Secret, Asked),
    asking: &RequestFacts,
) -> Outcome<TokenResponse> {
    const HOOK: HookType = HookType::GrantSaml2Bearer;
    let mut section = facts(server, client, assertion, asking).await?;
    let issuer = issuer(server, client, &section)?;
    let remembered_until = check(server, issuer, &section)?;
    // The operator's word about the issuer counts, not the sidecar's.
    section.trust = issuer.trust;
    section.verified.replay_checked = true;
    let facts = &section.assertion;
    let id = hex(&Sha256::digest(json!(["saml2", facts.issuer, facts.id]).to_string()));
    let authentication = facts.authn.first().map(|statement| Authentication {
        authenticated_at: Some(statement.instant),
        ..Authentication::default()
    });
    let mut question = Question::asked_by(HOOK, client, asking.clone());
    question.request.subject = Some(Party {
        sub: facts.name_id.value.clone(),
        party_type: PartyType::External,
        source: PartySource::Assertion,
        claims: None,
    });
    question.request.saml2_bearer = Some(section);
    let wanted = Establish {
        grant_type: GrantType::Saml2Bearer,
        question,
        asked,
        sub: None,
        authentication,
        consume: vec![Once { kind: USED_ASSERTION, id, expires_at: remembered_until }],
        people: false,
        bound: false,
    };
    establish(server, client, wanted).await
}

/// Lets the sidecar turn the assertion into facts.
async fn facts(
    server: &Server,
    client: &AuthenticatedClient,
    assertion: &Secret,
    asking: &RequestFacts,
) -> Outcome<Saml2BearerSection> {
    let mut question = Question::asked_by(HookType::AssertionSaml2, client, asking.clone());
    let request = &mut question.request;
    let recipient = format!("{}/token", server.issuer());
    request.raw_assertion = Some(RawAssertionSection {
        format: "saml2".to_owned(),
        value: assertion.expose().to_owned(),
        audience: vec![server.issuer().to_owned(), recipient.clone()],
        recipient,
        clock_skew: u32::try_from(SKEW).unwrap_or(0),
    });
    request.proposal = Proposal::default();
    request.limits = Limits {
        saml2_bearer: Some(ObjectLimits { reserved: Vec::new(), max_bytes: MAX_FACTS }),
        ..Limits::default()
    };
    request.requires = vec!["/saml2_bearer".to_owned()];
    match server.policies().decide(question).await? {
        Decided::Allow(result) => result
            .proposal
            .saml2_bearer
            .ok_or_else(|| Fault::new("policy", "an assertion without facts").into()),
        Decided::Deny(error) => Err(denial(&error).into()),
        Decided::Challenge(_) => Err(Fault::new("policy", "nobody is at hand to be challenged").into()),
    }
}

/// The issuer, if the operator lists it for this client.
fn issuer<'a>(
    server: &'a Server,
    client: &Client,
    section: &Saml2BearerSection,
) -> Result<&'a SamlIssuer, OAuthError> {
    let mut listed = server.config().saml.issuers.iter();
    listed
        .find(|issuer| issuer.entity_id == section.assertion.issuer)
        .filter(|issuer| issuer.client_ids.is_empty() || issuer.client_ids.contains(&client.id))
        .ok_or_else(|| OAuthError::invalid_grant("the issuer of the assertion is not trusted"))
}

/// Looks at the facts again: what the sidecar should have refused is not taken on its word. Gives until when the
/// assertion has to be remembered.
fn check(server: &Server, issuer: &SamlIssuer, section: &Saml2BearerSection) -> Result<i64, OAuthError> {
    let (facts, now) = (&section.assertion, server.now());
    let refused = |why: &str| Err(OAuthError::invalid_grant(format!("the assertion {why}")));
    let token_endpoint = format!("{}/token", server.issuer());
    let for_us = |audience: &String| audience == server.issuer() || *audience == token_endpoint;
    if !section.verified.signature || facts.id.is_empty() || facts.issuer.is_empty() {
        return refused("is not verified");
    }
    let algorithm = section.verified.alg.strip_prefix(ALGORITHMS);
    if !algorithm.is_some_and(|named| issuer.algorithms.iter().any(|allowed| allowed == named)) {
        return refused("is signed with an algorithm that its issuer may not use");
    }
    if !facts.conditions.audiences.iter().any(for_us) {
        return refused("has another audience");
    }
    if facts.conditions.not_before.is_some_and(|at| at.0 > now + SKEW) || facts.issued_at.0 > now + SKEW {
        return refused("is not valid yet");
    }
    if facts.authn.iter().any(|statement| statement.instant.0 > now + SKEW) {
        return refused("says that its subject authenticated in the future");
    }
    let confirmed = facts
        .subject_confirmation
        .iter()
        .filter(|c| {
            c.method == "urn:oasis:names:tc:SAML:2.0:cm:bearer"
                && c.recipient.as_deref() == Some(token_endpoint.as_str())
        })
        .filter_map(|c| c.not_on_or_after)
        .map(|at| at.0)
        .max();
    let Some(confirmed) = confirmed else { return refused("has no bearer confirmation for this server") };
    let ends = facts.conditions.not_on_or_after.map_or(confirmed, |at| at.0.min(confirmed));
    if ends + SKEW <= now {
        return refused("has expired");
    }
    let longest = i64::from(issuer.max_lifetime);
    if ends > now + longest + SKEW || facts.issued_at.0 < now - longest - SKEW {
        return refused(&format!("may be at most {longest} seconds old and live no longer"));
    }
    Ok(confirmed.max(ends) + 2 * SKEW)
}
