//! Security profiles in the configuration.

use placet_oauth::profile::Profile;
use schemars::{Schema, SchemaGenerator, json_schema};

/// The names of the profiles.
pub(super) fn names(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": Profile::ALL.map(Profile::as_str) })
}
