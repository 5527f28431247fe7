//! Tokens: what an authorization holds, and how tokens are made from it.

mod access;
pub mod carried;
mod device_secret;
mod id;
mod inspect;
mod issue;
mod known;
mod profile;
mod reach;
pub mod refresh;
mod signed;

use std::collections::BTreeMap;

use placet_oauth::{
    claims::{ClaimDemand, ClaimsRequest, scope_claims},
    scope::Scope,
};
use placet_sdk::grant::{Grant, GrantedClaims, Object, Tokens};
use serde::{Deserialize, Serialize};

use crate::{outcome::Fault, store::AuthorizationRecord};

pub use access::{
    ACCESS_TOKEN, Access, AccessRequest, authorization_of_jti, home_of_jwt, mint as mint_access,
};
pub use device_secret::DeviceSecret;
pub use id::{IdRequest, claims as id_token_claims, mint as mint_id};
pub use inspect::{ActiveToken, SignedToken, active, is_signed, known_active, read_signed};
pub use issue::{IssueRequest, Minted, authorize_issue, family_wanted};
pub use known::{KnownToken, KnownTokens};
pub use profile::{join_scope, list_scope, scope_of};
pub use reach::{Reach, audience, check_known, reach};
pub use signed::{is_for, read_hint, read_id_token, verify};

/// What was granted, and the facts it was granted on; kept with the authorization.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Authorized {
    /// Scope, resources, claim names and token settings.
    pub grant: Grant,
    /// When the user authenticated.
    pub authenticated_at: i64,
    /// Authentication context class reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// Authentication methods.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// Session id as clients see it (`sid`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// The subject is a client of this server, and not a user.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub client_subject: bool,
    /// Names of the claims that were asked for one by one, whatever the scope.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<String>,
    /// Values of the consented claims, as the login app knew them.
    #[serde(skip_serializing_if = "Object::is_empty")]
    pub claim_values: Object,
    /// What the authorization request demanded of single claims.
    #[serde(skip_serializing_if = "ClaimsRequest::is_empty")]
    pub demands: ClaimsRequest,
    /// The device secret that was issued under it, or that it was had with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_secret: Option<DeviceSecret>,
    /// Languages of claims, best first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub claims_locales: Vec<String>,
}

impl Authorized {
    /// What a record holds.
    pub fn read(record: &AuthorizationRecord) -> Result<Self, Fault> {
        serde_json::from_str(&record.doc).map_err(|e| Fault::new("authorization record", e))
    }

    /// The text to store.
    pub fn write(&self) -> Result<String, Fault> {
        serde_json::to_string(self).map_err(|e| Fault::new("authorization record", e))
    }

    /// Takes out what was chosen for this authorization: its record says where what is known of its tokens lies, and says it
    /// alone.
    pub fn take_tokens(&mut self) -> Option<Tokens> {
        self.grant.refresh_token.as_mut().and_then(|set| set.tokens.take())
    }

    /// The granted scope.
    pub fn scope(&self) -> Scope {
        Scope::from_values(self.grant.scope.clone().unwrap_or_default())
    }

    /// The granted authorization details.
    pub fn details(&self) -> &[Object] {
        self.grant.authorization_details.as_deref().unwrap_or_default()
    }

    /// The consented claim names.
    pub fn claims(&self) -> GrantedClaims {
        self.grant.claims.clone().unwrap_or_default()
    }

    /// The names of these that a token of this scope may read: those of its scope values (OpenID Connect Core section
    /// 5.4) and those asked for one by one.
    pub fn within(&self, names: Option<Vec<String>>, scope: &Scope) -> Vec<String> {
        let of_scope = |base: &str| scope.iter().any(|s| scope_claims(s).contains(&base));
        let mut names = names.unwrap_or_default();
        names.retain(|name| {
            let base = name.split('#').next().unwrap_or(name);
            self.asked.iter().any(|asked| asked == name) || of_scope(base)
        });
        names
    }

    /// The values of these claims, with their language variants. A client that asked for a claim by its name got all that it
    /// asked for without them: those it asks for by their own names, or by `claims_locales` (OpenID Connect Core sections 5.2
    /// and 5.5.2).
    pub fn values(&self, names: Option<&[String]>) -> Object {
        let names = names.unwrap_or_default();
        let mut values = self.claim_values.clone();
        values.retain(|name, _| {
            names.contains(name)
                || name.split_once('#').is_some_and(|(base, language)| {
                    let exact = self.is_asked_by_name(base) && !self.wants_language(language);
                    !exact && names.iter().any(|name| name == base)
                })
        });
        values
    }

    /// Whether the client asked for a claim by its name, which no scope value gave it.
    fn is_asked_by_name(&self, base: &str) -> bool {
        let asked = |demands: &BTreeMap<String, ClaimDemand>| demands.contains_key(base);
        (asked(&self.demands.userinfo) || asked(&self.demands.id_token))
            && !self.scope().iter().any(|scope| scope_claims(scope).contains(&base))
    }

    /// Whether a language is among those that the client wants, or is a kind of one of them: `de-AT` is one of `de`.
    fn wants_language(&self, language: &str) -> bool {
        self.claims_locales.iter().any(|wanted| {
            let same = language.get(..wanted.len()).is_some_and(|start| start.eq_ignore_ascii_case(wanted));
            same && matches!(language.as_bytes().get(wanted.len()), None | Some(b'-'))
        })
    }
}
