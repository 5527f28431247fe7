//! What the server publishes about itself (RFC 8414 section 2, OpenID Connect Discovery 1.0 section 3). The values
//! come from the same lists that the dispatch uses, so that the two cannot disagree.

use serde_json::{Map, Value, json};

use crate::{
    authorization::{DISPLAYS, Prompt},
    ciba::DeliveryMode,
    claims::STANDARD_CLAIMS,
    client::{AuthMethod, EncryptionAlgs, HMAC_ALGS, JwtResponse, SubjectType},
    grant_type::GrantType,
    pkce::ChallengeMethod,
    response_mode::ResponseMode,
    response_type::ResponseType,
};

/// Claims that describe the authentication, in ID tokens next to the standard claims.
const AUTHENTICATION_CLAIMS: [&str; 3] = ["acr", "amr", "auth_time"];

/// The endpoints that clients call themselves, without a browser.
const OF_CLIENTS: [&str; 8] = [
    "token_endpoint",
    "revocation_endpoint",
    "introspection_endpoint",
    "userinfo_endpoint",
    "registration_endpoint",
    "pushed_authorization_request_endpoint",
    "device_authorization_endpoint",
    "backchannel_authentication_endpoint",
];

/// What differs from server to server.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a member of the document")]
pub struct Discovery<'a> {
    /// The issuer identifier, without a slash at the end.
    pub issuer: &'a str,
    /// The base URL of the endpoints for clients with certificates, if they have another one.
    pub mtls_base: Option<&'a str>,
    /// The ways of authentication that are on.
    pub auth_methods: Vec<AuthMethod>,
    /// The scope values to publish.
    pub scopes: Vec<String>,
    /// The authentication context classes, best first.
    pub acr_values: Vec<String>,
    /// The algorithms that the server has keys to sign with.
    pub signing_algs: Vec<String>,
    /// The algorithms that the server can encrypt with.
    pub encryption: EncryptionAlgs,
    /// The algorithms of signatures of others that are verified.
    pub verified_algs: Vec<String>,
    /// The algorithms that may sign DPoP proofs.
    pub dpop_algs: Vec<String>,
    /// Whether access tokens can be bound to client certificates.
    pub certificate_bound: bool,
    /// The languages of the pages.
    pub ui_locales: Vec<String>,
    /// The grant types that are on.
    pub grant_types: Vec<GrantType>,
    /// Claims besides the standard ones.
    pub claims: Vec<String>,
    /// Whether claims come from others by reference (OpenID Connect Core section 5.6.2).
    pub claim_references: bool,
    /// What is said of verified claims (OpenID Connect for Identity Assurance 1.0 section 8).
    pub verified_claims: Map<String, Value>,
    /// Whether every authorization request has to be a signed request object.
    pub require_signed_requests: bool,
    /// Whether `request_uri` may lead to a request object that a client serves.
    pub requests_by_reference: bool,
    /// Whether clients may do without signing their request objects.
    pub unsigned_requests: bool,
    /// How the keys of what is encrypted to the server may travel.
    pub decrypted_algs: Vec<String>,
    /// Whether every authorization request has to be pushed.
    pub require_pushed_requests: bool,
    /// The types of authorization details (RFC 9396 section 10).
    pub details_types: Vec<String>,
    /// The resources that tokens are issued for (RFC 9728 section 4).
    pub protected_resources: Vec<String>,
    /// Whether clients can watch the session in the browser.
    pub session_management: bool,
    /// Whether clients may register themselves.
    pub registration: bool,
    /// Whether somebody decides about the codes of users (CIBA Core section 4).
    pub user_codes: bool,
    /// Whether applications of one device may share a sign-in (OpenID Connect Native SSO for Mobile Apps 1.0).
    pub native_sso: bool,
    /// What is accepted of attested clients, if they may authenticate so.
    pub attestation: Option<Attestations>,
    /// Whether a client id may be the URL of the metadata of the client.
    pub documents: bool,
}

/// What is accepted of attested clients (Attestation-Based Client Authentication, "Authorization Server and Resource Server
/// Metadata").
#[derive(Clone, Debug)]
pub struct Attestations {
    /// The algorithms that attestations may be signed with.
    pub algs: Vec<String>,
    /// The algorithms that instances may sign their proofs with.
    pub pop_algs: Vec<String>,
    /// Whether proofs have to answer a challenge.
    pub challenges: bool,
}

/// The metadata document, for both well-known locations.
pub fn discovery(d: &Discovery<'_>) -> Value {
    let issuer = d.issuer.trim_end_matches('/');
    let at_token: Vec<_> = d.auth_methods.iter().map(|method| method.as_str()).collect();
    // RFC 7662 section 2.1: introspection is for authenticated callers only.
    let at_introspection: Vec<_> =
        at_token.iter().filter(|name| **name != AuthMethod::None.as_str()).collect();
    let assertion_algs: Vec<_> =
        HMAC_ALGS.into_iter().chain(d.verified_algs.iter().map(String::as_str)).collect();
    let unsigned = d.unsigned_requests.then_some("none");
    let request_algs: Vec<_> = assertion_algs.iter().copied().chain(unsigned).collect();
    let mut claims: Vec<&str> = STANDARD_CLAIMS.into_iter().chain(AUTHENTICATION_CLAIMS).collect();
    for name in &d.claims {
        if !claims.contains(&name.as_str()) {
            claims.push(name);
        }
    }
    let mut document = json!({
        "issuer": d.issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "jwks_uri": format!("{issuer}/jwks"),
        "introspection_endpoint": format!("{issuer}/introspect"),
        "pushed_authorization_request_endpoint": format!("{issuer}/par"),
        "require_pushed_authorization_requests": d.require_pushed_requests,
        "revocation_endpoint": format!("{issuer}/revoke"),
        "end_session_endpoint": format!("{issuer}/logout"),
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "frontchannel_logout_supported": true,
        "frontchannel_logout_session_supported": true,
        "scopes_supported": d.scopes,
        "response_types_supported": ResponseType::ALL.map(ResponseType::as_str),
        "response_modes_supported": ResponseMode::names(),
        "grant_types_supported": d.grant_types.iter().map(|grant| grant.as_str()).collect::<Vec<_>>(),
        "subject_types_supported": SubjectType::ALL.map(SubjectType::as_str),
        "token_endpoint_auth_methods_supported": at_token,
        "token_endpoint_auth_signing_alg_values_supported": assertion_algs,
        "introspection_endpoint_auth_methods_supported": at_introspection,
        "introspection_endpoint_auth_signing_alg_values_supported": assertion_algs,
        "revocation_endpoint_auth_methods_supported": at_token,
        "revocation_endpoint_auth_signing_alg_values_supported": assertion_algs,
        "code_challenge_methods_supported": ChallengeMethod::ALL.map(ChallengeMethod::as_str),
        "prompt_values_supported": Prompt::ALL.map(Prompt::as_str),
        "display_values_supported": DISPLAYS,
        "claim_types_supported": if d.claim_references { json!(["normal", "aggregated", "distributed"]) }
            else { json!(["normal"]) },
        "claims_supported": claims,
        "claims_parameter_supported": true,
        "request_parameter_supported": true,
        // The default of this one is true.
        "request_uri_parameter_supported": d.requests_by_reference,
        "require_request_uri_registration": d.requests_by_reference,
        "request_object_signing_alg_values_supported": request_algs,
        "request_object_encryption_alg_values_supported": d.decrypted_algs,
        "request_object_encryption_enc_values_supported": d.encryption.content,
        "require_signed_request_object": d.require_signed_requests,
        "authorization_response_iss_parameter_supported": true,
        "dpop_signing_alg_values_supported": d.dpop_algs,
        "tls_client_certificate_bound_access_tokens": d.certificate_bound,
    });
    // The names are those of OpenID Connect Discovery section 3, RFC 9701 section 7 and JARM section 4.
    let signing: Vec<&str> = d.signing_algs.iter().map(String::as_str).chain(HMAC_ALGS).collect();
    for response in JwtResponse::ALL {
        let prefix = response.prefix();
        document[format!("{prefix}_signing_alg_values_supported")] = json!(signing);
        document[format!("{prefix}_encryption_alg_values_supported")] =
            d.encryption.all().collect::<Vec<_>>().into();
        document[format!("{prefix}_encryption_enc_values_supported")] = json!(d.encryption.content);
    }
    if !d.acr_values.is_empty() {
        document["acr_values_supported"] = json!(d.acr_values);
    }
    if !d.ui_locales.is_empty() {
        document["ui_locales_supported"] = json!(d.ui_locales);
    }
    for (member, list) in [
        ("authorization_details_types_supported", &d.details_types),
        ("protected_resources", &d.protected_resources),
    ] {
        if !list.is_empty() {
            document[member] = json!(list);
        }
    }
    what_is_on(&mut document, d, issuer);
    if let Value::Object(members) = &mut document {
        members.extend(d.verified_claims.clone());
        if let Some(base) = d.mtls_base {
            let aliases = aliases(members, (issuer, base));
            members.insert("mtls_endpoint_aliases".to_owned(), Value::Object(aliases));
        }
    }
    document
}

/// What is announced where it is on.
fn what_is_on(document: &mut Value, d: &Discovery<'_>, issuer: &str) {
    if d.grant_types.contains(&GrantType::DeviceCode) {
        document["device_authorization_endpoint"] = json!(format!("{issuer}/device_authorization"));
    }
    if d.grant_types.contains(&GrantType::Ciba) {
        document["backchannel_authentication_endpoint"] = json!(format!("{issuer}/bc-authorize"));
        document["backchannel_token_delivery_modes_supported"] =
            json!(DeliveryMode::ALL.map(DeliveryMode::as_str));
        document["backchannel_authentication_request_signing_alg_values_supported"] = json!(d.verified_algs);
        document["backchannel_user_code_parameter_supported"] = json!(d.user_codes);
    }
    if d.native_sso && d.grant_types.contains(&GrantType::TokenExchange) {
        document["native_sso_supported"] = json!(true);
    }
    if let Some(attestation) = &d.attestation {
        document["client_attestation_signing_alg_values_supported"] = json!(attestation.algs);
        document["client_attestation_pop_signing_alg_values_supported"] = json!(attestation.pop_algs);
        if attestation.challenges {
            document["challenge_endpoint"] = json!(format!("{issuer}/challenge"));
        }
    }
    if d.session_management {
        document["check_session_iframe"] = json!(format!("{issuer}/check_session"));
    }
    if d.registration {
        document["registration_endpoint"] = json!(format!("{issuer}/register"));
    }
    if d.documents {
        document["client_id_metadata_document_supported"] = json!(true);
    }
}

/// The endpoints that clients call themselves, at another host (RFC 8705 section 5).
fn aliases(document: &Map<String, Value>, (issuer, base): (&str, &str)) -> Map<String, Value> {
    let alias = |name: &str| {
        let path = document.get(name)?.as_str()?.strip_prefix(issuer)?;
        Some((name.to_owned(), Value::String(format!("{base}{path}"))))
    };
    OF_CLIENTS.into_iter().filter_map(alias).collect()
}

#[cfg(test)]
mod tests;
