//! What a request proves besides who sends it: the possession of a key (DPoP, RFC 9449) or of the key of a client
//! certificate (mutual TLS, RFC 8705 section 3). Tokens are bound to it, and bound tokens ask for it again. An attested
//! client proves the key of its instance besides: its refresh tokens are bound to that.
//!
//! A proof is looked at twice. First everything that costs nothing is checked, its nonce too: a client that has to try
//! again with another nonce must not have used up anything by then. Once it is known who asks, the signature is verified,
//! and then the proof is remembered, so that it counts once.

mod binding;
mod holder;
mod nonce;
mod proof;

use placet_oauth::confirmation::{Confirmation, Thumbprint};
use placet_sdk::decision::{Binding, DpopFacts, MtlsFacts, ProofOfPossession};

use crate::{
    client::{Client, ClientCertificate},
    server::Server,
};

pub use binding::{Bound, bind, demanded, meet_registration, must_be_bound, require};
pub use holder::check_holder;
pub use proof::{Evidence, Examined, VerifiedProof, examine};

/// What a request proved; nothing for most.
#[derive(Clone, Debug, Default)]
pub struct Possession {
    proof: Option<VerifiedProof>,
    certificate: Option<ClientCertificate>,
    instance: Option<Thumbprint>,
}

impl Possession {
    /// The certificate of a connection, and nothing else.
    pub fn of_connection(certificate: Option<&ClientCertificate>) -> Self {
        Self { certificate: certificate.cloned(), ..Self::default() }
    }

    /// The key of the DPoP proof.
    pub fn jkt(&self) -> Option<&Thumbprint> {
        self.proof.as_ref().map(VerifiedProof::jkt)
    }

    /// The same for the instance of an attested client, which proved this key.
    #[must_use]
    pub fn of_instance(self, instance: Option<Thumbprint>) -> Self {
        Self { instance, ..self }
    }

    /// The client instance key, by its thumbprint: of a client that authenticated with an attestation.
    pub fn instance(&self) -> Option<&Thumbprint> {
        self.instance.as_ref()
    }

    /// The algorithm of its DPoP proof.
    pub fn alg(&self) -> Option<&str> {
        self.proof.as_ref().map(VerifiedProof::alg)
    }

    /// Everything that was proved.
    pub fn confirmation(&self) -> Confirmation {
        let x5t = self.certificate.as_ref().and_then(|shown| Thumbprint::parse(shown.thumbprint()));
        Confirmation { jkt: self.jkt().cloned(), x5t_s256: x5t }
    }

    /// Whether this is at least what `asked` asks for.
    pub fn meets(&self, asked: &Confirmation) -> bool {
        asked.is_met_by(&self.confirmation())
    }

    /// What policies are told of it in a request of `client`; nothing if there is nothing to tell. The binding is the one
    /// that tokens get unless more is demanded: a certificate binds those of clients that want it (RFC 8705 section 3.4).
    pub fn facts(&self, client: &Client) -> Option<ProofOfPossession> {
        let (dpop, mtls) = (self.proof.as_ref(), self.certificate.as_ref());
        let wanted = client.metadata.tls_client_certificate_bound_access_tokens == Some(true);
        let binding = match (dpop, mtls) {
            (Some(_), _) => Binding::Dpop,
            (None, Some(_)) if wanted => Binding::Mtls,
            (None, Some(_)) => Binding::None,
            (None, None) => return None,
        };
        Some(ProofOfPossession {
            binding,
            dpop: dpop.map(|proof| DpopFacts {
                verified: true,
                jkt: proof.jkt().to_string(),
                alg: proof.alg().to_owned(),
            }),
            mtls: mtls.map(|shown| MtlsFacts {
                verified: true,
                x5t_s256: shown.thumbprint().to_owned(),
                subject_dn: shown.subject().map(|subject| subject.to_string()),
            }),
        })
    }
}

/// The nonce that clients put into their next proof; none if they need not.
pub fn fresh_nonce(server: &Server) -> Option<String> {
    server.config().dpop.require_nonce.then(|| nonce::fresh(server))
}

/// The challenge that attested clients answer with their next proof; none if they need not. It is the nonce of DPoP, so
/// that one value does where one proof does.
pub fn fresh_challenge(server: &Server) -> Option<String> {
    server.config().client_attestation.challenges().then(|| nonce::fresh(server))
}

/// Whether a proof answers a challenge of this server that is still good.
pub fn answers_challenge(server: &Server, challenge: Option<&str>) -> bool {
    nonce::is_good(server, challenge)
}
