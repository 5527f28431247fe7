//! What a token is bound to (RFC 9449 section 5, RFC 8705 section 3). One rule for every token there is.

use placet_oauth::{
    confirmation::{Confirmation, Thumbprint},
    error::OAuthError,
};
use placet_sdk::grant::{Grant, SenderConstraint};
use serde::{Deserialize, Serialize};

use super::Possession;
use crate::{client::Client, config::TokenBinding, outcome::Fault, server::Server, token::audience};

/// How firmly access tokens of this client have to be bound: what it registered, what the operator set, what the
/// grant says, and what the resources demand, whichever is most.
pub fn demanded(client: &Client, grant: &Grant, resources: TokenBinding) -> SenderConstraint {
    let registered = client.metadata.wants_bound_tokens().then_some(SenderConstraint::Required);
    let set = grant.access_token.as_ref().and_then(|set| set.sender_constraint);
    let there = (resources.dpop || resources.certificate).then_some(SenderConstraint::Required);
    let all = [registered, client.settings.access_token.sender_constraint, set, there];
    all.into_iter().flatten().fold(SenderConstraint::IfPresented, Ord::max)
}

/// Whether access tokens of this grant have to be bound, for the audience that it has.
pub fn must_be_bound(server: &Server, client: &Client, grant: &Grant) -> bool {
    let resources = server.config().requires_sender_constraint(&audience(server, client, grant));
    demanded(client, grant, resources) == SenderConstraint::Required
}

/// Refuses a request that lacks what every access token of its client is bound to. Where a client asks over and over
/// whether its user has answered, it learns this at once, and not only when the answer is there.
///
/// # Errors
///
/// `invalid_dpop_proof` or `invalid_request`.
pub fn meet_registration(client: &Client, possession: &Possession) -> Result<(), OAuthError> {
    let Confirmation { jkt, x5t_s256 } = possession.confirmation();
    if client.metadata.dpop_bound_access_tokens == Some(true) && jkt.is_none() {
        let text = "this client gets tokens that are bound to a key: send a proof in the header `DPoP`";
        return Err(OAuthError::invalid_dpop_proof(text));
    }
    if client.metadata.tls_client_certificate_bound_access_tokens == Some(true) && x5t_s256.is_none() {
        let text = "this client gets tokens that are bound to its certificate: show it on the connection";
        return Err(OAuthError::invalid_request(text));
    }
    Ok(())
}

/// What an access token of this grant is bound to, if to anything.
///
/// A DPoP proof always binds. A certificate does for clients and resources that want it, and where a token has to be bound and nothing
/// else was proved: other clients may show a certificate to authenticate, and use their tokens without it.
///
/// # Errors
///
/// `invalid_dpop_proof` or `invalid_request` if the token has to be bound and what it takes was not proved.
pub fn bind(
    client: &Client,
    grant: &Grant,
    possession: &Possession,
    resources: TokenBinding,
) -> Result<Option<Confirmation>, OAuthError> {
    let Confirmation { jkt, x5t_s256 } = possession.confirmation();
    if resources.dpop && jkt.is_none() {
        let text = "tokens for these resources are bound to a key: send a proof in the header `DPoP`";
        return Err(OAuthError::invalid_dpop_proof(text));
    }
    if resources.certificate && x5t_s256.is_none() {
        let text = "tokens for these resources are bound to a client certificate: show one on the connection";
        return Err(OAuthError::invalid_request(text));
    }
    meet_registration(client, possession)?;
    let wanted = client.metadata.tls_client_certificate_bound_access_tokens == Some(true);
    let wanted = wanted || resources.certificate;
    let required = demanded(client, grant, resources) == SenderConstraint::Required;
    let bound = match jkt {
        Some(jkt) => Confirmation { jkt: Some(jkt), x5t_s256: x5t_s256.filter(|_| wanted) },
        None => Confirmation { jkt: None, x5t_s256: x5t_s256.filter(|_| wanted || required) },
    };
    if required && bound.is_empty() {
        let text = "these tokens are only issued bound to a key: send a proof in the header `DPoP`, or show a client \
                    certificate";
        return Err(OAuthError::invalid_request(text));
    }
    Ok((!bound.is_empty()).then_some(bound))
}

/// What whoever uses a family of refresh tokens has to prove.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    jkt: Option<Thumbprint>,
    #[serde(default, rename = "x5t#S256", skip_serializing_if = "Option::is_none")]
    x5t_s256: Option<Thumbprint>,
    /// The client instance key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    instance: Option<Thumbprint>,
    /// Access tokens need not be bound to anything.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    bearer: bool,
}

impl Bound {
    /// What a family has to demand that begins with an access token that is bound to `confirmation`, for whoever proved
    /// `holder`.
    ///
    /// A public client has nothing but the key to show that the refresh token is its own (RFC 9449 section 5, RFC 8705
    /// section 4). One that authenticates may take another key; but a bound token never leads to one that is not.
    ///
    /// That of an attested client belongs to the instance which got it (Attestation-Based Client Authentication, "Refresh
    /// token binding").
    pub fn first(client: &Client, confirmation: Option<&Confirmation>, holder: &Possession) -> Option<Self> {
        let instance = holder.instance().cloned();
        if confirmation.is_none() && instance.is_none() {
            return None;
        }
        let key = confirmation.filter(|_| client.is_public()).cloned().unwrap_or_default();
        Some(Self { jkt: key.jkt, x5t_s256: key.x5t_s256, instance, bearer: confirmation.is_none() })
    }

    /// Reads what was stored with a family.
    pub fn read(text: Option<&str>) -> Result<Option<Self>, Fault> {
        text.map(serde_json::from_str).transpose().map_err(|e| Fault::new("family record", e))
    }

    /// The text to store.
    pub fn write(&self) -> Result<String, Fault> {
        serde_json::to_string(self).map_err(|e| Fault::new("family record", e))
    }

    /// The very key or certificate that is demanded; none if any will do.
    pub fn confirmation(&self) -> Option<Confirmation> {
        let demanded = Confirmation { jkt: self.jkt.clone(), x5t_s256: self.x5t_s256.clone() };
        (!demanded.is_empty()).then_some(demanded)
    }

    /// Whether access tokens of the family have to be bound to some key or certificate.
    pub fn binds_tokens(&self) -> bool {
        !self.bearer
    }

    /// Whether the request comes from the instance that the family belongs to, if it belongs to one.
    pub fn is_of_instance(&self, possession: &Possession) -> bool {
        self.instance.is_none() || self.instance.as_ref() == possession.instance()
    }

    /// Refuses a request that lacks the proof of the key that a family is bound to, and lets nothing be issued for any
    /// other that is not bound itself.
    ///
    /// # Errors
    ///
    /// `invalid_grant`.
    pub fn demand(&self, possession: &Possession, grant: &mut Grant) -> Result<(), OAuthError> {
        if self.binds_tokens() {
            require(grant);
        }
        if !self.is_of_instance(possession) {
            let text = "the refresh token belongs to another instance of the client";
            return Err(OAuthError::invalid_grant(text));
        }
        if self.confirmation().is_none_or(|demanded| possession.meets(&demanded)) {
            return Ok(());
        }
        let text = "the refresh token is bound to a key or certificate that this request does not prove";
        Err(OAuthError::invalid_grant(text))
    }
}

/// Lets access tokens of this grant be bound or not be issued.
pub fn require(grant: &mut Grant) {
    grant.access_token.get_or_insert_default().sender_constraint = Some(SenderConstraint::Required);
}
