//! An LDAP directory (RFC 4511).

use std::{sync::Arc, time::Duration};

use ldap3::{
    Ldap as Connection, LdapConnAsync, LdapConnSettings, Scope, SearchEntry, SearchOptions, ldap_escape,
};
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use url::Url;

use super::{Entry, SourceError};
use crate::config::LdapConfig;

/// An LDAP directory; one connection is kept and made anew when it breaks.
pub struct Ldap {
    config: Arc<LdapConfig>,
    password: String,
    connection: Mutex<Option<Connection>>,
}

impl std::fmt::Debug for Ldap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ldap").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Ldap {
    /// Checks the settings; the directory need not answer yet.
    ///
    /// # Errors
    ///
    /// A password that cannot be read, and a connection that others could read on the way.
    pub fn open(config: &LdapConfig) -> Result<Self, SourceError> {
        let unusable = |reason: String| SourceError::Unusable(reason);
        let url = Url::parse(&config.url).map_err(|e| unusable(format!("`{}`: {e}", config.url)))?;
        let here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if url.scheme() != "ldaps" && !(url.scheme() == "ldap" && (config.start_tls || here)) {
            return Err(unusable(
                "`ldaps:`, `start_tls` or a directory on this machine is needed".to_owned(),
            ));
        }
        let password = std::fs::read_to_string(&config.bind_password_file)
            .map_err(|e| unusable(format!("{}: {e}", config.bind_password_file.display())))?;
        Ok(Self {
            config: Arc::new(config.clone()),
            password: password.trim_end_matches(['\r', '\n']).to_owned(),
            connection: Mutex::default(),
        })
    }

    /// The user with this subject.
    pub async fn by_sub(&self, sub: &str) -> Result<Option<Entry>, SourceError> {
        self.find(std::slice::from_ref(&self.config.sub_attribute), sub).await
    }

    /// The user whom a login hint means.
    pub async fn by_hint(&self, hint: &str) -> Result<Option<Entry>, SourceError> {
        if self.config.hint_attributes.is_empty() {
            return Ok(None);
        }
        match self.find(&self.config.hint_attributes, hint).await {
            // Who could be two is nobody.
            Err(SourceError::Ambiguous) => Ok(None),
            found => found,
        }
    }

    async fn find(&self, attributes: &[String], value: &str) -> Result<Option<Entry>, SourceError> {
        let filter = filter(&self.config.object_class, attributes, value);
        let limit = Duration::from_millis(self.config.timeout_ms);
        let mut kept = self.connection.lock().await;
        let looked = tokio::time::timeout(limit, self.look(&mut kept, &filter)).await;
        match looked {
            Ok(Ok(entries)) => match entries.as_slice() {
                [] => Ok(None),
                [only] => Ok(self.entry(only)),
                _ => Err(SourceError::Ambiguous),
            },
            Ok(Err(error)) => {
                *kept = None;
                Err(SourceError::Unreachable(error.to_string()))
            }
            Err(_) => {
                *kept = None;
                Err(SourceError::Unreachable("it took too long".to_owned()))
            }
        }
    }

    async fn look(
        &self,
        kept: &mut Option<Connection>,
        filter: &str,
    ) -> Result<Vec<SearchEntry>, ldap3::LdapError> {
        if kept.as_mut().is_none_or(Connection::is_closed) {
            *kept = Some(self.connect().await?);
        }
        let Some(connection) = kept else { return Ok(Vec::new()) };
        let mut attributes: Vec<&str> = self.config.claims.values().map(String::as_str).collect();
        attributes.push(&self.config.sub_attribute);
        // Two are enough to know that there is more than one.
        let (found, _) = connection
            .with_search_options(SearchOptions::new().sizelimit(2))
            .search(&self.config.base, Scope::Subtree, filter, attributes)
            .await?
            .success()
            .or_else(|error| match error {
                // 4 is sizeLimitExceeded (RFC 4511 section 4.1.9), 32 noSuchObject.
                ldap3::LdapError::LdapResult { result } if result.rc == 32 => Ok((Vec::new(), result)),
                other => Err(other),
            })?;
        Ok(found
            .into_iter()
            .filter(|entry| !entry.is_ref() && !entry.is_intermediate())
            .map(SearchEntry::construct)
            .collect())
    }

    async fn connect(&self) -> Result<Connection, ldap3::LdapError> {
        let settings = LdapConnSettings::new()
            .set_starttls(self.config.start_tls)
            .set_conn_timeout(Duration::from_millis(self.config.timeout_ms));
        let (driver, mut connection) = LdapConnAsync::with_settings(settings, &self.config.url).await?;
        ldap3::drive!(driver);
        connection.simple_bind(&self.config.bind_dn, &self.password).await?.success()?;
        Ok(connection)
    }

    fn entry(&self, found: &SearchEntry) -> Option<Entry> {
        let values = |attribute: &str| {
            found
                .attrs
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(attribute))
                .map(|(_, values)| values)
        };
        let sub = values(&self.config.sub_attribute)?.first()?.clone();
        let mut claims = Map::new();
        for (claim, attribute) in &self.config.claims {
            let Some(values) = values(attribute).filter(|values| !values.is_empty()) else { continue };
            let value = if self.config.lists.contains(claim) {
                Value::from(values.clone())
            } else {
                Value::from(values[0].clone())
            };
            claims.insert(claim.clone(), value);
        }
        for claim in &self.config.always_true {
            claims.insert(claim.clone(), true.into());
        }
        Some(Entry { sub, claims })
    }
}

/// A filter (RFC 4515) for entries with this value in one of these attributes.
fn filter(object_class: &str, attributes: &[String], value: &str) -> String {
    let value = ldap_escape(value);
    let any = attributes.iter().fold(String::new(), |any, name| any + "(" + name + "=" + &value + ")");
    format!("(&(objectClass={})(|{any}))", ldap_escape(object_class))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_cannot_say_more_than_it_is() {
        let attributes = ["uid".to_owned()];
        assert_eq!(filter("person", &attributes, "alice"), "(&(objectClass=person)(|(uid=alice)))");
        let sly = filter("person", &attributes, "*)(uid=bob");
        assert_eq!(sly, "(&(objectClass=person)(|(uid=\\2a\\29\\28uid=bob)))");
    }
}
