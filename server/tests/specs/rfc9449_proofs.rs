//! DPoP proofs (RFC 9449 section 4.3): what is wrong with one, and that each is good once; nonces (section 8).

use std::sync::Arc;

use futures_util::future::join_all;
use placet_server::store::{Store, embedded::Embedded};
use serde_json::{Value, json};

use super::{
    folder::Folder,
    harness::{Reply, Stand},
    helpers::client,
    prover::{Prover, claims, code_form, token, token_with},
    rfc9449_dpop::code,
};

const OWN: [(&str, &str); 1] = [("grant_type", "client_credentials")];

#[track_caller]
fn refused(reply: &Reply, why: &str) {
    assert_eq!((reply.status, reply.error()), (400, "invalid_dpop_proof"), "{why}: {}", reply.text);
    let told = reply.json["error_description"].as_str().unwrap();
    assert!(told.contains(why), "`{why}` is not in `{told}`");
}

async fn send(stand: &Stand, proofs: &[&str]) -> Reply {
    token_with(stand, "service", &OWN, proofs).await
}

fn with(mut object: Value, member: &str, value: &Value) -> Value {
    object[member] = value.clone();
    object
}

#[tokio::test]
async fn a_proof_is_for_this_request_and_for_this_minute() {
    let stand = Stand::start().await;
    let key = Prover::new();
    let now = stand.now();
    let usual = || claims(&stand, "POST", "/token");
    for (member, value, why) in [
        ("htm", json!("GET"), "method"),
        ("htm", json!("post"), "method"),
        ("htu", json!(format!("{}/userinfo", stand.issuer)), "another URL"),
        ("htu", json!("https://other.example/token"), "another URL"),
        ("htu", json!("/token"), "`htu`"),
        ("iat", json!(now - 61), "too long ago or in the future"),
        ("iat", json!(now + 61), "too long ago or in the future"),
        ("iat", json!("now"), "`iat`"),
        ("jti", json!(""), "`jti`"),
        ("jti", json!("x".repeat(256)), "`jti`"),
        ("nonce", json!(7), "`nonce`"),
        ("ath", json!(7), "`ath`"),
    ] {
        let proof = key.proof_of(&with(usual(), member, &value));
        refused(&send(&stand, &[&proof]).await, why);
    }
    for member in ["htm", "htu", "iat", "jti"] {
        let mut lacking = usual();
        lacking.as_object_mut().unwrap().remove(member);
        refused(&send(&stand, &[&key.proof_of(&lacking)]).await, &format!("`{member}`"));
    }
    for (member, value) in [
        ("iat", json!(now - 60)),
        ("iat", json!(now + 60)),
        ("htu", json!(format!("{}/token?a=b#c", stand.issuer.replace("http:", "HTTP:")))),
        ("nonce", json!("whatever")),
        ("more", json!({ "a": 1 })),
    ] {
        let proof = key.proof_of(&with(usual(), member, &value));
        assert_eq!(send(&stand, &[&proof]).await.status, 200, "{member}: {value}");
    }
}

#[tokio::test]
async fn a_proof_brings_one_public_key_and_is_signed_by_it() {
    let stand = Stand::start().await;
    let (key, other) = (Prover::new(), Prover::new());
    let usual = || claims(&stand, "POST", "/token");
    let signed = |header: &Value| key.sign(header, &usual());
    let header = key.header();
    for (member, value, why) in [
        ("typ", json!("JWT"), "another type"),
        ("typ", json!("at+jwt"), "another type"),
        ("alg", json!("none"), "`none`"),
        ("alg", json!("HS256"), "`HS256`"),
        ("alg", json!("ES256K"), "`ES256K`"),
        ("alg", json!("EdDSA"), "does not hold"),
        ("jwk", json!({ "kty": "oct", "k": "AAAA" }), "private or symmetric"),
        ("jwk", key.private_jwk(), "private or symmetric"),
        ("jwk", other.jwk(), "does not hold"),
        ("jwk", with(key.jwk(), "use", &json!("enc")), "does not hold"),
        ("jwk", with(key.jwk(), "x5u", &json!("https://evil.example")), "no place"),
        ("jwk", with(key.jwk(), "crv", &json!("secp256k1")), "unknown kind"),
        ("jwk", json!("x"), "`jwk`"),
        ("jku", json!("https://evil.example/jwks"), "`jku`"),
        ("x5u", json!("https://evil.example/cert"), "`x5u`"),
        ("x5c", json!(["AAAA"]), "`x5c`"),
        ("crit", json!(["exp"]), "`crit`"),
        ("b64", json!(false), "`b64`"),
    ] {
        refused(&send(&stand, &[&signed(&with(header.clone(), member, &value))]).await, why);
    }
    let mut lacking = header.clone();
    lacking.as_object_mut().unwrap().remove("jwk");
    refused(&send(&stand, &[&signed(&lacking)]).await, "`jwk`");
    let mut lacking = header.clone();
    lacking.as_object_mut().unwrap().remove("typ");
    refused(&send(&stand, &[&signed(&lacking)]).await, "another type");
    // What libraries say about a key besides is no harm.
    let told = json!({ "kid": "1", "alg": "ES256", "use": "sig", "key_ops": ["verify"], "ext": true });
    let mut jwk = key.jwk();
    jwk.as_object_mut().unwrap().extend(told.as_object().unwrap().clone());
    assert_eq!(send(&stand, &[&signed(&with(header, "jwk", &jwk))]).await.status, 200);
}

#[tokio::test]
async fn a_signature_that_was_altered_does_not_hold() {
    let stand = Stand::start().await;
    let key = Prover::new();
    let proof = key.proof(&stand);
    let (message, signature) = proof.rsplit_once('.').unwrap();
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    refused(&send(&stand, &[&format!("{message}.{flipped}{}", &signature[1..])]).await, "does not hold");
    for malformed in
        ["x", "a.b", "a.b.c", "", &format!("{message}."), &format!("{proof}.x"), &format!("{proof}=")]
    {
        refused(&send(&stand, &[malformed]).await, "malformed");
    }
    refused(&send(&stand, &[&"x".repeat(9_000)]).await, "longer than");
    // None of it used the proof up.
    assert_eq!(send(&stand, &[&proof]).await.status, 200);
}

#[tokio::test]
async fn weak_keys_are_refused() {
    let stand = Stand::start().await;
    refused(&send(&stand, &[&Prover::rsa(1024).proof(&stand)]).await, "its key cannot be used");
    assert_eq!(send(&stand, &[&Prover::rsa(2048).proof(&stand)]).await.status, 200);
}

#[tokio::test]
async fn there_is_one_proof_in_a_request() {
    let stand = Stand::start().await;
    let key = Prover::new();
    let (one, two) = (key.proof(&stand), key.proof(&stand));
    refused(&send(&stand, &[&one, &two]).await, "repeated");
    refused(&send(&stand, &[&one, &one]).await, "repeated");
    refused(&send(&stand, &[&format!("{one}, {two}")]).await, "malformed");
    assert_eq!(send(&stand, &[&one]).await.status, 200);
}

#[tokio::test]
async fn a_proof_is_good_once_as_long_as_it_is_good_at_all() {
    let stand = Stand::start().await;
    let key = Prover::new();
    let early = key.proof_of(&with(claims(&stand, "POST", "/token"), "iat", &json!(stand.now() + 60)));
    assert_eq!(send(&stand, &[&early]).await.status, 200);
    for seconds in [0, 60, 60] {
        stand.clock.advance(seconds);
        // Whatever is dead is deleted, and nothing else.
        stand.server.store().purge(stand.now(), 100).await.unwrap();
        refused(&send(&stand, &[&early]).await, "used before");
    }
    stand.clock.advance(1);
    refused(&send(&stand, &[&early]).await, "too long ago");
    // Another key may use the same id, and so may the same key at another endpoint.
    let usual = claims(&stand, "POST", "/token");
    assert_eq!(send(&stand, &[&key.proof_of(&usual)]).await.status, 200);
    assert_eq!(send(&stand, &[&Prover::new().proof_of(&usual)]).await.status, 200);
}

#[tokio::test]
async fn a_proof_is_remembered_only_when_it_was_verified_and_its_client_is_known() {
    let stand = Stand::start().await;
    let key = Prover::new();
    let proof = key.proof(&stand);
    let request = stand.http.post(format!("{}/token", stand.issuer)).header("DPoP", &proof);
    let stranger = request.basic_auth("service", Some("wrong")).form(&OWN).send().await.unwrap();
    assert_eq!(stranger.status(), 401);
    assert_eq!(send(&stand, &[&proof]).await.status, 200);
}

#[tokio::test]
async fn of_50_racing_uses_of_one_proof_one_wins() {
    let stand = Stand::start().await;
    let proof = Prover::new().proof(&stand);
    let proofs = [proof.as_str()];
    let replies = join_all((0..50).map(|_| send(&stand, &proofs))).await;
    let won = replies.iter().filter(|reply| reply.status == 200).count();
    assert_eq!(won, 1);
    for lost in replies.iter().filter(|reply| reply.status != 200) {
        refused(lost, "used before");
    }
}

#[tokio::test]
async fn replicas_share_the_memory_of_proofs_and_the_nonces() {
    let folder = Folder::new("dpop");
    let store: Arc<dyn Store> = Arc::new(Embedded::open(&folder.join("placet.db"), "default").unwrap());
    let one = Stand::on(store.clone(), |config| config.dpop.require_nonce = true).await;
    let issuer = one.issuer.clone();
    let two = Stand::on(store, |config| {
        config.dpop.require_nonce = true;
        config.issuer = issuer;
    })
    .await;
    let key = Prover::new();
    let noted = |nonce: &str| key.proof_of(&with(claims(&one, "POST", "/token"), "nonce", &json!(nonce)));
    let nonce = send(&one, &[&key.proof(&one)]).await.header("dpop-nonce").to_owned();
    let proof = noted(&nonce);
    assert_eq!(send(&two, &[&proof]).await.status, 200, "a nonce of one is good at the other");
    refused(&send(&one, &[&proof]).await, "used before");
    // A clock that is a little behind must not make nonces of the others worthless.
    one.clock.advance(300);
    let ahead = send(&one, &[&key.proof(&one)]).await.header("dpop-nonce").to_owned();
    let early = with(claims(&two, "POST", "/token"), "htu", &json!(format!("{}/token", one.issuer)));
    let proof = key.proof_of(&with(early, "nonce", &json!(ahead)));
    assert_eq!(send(&two, &[&proof]).await.status, 200);
}

#[tokio::test]
async fn a_nonce_is_demanded_where_the_operator_says_so() {
    let stand = Stand::with(|config| config.dpop.require_nonce = true).await;
    let key = Prover::new();
    let noted = |nonce: &str| key.proof_of(&with(claims(&stand, "POST", "/token"), "nonce", &json!(nonce)));
    let asked = send(&stand, &[&key.proof(&stand)]).await;
    assert_eq!((asked.status, asked.error()), (400, "use_dpop_nonce"), "{}", asked.text);
    assert_eq!(asked.header("cache-control"), "no-store");
    let nonce = asked.header("dpop-nonce").to_owned();
    assert!(nonce.len() >= 22, "{nonce}");
    let given = send(&stand, &[&noted(&nonce)]).await;
    assert_eq!(given.status, 200, "{}", given.text);
    assert_eq!(given.header("dpop-nonce"), nonce, "every answer tells what is good next");
    for wrong in ["x", &nonce[1..], &format!("{nonce}A"), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        let reply = send(&stand, &[&noted(wrong)]).await;
        assert_eq!((reply.status, reply.error()), (400, "use_dpop_nonce"), "{wrong}");
    }
    // Whoever sends no proof is not asked for a nonce.
    assert_eq!(send(&stand, &[]).await.status, 200);
}

#[tokio::test]
async fn a_nonce_is_good_for_its_own_period_and_the_next() {
    let stand = Stand::with(|config| {
        config.dpop.require_nonce = true;
        config.dpop.nonce_lifetime = 100;
    })
    .await;
    let key = Prover::new();
    // Periods begin at whole multiples of the lifetime.
    stand.clock.advance(100 - stand.now().rem_euclid(100));
    let noted = |nonce: &str| key.proof_of(&with(claims(&stand, "POST", "/token"), "nonce", &json!(nonce)));
    let nonce = send(&stand, &[&key.proof(&stand)]).await.header("dpop-nonce").to_owned();
    for (seconds, good, next) in [
        (0, true, false),
        (99, true, false),
        (1, true, true),
        (99, true, true),
        (1, false, true),
        (1_000, false, true),
    ] {
        stand.clock.advance(seconds);
        let reply = send(&stand, &[&noted(&nonce)]).await;
        assert_eq!(reply.status == 200, good, "{seconds}: {}", reply.text);
        assert_eq!(reply.header("dpop-nonce") != nonce, next, "{seconds}");
    }
}

#[tokio::test]
async fn a_client_that_has_to_try_again_with_a_nonce_has_used_up_nothing() {
    let stand = Stand::with(|config| {
        config.dpop.require_nonce = true;
        client(config, "web").metadata.dpop_bound_access_tokens = Some(true);
    })
    .await;
    let key = Prover::new();
    let code = code(&stand, "web", &[]).await;
    let asked = token(&stand, "web", &code_form(&code), Some(&key)).await;
    assert_eq!(asked.error(), "use_dpop_nonce", "{}", asked.text);
    let mut usual = claims(&stand, "POST", "/token");
    usual["nonce"] = asked.header("dpop-nonce").into();
    let given = token_with(&stand, "web", &code_form(&code), &[&key.proof_of(&usual)]).await;
    assert_eq!(given.status, 200, "{}", given.text);
}

#[tokio::test]
async fn scripts_of_other_origins_may_send_proofs_and_read_nonces() {
    let stand = Stand::with(|config| config.dpop.require_nonce = true).await;
    let uri = format!("{}/token", stand.issuer);
    let asked = stand.http.request(reqwest::Method::OPTIONS, &uri).header("origin", "https://app.example");
    let asked = Reply::read(asked.send().await.unwrap()).await;
    assert!(asked.header("access-control-allow-headers").contains("dpop"), "{asked:?}");
    let request = stand.http.post(&uri).header("origin", "https://app.example");
    let request = request
        .header("DPoP", Prover::new().proof(&stand))
        .basic_auth("service", Some(super::harness::SECRET));
    let answered = Reply::read(request.form(&OWN).send().await.unwrap()).await;
    assert_eq!(answered.error(), "use_dpop_nonce");
    let exposed = answered.header("access-control-expose-headers");
    assert!(exposed.contains("dpop-nonce") && exposed.contains("www-authenticate"), "{exposed}");
}
