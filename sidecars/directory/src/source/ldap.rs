//! An LDAP directory (RFC 4511).

use std::{sync::Arc, time::Duration};

use ldap3::{
    Ldap as Connection, LdapConnAsync, LdapConnSettings, Scope, SearchEntry, SearchOptions, SearchResult,
    ldap_escape,
};
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use url::Url;

use super::{Entry, SourceError};
use crate::config::LdapConfig;

/// The most entries for one name, as the directory matches names; with more, it is not asked the right way.
const MOST_ENTRIES: i32 = 16;

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

    /// The user with this subject. The directory may match names whatever their case and spaces; subjects are compared
    /// byte by byte, so that nobody is told the claims of somebody else.
    pub async fn by_sub(&self, sub: &str) -> Result<Option<Entry>, SourceError> {
        let found = self.find(std::slice::from_ref(&self.config.sub_attribute), sub).await?;
        let mut exact = found
            .iter()
            .filter(|entry| Self::values(entry, &self.config.sub_attribute).contains(&sub.to_owned()));
        match (exact.next(), exact.next()) {
            (None, _) => Ok(None),
            (Some(only), None) => Ok(Some(self.entry(only, sub))),
            (Some(_), Some(_)) => Err(SourceError::Ambiguous),
        }
    }

    /// The user whom a login hint means.
    pub async fn by_hint(&self, hint: &str) -> Result<Option<Entry>, SourceError> {
        if self.config.hint_attributes.is_empty() {
            return Ok(None);
        }
        let found = match self.find(&self.config.hint_attributes, hint).await {
            Err(SourceError::Ambiguous) => return Ok(None),
            found => found?,
        };
        // Who could be two is nobody, and so is an entry that names two subjects.
        let [only] = found.as_slice() else { return Ok(None) };
        match Self::values(only, &self.config.sub_attribute) {
            [sub] => Ok(Some(self.entry(only, sub))),
            _ => Ok(None),
        }
    }

    /// The entries with this value in one of these attributes, in time: waiting for the connection is part of it.
    async fn find(&self, attributes: &[String], value: &str) -> Result<Vec<SearchEntry>, SourceError> {
        let filter = filter(&self.config.object_class, attributes, value);
        let limit = Duration::from_millis(self.config.timeout_ms);
        let failed = match tokio::time::timeout(limit, self.look(&filter)).await {
            Ok(Ok(Some(entries))) => return Ok(entries),
            Ok(Ok(None)) => return Err(SourceError::Ambiguous),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it took too long".to_owned(),
        };
        // Whoever holds it is making a new one.
        if let Ok(mut kept) = self.connection.try_lock() {
            *kept = None;
        }
        Err(SourceError::Unreachable(failed))
    }

    /// The connection, for one look; several looks share it at the same time.
    async fn connection(&self) -> Result<Connection, ldap3::LdapError> {
        let mut kept = self.connection.lock().await;
        if let Some(connection) = kept.as_mut()
            && !connection.is_closed()
        {
            return Ok(connection.clone());
        }
        let connection = self.connect().await?;
        *kept = Some(connection.clone());
        Ok(connection)
    }

    /// The entries; none if there are too many.
    async fn look(&self, filter: &str) -> Result<Option<Vec<SearchEntry>>, ldap3::LdapError> {
        let mut connection = self.connection().await?;
        let mut attributes: Vec<&str> = self.config.claims.values().map(String::as_str).collect();
        attributes.push(&self.config.sub_attribute);
        let SearchResult(found, result) = connection
            .with_search_options(SearchOptions::new().sizelimit(MOST_ENTRIES))
            .search(&self.config.base, Scope::Subtree, filter, attributes)
            .await?;
        match result.rc {
            // Success, and noSuchObject (RFC 4511 section 4.1.9).
            0 | 32 => {}
            // sizeLimitExceeded.
            4 => return Ok(None),
            _ => return Err(result.into()),
        }
        let entries = found.into_iter().filter(|entry| !entry.is_ref() && !entry.is_intermediate());
        Ok(Some(entries.map(SearchEntry::construct).collect()))
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

    /// The values of an attribute; its name has no case.
    fn values<'a>(found: &'a SearchEntry, attribute: &str) -> &'a [String] {
        let mut named = found.attrs.iter().filter(|(name, _)| name.eq_ignore_ascii_case(attribute));
        named.next().map_or(&[], |(_, values)| values)
    }

    fn entry(&self, found: &SearchEntry, sub: &str) -> Entry {
        let mut claims = Map::new();
        for (claim, attribute) in &self.config.claims {
            let values = Self::values(found, attribute);
            let Some(first) = values.first() else { continue };
            let value = if self.config.lists.contains(claim) {
                Value::from(values)
            } else {
                Value::from(first.clone())
            };
            claims.insert(claim.clone(), value);
        }
        for claim in &self.config.always_true {
            claims.insert(claim.clone(), true.into());
        }
        Entry { sub: sub.to_owned(), claims }
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
