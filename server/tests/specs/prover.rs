//! The key of a client that proves to have it (RFC 9449), without the server's own code; and requests with proofs.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use openssl::{
    bn::{BigNum, BigNumContext},
    ec::{EcGroup, EcKey},
    ecdsa::EcdsaSig,
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    rsa::{Padding, Rsa},
    sha::sha256,
    sign::{RsaPssSaltlen, Signer},
};
use serde_json::{Value, json};

use super::harness::{CALLBACK, Reply, SECRET, Stand, VERIFIER};

static IDS: AtomicU64 = AtomicU64::new(0);

/// A key pair.
#[derive(Clone)]
pub struct Prover {
    key: PKey<Private>,
    alg: &'static str,
}

impl Prover {
    /// A new P-256 key.
    pub fn new() -> Self {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        Self { key, alg: "ES256" }
    }

    /// A new Ed25519 key.
    pub fn ed25519() -> Self {
        Self { key: PKey::generate_ed25519().unwrap(), alg: "EdDSA" }
    }

    /// A new RSA key of so many bits, for `RS256`.
    pub fn rsa(bits: u32) -> Self {
        Self { key: PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap(), alg: "RS256" }
    }

    /// A new key for this algorithm.
    pub fn for_algorithm(alg: &'static str) -> Self {
        match alg {
            "EdDSA" => Self::ed25519(),
            "ES256" => Self::new(),
            "ES384" => {
                let group = EcGroup::from_curve_name(Nid::SECP384R1).unwrap();
                Self { key: PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap(), alg }
            }
            _ => Self { alg, ..Self::rsa(2048) },
        }
    }

    /// The public key.
    pub fn jwk(&self) -> Value {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self.alg {
            "ES256" | "ES384" => {
                let (curve, bytes) = if self.alg == "ES256" { ("P-256", 32) } else { ("P-384", 48) };
                let key = self.key.ec_key().unwrap();
                let (mut x, mut y) = (BigNum::new().unwrap(), BigNum::new().unwrap());
                let mut context = BigNumContext::new().unwrap();
                key.public_key().affine_coordinates(key.group(), &mut x, &mut y, &mut context).unwrap();
                let number = |number: &BigNum| encode(&number.to_vec_padded(bytes).unwrap());
                json!({ "kty": "EC", "crv": curve, "x": number(&x), "y": number(&y) })
            }
            "EdDSA" => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(&self.key.raw_public_key().unwrap()) })
            }
            _ => {
                let key = self.key.rsa().unwrap();
                json!({ "kty": "RSA", "n": encode(&key.n().to_vec()), "e": encode(&key.e().to_vec()) })
            }
        }
    }

    /// The public key with its private part.
    pub fn private_jwk(&self) -> Value {
        let mut jwk = self.jwk();
        let d = self.key.ec_key().unwrap().private_key().to_vec_padded(32).unwrap();
        jwk["d"] = URL_SAFE_NO_PAD.encode(d).into();
        jwk
    }

    /// The thumbprint of the public key (RFC 7638).
    pub fn jkt(&self) -> String {
        let jwk = self.jwk();
        let names: &[&str] = match self.alg {
            "ES256" | "ES384" => &["crv", "kty", "x", "y"],
            "EdDSA" => &["crv", "kty", "x"],
            _ => &["e", "kty", "n"],
        };
        let members: Vec<String> = names.iter().map(|name| format!("\"{name}\":{}", jwk[name])).collect();
        URL_SAFE_NO_PAD.encode(sha256(format!("{{{}}}", members.join(",")).as_bytes()))
    }

    /// The header of its proofs.
    pub fn header(&self) -> Value {
        json!({ "typ": "dpop+jwt", "alg": self.alg, "jwk": self.jwk() })
    }

    /// A proof for a `POST` to the token endpoint, now.
    pub fn proof(&self, stand: &Stand) -> String {
        self.proof_of(&claims(stand, "POST", "/token"))
    }

    /// A proof for the `UserInfo` endpoint and an access token, now.
    pub fn proof_for(&self, stand: &Stand, token: &str) -> String {
        let mut claims = claims(stand, "GET", "/userinfo");
        claims["ath"] = hash(token).into();
        self.proof_of(&claims)
    }

    /// A proof with these claims.
    pub fn proof_of(&self, claims: &Value) -> String {
        self.sign(&self.header(), claims)
    }

    /// A JWT with this header and these claims.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signature = match self.alg {
            "EdDSA" => {
                let mut signer = Signer::new_without_digest(&self.key).unwrap();
                signer.sign_oneshot_to_vec(message.as_bytes()).unwrap()
            }
            alg => {
                let digest = digest(alg);
                let mut signer = Signer::new(digest, &self.key).unwrap();
                if alg.starts_with("PS") {
                    signer.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
                    signer.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH).unwrap();
                    signer.set_rsa_mgf1_md(digest).unwrap();
                }
                let signature = signer.sign_oneshot_to_vec(message.as_bytes()).unwrap();
                match alg {
                    "ES256" => raw(&signature, 32),
                    "ES384" => raw(&signature, 48),
                    _ => signature,
                }
            }
        };
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// The hash of an algorithm with one.
pub fn digest(alg: &str) -> MessageDigest {
    match &alg[2..] {
        "256" => MessageDigest::sha256(),
        "384" => MessageDigest::sha384(),
        "512" => MessageDigest::sha512(),
        _ => panic!("unexpected algorithm {alg}"),
    }
}

fn raw(der: &[u8], bytes: i32) -> Vec<u8> {
    let pair = EcdsaSig::from_der(der).unwrap();
    [pair.r().to_vec_padded(bytes).unwrap(), pair.s().to_vec_padded(bytes).unwrap()].concat()
}

/// The claims of a proof that is sent now.
pub fn claims(stand: &Stand, method: &str, path: &str) -> Value {
    let jti = format!("jti-{}", IDS.fetch_add(1, Ordering::Relaxed));
    json!({ "jti": jti, "htm": method, "htu": format!("{}{path}", stand.issuer), "iat": stand.now() })
}

/// The claim `ath` for an access token.
pub fn hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(sha256(token.as_bytes()))
}

/// A token request with these headers `DPoP`. The client `spa` does not authenticate.
pub async fn token_with(stand: &Stand, client: &str, form: &[(&str, &str)], proofs: &[&str]) -> Reply {
    let mut request = stand.http.post(format!("{}/token", stand.issuer));
    let mut form = form.to_vec();
    if client == "spa" {
        form.push(("client_id", client));
    } else {
        request = request.basic_auth(client, Some(SECRET));
    }
    for proof in proofs {
        request = request.header("DPoP", *proof);
    }
    Reply::read(request.form(&form).send().await.unwrap()).await
}

/// A token request with a fresh proof of this key, or without.
pub async fn token(stand: &Stand, client: &str, form: &[(&str, &str)], key: Option<&Prover>) -> Reply {
    let proof = key.map(|key| key.proof(stand));
    let proofs: Vec<&str> = proof.as_deref().into_iter().collect();
    token_with(stand, client, form, &proofs).await
}

/// The form that redeems a code.
pub fn code_form(code: &str) -> [(&str, &str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ]
}

/// The form that uses a refresh token.
pub fn refresh_form(token: &str) -> [(&str, &str); 2] {
    [("grant_type", "refresh_token"), ("refresh_token", token)]
}

/// A request to `UserInfo` by this scheme, with these headers `DPoP`.
pub async fn userinfo_with(stand: &Stand, (scheme, token): (&str, &str), proofs: &[&str]) -> Reply {
    let request = stand.http.get(format!("{}/userinfo", stand.issuer));
    let mut request = request.header("Authorization", format!("{scheme} {token}"));
    for proof in proofs {
        request = request.header("DPoP", *proof);
    }
    Reply::read(request.send().await.unwrap()).await
}

/// A request to `UserInfo` with a fresh proof of this key.
pub async fn userinfo(stand: &Stand, token: &str, key: &Prover) -> Reply {
    userinfo_with(stand, ("DPoP", token), &[&key.proof_for(stand, token)]).await
}

/// Every challenge of an answer.
pub fn challenges(reply: &Reply) -> Vec<&str> {
    reply.headers.get_all("www-authenticate").iter().map(|value| value.to_str().unwrap()).collect()
}
