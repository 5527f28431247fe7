//! Which profile an access token has, and what that adds to it.

use placet_oauth::scope::Scope;
use placet_sdk::grant::{Object, is_reserved_claim};
use serde_json::{Map, Value, json};

use super::Authorized;
use crate::{
    client::Client,
    config::{AccessTokenProfile, Config, ScopeForm},
    outcome::Fault,
};

/// The profile of a token for this audience: that of its resources, if it is for these alone, else that of its client.
///
/// # Errors
///
/// A fault if the client names a profile that is not in the configuration any more.
pub(super) fn of<'a>(
    config: &'a Config,
    client: &Client,
    audience: &[String],
) -> Result<Option<&'a AccessTokenProfile>, Fault> {
    let mut profiles = config.access_token_profile.iter();
    let all = |profile: &&AccessTokenProfile| audience.iter().all(|one| profile.resources.contains(one));
    if !audience.is_empty()
        && let Some(profile) = profiles.find(all)
    {
        return Ok(Some(profile));
    }
    let Some(name) = &client.settings.access_token.profile else { return Ok(None) };
    let missing = || Fault::new("access token profile", format!("`{name}` of `{}` is unknown", client.id));
    config.profile(name).map(Some).ok_or_else(missing)
}

impl AccessTokenProfile {
    /// The claims about the user that a token of this scope carries: of those that the user may be asked about, what
    /// the user consented to; and those that nobody is asked about.
    pub(super) fn names(&self, authorized: &Authorized, scope: &Scope) -> Vec<String> {
        let consented = authorized.claims();
        let listed = |name: &String| {
            let base = name.split('#').next().unwrap_or(name);
            self.claims.iter().any(|own| own == name || own == base)
        };
        let mut names: Vec<String> = authorized.within(consented.userinfo, scope);
        names.extend(consented.id_token.into_iter().flatten());
        names.extend(consented.access_token.into_iter().flatten());
        names.retain(listed);
        names.extend(self.unconsented_claims.iter().cloned());
        names
    }

    /// The claims that are the same in every token.
    pub(super) fn constants(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.static_claims.iter().filter(|(name, _)| !is_reserved_claim(name))
    }

    /// Writes the claims of a token as this profile has them.
    pub(super) fn write(&self, claims: &mut Object) {
        for member in &self.omit {
            claims.remove(member.as_str());
        }
        if self.scope == ScopeForm::Array {
            list_scope(claims);
        }
    }
}

/// What claims say of the scope, as one string or as an array.
pub fn scope_of(claims: &Map<String, Value>) -> Scope {
    match claims.get("scope") {
        Some(Value::String(text)) => Scope::from_values(text.split(' ')),
        Some(Value::Array(values)) => Scope::from_values(values.iter().filter_map(Value::as_str)),
        _ => Scope::default(),
    }
}

/// Writes the scope of claims as an array.
pub fn list_scope(claims: &mut Object) {
    if claims.contains_key("scope") {
        let scope = scope_of(claims).to_vec();
        claims.insert("scope".to_owned(), json!(scope));
    }
}

/// Writes the scope of claims as one string, and tells whether it was an array.
pub fn join_scope(claims: &mut Object) -> bool {
    let listed = claims.get("scope").is_some_and(Value::is_array);
    if listed {
        claims.insert("scope".to_owned(), scope_of(claims).to_string().into());
    }
    listed
}
