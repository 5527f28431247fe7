//! Response modes: how an authorization response travels back.

use serde::{Deserialize, Serialize};

use crate::{params::encode_form, response_type::ResponseType};

/// A `response_mode` (OAuth 2.0 Multiple Response Type Encoding Practices section 2.1, OAuth 2.0 Form Post Response Mode,
/// JWT Secured Authorization Response Mode for OAuth 2.0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ResponseMode {
    /// In the query of the redirect URI.
    #[serde(rename = "query")]
    Query,
    /// In the fragment of the redirect URI.
    #[serde(rename = "fragment")]
    Fragment,
    /// In a form that the browser posts to the redirect URI.
    #[serde(rename = "form_post")]
    FormPost,
    /// As a JWT in the query.
    #[serde(rename = "query.jwt")]
    QueryJwt,
    /// As a JWT in the fragment.
    #[serde(rename = "fragment.jwt")]
    FragmentJwt,
    /// As a JWT in a form.
    #[serde(rename = "form_post.jwt")]
    FormPostJwt,
}

/// The name by which a request leaves it to the server where a JWT travels (JARM section 2.3.4).
const ANY_JWT: &str = "jwt";

impl ResponseMode {
    /// Every response mode.
    pub const ALL: [Self; 6] =
        [Self::Query, Self::Fragment, Self::FormPost, Self::QueryJwt, Self::FragmentJwt, Self::FormPostJwt];

    /// Every name that a request may use.
    pub fn names() -> Vec<&'static str> {
        Self::ALL.into_iter().map(Self::as_str).chain([ANY_JWT]).collect()
    }

    /// The mode as it is written in requests and in discovery.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Fragment => "fragment",
            Self::FormPost => "form_post",
            Self::QueryJwt => "query.jwt",
            Self::FragmentJwt => "fragment.jwt",
            Self::FormPostJwt => "form_post.jwt",
        }
    }

    /// The mode with this name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == name)
    }

    /// The mode that a request names, if there is one of that name.
    pub fn requested(name: &str, response_type: Option<ResponseType>) -> Option<Self> {
        if name == ANY_JWT {
            return Some(response_type.map_or(Self::QueryJwt, |kind| Self::default_for(kind).as_jwt()));
        }
        Self::parse(name)
    }

    /// Whether the parameters are the claims of a JWT.
    pub fn is_jwt(self) -> bool {
        self != self.carrier()
    }

    /// How the answer travels, whatever it is.
    #[must_use]
    pub fn carrier(self) -> Self {
        match self {
            Self::Query | Self::QueryJwt => Self::Query,
            Self::Fragment | Self::FragmentJwt => Self::Fragment,
            Self::FormPost | Self::FormPostJwt => Self::FormPost,
        }
    }

    /// The mode in which a JWT travels the same way.
    #[must_use]
    pub fn as_jwt(self) -> Self {
        match self.carrier() {
            Self::Fragment => Self::FragmentJwt,
            Self::FormPost => Self::FormPostJwt,
            _ => Self::QueryJwt,
        }
    }

    /// The mode of a request that names none.
    pub fn default_for(response_type: ResponseType) -> Self {
        if response_type.is_front_channel() { Self::Fragment } else { Self::Query }
    }

    /// Whether a response of this type may travel this way. A token never goes into a query, which ends up in
    /// logs and in `Referer` (Multiple Response Type Encoding Practices section 5, JARM section 2.3.1).
    pub fn allowed_for(self, response_type: ResponseType) -> bool {
        self.carrier() != Self::Query || !response_type.is_front_channel()
    }
}

/// The `Location` that carries `params` to `redirect_uri`; what the URI has in its query stays byte for byte
/// (RFC 6749 section 3.1.2).
///
/// `None` for a form, which is a page and not a redirect, and for a URI that has a
/// fragment already, which cannot be registered.
pub fn redirect_location(
    redirect_uri: &str,
    mode: ResponseMode,
    params: &[(String, String)],
) -> Option<String> {
    if redirect_uri.contains('#') {
        return None;
    }
    let separator = match mode.carrier() {
        ResponseMode::Fragment => "#",
        ResponseMode::Query if !redirect_uri.contains('?') => "?",
        ResponseMode::Query if redirect_uri.ends_with(['?', '&']) => "",
        ResponseMode::Query => "&",
        _ => return None,
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
        assert_eq!(ResponseMode::names().len(), 7);
    }

    #[test]
    fn a_jwt_travels_where_its_parameters_would() {
        for response_type in ResponseType::ALL {
            let plain = ResponseMode::default_for(response_type);
            let chosen = ResponseMode::requested("jwt", Some(response_type)).unwrap();
            assert_eq!((chosen.carrier(), chosen.is_jwt()), (plain, true));
            assert!(chosen.allowed_for(response_type));
        }
        for mode in ResponseMode::ALL {
            assert_eq!(mode.as_jwt().carrier(), mode.carrier());
            assert_eq!(ResponseMode::requested(mode.as_str(), None), Some(mode));
            assert_eq!(mode.is_jwt(), mode.as_str().strip_suffix(".jwt").is_some());
        }
        assert_eq!(ResponseMode::requested("jwt", None), Some(ResponseMode::QueryJwt));
        assert_eq!(ResponseMode::requested("x.jwt", None), None);
    }

    #[test]
    fn no_token_goes_into_a_query() {
        for response_type in ResponseType::ALL {
            let is_code = response_type.as_str() == "code";
            assert_eq!(ResponseMode::Query.allowed_for(response_type), is_code);
            assert_eq!(ResponseMode::QueryJwt.allowed_for(response_type), is_code);
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
        for form in [ResponseMode::FormPost, ResponseMode::FormPostJwt] {
            assert_eq!(redirect_location("https://a/cb", form, &[]), None);
        }
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
