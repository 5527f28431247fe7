//! Telling clients in the browser that a session ended: their own pages, in frames of the last page of a logout (OpenID
//! Connect Front-Channel Logout 1.0).

use placet_oauth::params::encode_form;

use crate::{client::Client, interaction::session, outcome::Fault, server::Server};

/// At most so many frames are on one page.
const MOST: usize = 50;

/// The addresses to load for the end of these sessions at these clients, each once.
pub(crate) async fn frames(server: &Server, ended: &[(String, Vec<String>)]) -> Result<Vec<String>, Fault> {
    let mut frames = Vec::new();
    for (session_id, clients) in ended {
        for client_id in clients {
            let client = server.client(client_id).await?;
            frames.extend(client.and_then(|client| frame(server, &client, session_id)));
        }
    }
    frames.truncate(MOST);
    Ok(frames)
}

/// The address to load at a client, with issuer and session (section 3).
fn frame(server: &Server, client: &Client, session_id: &str) -> Option<String> {
    let uri = client.metadata.frontchannel_logout_uri.as_deref()?;
    let sid = session::sid(server.root(), session_id, &client.id);
    let params = encode_form([("iss", server.issuer()), ("sid", sid.as_str())]);
    let separator = if uri.contains('?') { '&' } else { '?' };
    Some(format!("{uri}{separator}{params}"))
}
