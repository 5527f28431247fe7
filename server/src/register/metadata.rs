//! What a client may register of itself.

use placet_oauth::{
    claims::strict_json_bytes,
    client::ClientMetadata,
    error::{ErrorCode, OAuthError},
};
use serde_json::{Map, Value};

use crate::{
    client::{self, profile},
    config::ClientSettings,
    outcome::Outcome,
    server::Server,
};

/// The metadata in `body`, complete and within what the operator allows (RFC 7591 section 2).
pub(super) async fn checked(server: &Server, body: Map<String, Value>) -> Outcome<ClientMetadata> {
    check_statement(&body)?;
    let metadata = sound(server, ClientMetadata::from_json(body)?)?;
    check_sector(server, &metadata).await?;
    Ok(metadata)
}

/// Metadata, complete and within what the operator allows, as far as they can be told without asking anybody else.
pub(crate) fn sound(server: &Server, metadata: ClientMetadata) -> Result<ClientMetadata, OAuthError> {
    let profiles: Vec<_> = server.config().profile.into_iter().collect();
    let mut metadata = profile::complete(metadata, &profiles);
    metadata.scope.get_or_insert_with(|| server.config().registration.allowed_scopes.join(" "));
    metadata.validate(&server.config().registration_metadata_policy())?;
    client::check_keys(&metadata)?;
    let found = profile::shortcomings(&metadata, &ClientSettings::default(), &profiles);
    if !found.is_empty() {
        return Err(OAuthError::invalid_client_metadata(found.join("; ")));
    }
    Ok(metadata)
}

/// What a software statement says would take precedence over the rest of the metadata (RFC 7591 section 2.3). This
/// server trusts no issuer of statements. To ignore one would register something else than the client asks for, so it
/// is refused, as section 3.2.2 foresees.
fn check_statement(body: &Map<String, Value>) -> Result<(), OAuthError> {
    match body.get("software_statement") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(text)) if placet_oauth::jwt::parse(text).is_ok() => Err(OAuthError::new(
            ErrorCode::UnapprovedSoftwareStatement,
            "no issuer of software statements is trusted here; send the metadata themselves",
        )),
        Some(_) => Err(OAuthError::new(
            ErrorCode::InvalidSoftwareStatement,
            "`software_statement` is not a signed JWT",
        )),
    }
}

/// Who names a sector has to prove that it is part of it: else a client could join the sector of others and learn who
/// their users are (OpenID Connect Registration section 5).
async fn check_sector(server: &Server, metadata: &ClientMetadata) -> Outcome<()> {
    let Some(uri) = &metadata.sector_identifier_uri else { return Ok(()) };
    let outbound = server.outbound();
    let document = outbound.get(uri).await.map_err(|reason| refused(uri, &reason.to_string()))?;
    let redirect_uris = metadata.redirect_uris.as_deref().unwrap_or_default();
    names_all(&document, redirect_uris).map_err(|reason| refused(uri, &reason))?;
    Ok(())
}

fn refused(uri: &str, reason: &str) -> OAuthError {
    OAuthError::invalid_client_metadata(format!("`sector_identifier_uri`: `{uri}` {reason}"))
}

/// Whether `document` is a JSON array that holds each of `redirect_uris`, byte for byte.
fn names_all(document: &[u8], redirect_uris: &[String]) -> Result<(), String> {
    let Ok(Value::Array(named)) = strict_json_bytes(document) else {
        return Err("is not a JSON array of redirect URIs".to_owned());
    };
    match redirect_uris.iter().find(|uri| !named.iter().any(|one| one.as_str() == Some(uri.as_str()))) {
        None => Ok(()),
        Some(missing) => Err(format!("does not name the redirect URI `{missing}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uris(list: &[&str]) -> Vec<String> {
        list.iter().map(|uri| (*uri).to_owned()).collect()
    }

    #[test]
    fn a_sector_document_must_name_every_redirect_uri() {
        let document = br#"["https://a.example/cb", "https://b.example/cb"]"#;
        assert_eq!(names_all(document, &uris(&["https://a.example/cb"])), Ok(()));
        assert_eq!(names_all(document, &uris(&["https://b.example/cb", "https://a.example/cb"])), Ok(()));
        let missing =
            names_all(document, &uris(&["https://a.example/cb", "https://c.example/cb"])).unwrap_err();
        assert!(missing.contains("`https://c.example/cb`"));
        assert!(names_all(document, &uris(&["https://a.example/cb/"])).is_err());
    }

    #[test]
    fn a_sector_document_is_an_array() {
        for document in [&b"{}"[..], b"\"https://a.example/cb\"", b"", b"[", b"<html>", b"\xff"] {
            assert!(names_all(document, &[]).is_err());
        }
    }
}
