//! An attester, instances of a client that it vouches for, and the requests of these.

use std::sync::atomic::{AtomicU64, Ordering};

use placet_server::config::{Attester, Config};
use serde_json::{Value, json};

use super::{
    harness::{Reply, Stand},
    helpers::configured,
    prover::{self, Prover},
};

static IDS: AtomicU64 = AtomicU64::new(0);

/// The header with an attestation.
pub const ATTESTATION: &str = "OAuth-Client-Attestation";
/// The header with its proof.
pub const POP: &str = "OAuth-Client-Attestation-PoP";
/// The code of what is wrong with either.
pub const INVALID: &str = "invalid_client_attestation";
/// The clients: one with proofs of its own, one whose DPoP proofs do.
pub const WALLETS: [&str; 2] = ["wallet", "combined"];
/// A form that every attested client may send.
pub const OWN: [(&str, &str); 1] = [("grant_type", "client_credentials")];

/// Who vouches for instances.
pub struct Backend {
    key: Prover,
}

impl Backend {
    /// With a key of its own.
    pub fn new() -> Self {
        Self { key: Prover::new() }
    }

    /// Its public key, as a set.
    pub fn jwks(&self) -> Value {
        let mut key = self.key.jwk();
        key["kid"] = json!("attester-1");
        json!({ "keys": [key] })
    }

    /// How the server knows it.
    pub fn attester(&self) -> Attester {
        Attester {
            name: "backend".to_owned(),
            jwks: self.jwks().as_object().cloned(),
            client_ids: WALLETS.map(str::to_owned).to_vec(),
            ..Attester::default()
        }
    }

    /// Lets a server know it, and its clients.
    pub fn introduce(&self, config: &mut Config) {
        config.client_attestation.enabled = true;
        config.client_attestation.attesters = vec![self.attester()];
        for (id, method) in WALLETS.into_iter().zip(["attest_jwt_client_auth", "attest_jwt_client_auth_dpop"])
        {
            let metadata = json!({
                "redirect_uris": [super::harness::CALLBACK],
                "token_endpoint_auth_method": method,
                "grant_types": ["authorization_code", "refresh_token", "client_credentials",
                    super::device_flow::DEVICE, super::calling::CIBA],
                "backchannel_token_delivery_mode": "poll",
                "scope": "openid email offline_access reports.read",
            });
            let mut client = configured(id, &metadata);
            client.secret = None;
            config.clients.push(client);
        }
    }

    /// A server that knows it.
    pub async fn stand(&self) -> Stand {
        Stand::with(|config| self.introduce(config)).await
    }

    /// The header of its attestations.
    pub fn header() -> Value {
        json!({ "typ": "oauth-client-attestation+jwt", "alg": "ES256", "kid": "attester-1" })
    }

    /// What it says of an instance of a client.
    pub fn claims(stand: &Stand, client: &str, instance: &Prover) -> Value {
        let now = stand.now();
        json!({ "sub": client, "iat": now, "exp": now + 3600, "cnf": { "jwk": instance.jwk() } })
    }

    /// An attestation with this header and these claims.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        self.key.sign(header, claims)
    }

    /// An attestation about an instance.
    pub fn attest(&self, stand: &Stand, client: &str, instance: &Prover) -> String {
        self.sign(&Self::header(), &Self::claims(stand, client, instance))
    }
}

/// The header of proofs.
pub fn pop_header() -> Value {
    json!({ "typ": "oauth-client-attestation-pop+jwt", "alg": "ES256" })
}

/// The claims of a proof that is made now.
pub fn pop_claims(stand: &Stand) -> Value {
    let jti = format!("pop-{}", IDS.fetch_add(1, Ordering::Relaxed));
    json!({ "aud": stand.issuer, "jti": jti, "iat": stand.now() })
}

/// A proof that is made now.
pub fn pop(stand: &Stand, instance: &Prover) -> String {
    instance.sign(&pop_header(), &pop_claims(stand))
}

/// The headers of a request of an instance, with a fresh proof as its client sends them.
pub fn headers(
    stand: &Stand,
    backend: &Backend,
    (client, instance): (&str, &Prover),
    path: &str,
) -> Vec<(&'static str, String)> {
    let proof = if client == "combined" {
        ("DPoP", instance.proof_of(&prover::claims(stand, "POST", path)))
    } else {
        (POP, pop(stand, instance))
    };
    vec![(ATTESTATION, backend.attest(stand, client, instance)), proof]
}

/// Posts a form with these headers.
pub async fn post_with(
    stand: &Stand,
    path: &str,
    form: &[(&str, &str)],
    headers: &[(&str, String)],
) -> Reply {
    let mut request = stand.http.post(format!("{}{path}", stand.issuer)).form(form);
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    Reply::read(request.send().await.unwrap()).await
}

/// Posts a form as an instance of a client.
pub async fn post(
    stand: &Stand,
    backend: &Backend,
    who: (&str, &Prover),
    (path, form): (&str, &[(&str, &str)]),
) -> Reply {
    post_with(stand, path, form, &headers(stand, backend, who, path)).await
}

/// A server, an attester, and an instance.
pub struct Scene {
    /// The server.
    pub stand: Stand,
    /// The attester.
    pub backend: Backend,
    /// The instance.
    pub instance: Prover,
}

impl Scene {
    /// As usual.
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// One whose settings `change` has altered.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let backend = Backend::new();
        let stand = Stand::with(|config| {
            backend.introduce(config);
            change(config);
        })
        .await;
        Self { stand, backend, instance: Prover::new() }
    }

    /// An attestation that `change` has altered.
    pub fn attestation(&self, change: impl FnOnce(&mut Value, &mut Value)) -> String {
        let (mut header, mut claims) =
            (Backend::header(), Backend::claims(&self.stand, "wallet", &self.instance));
        change(&mut header, &mut claims);
        self.backend.sign(&header, &claims)
    }

    /// A proof that `change` has altered.
    pub fn pop(&self, change: impl FnOnce(&mut Value, &mut Value)) -> String {
        let (mut header, mut claims) = (pop_header(), pop_claims(&self.stand));
        change(&mut header, &mut claims);
        self.instance.sign(&header, &claims)
    }

    /// Sends both to the token endpoint.
    pub async fn send(&self, attestation: &str, pop: &str) -> Reply {
        let headers = [(ATTESTATION, attestation.to_owned()), (POP, pop.to_owned())];
        post_with(&self.stand, "/token", &OWN, &headers).await
    }

    /// Sends both, of which something is wrong: it is refused with this code, for a reason that is named.
    pub async fn refused(&self, (attestation, proof): (&str, &str), (code, why): (&str, &str)) {
        let reply = self.send(attestation, proof).await;
        assert_eq!((reply.status, reply.error()), (400, code), "{why}: {}", reply.text);
        let description = reply.json["error_description"].as_str().unwrap();
        assert!(description.contains(why), "`{description}` does not say `{why}`");
    }

    /// It is let in with what is sound.
    pub async fn is_let_in(&self) {
        let reply = post(&self.stand, &self.backend, ("wallet", &self.instance), ("/token", &OWN)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
}
