//! Device secrets (OpenID Connect Native SSO for Mobile Apps 1.0 section 3.2).

use placet_oauth::{
    id::Secret,
    native_sso::{DEVICE_SSO, ds_hash, is_bound},
};
use serde::{Deserialize, Serialize};

use super::Authorized;
use crate::{outcome::Fault, random, server::Server, store::AuthorizationRecord};

/// What is kept of a device secret, with the authorization that it lives and dies with.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct DeviceSecret {
    /// Its hash, which ID tokens show as `ds_hash`.
    pub hash: String,
    /// When it ends, if it does not end before.
    pub expires_at: i64,
}

impl DeviceSecret {
    /// A new one for an authorization that was granted `device_sso`; none for any other.
    pub fn mint(
        server: &Server,
        authorization: &AuthorizationRecord,
        authorized: &Authorized,
    ) -> Result<Option<(Secret, Self)>, Fault> {
        let scope = authorized.scope();
        let native = &server.config().native_sso;
        let id_token = authorized.grant.id_token.as_ref().and_then(|set| set.issue).unwrap_or(true);
        if !(native.is_on() && id_token && scope.contains("openid") && scope.contains(DEVICE_SSO)) {
            return Ok(None);
        }
        let secret = random::secret(server.random())?;
        let longest = server.now().saturating_add(native.lifetime.into());
        let kept = Self { hash: ds_hash(&secret), expires_at: longest.min(authorization.expires_at) };
        Ok(Some((secret, kept)))
    }

    /// Whether this is the secret, and is not over.
    pub fn matches(&self, presented: &Secret, now: i64) -> bool {
        is_bound(presented, &self.hash) && now < self.expires_at
    }
}
