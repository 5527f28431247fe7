//! The types of authorization details (RFC 9396) that the operator knows: what their details must be, and what may
//! become of them.

use jsonschema::{PatternOptions, Validator};
use placet_oauth::{
    error::OAuthError,
    rar::{Unfit, check_details, locations},
};
use placet_sdk::{
    details::{Enrichable, enriches, narrowed_all, type_of},
    grant::Object,
};
use serde_json::Value;

use crate::{
    client::Client,
    config::{Config, DetailsTypeConfig},
    outcome::Fault,
};

/// A type with its schema.
struct Known {
    config: DetailsTypeConfig,
    schema: Option<Validator>,
}

/// The types of authorization details.
pub struct DetailsTypes(Vec<Known>);

impl std::fmt::Debug for DetailsTypes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|known| &known.config.name)).finish()
    }
}

/// The schema of a type, if it has one. The error is a sentence for the operator.
pub(crate) fn compile(kind: &DetailsTypeConfig) -> Result<Option<Validator>, String> {
    let schema = match (&kind.schema, &kind.schema_file) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => return Err("schema and schema_file: only one can be meant".to_owned()),
        (Some(schema), None) => Value::Object(schema.clone()),
        (None, Some(path)) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| format!("schema_file: `{}`: {error}", path.display()))?;
            placet_oauth::claims::strict_json(&text)
                .map_err(|error| format!("schema_file: `{}`: {error}", path.display()))?
        }
    };
    if schema.pointer("/properties/status").is_some() {
        return Err("schema: `status` is a name that this server uses for itself".to_owned());
    }
    jsonschema::options()
        // Patterns meet texts of strangers: they are matched in linear time.
        .with_pattern_options(PatternOptions::regex())
        .should_validate_formats(true)
        .build(&schema)
        .map(Some)
        .map_err(|error| format!("schema: {error}"))
}

impl DetailsTypes {
    /// The types of the configuration.
    pub fn new(config: &Config) -> Result<Self, Fault> {
        let known = |kind: &DetailsTypeConfig| {
            let schema = compile(kind).map_err(|reason| Fault::new("authorization details type", reason))?;
            Ok(Known { config: kind.clone(), schema })
        };
        config.authorization_details_type.iter().map(known).collect::<Result<_, _>>().map(Self)
    }

    fn get(&self, name: &str) -> Option<&Known> {
        self.0.iter().find(|known| known.config.name == name)
    }

    /// What the operator says of a type.
    pub fn settings(&self, name: &str) -> Option<&DetailsTypeConfig> {
        self.get(name).map(|known| &known.config)
    }

    /// The members in which details may be enriched.
    pub fn enrichable(&self) -> Enrichable {
        let marked = self.0.iter().filter(|known| !known.config.enrichable.is_empty());
        marked.map(|known| (known.config.name.clone(), known.config.enrichable.clone())).collect()
    }

    /// Checks what a client asks for: the client registered the types, each detail is as its type demands, and its
    /// locations are resources that the client may ask for (RFC 9396 sections 5 and 10).
    ///
    /// # Errors
    ///
    /// `invalid_authorization_details`; the description says where.
    pub fn check_asked(&self, config: &Config, client: &Client, asked: &[Object]) -> Result<(), OAuthError> {
        self.check(asked)?;
        for (at, detail) in asked.iter().enumerate() {
            let name = type_of(detail);
            if !registered(client, name) {
                let reason = format!("`{name}` is not registered for this client");
                return Err(Unfit::new(format!("/{at}/type"), reason).into());
            }
            let listed = self.settings(name).map_or(&[][..], |kind| &kind.resources);
            for (place, location) in locations(detail).enumerate() {
                let of_type = listed.is_empty() || listed.iter().any(|uri| uri == location);
                if !of_type || !config.offers_resource(&client.settings, location) {
                    let reason = format!("`{location}` is no resource that such a detail may name");
                    return Err(Unfit::new(format!("/{at}/locations/{place}"), reason).into());
                }
            }
        }
        Ok(())
    }

    /// Checks details, wherever they come from: they are within the limits, of known types and as these demand.
    pub fn check(&self, details: &[Object]) -> Result<(), Unfit> {
        check_details(details)?;
        for (at, detail) in details.iter().enumerate() {
            let name = type_of(detail);
            let Some(known) = self.get(name) else {
                return Err(Unfit::new(
                    format!("/{at}/type"),
                    format!("`{name}` is not known to this server"),
                ));
            };
            let Some(schema) = &known.schema else { continue };
            let value = Value::Object(detail.clone());
            if let Err(error) = schema.validate(&value) {
                return Err(Unfit::new(format!("/{at}{}", error.instance_path()), error.to_string()));
            }
        }
        Ok(())
    }

    /// What a client gets that asks for these details under a grant of others (RFC 9396 section 6).
    ///
    /// # Errors
    ///
    /// `invalid_authorization_details` for one that was not granted.
    pub fn narrowed(&self, granted: &[Object], asked: &[Object]) -> Result<Vec<Object>, OAuthError> {
        let marked = |name: &str| match self.settings(name) {
            Some(kind) => (kind.enrichable.as_slice(), kind.narrowable.as_slice()),
            None => (&[][..], &[][..]),
        };
        narrowed_all(granted, asked, marked)
            .map_err(|at| Unfit::new(format!("/{at}"), "was not granted, or not like this").into())
    }

    /// Those of a grant that still count: their types are known, and registered for the client.
    pub fn standing(&self, client: &Client, granted: &[Object]) -> Vec<Object> {
        let stands = |detail: &&Object| {
            let name = type_of(detail);
            self.get(name).is_some() && registered(client, name)
        };
        granted.iter().filter(stands).cloned().collect()
    }

    /// For each detail that is offered the one in what is remembered that answers it: it is the same, or became that by
    /// enrichment. Each answers one at the most, and none of a type whose details are good for one time.
    pub fn remembered(
        &self,
        offered: &[Object],
        enrichable: &Enrichable,
        remembered: &[Object],
    ) -> Vec<Option<Object>> {
        let mut left: Vec<&Object> = remembered.iter().collect();
        let answer = |detail: &Object| {
            let name = type_of(detail);
            if self.settings(name).is_none_or(|kind| kind.one_time) {
                return None;
            }
            let marked = enrichable.get(name).map_or(&[][..], Vec::as_slice);
            let at = left.iter().position(|known| {
                enriches(detail, known, marked) && self.check(std::slice::from_ref(known)).is_ok()
            })?;
            Some(left.swap_remove(at).clone())
        };
        offered.iter().map(answer).collect()
    }

    /// Those of a consent that can be remembered.
    pub fn memorable(&self, granted: &[Object]) -> Vec<Object> {
        let lasting = |detail: &&Object| self.settings(type_of(detail)).is_some_and(|kind| !kind.one_time);
        granted.iter().filter(lasting).cloned().collect()
    }
}

fn registered(client: &Client, name: &str) -> bool {
    client.metadata.authorization_details_types.iter().flatten().any(|known| known == name)
}
