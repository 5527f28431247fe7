//! What is published about resources (RFC 9728).

use placet_oauth::resource::metadata::{Place, WELL_KNOWN};
use placet_sdk::grant::Object;

use crate::{outcome::Fault, server::Server};

/// Metadata are signed with this unless the operator says otherwise: nearly everybody can verify it.
const ALGORITHM: &str = "ES256";
/// The `typ` of signed metadata, so that nothing else can be taken for them nor they for anything else.
const TYPE: &str = "oauth-protected-resource+jwt";

/// The published resource whose metadata are at this path of this host. Whoever passes the requests of a resource
/// server's own host on to here keeps `Host`; without that it is a resource on the host of this server.
pub fn at<'a>(server: &'a Server, host: &str, (rest, query): (&str, &str)) -> Option<&'a str> {
    let rest = if rest.is_empty() { String::new() } else { format!("/{rest}") };
    let query = if query.is_empty() { String::new() } else { format!("?{query}") };
    let path = format!("{WELL_KNOWN}{rest}{query}");
    let on = |authority: &str| {
        let here = |place: &Place| place.authority == authority && place.path == path;
        server.config().published_resources().find(|(_, place)| here(place)).map(|(uri, _)| uri)
    };
    let own = Place::of(server.issuer()).map(|place| place.authority);
    on(&host.to_ascii_lowercase()).or_else(|| own.as_deref().and_then(on))
}

/// The metadata of a published resource with a signature of this server over them (section 2.2), so that whoever gets
/// them from elsewhere knows that this server says so.
pub async fn metadata(server: &Server, uri: &str) -> Result<Option<Object>, Fault> {
    let Some(mut document) = server.config().resource_metadata(uri) else { return Ok(None) };
    let mut claims = document.clone();
    claims.insert("iss".to_owned(), server.issuer().into());
    claims.insert("iat".to_owned(), server.now().into());
    let algorithm = server.config().usual_signing_alg(ALGORITHM);
    let key = server.keys().signer(algorithm).await?;
    document.insert("signed_metadata".to_owned(), key.sign(TYPE, &claims)?.into());
    Ok(Some(document))
}
