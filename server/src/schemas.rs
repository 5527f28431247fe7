//! The JSON Schemas of Placet's contracts, generated from the wire types.

use placet_sdk::{
    grant::Grant,
    interaction::{Answer, Open, Prompt},
    problem::Problem,
    resources::{AuthorizationInfo, ConsentInfo, DirectGrant, DirectGrantTokens, Page, Report, SessionList},
};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;

fn schema<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value()
}

/// Every schema by its name; they lie in `sdk/schemas/1` and are served at `/.well-known/placet-schemas/1/{name}.json`.
pub fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("prompt", schema::<Prompt>()),
        ("answer", schema::<Answer>()),
        ("open", schema::<Open>()),
        ("grant", schema::<Grant>()),
        ("problem", schema::<Problem>()),
        ("session-list", schema::<SessionList>()),
        ("consent-list", schema::<Page<ConsentInfo>>()),
        ("authorization-list", schema::<Page<AuthorizationInfo>>()),
        ("direct-grant", schema::<DirectGrant>()),
        ("direct-grant-tokens", schema::<DirectGrantTokens>()),
        ("report", schema::<Report>()),
    ]
}
