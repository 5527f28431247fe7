//! How a client wants to learn of a logout (OpenID Connect Back-Channel Logout 1.0 section 2.2, OpenID Connect Front-Channel
//! Logout 1.0 section 2).

use super::{ClientMetadata, MetadataPolicy, is_secure, refused};
use crate::{error::OAuthError, session_state::origin_of};

impl ClientMetadata {
    pub(super) fn check_logout(&self, policy: &MetadataPolicy) -> Result<(), OAuthError> {
        for (member, value) in [
            ("backchannel_logout_uri", &self.backchannel_logout_uri),
            ("frontchannel_logout_uri", &self.frontchannel_logout_uri),
        ] {
            if value.as_deref().is_some_and(|uri| !is_secure(uri, policy.development)) {
                return Err(refused(member, "must be an https URL without a fragment"));
            }
        }
        for (member, value, needed, uri) in [
            (
                "backchannel_logout_session_required",
                self.backchannel_logout_session_required,
                "backchannel_logout_uri",
                &self.backchannel_logout_uri,
            ),
            (
                "frontchannel_logout_session_required",
                self.frontchannel_logout_session_required,
                "frontchannel_logout_uri",
                &self.frontchannel_logout_uri,
            ),
        ] {
            if value == Some(true) && uri.is_none() {
                return Err(refused(member, &format!("needs `{needed}`")));
            }
        }
        // It is loaded in a frame of the server's page: no client can have the page of another one loaded there.
        let Some(uri) = &self.frontchannel_logout_uri else { return Ok(()) };
        let origin = origin_of(uri);
        if self.redirect_uris.iter().flatten().any(|redirect| origin_of(redirect) == origin) {
            return Ok(());
        }
        Err(refused(
            "frontchannel_logout_uri",
            "must have scheme, host and port of one of the `redirect_uris`",
        ))
    }
}
