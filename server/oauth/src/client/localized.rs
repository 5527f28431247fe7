//! The human-readable members in the language of the user (RFC 7591 section 2.2).

use serde_json::Value;

use super::ClientMetadata;

/// The members that may carry a language tag.
pub(super) const LOCALIZABLE: [&str; 5] = ["client_name", "logo_uri", "client_uri", "policy_uri", "tos_uri"];

/// The member that a name with a language tag belongs to, `client_name` for `client_name#fr`.
pub(super) fn base_of(name: &str) -> Option<&'static str> {
    let (base, tag) = name.split_once('#')?;
    let tag_is_sound = (1..=35).contains(&tag.len())
        && tag.split('-').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric()));
    LOCALIZABLE.into_iter().find(|member| tag_is_sound && *member == base)
}

impl ClientMetadata {
    /// The name for a reader of these locales, best first.
    pub fn client_name_for(&self, locales: &[String]) -> Option<&str> {
        self.choose("client_name", self.client_name.as_deref(), locales)
    }

    /// The logo for a reader of these locales, best first.
    pub fn logo_uri_for(&self, locales: &[String]) -> Option<&str> {
        self.choose("logo_uri", self.logo_uri.as_deref(), locales)
    }

    /// The home page for a reader of these locales, best first.
    pub fn client_uri_for(&self, locales: &[String]) -> Option<&str> {
        self.choose("client_uri", self.client_uri.as_deref(), locales)
    }

    /// The privacy policy for a reader of these locales, best first.
    pub fn policy_uri_for(&self, locales: &[String]) -> Option<&str> {
        self.choose("policy_uri", self.policy_uri.as_deref(), locales)
    }

    /// The terms of service for a reader of these locales, best first.
    pub fn tos_uri_for(&self, locales: &[String]) -> Option<&str> {
        self.choose("tos_uri", self.tos_uri.as_deref(), locales)
    }

    /// For each locale in turn: the exact tag, else a tag of the same language. Then the untagged value.
    fn choose<'a>(&'a self, member: &str, untagged: Option<&'a str>, locales: &[String]) -> Option<&'a str> {
        let tagged = |wanted: &dyn Fn(&str) -> bool| {
            self.localized.iter().find_map(|(name, value)| {
                let (base, tag) = name.split_once('#')?;
                if base == member && wanted(tag) { value.as_str() } else { None }
            })
        };
        locales
            .iter()
            .find_map(|locale| {
                let language = primary(locale);
                tagged(&|tag| tag.eq_ignore_ascii_case(locale))
                    .or_else(|| tagged(&|tag| tag.eq_ignore_ascii_case(language)))
                    .or_else(|| tagged(&|tag| primary(tag).eq_ignore_ascii_case(language)))
            })
            .or(untagged)
    }

    /// The language variants of one member that are texts.
    pub(super) fn variants(&self, member: &'static str) -> impl Iterator<Item = (&str, &Value)> {
        self.localized
            .iter()
            .filter(move |(name, _)| base_of(name) == Some(member))
            .map(|(name, value)| (name.as_str(), value))
    }
}

/// The language of a BCP 47 tag: `de` of `de-AT`.
fn primary(tag: &str) -> &str {
    tag.split('-').next().unwrap_or(tag)
}
