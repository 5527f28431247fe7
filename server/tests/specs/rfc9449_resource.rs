//! Bound tokens at a protected resource, `UserInfo` (RFC 9449 section 7): the scheme, the proof, the token.

use serde_json::{Value, json};

use super::{
    harness::{HEADLESS, Reply, START, Stand},
    helpers::text,
    prover::{Prover, challenges, claims, code_form, hash, token, userinfo, userinfo_with},
    rfc9449_dpop::code,
};

/// A bound access token of alice.
async fn bound(stand: &Stand, client: &str, key: &Prover) -> String {
    let code = code(stand, client, &[]).await;
    let reply = token(stand, client, &code_form(&code), Some(key)).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    text(&reply.json["access_token"])
}

#[track_caller]
fn refused(reply: &Reply, error: &str, why: &str) {
    assert_eq!((reply.status, reply.error()), (401, error), "{why}: {}", reply.text);
    let told = reply.json["error_description"].as_str().unwrap();
    assert!(told.contains(why), "`{why}` is not in `{told}`");
    let challenges = challenges(reply);
    assert!(
        challenges.iter().any(|one| one.starts_with("DPoP ") && one.contains("algs=\"")),
        "{challenges:?}"
    );
    assert!(challenges.iter().any(|one| one.contains(&format!("error=\"{error}\""))), "{challenges:?}");
}

#[tokio::test]
async fn a_bound_token_is_no_bearer_token_and_a_bearer_token_has_no_proof() {
    let stand = Stand::start().await;
    let key = Prover::new();
    for client in ["web", "opaque"] {
        let token = bound(&stand, client, &key).await;
        assert_eq!(userinfo(&stand, &token, &key).await.status, 200);
        let as_bearer = userinfo_with(&stand, ("Bearer", &token), &[]).await;
        refused(&as_bearer, "invalid_token", "present it by the scheme DPoP");
        // A proof beside it changes nothing, nor does a form.
        let beside = userinfo_with(&stand, ("Bearer", &token), &[&key.proof_for(&stand, &token)]).await;
        refused(&beside, "invalid_token", "present it by the scheme DPoP");
        let in_form = stand.post_public("/userinfo", &[("access_token", &token)]).await;
        refused(&in_form, "invalid_token", "present it by the scheme DPoP");

        let plain = text(&stand.tokens(client, "openid email").await["access_token"]);
        assert_eq!(userinfo_with(&stand, ("Bearer", &plain), &[]).await.status, 200);
        refused(&userinfo(&stand, &plain, &key).await, "invalid_token", "present it by the scheme Bearer");
    }
}

#[tokio::test]
async fn the_scheme_needs_one_proof_for_this_token_by_its_key() {
    let stand = Stand::start().await;
    let (key, other) = (Prover::new(), Prover::new());
    let token = bound(&stand, "web", &key).await;
    let foreign = bound(&stand, "web", &key).await;
    let at = |proofs: Vec<String>| {
        let (stand, token) = (&stand, &token);
        async move {
            let proofs: Vec<&str> = proofs.iter().map(String::as_str).collect();
            userinfo_with(stand, ("DPoP", token), &proofs).await
        }
    };
    let usual = |ath: &str| {
        let mut usual = claims(&stand, "GET", "/userinfo");
        usual["ath"] = ath.into();
        usual
    };
    let changed = |member: &str, value: Value| {
        let mut claims = usual(&hash(&token));
        claims[member] = value;
        vec![key.proof_of(&claims)]
    };
    let proof = "invalid_dpop_proof";
    refused(&at(Vec::new()).await, proof, "needs a proof");
    refused(&at(vec![key.proof_for(&stand, &token), key.proof_for(&stand, &token)]).await, proof, "repeated");
    refused(&at(vec![other.proof_for(&stand, &token)]).await, "invalid_token", "another key");
    refused(&at(vec![key.proof_for(&stand, &foreign)]).await, proof, "`ath`");
    refused(&at(vec![key.proof_of(&claims(&stand, "GET", "/userinfo"))]).await, proof, "`ath`");
    refused(&at(changed("ath", json!(""))).await, proof, "`ath`");
    refused(&at(changed("htm", json!("POST"))).await, proof, "`htm`");
    refused(&at(changed("htu", json!(format!("{}/token", stand.issuer)))).await, proof, "`htu`");
    refused(&at(changed("iat", json!(START - 61))).await, proof, "`iat`");
    refused(&at(vec![key.proof(&stand)]).await, proof, "`htm`");
    // The key of somebody else in a proof that another one signed.
    let mut header = other.header();
    header["jwk"] = key.jwk();
    refused(&at(vec![other.sign(&header, &usual(&hash(&token)))]).await, proof, "does not hold");
    // A proof is good once.
    let good = key.proof_for(&stand, &token);
    assert_eq!(at(vec![good.clone()]).await.status, 200);
    refused(&at(vec![good]).await, proof, "used before");
}

#[tokio::test]
async fn a_stranger_who_brings_a_proof_leaves_nothing_behind() {
    let stand = Stand::start().await;
    let (key, other) = (Prover::new(), Prover::new());
    let token = bound(&stand, "web", &key).await;
    for proof in [key.proof_for(&stand, "unknown"), other.proof_for(&stand, "unknown")] {
        for _ in 0..2 {
            refused(&userinfo_with(&stand, ("DPoP", "unknown"), &[&proof]).await, "invalid_token", "unknown");
        }
    }
    let stolen = other.proof_for(&stand, &token);
    for _ in 0..2 {
        refused(&userinfo_with(&stand, ("DPoP", &token), &[&stolen]).await, "invalid_token", "another key");
    }
}

#[tokio::test]
async fn a_resource_may_demand_a_nonce_too() {
    let stand = Stand::with(|config| config.dpop.require_nonce = true).await;
    let key = Prover::new();
    let mut claims_of = claims(&stand, "POST", "/token");
    let asked = token(&stand, "web", &code_form(&code(&stand, "web", &[]).await), Some(&key)).await;
    claims_of["nonce"] = asked.header("dpop-nonce").into();
    let form_of = code(&stand, "web", &[]).await;
    let issued =
        super::prover::token_with(&stand, "web", &code_form(&form_of), &[&key.proof_of(&claims_of)]).await;
    let token = text(&issued.json["access_token"]);
    let asked = userinfo(&stand, &token, &key).await;
    refused(&asked, "use_dpop_nonce", "must hold the nonce");
    let mut usual = claims(&stand, "GET", "/userinfo");
    usual["ath"] = hash(&token).into();
    usual["nonce"] = asked.header("dpop-nonce").into();
    let given = userinfo_with(&stand, ("DPoP", &token), &[&key.proof_of(&usual)]).await;
    assert_eq!(given.status, 200, "{}", given.text);
    assert!(!given.header("dpop-nonce").is_empty());
}

#[tokio::test]
async fn whoever_sends_no_token_learns_both_schemes() {
    let stand = Stand::start().await;
    let reply = Reply::read(stand.http.get(format!("{}/userinfo", stand.issuer)).send().await.unwrap()).await;
    let challenges = challenges(&reply);
    assert_eq!(challenges.len(), 2, "{challenges:?}");
    assert!(challenges[0].starts_with("Bearer realm=") && challenges[0].contains("scope=\"openid\""));
    assert!(challenges[1].starts_with("DPoP realm=") && challenges[1].contains("ES256"));
    assert!(challenges.iter().all(|challenge| !challenge.contains("error")));
}

#[tokio::test]
async fn a_bound_token_opens_no_api_that_asks_for_no_proof() {
    let stand = Stand::with(|config| {
        config.resources.extend([format!("{}/ui", config.issuer), format!("{}/admin", config.issuer)]);
        config.ui[1].client_ids = vec!["service".to_owned()];
    })
    .await;
    let audience = format!("{}/ui", stand.issuer);
    let form = [("grant_type", "client_credentials"), ("resource", audience.as_str())];
    for (key, status) in [(None, 200), (Some(Prover::new()), 401)] {
        let reply = token(&stand, "service", &form, key.as_ref()).await;
        let token = text(&reply.json["access_token"]);
        let call = stand.call(&token, reqwest::Method::GET, "/sessions?sub=alice", None).await;
        assert_eq!(call.status, status, "{}", call.text);
    }
    // The app itself has a secret of its own.
    assert_eq!(stand.call(HEADLESS, reqwest::Method::GET, "/sessions?sub=alice", None).await.status, 200);
}

#[tokio::test]
async fn head_is_a_method_of_its_own_for_proofs_and_otherwise_the_same_as_get() {
    let stand = Stand::start().await;
    let key = Prover::new();
    let token = bound(&stand, "web", &key).await;
    let proof = |method: &str| {
        let mut claims = claims(&stand, method, "/userinfo");
        claims["ath"] = hash(&token).into();
        key.proof_of(&claims)
    };
    let ask = async |scheme: &str, token: &str, proof: Option<String>| {
        let request = stand.http.head(format!("{}/userinfo", stand.issuer));
        let mut request = request.header("Authorization", format!("{scheme} {token}"));
        if let Some(proof) = proof {
            request = request.header("DPoP", proof);
        }
        Reply::read(request.send().await.unwrap()).await
    };
    let reply = ask("DPoP", &token, Some(proof("HEAD"))).await;
    assert_eq!((reply.status, reply.text.as_str()), (200, ""));
    assert_eq!(reply.header("content-type"), "application/json");
    let reply = ask("DPoP", &token, Some(proof("GET"))).await;
    assert_eq!(reply.status, 401);
    assert!(challenges(&reply).iter().any(|one| one.contains("invalid_dpop_proof")), "{reply:?}");
    let reply = userinfo_with(&stand, ("DPoP", &token), &[&proof("HEAD")]).await;
    refused(&reply, "invalid_dpop_proof", "`htm`");
    // What is good once is used up by either.
    let single = text(&stand.tokens("single", "openid").await["access_token"]);
    assert_eq!(ask("Bearer", &single, None).await.status, 200);
    assert_eq!(userinfo_with(&stand, ("Bearer", &single), &[]).await.status, 401);
}
