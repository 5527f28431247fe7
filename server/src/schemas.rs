//! The JSON Schemas of Placet's contracts, generated from the wire types.

use placet_sdk::{
    decision::{Decision, DecisionRequest, PolicyDocument},
    grant::Grant,
    interaction::{Answer, Open, Prompt, SessionInfo},
    problem::Problem,
    resources::{AuthorizationInfo, ConsentInfo, DirectGrant, DirectGrantTokens, Page, Report, SessionList},
};
use schemars::{
    JsonSchema,
    generate::{SchemaGenerator, SchemaSettings},
};
use serde_json::{Map, Value};

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
        ("authorization-list", schema::<Page<AuthorizationInfo>>(written())),
        ("direct-grant", schema::<DirectGrant>(read())),
        ("direct-grant-tokens", schema::<DirectGrantTokens>(written())),
        ("report", schema::<Report>(read())),
        ("decision-request", schema::<DecisionRequest>(written())),
        ("decision", schema::<Decision>(read())),
        ("policy-document", schema::<PolicyDocument>(read())),
    ]
}

/// The schemas of all types of the interaction API by the name of the type, for the components of an OpenAPI
/// description.
pub fn components() -> Map<String, Value> {
    let at = |settings: SchemaSettings| {
        settings.with(|s| {
            s.definitions_path = "/components/schemas".into();
            s.meta_schema = None;
        })
    };
    let mut requests = at(read()).into_generator();
    add::<Answer>(&mut requests);
    add::<Open>(&mut requests);
    add::<DirectGrant>(&mut requests);
    add::<Report>(&mut requests);
    let mut answers = at(written()).into_generator();
    add::<Page<Prompt>>(&mut answers);
    add::<SessionList>(&mut answers);
    add::<Page<ConsentInfo>>(&mut answers);
    add::<Page<AuthorizationInfo>>(&mut answers);
    add::<DirectGrantTokens>(&mut answers);
    add::<Problem>(&mut answers);
    let mut all = requests.take_definitions(true);
    all.extend(answers.take_definitions(true));
    all.values_mut().for_each(without_null);
    all
}

fn add<T: JsonSchema>(generator: &mut SchemaGenerator) {
    let _ = generator.subschema_for::<T>();
}
