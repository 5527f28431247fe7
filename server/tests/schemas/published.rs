//! The published files are the generated ones.

use std::{fs, path::PathBuf};

use placet_server::{openapi, schemas};

use super::{admin, configuration, protocol};

/// A path in the repository.
pub(super) fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

/// Compares a published file with what is generated, or writes it.
fn check(name: &str, generated: &str) {
    let path = path(name);
    if std::env::var_os("PLACET_REGENERATE").is_some_and(|value| value == "1") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, generated).unwrap();
        return;
    }
    let published = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        published == generated,
        "{name} is not what the types say; run PLACET_REGENERATE=1 cargo test -p placet-server --test schemas"
    );
}

fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}

#[test]
fn the_schemas_are_published_as_the_types_say() {
    for (name, schema) in schemas::all() {
        check(&format!("sdk/schemas/1/{name}.json"), &pretty(&schema));
    }
}

#[test]
fn no_schema_is_published_that_no_type_stands_for() {
    let known: Vec<String> = schemas::all().iter().map(|(name, _)| format!("{name}.json")).collect();
    for entry in fs::read_dir(path("sdk/schemas/1")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let expected = entry.path().is_dir()
            || ["openapi.json", "admin-openapi.json"].contains(&name.as_str())
            || known.contains(&name);
        assert!(expected, "{name}");
    }
}

#[test]
fn the_descriptions_are_published_as_the_server_gives_them() {
    check("sdk/schemas/1/openapi.json", &pretty(&openapi::interaction_api()));
    check("sdk/schemas/1/admin-openapi.json", &pretty(&openapi::admin_api()));
}

#[test]
fn the_reference_of_the_protocol_is_published_as_the_types_say() {
    check("docs/protocol.md", &protocol::reference());
}

#[test]
fn the_reference_of_the_admin_api_is_published_as_the_types_say() {
    check("docs/admin.md", &admin::reference());
}

#[test]
fn the_reference_of_the_configuration_is_published_as_the_types_say() {
    check("docs/configuration.md", &configuration::reference());
}
