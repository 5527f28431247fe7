//! What policies are told of clients and requests.

use placet_oauth::params::Params;
use placet_sdk::{
    InstantMillis,
    decision::{ClientAuth, DeciderClient, Remote, RequestFacts},
    grant::{Object, Parameters},
};

use crate::{client::Client, server::Server};

/// A client as policies see it; `authenticated` if it proved itself with this request.
pub fn client_facts(client: &Client, authenticated: bool) -> DeciderClient {
    let method = client.auth_method();
    DeciderClient {
        client_id: client.id.clone(),
        name: client.metadata.client_name.clone(),
        client_type: Some(if client.is_public() { "public" } else { "confidential" }.to_owned()),
        auth: authenticated.then(|| ClientAuth {
            method: method.as_str().to_owned(),
            verified: !client.is_public(),
            ..ClientAuth::default()
        }),
        grant_types: client
            .metadata
            .grant_types
            .iter()
            .flatten()
            .map(|grant| grant.as_str().to_owned())
            .collect(),
        scope: client.registered_scope().map(|scope| scope.to_vec()).unwrap_or_default(),
        first_party: client.settings.first_party,
        software_id: client.metadata.software_id.clone(),
        data: client.settings.data.clone(),
        metadata: Object::new(),
    }
}

/// An HTTP request as policies see it.
pub fn request_facts(
    server: &Server,
    endpoint: &str,
    params: Option<&Params>,
    (peer, user_agent): (std::net::IpAddr, Option<&str>),
) -> RequestFacts {
    let parameters = params.map(|params| passed_parameters(server, params)).unwrap_or_default();
    RequestFacts {
        endpoint: endpoint.to_owned(),
        received_at: Some(InstantMillis(server.now_millis())),
        remote: Some(Remote { ip: peer.to_string() }),
        user_agent: user_agent.map(|text| text.chars().take(256).collect()),
        headers: std::collections::BTreeMap::new(),
        parameters,
    }
}

/// The parameters that the operator lets login apps and policies see.
pub fn passed_parameters(server: &Server, params: &Params) -> Parameters {
    let values =
        |name: &String| -> Vec<String> { params.get_all(name).into_iter().map(str::to_owned).collect() };
    let passed = server.config().passed_parameters.iter();
    passed.map(|name| (name.clone(), values(name))).filter(|(_, values)| !values.is_empty()).collect()
}
