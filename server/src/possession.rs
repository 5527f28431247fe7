//! What a request proves besides who sends it: the possession of a key (DPoP, RFC 9449) or of the key of a client
//! certificate (mutual TLS, RFC 8705 section 3). Tokens are bound to it, and bound tokens ask for it again.

use placet_oauth::confirmation::{Confirmation, Thumbprint};
use placet_sdk::decision::{Binding, DpopFacts, MtlsFacts, ProofOfPossession};

use crate::client::Client;

/// A DPoP proof that was verified and not used before. Only the verifier makes one.
#[derive(Clone, Debug)]
pub struct VerifiedProof {
    jkt: Thumbprint,
    alg: String,
}

impl VerifiedProof {
    /// The thumbprint of its key (RFC 7638).
    pub fn jkt(&self) -> &Thumbprint {
        &self.jkt
    }
}

/// What a request proved; nothing for most.
#[derive(Clone, Debug, Default)]
pub struct Possession {
    proof: Option<VerifiedProof>,
    certificate: Option<Thumbprint>,
}

impl Possession {
    /// The key of its DPoP proof.
    pub fn jkt(&self) -> Option<&Thumbprint> {
        self.proof.as_ref().map(VerifiedProof::jkt)
    }

    /// Everything that was proved.
    pub fn confirmation(&self) -> Confirmation {
        Confirmation { jkt: self.jkt().cloned(), x5t_s256: self.certificate.clone() }
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
                jkt: proof.jkt.to_string(),
                alg: proof.alg.clone(),
            }),
            mtls: mtls.map(|x5t| MtlsFacts { verified: true, x5t_s256: x5t.to_string(), subject_dn: None }),
        })
    }
}
