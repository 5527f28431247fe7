//! Response modes: how an authorization response travels back.

use serde::{Deserialize, Serialize};

use crate::{params::encode_form, response_type::ResponseType};

/// A `response_mode` (OAuth 2.0 Multiple Response Type Encoding Practices section 2.1, OAuth 2.0 Form Post
/// Response Mode).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In the query of the redirect URI.
    Query,
    /// In the fragment of the redirect URI.
    Fragment,
    /// In a form that the browser posts to the redirect URI.
    FormPost,
}

impl ResponseMode {
    /// Every response mode.
    pub const ALL: [Self; 3] = [Self::Query, Self::Fragment, Self::FormPost];

    /// The mode as it is written in requests and in discovery.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Fragment => "fragment",
            Self::FormPost => "form_post",
        }
    }

    /// The mode with this name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == name)
    }

    /// The mode of a request that names none.
    pub fn default_for(response_type: ResponseType) -> Self {
        if response_type.is_front_channel() { Self::Fragment } else { Self::Query }
    }

    /// Whether a response of this type may travel this way. A token never goes into a query, which ends up in
    /// logs and in `Referer` (Multiple Response Type Encoding Practices section 5).
    pub fn allowed_for(self, response_type: ResponseType) -> bool {
        self != Self::Query || !response_type.is_front_channel()
    }
}

/// The `Location` that carries `params` to `redirect_uri`; what the URI has in its query stays byte for byte
/// (RFC 6749 section 3.1.2).
///
/// `None` with [`ResponseMode::FormPost`], which is a page and not a redirect, and for a URI that has a
/// fragment already, which cannot be registered.
pub fn redirect_location(
    redirect_uri: &str,
    mode: ResponseMode,
    params: &[(String, String)],
) -> Option<String> {
    if redirect_uri.contains('#') {
        return None;
    }
    let separator = match mode {
        ResponseMode::FormPost => return None,
        ResponseMode::Fragment => "#",
        ResponseMode::Query if !redirect_uri.contains('?') => "?",
        ResponseMode::Query if redirect_uri.ends_with(['?', '&']) => "",
        ResponseMode::Query => "&",
    };
    let pairs = encode_form(params.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    Some(format!("{redirect_uri}{separator}{pairs}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::params::Params;

    fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn names_json_and_parsing_agree() {
        for mode in ResponseMode::ALL {
            assert_eq!(ResponseMode::parse(mode.as_str()), Some(mode));
            assert_eq!(serde_json::to_value(mode).unwrap(), mode.as_str());
        }
        assert_eq!(ResponseMode::parse("web_message"), None);
    }

    #[test]
    fn no_token_goes_into_a_query() {
        for response_type in ResponseType::ALL {
            let is_code = response_type.as_str() == "code";
            assert_eq!(ResponseMode::Query.allowed_for(response_type), is_code);
            assert!(ResponseMode::Fragment.allowed_for(response_type));
            assert!(ResponseMode::FormPost.allowed_for(response_type));
            assert!(ResponseMode::default_for(response_type).allowed_for(response_type));
        }
        assert_eq!(ResponseMode::default_for(ResponseType::ALL[0]), ResponseMode::Query);
        assert_eq!(ResponseMode::default_for(ResponseType::ALL[5]), ResponseMode::Fragment);
    }

    #[test]
    fn the_query_of_the_redirect_uri_is_kept() {
        let params = pairs(&[("code", "a b"), ("state", "x&y")]);
        for (uri, expected) in [
            ("https://a/cb", "https://a/cb?code=a%20b&state=x%26y"),
            ("https://a/cb?q=%7e+", "https://a/cb?q=%7e+&code=a%20b&state=x%26y"),
            ("https://a/cb?", "https://a/cb?code=a%20b&state=x%26y"),
            ("com.example.app:/cb", "com.example.app:/cb?code=a%20b&state=x%26y"),
        ] {
            assert_eq!(redirect_location(uri, ResponseMode::Query, &params).as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_fragment_follows_the_whole_uri() {
        let location =
            redirect_location("https://a/cb?q=1", ResponseMode::Fragment, &pairs(&[("id_token", "x.y")]));
        assert_eq!(location.as_deref(), Some("https://a/cb?q=1#id_token=x.y"));
    }

    #[test]
    fn there_is_no_location_for_a_form_or_behind_a_fragment() {
        assert_eq!(redirect_location("https://a/cb", ResponseMode::FormPost, &[]), None);
        assert_eq!(redirect_location("https://a/cb#x", ResponseMode::Query, &[]), None);
    }

    proptest! {
        #[test]
        fn what_is_sent_arrives(state in "[^\0]+", query in "(\\?[a-z=&]{0,5})?") {
            let uri = format!("https://a.example/cb{query}");
            for (mode, mark) in [(ResponseMode::Query, '?'), (ResponseMode::Fragment, '#')] {
                let location = redirect_location(&uri, mode, &pairs(&[("state", &state)])).unwrap();
                prop_assert!(location.starts_with(&uri));
                let (_, sent) = location.split_once(mark).unwrap();
                let sent = sent.rsplit('&').next().unwrap();
                let params = Params::parse(sent.as_bytes()).unwrap();
                prop_assert_eq!(params.get("state"), Some(state.as_str()));
            }
        }
    }
}
