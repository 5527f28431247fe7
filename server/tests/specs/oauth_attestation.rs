//! OAuth 2.0 Attestation-Based Client Authentication (a draft): who is let in, and who is not.

use std::sync::Arc;

use serde_json::json;

use super::{
    attesting::{ATTESTATION, Backend, INVALID, OWN, POP, Scene, WALLETS, headers, pop, post, post_with},
    harness::Reply,
    prover::{self, Prover},
    replicas::two_with,
};

#[tokio::test]
async fn an_instance_that_is_attested_and_proves_its_key_is_let_in() {
    let scene = Scene::start().await;
    let Scene { stand, backend, instance } = &scene;
    for who in WALLETS {
        // The name may be left out of the body, and may be there.
        for form in [&OWN[..], &[OWN[0], ("client_id", who)]] {
            let reply = post(stand, backend, (who, instance), ("/token", form)).await;
            assert_eq!(reply.status, 200, "{who}: {}", reply.text);
            assert!(reply.json["scope"].as_str().unwrap().contains("reports.read"), "{}", reply.text);
        }
        for path in ["/introspect", "/revoke"] {
            let form = [("token", "nothing")];
            let reply = post(stand, backend, (who, instance), (path, &form)).await;
            assert_eq!(reply.status, 200, "{who} {path}: {}", reply.text);
        }
    }
    // Where the proof is that of DPoP, it binds tokens as any other.
    let bound = post(stand, backend, ("combined", instance), ("/token", &OWN)).await;
    assert_eq!(bound.json["token_type"], "DPoP");
    let token = bound.json["access_token"].as_str().unwrap();
    assert_eq!(super::harness::claims(token)["cnf"]["jkt"], instance.jkt());
}

#[tokio::test]
async fn dpop_beside_a_proof_of_its_own_may_be_of_another_key() {
    let scene = Scene::start().await;
    let other = Prover::new();
    let mut headers = headers(&scene.stand, &scene.backend, ("wallet", &scene.instance), "/token");
    headers.push(("DPoP", other.proof(&scene.stand)));
    let reply = post_with(&scene.stand, "/token", &OWN, &headers).await;
    assert_eq!((reply.status, &reply.json["token_type"]), (200, &json!("DPoP")), "{}", reply.text);
}

#[tokio::test]
async fn what_is_wrong_with_an_attestation_has_its_code_and_uses_nothing_up() {
    let scene = Scene::start().await;
    let now = scene.stand.now();
    let proof = scene.pop(|_, _| ());
    let stranger = Backend::new();
    let mut cases: Vec<(String, &str, &str)> = vec![
        (stranger.attest(&scene.stand, "wallet", &scene.instance), INVALID, "no attester"),
        (scene.attestation(|h, _| h["typ"] = json!("JWT")), INVALID, "type"),
        (scene.attestation(|h, _| drop(h.as_object_mut().unwrap().remove("typ"))), INVALID, "type"),
        (scene.attestation(|h, _| h["kid"] = json!("another")), INVALID, "no attester"),
        (scene.attestation(|h, _| h["alg"] = json!("none")), INVALID, "none"),
        // By an algorithm of another kind of key, and by one with the public key for a secret (RFC 8725).
        (scene.attestation(|h, _| h["alg"] = json!("EdDSA")), INVALID, "no attester"),
        (scene.attestation(|h, _| h["alg"] = json!("HS256")), INVALID, "no attester"),
        (scene.attestation(|_, c| c["exp"] = json!(now - 10)), "use_fresh_attestation", "fresh one"),
        (scene.attestation(|_, c| c["iat"] = json!(now + 60)), INVALID, "not valid yet"),
        (scene.attestation(|_, c| c["nbf"] = json!(now + 60)), INVALID, "not valid yet"),
        (scene.attestation(|_, c| c["cnf"] = json!({ "jkt": scene.instance.jkt() })), INVALID, "`cnf`"),
        (
            scene.attestation(|_, c| c["cnf"]["jwk"] = scene.instance.private_jwk()),
            INVALID,
            "private or symmetric",
        ),
        (scene.attestation(|_, c| c["sub"] = json!("combined")), INVALID, "`sub`"),
        ("nonsense".to_owned(), INVALID, "malformed"),
        (String::new(), INVALID, "malformed"),
    ];
    for name in ["sub", "exp", "cnf"] {
        let text = scene.attestation(|_, c| drop(c.as_object_mut().unwrap().remove(name)));
        cases.push((text, INVALID, name));
    }
    for member in ["jwk", "jku", "x5u", "x5c"] {
        cases.push((scene.attestation(|h, _| h[member] = json!("x")), INVALID, "not supported"));
    }
    for (attestation, code, why) in &cases {
        // The body says who it is: else an attestation that cannot be read names nobody.
        let form = [OWN[0], ("client_id", "wallet")];
        let headers = [(ATTESTATION, attestation.clone()), (POP, proof.clone())];
        let reply = post_with(&scene.stand, "/token", &form, &headers).await;
        assert_eq!((reply.status, reply.error()), (400, *code), "{why}: {}", reply.text);
        let description = reply.json["error_description"].as_str().unwrap();
        assert!(description.contains(why), "`{description}` does not say `{why}`");
    }
    // The proof is as good as new.
    assert_eq!(scene.send(&scene.attestation(|_, _| ()), &proof).await.status, 200);
}

#[tokio::test]
async fn what_is_wrong_with_a_proof_has_its_code_and_uses_nothing_up() {
    let scene = Scene::start().await;
    let now = scene.stand.now();
    let issuer = scene.stand.issuer.clone();
    let attestation = scene.attestation(|_, _| ());
    let mut cases: Vec<(String, &str)> = vec![
        (pop(&scene.stand, &Prover::new()), "signature"),
        (scene.pop(|h, _| h["typ"] = json!("JWT")), "type"),
        (scene.pop(|h, _| h["typ"] = json!("oauth-client-attestation+jwt")), "type"),
        (scene.pop(|h, _| h["alg"] = json!("HS256")), "HS256"),
        (scene.pop(|h, _| h["alg"] = json!("none")), "none"),
        (scene.pop(|h, _| h["alg"] = json!("EdDSA")), "signature"),
        (scene.pop(|h, _| h["jwk"] = scene.instance.jwk()), "jwk"),
        (scene.pop(|_, c| c["aud"] = json!("https://elsewhere.example")), "`aud`"),
        (scene.pop(|_, c| c["aud"] = json!(format!("{issuer}/token"))), "`aud`"),
        (scene.pop(|_, c| c["aud"] = json!([issuer, "https://elsewhere.example"])), "`aud`"),
        (scene.pop(|_, c| c["iat"] = json!(now - 61)), "`iat`"),
        (scene.pop(|_, c| c["iat"] = json!(now + 61)), "`iat`"),
        (scene.pop(|_, c| c["exp"] = json!(now)), "`iat`"),
        (scene.pop(|_, c| c["jti"] = json!("")), "`jti`"),
        (scene.pop(|_, c| c["challenge"] = json!(1)), "`challenge`"),
        // The other half of the request is none.
        (attestation.clone(), "type"),
        ("nonsense".to_owned(), "malformed"),
    ];
    for name in ["aud", "jti", "iat"] {
        cases.push((scene.pop(|_, c| drop(c.as_object_mut().unwrap().remove(name))), name));
    }
    for (proof, why) in &cases {
        scene.refused((&attestation, proof), (INVALID, why)).await;
    }
    // An id that was refused is not used up.
    let wrong = scene.pop(|_, c| {
        c["jti"] = json!("the-same");
        c["aud"] = json!("https://elsewhere.example");
    });
    scene.refused((&attestation, &wrong), (INVALID, "`aud`")).await;
    let right = scene.pop(|_, c| c["jti"] = json!("the-same"));
    assert_eq!(scene.send(&attestation, &right).await.status, 200);
    scene.refused((&attestation, &right), (INVALID, "used before")).await;
}

#[tokio::test]
async fn each_header_is_there_once_and_the_proof_is_that_of_the_method() {
    let scene = Scene::start().await;
    let Scene { stand, backend, instance } = &scene;
    let attestation = scene.attestation(|_, _| ());
    let of_combined = || (ATTESTATION, backend.attest(stand, "combined", instance));
    let dpop = || ("DPoP", instance.proof(stand));
    let of_wallet = || (ATTESTATION, attestation.clone());
    let proof = || (POP, pop(stand, instance));
    for (headers, code) in [
        (vec![of_wallet(), of_wallet(), proof()], INVALID),
        (vec![of_wallet(), proof(), proof()], INVALID),
        (vec![of_wallet()], INVALID),
        (vec![of_wallet(), dpop()], INVALID),
        (vec![of_combined()], INVALID),
        (vec![of_combined(), proof()], INVALID),
        (vec![of_combined(), proof(), dpop()], INVALID),
        (vec![of_combined(), dpop(), dpop()], "invalid_dpop_proof"),
        (vec![of_combined(), ("DPoP", Prover::new().proof(stand))], INVALID),
    ] {
        let reply = post_with(stand, "/token", &OWN, &headers).await;
        assert_eq!((reply.status, reply.error()), (400, code), "{headers:?}: {}", reply.text);
    }
    // Without an attestation there is no client at all.
    for headers in [vec![proof()], vec![dpop()], vec![]] {
        let form = [OWN[0], ("client_id", "wallet")];
        let reply = post_with(stand, "/token", &form, &headers).await;
        assert_eq!((reply.status, reply.error()), (401, "invalid_client"), "{}", reply.text);
    }
    // Nor is there one who is somebody else.
    let form = [OWN[0], ("client_id", "combined")];
    let reply = post_with(stand, "/token", &form, &[of_wallet(), dpop()]).await;
    assert_eq!(reply.error(), INVALID, "{}", reply.text);
    scene.is_let_in().await;
}

#[tokio::test]
async fn a_dpop_proof_that_stands_for_the_instance_is_looked_at_at_every_endpoint() {
    let scene = Scene::start().await;
    let Scene { stand, backend, instance } = &scene;
    for path in ["/token", "/introspect", "/revoke", "/par", "/device_authorization", "/bc-authorize"] {
        // Signed by another key than the one that it shows.
        let claims = prover::claims(stand, "POST", path);
        let forged = Prover::new().sign(&instance.header(), &claims);
        let attestation = (ATTESTATION, backend.attest(stand, "combined", instance));
        let form = [OWN[0], ("token", "nothing")];
        let reply = post_with(stand, path, &form, &[attestation.clone(), ("DPoP", forged)]).await;
        assert_eq!((reply.status, reply.error()), (400, INVALID), "{path}: {}", reply.text);
        if ["/token", "/introspect", "/revoke"].contains(&path) {
            let sound = [attestation, ("DPoP", instance.proof_of(&claims))];
            assert_eq!(post_with(stand, path, &form, &sound).await.status, 200, "{path}");
            let again = post_with(stand, path, &form, &sound).await;
            assert_eq!((again.status, again.error()), (400, "invalid_dpop_proof"), "{path}");
        }
    }
}

#[tokio::test]
async fn of_50_uses_of_one_proof_one_wins() {
    let scene = Scene::start().await;
    let (attestation, proof) = (scene.attestation(|_, _| ()), scene.pop(|_, _| ()));
    let races = (0..50).map(|_| scene.send(&attestation, &proof));
    one_won(&futures_util::future::join_all(races).await);
}

#[tokio::test]
async fn of_100_uses_of_one_proof_racing_over_two_replicas_one_wins() {
    let backend = Backend::new();
    let Some(stands) = two_with(|config| backend.introduce(config)).await else { return };
    let instance = Prover::new();
    let headers = Arc::new(headers(&stands[0], &backend, ("wallet", &instance), "/token"));
    let races = (0..100).map(|n| {
        let (stand, headers) = (stands[n % 2].clone(), headers.clone());
        tokio::spawn(async move { post_with(&stand, "/token", &OWN, &headers).await })
    });
    let replies = futures_util::future::join_all(races).await;
    one_won(&replies.into_iter().map(Result::unwrap).collect::<Vec<_>>());
}

#[track_caller]
fn one_won(replies: &[Reply]) {
    let (won, lost): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 200);
    assert_eq!(won.len(), 1);
    assert!(lost.iter().all(|reply| (reply.status, reply.error()) == (400, INVALID)));
}

#[tokio::test]
async fn who_authenticates_otherwise_is_let_in_whatever_is_attested() {
    let scene = Scene::start().await;
    let form = [("token", "nothing")];
    let url = format!("{}/introspect", scene.stand.issuer);
    let request = scene.stand.http.post(&url).basic_auth("web", Some(super::harness::SECRET));
    let request = request.header(ATTESTATION, "nonsense").header(POP, "nonsense").form(&form);
    assert_eq!(request.send().await.unwrap().status(), 200);
    let public = [("client_id", "spa"), ("token", "nothing")];
    let headers = [(ATTESTATION, scene.attestation(|_, _| ()))];
    assert_eq!(post_with(&scene.stand, "/revoke", &public, &headers).await.status, 200);
    // Whom no attestation was asked of cannot get in by one.
    let web = scene.attestation(|_, c| c["sub"] = json!("web"));
    let reply = scene.send(&web, &scene.pop(|_, _| ())).await;
    assert_eq!((reply.status, reply.error()), (401, "invalid_client"), "{}", reply.text);
}
