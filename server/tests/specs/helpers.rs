//! What several specifications need to look closer: refreshes, and JWTs verified without the server's own code.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use openssl::{
    bn::BigNum,
    ec::{EcGroup, EcKey},
    ecdsa::EcdsaSig,
    nid::Nid,
    pkey::{Id, PKey, Public},
    rsa::{Padding, Rsa},
    sign::{RsaPssSaltlen, Verifier},
};
use placet_server::config::{ClientConfig, ClientSettings, Config};
use serde_json::Value;

use super::{
    harness::{Reply, SECRET, Stand, VERIFIER, claims},
    prover::digest,
};

/// A JSON string.
#[track_caller]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a string: {value}")).to_owned()
}

/// Puts a client `kept` like `web` into the store, with settings that nobody may write any more: it may be there from
/// before.
pub async fn keep_client(stand: &Stand, change: impl FnOnce(&mut ClientSettings)) {
    let mut client = (*stand.server.client("web").await.unwrap().unwrap()).clone();
    "kept".clone_into(&mut client.id);
    change(&mut client.settings);
    assert!(stand.server.store().insert_client(client.to_record().unwrap(), Vec::new()).await.unwrap());
}

/// Uses a refresh token.
pub async fn refresh(stand: &Stand, client: &str, token: &str) -> Reply {
    stand.post("/token", client, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
}

/// Redeems a code that went to another redirect URI than the usual one.
pub async fn redeem_at(stand: &Stand, client: &str, code: &str, redirect_uri: &str) -> Reply {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", redirect_uri),
        ("code_verifier", VERIFIER),
    ];
    stand.post("/token", client, &form).await
}

/// A client of the configuration, to be altered before the server starts.
pub fn client<'a>(config: &'a mut Config, id: &str) -> &'a mut ClientConfig {
    config.clients.iter_mut().find(|c| c.client_id == id).unwrap()
}

/// Bytes in base64url.
pub fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// The header of a JWT.
pub fn header(jwt: &str) -> Value {
    serde_json::from_slice(&decode(jwt.split('.').next().unwrap())).unwrap()
}

/// The published keys.
pub async fn jwks(stand: &Stand) -> Vec<Value> {
    let reply = Reply::read(stand.http.get(format!("{}/jwks", stand.issuer)).send().await.unwrap()).await;
    assert_eq!(reply.status, 200);
    reply.json["keys"].as_array().unwrap().clone()
}

/// Header and claims of a JWT whose signature one of the published keys verifies.
pub async fn verified(stand: &Stand, jwt: &str) -> (Value, Value) {
    let header = header(jwt);
    let keys = jwks(stand).await;
    let key = keys.iter().find(|k| k["kid"] == header["kid"]).expect("the key is published");
    assert_eq!(key["alg"], header["alg"]);
    assert_eq!(key["use"], "sig");
    assert!(key.get("d").is_none(), "a private key was published");
    let (message, signature) = jwt.rsplit_once('.').unwrap();
    assert!(verifies(key, message.as_bytes(), &decode(signature)), "the signature of {header} is wrong");
    (header, claims(jwt))
}

fn verifies(jwk: &Value, message: &[u8], signature: &[u8]) -> bool {
    let part = |name: &str| decode(jwk[name].as_str().unwrap());
    let alg = jwk["alg"].as_str().unwrap();
    match alg {
        "EdDSA" => {
            let key = PKey::public_key_from_raw_bytes(&part("x"), Id::ED25519).unwrap();
            let mut verifier = Verifier::new_without_digest(&key).unwrap();
            verifier.verify_oneshot(signature, message).unwrap()
        }
        "ES256" | "ES384" => {
            let curve = if alg == "ES256" { Nid::X9_62_PRIME256V1 } else { Nid::SECP384R1 };
            let group = EcGroup::from_curve_name(curve).unwrap();
            let number = |bytes: &[u8]| BigNum::from_slice(bytes).unwrap();
            let (x, y) = (number(&part("x")), number(&part("y")));
            let key = EcKey::from_public_key_affine_coordinates(&group, &x, &y).unwrap();
            let (r, s) = signature.split_at(signature.len() / 2);
            let der = EcdsaSig::from_private_components(number(r), number(s)).unwrap().to_der().unwrap();
            with_digest(&PKey::from_ec_key(key).unwrap(), message, &der, alg)
        }
        _ => {
            let number = |name: &str| BigNum::from_slice(&part(name)).unwrap();
            let rsa = Rsa::from_public_components(number("n"), number("e")).unwrap();
            assert!(rsa.size() >= 256, "the key is too short");
            with_digest(&PKey::from_rsa(rsa).unwrap(), message, signature, alg)
        }
    }
}

fn with_digest(key: &PKey<Public>, message: &[u8], signature: &[u8], alg: &str) -> bool {
    let mut verifier = Verifier::new(digest(alg), key).unwrap();
    if alg.starts_with("PS") {
        verifier.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
        verifier.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH).unwrap();
        verifier.set_rsa_mgf1_md(digest(alg)).unwrap();
    }
    verifier.verify_oneshot(signature, message).unwrap()
}

/// A confidential client of the configuration with this metadata; it authenticates with the usual secret.
pub fn configured(id: &str, metadata: &Value) -> ClientConfig {
    ClientConfig {
        client_id: id.to_owned(),
        secret: Some(SECRET.to_owned()),
        metadata: serde_json::from_value(metadata.clone()).unwrap(),
        ..ClientConfig::default()
    }
}
