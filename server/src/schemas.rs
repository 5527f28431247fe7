//! The JSON Schemas of Placet's contracts, generated from the wire types.

use std::collections::BTreeSet;

use placet_sdk::{
    admin::{
        ClientEntry, ClientWrite, ConsoleLink, DecisionEntry, DecisionRecord, DeliveryEntry,
        EventReceiverChange, EventReceiverState, GlobalRevocation, KeyEntry, PolicyChange, PolicyState,
        Redelivered, Replay, Revocation, Simulation, SimulationRequest, SubjectEntry, SubjectWrite,
    },
    decision::{Decision, DecisionRequest, PolicyDocument},
    event::Event,
    grant::Grant,
    interaction::{Answer, Open, Prompt, SessionInfo},
    problem::Problem,
    resources::{AuthorizationInfo, ConsentInfo, DirectGrant, DirectGrantTokens, Page, Report, SessionList},
};
use schemars::{
    JsonSchema,
    generate::{SchemaGenerator, SchemaSettings},
};
use serde_json::{Map, Value, json};

use crate::config::ClientSettings;

/// The schema of a type that the server reads, or of one that it writes.
fn schema<T: JsonSchema>(settings: SchemaSettings) -> Value {
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    without_null(&mut schema);
    schema
}

/// What is not there is left out of these contracts, never `null`.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(without_null),
        Value::Object(members) => {
            if let Some(Value::Array(types)) = members.get_mut("type") {
                types.retain(|t| t != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    members.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(choices)) = members.get_mut("anyOf") {
                choices.retain(|c| c["type"] != "null");
                if let [Value::Object(only)] = choices.as_slice() {
                    let only = only.clone();
                    members.remove("anyOf");
                    members.extend(only);
                }
            }
            members.values_mut().for_each(without_null);
        }
        _ => {}
    }
}

/// What the server reads: members with a default may be left out.
fn read() -> SchemaSettings {
    SchemaSettings::draft2020_12().for_deserialize()
}

/// What the server writes: members with a default are always there.
fn written() -> SchemaSettings {
    SchemaSettings::draft2020_12().for_serialize()
}

/// Every schema by its name; they lie in `sdk/schemas/1` and are served at `/.well-known/placet-schemas/1/{name}.json`.
pub fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("prompt", schema::<Prompt>(written())),
        ("answer", schema::<Answer>(read())),
        ("open", schema::<Open>(read())),
        ("grant", schema::<Grant>(read())),
        ("problem", schema::<Problem>(written())),
        ("prompt-list", schema::<Page<Prompt>>(written())),
        ("session", schema::<SessionInfo>(written())),
        ("session-list", schema::<SessionList>(written())),
        ("consent-list", schema::<Page<ConsentInfo>>(written())),
        ("authorization", schema::<AuthorizationInfo>(written())),
        ("authorization-list", schema::<Page<AuthorizationInfo>>(written())),
        ("direct-grant", schema::<DirectGrant>(read())),
        ("direct-grant-tokens", schema::<DirectGrantTokens>(written())),
        ("report", schema::<Report>(read())),
        ("decision-request", schema::<DecisionRequest>(written())),
        ("decision", schema::<Decision>(read())),
        ("event", schema::<Event>(written())),
        ("policy-document", schema::<PolicyDocument>(read())),
        ("admin-client", schema::<ClientEntry>(written())),
        ("admin-client-list", schema::<Page<ClientEntry>>(written())),
        ("admin-client-write", schema::<ClientWrite>(read())),
        ("admin-console-link", schema::<ConsoleLink>(written())),
        ("admin-key-list", schema::<Page<KeyEntry>>(written())),
        ("admin-subject", schema::<SubjectEntry>(written())),
        ("admin-subject-write", schema::<SubjectWrite>(read())),
        ("admin-revocation", schema::<Revocation>(read())),
        ("admin-global-revocation", schema::<GlobalRevocation>(read())),
        ("admin-policy", schema::<PolicyState>(written())),
        ("admin-policy-list", schema::<Page<PolicyState>>(written())),
        ("admin-policy-change", schema::<PolicyChange>(read())),
        ("admin-simulation", schema::<Simulation>(written())),
        ("admin-simulation-request", schema::<SimulationRequest>(read())),
        ("admin-decision", schema::<DecisionEntry>(written())),
        ("admin-decision-list", schema::<Page<DecisionRecord>>(written())),
        ("admin-replay", schema::<Replay>(written())),
        ("admin-event-receiver", schema::<EventReceiverState>(written())),
        ("admin-event-receiver-list", schema::<Page<EventReceiverState>>(written())),
        ("admin-event-receiver-change", schema::<EventReceiverChange>(read())),
        ("admin-delivery", schema::<DeliveryEntry>(written())),
        ("admin-delivery-list", schema::<Page<DeliveryEntry>>(written())),
        ("admin-redelivered", schema::<Redelivered>(written())),
    ]
}

/// The schemas of all types of the interaction API by the name of the type, for the components of an OpenAPI
/// description.
pub fn interaction_components() -> Map<String, Value> {
    let mut requests = component(read());
    add::<Answer>(&mut requests);
    add::<Open>(&mut requests);
    add::<DirectGrant>(&mut requests);
    add::<Report>(&mut requests);
    let mut answers = component(written());
    add::<Page<Prompt>>(&mut answers);
    add::<SessionList>(&mut answers);
    add::<Page<ConsentInfo>>(&mut answers);
    add::<Page<AuthorizationInfo>>(&mut answers);
    add::<DirectGrantTokens>(&mut answers);
    add::<Problem>(&mut answers);
    together(requests, answers)
}

/// The same of the admin API.
pub fn admin_components() -> Map<String, Value> {
    let mut requests = component(read());
    add::<ClientWrite>(&mut requests);
    add::<ClientSettings>(&mut requests);
    add::<SubjectWrite>(&mut requests);
    add::<Revocation>(&mut requests);
    add::<GlobalRevocation>(&mut requests);
    add::<PolicyChange>(&mut requests);
    add::<SimulationRequest>(&mut requests);
    add::<EventReceiverChange>(&mut requests);
    let mut answers = component(written());
    add::<Page<ClientEntry>>(&mut answers);
    add::<SessionList>(&mut answers);
    add::<Page<AuthorizationInfo>>(&mut answers);
    add::<SubjectEntry>(&mut answers);
    add::<Page<KeyEntry>>(&mut answers);
    add::<ConsoleLink>(&mut answers);
    add::<Page<PolicyState>>(&mut answers);
    add::<Simulation>(&mut answers);
    add::<Page<DecisionRecord>>(&mut answers);
    add::<DecisionEntry>(&mut answers);
    add::<Replay>(&mut answers);
    add::<Page<EventReceiverState>>(&mut answers);
    add::<Page<DeliveryEntry>>(&mut answers);
    add::<Redelivered>(&mut answers);
    add::<Problem>(&mut answers);
    let mut all = together(requests, answers);
    // The wire type leaves open what the settings are: the server alone knows all of them.
    let settings = &mut all["ClientWrite"]["properties"]["settings"];
    *settings = json!({ "$ref": at("ClientSettings"), "description": settings["description"] });
    all
}

/// A generator of components.
fn component(settings: SchemaSettings) -> SchemaGenerator {
    let settings = settings.with(|s| {
        s.definitions_path = "/components/schemas".into();
        s.meta_schema = None;
    });
    settings.into_generator()
}

fn add<T: JsonSchema>(generator: &mut SchemaGenerator) {
    let _ = generator.subschema_for::<T>();
}

fn at(name: &str) -> String {
    format!("#/components/schemas/{name}")
}

/// What comes in and what goes out, under one roof. A type that does both has two schemas if it has members with
/// defaults: what may be left out when it comes in is there when it goes out. Then the former is `…Input`.
fn together(mut requests: SchemaGenerator, mut answers: SchemaGenerator) -> Map<String, Value> {
    let taken = |generator: &mut SchemaGenerator| {
        let mut definitions = generator.take_definitions(true);
        definitions.values_mut().for_each(without_null);
        definitions
    };
    let (requests, mut all) = (taken(&mut requests), taken(&mut answers));
    let mut twofold: BTreeSet<String> = BTreeSet::new();
    loop {
        let more = requests.iter().filter(|(name, schema)| {
            let differs = all.get(*name).is_some_and(|other| other != *schema || refers(schema, &twofold));
            differs && !twofold.contains(*name)
        });
        let more: Vec<String> = more.map(|(name, _)| name.clone()).collect();
        if more.is_empty() {
            break;
        }
        twofold.extend(more);
    }
    for (name, mut schema) in requests {
        redirect(&mut schema, &twofold);
        let name = if twofold.contains(&name) { format!("{name}Input") } else { name };
        all.insert(name, schema);
    }
    all
}

fn refers(schema: &Value, names: &BTreeSet<String>) -> bool {
    match schema {
        Value::Array(items) => items.iter().any(|item| refers(item, names)),
        Value::Object(members) => {
            let target = members.get("$ref").and_then(Value::as_str);
            target.is_some_and(|target| names.iter().any(|name| at(name) == target))
                || members.values().any(|member| refers(member, names))
        }
        _ => false,
    }
}

fn redirect(schema: &mut Value, names: &BTreeSet<String>) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(|item| redirect(item, names)),
        Value::Object(members) => {
            if let Some(Value::String(target)) = members.get_mut("$ref")
                && names.iter().any(|name| at(name) == *target)
            {
                target.push_str("Input");
            }
            members.values_mut().for_each(|member| redirect(member, names));
        }
        _ => {}
    }
}
