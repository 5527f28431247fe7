//! What policies say of a registration, after it was found to be sound and before it is stored.

use placet_oauth::{client::ClientMetadata, error::OAuthError};
use placet_sdk::{
    decision::{
        ClientLimits, HookType, Limits, Proposal, RegistrationAuth, RegistrationSection, RequestFacts,
    },
    grant::Object,
};
use serde_json::Value;

use super::metadata;
use crate::{
    client::Client,
    outcome::{Fault, Outcome},
    policy::{Decided, Question, client_facts, denial},
    server::Server,
};

/// What a policy may set. Where answers go, how the client proves who it is and whose keys count, is the client's own word
/// alone: a policy could only make less of it, or what the client does not do.
const SETTABLE: [&str; 27] = [
    "grant_types",
    "response_types",
    "client_name",
    "logo_uri",
    "client_uri",
    "policy_uri",
    "tos_uri",
    "contacts",
    "software_id",
    "software_version",
    "scope",
    "authorization_details_types",
    "application_type",
    "subject_type",
    "id_token_signed_response_alg",
    "id_token_encrypted_response_alg",
    "id_token_encrypted_response_enc",
    "userinfo_signed_response_alg",
    "userinfo_encrypted_response_alg",
    "userinfo_encrypted_response_enc",
    "introspection_signed_response_alg",
    "introspection_encrypted_response_alg",
    "introspection_encrypted_response_enc",
    "default_max_age",
    "require_auth_time",
    "default_acr_values",
    "initiate_login_uri",
];

/// What is about to happen to a registration.
pub(super) enum Operation<'a> {
    /// A client registers; `entitled` says how it may.
    Create { entitled: &'static str, metadata: &'a ClientMetadata },
    /// This client replaces its metadata.
    Update { client: &'a Client, metadata: &'a ClientMetadata },
    /// This client goes.
    Delete { client: &'a Client },
}

/// The metadata as policies let them be registered; none if nobody was asked, or nothing is registered.
pub(super) async fn decide(
    server: &Server,
    asking: &RequestFacts,
    operation: Operation<'_>,
) -> Outcome<Option<ClientMetadata>> {
    let (hook, name, kind) = match &operation {
        Operation::Create { entitled, .. } => (HookType::ClientRegister, "create", *entitled),
        Operation::Update { .. } => (HookType::ClientUpdate, "update", "registration_access_token"),
        Operation::Delete { .. } => (HookType::ClientDelete, "delete", "registration_access_token"),
    };
    if !server.policies().asks(hook) {
        return Ok(None);
    }
    let (client, asked) = match &operation {
        Operation::Create { metadata, .. } => (None, Some(object(metadata)?)),
        Operation::Update { client, metadata } => (Some(*client), Some(object(metadata)?)),
        Operation::Delete { client } => (Some(*client), None),
    };
    let about = client.map(|client| (client, client_facts(client, false)));
    let mut question = Question::new(hook, about, asking.clone());
    question.request.registration = Some(RegistrationSection {
        operation: name.to_owned(),
        auth: RegistrationAuth { kind: kind.to_owned(), claims: None },
        metadata: asked.clone().unwrap_or_default(),
        software_statement: None,
        existing: client.map(|client| object(&client.metadata)).transpose()?,
    });
    question.request.limits =
        Limits { client: asked.as_ref().map(|asked| limits(server, asked)), ..Limits::default() };
    question.request.proposal = Proposal { client: asked.clone(), ..Proposal::default() };
    let result = match server.policies().decide(question).await? {
        Decided::Allow(allowed) => allowed.proposal.client,
        Decided::Deny(error) => return Err(denial(&error).into()),
        Decided::Challenge(_) => {
            return Err(Fault::new("policy", format!("`{hook}` cannot be challenged")).into());
        }
    };
    match (asked, result) {
        (Some(asked), Some(result)) if asked != result => {
            // That a policy made nonsense of it is not the client's fault.
            let wrong = |error: OAuthError| Fault::new("policy", format!("`{hook}`: {}", error.description));
            let metadata = ClientMetadata::from_json(result).map_err(wrong)?;
            Ok(Some(metadata::sound(server, metadata).map_err(wrong)?))
        }
        _ => Ok(None),
    }
}

fn limits(server: &Server, asked: &Object) -> ClientLimits {
    let registration = &server.config().registration;
    let translated = asked.keys().filter(|name| name.contains('#')).cloned();
    ClientLimits {
        members: SETTABLE.map(str::to_owned).into_iter().chain(translated).collect(),
        grant_types: registration.allowed_grants.clone(),
        scope: Some(registration.allowed_scopes.clone()),
    }
}

fn object(metadata: &ClientMetadata) -> Result<Object, Fault> {
    match serde_json::to_value(metadata) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(Fault::new("client metadata", "it is no object")),
        Err(error) => Err(Fault::new("client metadata", error)),
    }
}
