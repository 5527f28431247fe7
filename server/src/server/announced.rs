//! What the server announces, and what clients may register: from the same lists.

use placet_oauth::{
    client::{AuthMethod, EncryptionAlgs, MetadataPolicy},
    grant_type::GrantType,
    metadata::{Attestations, Discovery},
};
use placet_sdk::decision::HookType;

use crate::{
    config::{Config, RegistrationMode},
    encryption,
    grant::is_on,
    keys::algorithm_name,
    policy::Policies,
};

impl Config {
    /// What discovery announces.
    pub(super) fn discovery(&self, policies: &Policies) -> Discovery<'_> {
        Discovery {
            issuer: &self.issuer,
            mtls_base: self.mtls.base_url.as_deref(),
            auth_methods: self.auth_methods(),
            scopes: self.published_scopes(),
            acr_values: self.acr_values.clone(),
            signing_algs: self.announced_signing_algs(),
            encryption: encryption_algs(),
            verified_algs: verified_algs(),
            dpop_algs: verified_algs(),
            certificate_bound: self.sees_client_certificates(),
            ui_locales: self.ui_locales.clone(),
            grant_types: GrantType::ALL.into_iter().filter(|grant| is_on(policies, *grant)).collect(),
            claims: policies.owned_claims(),
            claim_references: policies.has(HookType::ClaimsSource),
            verified_claims: self.identity_assurance.metadata(),
            require_signed_requests: self.request_objects.required,
            requests_by_reference: self.request_objects.by_reference,
            unsigned_requests: self.request_objects.unsigned,
            decrypted_algs: decrypted_algs(),
            require_pushed_requests: self.par.required,
            details_types: self.details_type_names(),
            protected_resources: self.published_resources().map(|(uri, _)| uri.to_owned()).collect(),
            session_management: crate::session_management::is_on(self),
            registration: self.registration.mode != RegistrationMode::Closed,
            user_codes: policies.has(HookType::CibaRequest),
            native_sso: self.native_sso.is_on(),
            attestation: self.client_attestation.enabled.then(|| Attestations {
                algs: self.attestation_algs(),
                pop_algs: verified_algs(),
                challenges: self.client_attestation.challenges(),
            }),
            documents: self.client_id_metadata.enabled,
        }
    }

    fn published_scopes(&self) -> Vec<String> {
        let hidden = |value: &String| self.scopes.iter().any(|scope| scope.hidden && scope.value == *value);
        self.known_scopes().into_iter().filter(|value| !hidden(value)).collect()
    }

    fn announced_signing_algs(&self) -> Vec<String> {
        self.signing_algorithms().into_iter().map(|algorithm| algorithm_name(algorithm).to_owned()).collect()
    }

    fn details_type_names(&self) -> Vec<String> {
        self.authorization_details_type.iter().map(|kind| kind.name.clone()).collect()
    }

    /// What the operator may register.
    pub fn operator_metadata_policy(&self) -> MetadataPolicy {
        MetadataPolicy {
            allowed_grants: GrantType::ALL.to_vec(),
            allowed_scopes: None,
            allowed_details_types: self.details_type_names(),
            allowed_auth_methods: self.auth_methods(),
            signing_algs: self.announced_signing_algs(),
            encryption: encryption_algs(),
            verified_algs: verified_algs(),
            certificates: self.sees_client_certificates(),
            unsigned_requests: self.request_objects.unsigned,
            decrypted_algs: decrypted_algs(),
            development: self.development,
        }
    }

    /// What a client may register of itself.
    pub fn registration_metadata_policy(&self) -> MetadataPolicy {
        let registration = &self.registration;
        MetadataPolicy {
            allowed_grants: registration.allowed_grants.iter().filter_map(|g| GrantType::parse(g)).collect(),
            allowed_scopes: Some(registration.allowed_scopes.clone()),
            allowed_details_types: registration.allowed_authorization_details_types.clone(),
            allowed_auth_methods: registration
                .allowed_auth_methods
                .iter()
                .filter_map(|m| AuthMethod::parse(m))
                .filter(|method| self.auth_methods().contains(method))
                .collect(),
            signing_algs: self.announced_signing_algs(),
            encryption: encryption_algs(),
            verified_algs: verified_algs(),
            certificates: self.sees_client_certificates(),
            unsigned_requests: self.request_objects.unsigned,
            decrypted_algs: decrypted_algs(),
            development: self.development,
        }
    }
}

fn decrypted_algs() -> Vec<String> {
    crate::encryption::DECRYPTED.map(|alg| alg.to_string()).to_vec()
}

fn verified_algs() -> Vec<String> {
    crate::jwks::SUPPORTED.map(str::to_owned).to_vec()
}

fn encryption_algs() -> EncryptionAlgs {
    let (symmetric, asymmetric): (Vec<_>, Vec<_>) =
        encryption::ENCRYPTED.into_iter().partition(|alg| alg.is_symmetric());
    let names = |algs: Vec<placet_jose::Algorithm>| algs.iter().map(ToString::to_string).collect();
    EncryptionAlgs {
        asymmetric: names(asymmetric),
        symmetric: names(symmetric),
        content: encryption::CONTENT.iter().map(ToString::to_string).collect(),
    }
}
