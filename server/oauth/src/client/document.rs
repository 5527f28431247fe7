//! Clients that no one registered: their id is the URL of a document with their metadata (OAuth Client ID Metadata
//! Document, draft-ietf-oauth-client-id-metadata-document-01).

use serde_json::{Map, Value};
use url::Url;

use super::{ApplicationType, AuthMethod, ClientMetadata};
use crate::{error::OAuthError, uri::AbsoluteUri};

/// Members that have no place in a document that everybody can read.
const SECRETS: [&str; 2] = ["client_secret", "client_secret_expires_at"];

/// What is asked of the redirect URIs in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DocumentRules {
    /// Whether they have to be of the origin of the document, or this machine of the user.
    pub same_origin: bool,
    /// Whether the document may lie on this machine, as one does while developing.
    pub development: bool,
}

/// Whether a client id is meant as the URL of a document.
pub fn is_document_id(client_id: &str) -> bool {
    ["https://", "http://"].iter().any(|scheme| client_id.starts_with(scheme))
}

/// The host that a client id of this kind names, for users to see.
pub fn host_of(client_id: &str) -> Option<String> {
    if !is_document_id(client_id) {
        return None;
    }
    Url::parse(client_id).ok()?.host_str().map(str::to_owned)
}

/// Checks a client id that is the URL of a document (section 3).
///
/// # Errors
///
/// Why it cannot be one, to be read after the id.
pub fn check_id(client_id: &str, development: bool) -> Result<(), &'static str> {
    let AbsoluteUri { parsed, authority } = AbsoluteUri::parse(client_id)?;
    let here = matches!(parsed.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match parsed.scheme() {
        "https" => {}
        "http" if development && here => {}
        _ => return Err("does not use https"),
    }
    if authority.is_none_or(|authority| authority.is_empty() || authority.contains('@')) {
        return Err("has no host, or holds user information");
    }
    if client_id.contains(['#', '?']) {
        return Err("has a query or a fragment");
    }
    // Ids are compared as they are written: there must be one way to write each. This leaves out dots as segments,
    // capitals in the host, default ports, and a missing path.
    if parsed.as_str() != client_id {
        return Err("is not written in its normal form");
    }
    Ok(())
}

/// Reads the document of a client.
///
/// # Errors
///
/// `invalid_client_metadata` for a document of another client, one that needs a shared secret, or whose redirect URIs
/// are elsewhere. What else makes metadata unsound is found by [`ClientMetadata::validate`].
pub fn read(
    client_id: &str,
    members: Map<String, Value>,
    rules: DocumentRules,
) -> Result<ClientMetadata, OAuthError> {
    let refused = |reason: &str| OAuthError::invalid_client_metadata(format!("the document {reason}"));
    if members.get("client_id").and_then(Value::as_str) != Some(client_id) {
        return Err(refused("does not name its own URL as its `client_id`"));
    }
    if let Some(secret) = SECRETS.into_iter().find(|name| members.contains_key(*name)) {
        return Err(refused(&format!("must not have `{secret}`: everybody can read it")));
    }
    if members.contains_key("software_statement") || members.contains_key("sector_identifier_uri") {
        return Err(refused("must not have `software_statement` or `sector_identifier_uri`"));
    }
    let mut metadata = ClientMetadata::from_json(members)?;
    // The usual default is a secret, which such a client cannot have.
    let method = *metadata.token_endpoint_auth_method.get_or_insert(AuthMethod::None);
    if method.needs_secret() {
        return Err(refused(&format!("names `{}`, which needs a shared secret", method.as_str())));
    }
    let redirects = || metadata.redirect_uris.iter().flatten();
    // Who does not say what it is, is what its redirect URIs are.
    if metadata.application_type.is_none() && redirects().any(|uri| is_of_this_machine(uri)) {
        metadata.application_type = Some(ApplicationType::Native);
    }
    if rules.same_origin
        && let Some(elsewhere) = redirects().find(|uri| !is_near(client_id, uri))
    {
        let reason =
            format!("has the redirect URI `{elsewhere}`, which is neither of its own origin nor loopback");
        return Err(refused(&reason));
    }
    Ok(metadata)
}

fn is_of_this_machine(uri: &str) -> bool {
    Url::parse(uri).is_ok_and(|uri| {
        uri.scheme() == "http" && matches!(uri.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
    })
}

fn is_near(client_id: &str, uri: &str) -> bool {
    let (Ok(own), Ok(other)) = (Url::parse(client_id), Url::parse(uri)) else { return false };
    own.origin() == other.origin() || is_of_this_machine(uri)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "https://app.example/oauth/client.json";
    const RULES: DocumentRules = DocumentRules { same_origin: true, development: false };

    fn with(change: impl FnOnce(&mut Value)) -> Result<ClientMetadata, OAuthError> {
        let mut document = json!({ "client_id": ID, "redirect_uris": ["https://app.example/cb"] });
        change(&mut document);
        read(ID, document.as_object().unwrap().clone(), RULES)
    }

    #[test]
    fn an_id_is_an_https_url_written_in_one_way() {
        for id in [
            ID,
            "https://app.example/",
            "https://app.example:8443/c",
            "https://192.0.2.1/c",
            "https://app.example/a%20b",
        ] {
            assert_eq!(check_id(id, false), Ok(()), "{id}");
        }
        for id in [
            "https://app.example",
            "https://App.example/c",
            "https://app.example:443/c",
            "https://app.example/a/../c",
            "https://app.example/a/%2e%2e/c",
            "https://app.example/./c",
            "https://app.example/c#f",
            "https://app.example/c?q",
            "https://app.example/c?",
            "https://user@app.example/c",
            "https://@app.example/c",
            "https:/app.example/c",
            "https:///c",
            "https://app.example\\c",
            "https://app.example/c d",
            "http://app.example/c",
            "http://localhost/c",
            "ftp://app.example/c",
            "app.example/c",
            "",
        ] {
            assert!(check_id(id, false).is_err(), "{id}");
        }
        assert_eq!(check_id("http://127.0.0.1:8093/c", true), Ok(()));
        assert!(check_id("http://app.example/c", true).is_err());
    }

    #[test]
    fn a_document_is_that_of_its_url_and_has_no_secret() {
        assert_eq!(with(|_| {}).unwrap().token_endpoint_auth_method, Some(AuthMethod::None));
        for (name, value) in [
            ("client_id", json!("https://app.example/oauth/client.json/")),
            ("client_id", json!("https://APP.example/oauth/client.json")),
            ("client_id", Value::Null),
            ("client_secret", json!("secret")),
            ("client_secret", Value::Null),
            ("client_secret_expires_at", json!(0)),
            ("token_endpoint_auth_method", json!("client_secret_basic")),
            ("token_endpoint_auth_method", json!("client_secret_post")),
            ("token_endpoint_auth_method", json!("client_secret_jwt")),
            ("software_statement", json!("a.b.c")),
            ("sector_identifier_uri", json!("https://app.example/sector")),
        ] {
            let error = with(|document| document[name] = value.clone()).expect_err(name);
            assert_eq!(error.code.as_str(), "invalid_client_metadata", "{name} {value}");
        }
        let own_key = with(|document| document["token_endpoint_auth_method"] = json!("private_key_jwt"));
        assert_eq!(own_key.unwrap().token_endpoint_auth_method, Some(AuthMethod::PrivateKeyJwt));
    }

    #[test]
    fn redirect_uris_are_of_the_origin_of_the_document_or_loopback() {
        let redirecting = |uri: &str| with(|document| document["redirect_uris"] = json!([uri]));
        for uri in [
            "https://app.example/other",
            "http://127.0.0.1/cb",
            "http://localhost:3000/cb",
            "http://[::1]/cb",
        ] {
            redirecting(uri).unwrap_or_else(|error| panic!("{uri}: {}", error.description));
        }
        for uri in [
            "https://other.example/cb",
            "https://app.example:8443/cb",
            "http://app.example/cb",
            "https://app.example.evil.example/cb",
            "http://127.0.0.1.evil.example/cb",
            "com.example.app:/cb",
        ] {
            assert!(redirecting(uri).unwrap_err().description.contains(uri), "{uri}");
        }
        let anywhere = DocumentRules { same_origin: false, ..RULES };
        let document = json!({ "client_id": ID, "redirect_uris": ["https://other.example/cb"] });
        assert!(read(ID, document.as_object().unwrap().clone(), anywhere).is_ok());
    }

    #[test]
    fn an_app_that_redirects_to_the_machine_of_its_user_is_a_native_one() {
        let both = with(|d| d["redirect_uris"] = json!(["https://app.example/cb", "http://127.0.0.1/cb"]));
        assert_eq!(both.unwrap().application_type, Some(ApplicationType::Native));
        assert_eq!(with(|_| {}).unwrap().application_type, None);
    }
}
