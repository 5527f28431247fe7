//! The JWT bearer grant (RFC 7523 section 2.1) through the front door, under the discipline of RFC 8725.

use std::sync::atomic::{AtomicU32, Ordering};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use openssl::{
    bn::{BigNum, BigNumContext},
    ec::EcGroup,
    nid::Nid,
};
use placet_server::config::TrustedIssuer;
use serde_json::{Value, json};

use super::{
    encrypting::Shelf,
    harness::{SECRET, Stand, claims},
    helpers::configured,
    prover::Prover,
    sidecar::Sidecar,
    signer::Signer,
};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const PARTNER: &str = "https://idp.partner.example";

struct Scene {
    stand: Stand,
    own: Signer,
    partner: Signer,
    sidecar: Option<Sidecar>,
}

impl Scene {
    async fn without_policy() -> Self {
        Self::start(None).await
    }

    /// A policy that maps every subject of the partner to `partner:<sub>`.
    async fn with_policy() -> Self {
        let sidecar = Sidecar::start(|request| {
            let sub = request["jwt_bearer"]["assertion"]["claims"]["sub"].as_str().unwrap();
            json!({ "decision": "allow", "set": { "grant": { "sub": format!("partner:{sub}") } } })
        })
        .await;
        Self::start(Some(sidecar)).await
    }

    async fn start(sidecar: Option<Sidecar>) -> Self {
        let (own, partner) = (Signer::new("own-1"), Signer::new("partner-1"));
        let (own_set, partner_set) = (own.jwks(), partner.jwks());
        let policy = sidecar.as_ref().map(|s| s.policy("mapping", &["grant.jwt_bearer"]));
        let stand = Stand::with(|config| {
            config.clients.push(configured(
                "assertive",
                &json!({ "grant_types": [GRANT], "scope": "reports.read reports.write", "jwks": own_set }),
            ));
            config.clients.push(configured("stranger", &json!({ "grant_types": [GRANT], "jwks": own_set })));
            config.trusted_issuers.push(TrustedIssuer {
                issuer: PARTNER.to_owned(),
                jwks: partner_set.as_object().cloned(),
                client_ids: vec!["assertive".to_owned()],
                ..TrustedIssuer::default()
            });
            config.policy.extend(policy);
        })
        .await;
        Self { stand, own, partner, sidecar }
    }

    fn claims(&self, issuer: &str, sub: &str) -> Value {
        let now = self.stand.now();
        json!({
            "iss": issuer, "sub": sub, "aud": self.stand.issuer, "iat": now, "exp": now + 300,
            "jti": format!("jti-{issuer}-{sub}"),
        })
    }

    async fn present(&self, assertion: &str) -> super::harness::Reply {
        let form = [("grant_type", GRANT), ("assertion", assertion), ("scope", "reports.read")];
        self.stand.post("/token", "assertive", &form).await
    }

    async fn refused(&self, assertion: &str, why: &str) {
        let reply = self.present(assertion).await;
        assert_eq!((reply.status, reply.error()), (400, "invalid_grant"), "{}", reply.text);
        let description = reply.json["error_description"].as_str().unwrap();
        assert!(description.contains(why), "`{description}` does not say `{why}`");
    }
}

#[tokio::test]
async fn a_client_vouches_for_itself_without_any_policy() {
    let scene = Scene::without_policy().await;
    let reply = scene.present(&scene.own.sign(&scene.claims("assertive", "assertive"))).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let token = claims(reply.json["access_token"].as_str().unwrap());
    assert_eq!((&token["sub"], &token["scope"]), (&json!("assertive"), &json!("reports.read")));
    assert!(reply.json["refresh_token"].is_null() && reply.json["id_token"].is_null());
}

#[tokio::test]
async fn what_the_operator_assigns_is_proposed_but_for_what_only_people_have() {
    let own = Signer::new("own-1");
    let keys = own.jwks();
    let sidecar = Sidecar::start(|_| json!({ "decision": "allow" })).await;
    let stand = Stand::with(|config| {
        let metadata = json!({ "grant_types": [GRANT], "scope": "reports.read", "jwks": keys });
        let mut client = configured("assertive", &metadata);
        client.settings.default_scope =
            ["reports.write", "openid", "offline_access"].map(str::to_owned).to_vec();
        config.clients.push(client);
        config.policy.push(sidecar.policy("look", &["grant.jwt_bearer"]));
    })
    .await;
    let scene = Scene { stand, own, partner: Signer::new("partner-1"), sidecar: Some(sidecar.clone()) };
    let reply = scene.present(&scene.own.sign(&scene.claims("assertive", "assertive"))).await;
    assert_eq!(reply.json["scope"], "reports.read reports.write", "{}", reply.text);
    assert_eq!(sidecar.requests()[0]["proposal"]["grant"]["scope"], json!(["reports.read", "reports.write"]));
}

#[tokio::test]
async fn an_assertion_is_good_once_also_when_it_has_no_id() {
    let scene = Scene::without_policy().await;
    let with = scene.own.sign(&scene.claims("assertive", "assertive"));
    let mut claims = scene.claims("assertive", "assertive");
    claims.as_object_mut().unwrap().remove("jti");
    let without = scene.own.sign(&claims);
    for assertion in [&with, &without] {
        assert_eq!(scene.present(assertion).await.status, 200);
        scene.refused(assertion, "used before").await;
    }
    // The same id in another assertion is the same id.
    let mut again = scene.claims("assertive", "assertive");
    again["exp"] = json!(scene.stand.now() + 200);
    scene.refused(&scene.own.sign(&again), "used before").await;
}

#[tokio::test]
async fn an_id_that_says_nothing_is_refused() {
    let scene = Scene::without_policy().await;
    for jti in [json!(5), json!(""), json!(null)] {
        let mut claims = scene.claims("assertive", "assertive");
        claims["jti"] = jti;
        scene.refused(&scene.own.sign(&claims), "`jti`").await;
    }
}

#[tokio::test]
async fn a_twin_of_its_signature_makes_no_second_assertion() {
    let key = Prover::new();
    let jwks = json!({ "keys": [key.jwk()] });
    let stand = Stand::with(|config| {
        let metadata = json!({ "grant_types": [GRANT], "scope": "reports.read", "jwks": jwks });
        config.clients.push(configured("assertive", &metadata));
    })
    .await;
    let now = stand.now();
    let claims = json!({
        "iss": "assertive", "sub": "assertive", "aud": stand.issuer, "iat": now, "exp": now + 300,
    });
    let assertion = key.sign(&json!({ "alg": "ES256", "typ": "JWT" }), &claims);
    let twin = twin(&assertion);
    assert_ne!(assertion, twin);
    let form = |assertion| [("grant_type", GRANT), ("assertion", assertion)];
    // The twin holds by itself: it is the first use that the server remembers.
    assert_eq!(stand.post("/token", "assertive", &form(&twin)).await.status, 200);
    for again in [&assertion, &twin] {
        let reply = stand.post("/token", "assertive", &form(again)).await;
        assert_eq!((reply.status, reply.error()), (400, "invalid_grant"), "{}", reply.text);
        assert!(reply.text.contains("used before"), "{}", reply.text);
    }
}

/// The same JWT with the other signature of ES256 that holds: s becomes n - s.
fn twin(assertion: &str) -> String {
    let (message, signature) = assertion.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let mut order = BigNum::new().unwrap();
    group.order(&mut order, &mut BigNumContext::new().unwrap()).unwrap();
    let s = &order - &BigNum::from_slice(&signature[32..]).unwrap();
    let both = [signature[..32].to_vec(), s.to_vec_padded(32).unwrap()].concat();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(both))
}

#[tokio::test]
async fn of_racing_presentations_one_wins() {
    let scene = Scene::without_policy().await;
    let assertion = scene.own.sign(&scene.claims("assertive", "assertive"));
    let replies = futures_util::future::join_all((0..8).map(|_| scene.present(&assertion))).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1);
    assert!(replies.iter().filter(|r| r.status != 200).all(|r| r.error() == "invalid_grant"));
}

#[tokio::test]
async fn what_others_vouch_for_needs_a_policy_that_names_the_local_subject() {
    let scene = Scene::without_policy().await;
    scene.refused(&scene.partner.sign(&scene.claims(PARTNER, "jdoe")), "no policy").await;
    scene.refused(&scene.own.sign(&scene.claims("assertive", "alice")), "no policy").await;

    let scene = Scene::with_policy().await;
    let reply = scene.present(&scene.partner.sign(&scene.claims(PARTNER, "jdoe"))).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(claims(reply.json["access_token"].as_str().unwrap())["sub"], "partner:jdoe");
    let asked = scene.sidecar.as_ref().unwrap().requests().pop().unwrap();
    assert_eq!(asked["jwt_bearer"]["trust"], "third_party");
    assert_eq!(asked["jwt_bearer"]["issuer"]["id"], PARTNER);
    assert_eq!(asked["requires"], json!(["/grant/sub", "/grant/scope"]));
    assert!(asked["proposal"]["grant"]["sub"].is_null());
    assert!(!asked.to_string().contains(SECRET));
}

#[tokio::test]
async fn a_failing_policy_uses_nothing_up() {
    let sidecar = Sidecar::start(|_| json!({ "nonsense": true })).await;
    let scene = Scene::start(Some(sidecar)).await;
    let assertion = scene.partner.sign(&scene.claims(PARTNER, "jdoe"));
    for _ in 0..2 {
        let reply = scene.present(&assertion).await;
        assert_eq!((reply.status, reply.error()), (503, "temporarily_unavailable"), "{}", reply.text);
    }
}

#[tokio::test]
async fn every_rule_of_the_assertion_is_checked() {
    let scene = Scene::with_policy().await;
    let now = scene.stand.now();
    let with = |name: &str, value: Value| {
        let mut claims = scene.claims(PARTNER, "jdoe");
        claims[name] = value;
        scene.partner.sign(&claims)
    };
    scene.refused(&with("aud", json!("https://other.example")), "audience").await;
    scene.refused(&with("aud", json!(["https://other.example"])), "audience").await;
    scene.refused(&with("exp", json!(now - 11)), "expired").await;
    scene.refused(&with("exp", json!(now + 611)), "at most 600 seconds").await;
    scene.refused(&with("iat", json!(now - 611)), "at most 600 seconds").await;
    scene.refused(&with("iat", json!(now + 11)), "not valid yet").await;
    scene.refused(&with("nbf", json!(now + 11)), "not valid yet").await;
    scene.refused(&with("exp", json!("soon")), "malformed").await;
    scene.refused(&with("sub", json!("")), "`sub`").await;
    scene.refused(&with("iss", json!("https://evil.example")), "not trusted").await;
    scene.refused(&with("cnf", json!({ "jkt": "x" })), "bound to a key").await;
    for missing in ["aud", "exp", "iss"] {
        let mut claims = scene.claims(PARTNER, "jdoe");
        claims.as_object_mut().unwrap().remove(missing);
        let reply = scene.present(&scene.partner.sign(&claims)).await;
        assert_eq!(reply.error(), "invalid_grant", "without {missing}: {}", reply.text);
    }
    // At the edges it is good, and the token endpoint is an audience as well.
    let token_endpoint = format!("{}/token", scene.stand.issuer);
    assert_eq!(scene.present(&with("aud", json!([token_endpoint, "x:y"]))).await.status, 200);
}

#[tokio::test]
async fn the_key_decides_over_the_algorithm_and_the_header_over_nothing() {
    let scene = Scene::with_policy().await;
    let claims = scene.claims(PARTNER, "jdoe");
    let good = json!({ "alg": "EdDSA", "kid": "partner-1", "typ": "JWT" });
    let with = |name: &str, value: Value| {
        let mut header = good.clone();
        header[name] = value;
        scene.partner.sign_with(&header, &claims)
    };
    for (name, value) in [
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("alg", json!("RS256")),
        ("typ", json!("at+jwt")),
        ("typ", json!("dpop+jwt")),
        ("kid", json!("partner-2")),
        ("crit", json!(["b64"])),
        ("jwk", scene.partner.jwks()["keys"][0].clone()),
        ("jku", json!("https://evil.example/keys")),
        ("x5c", json!([])),
    ] {
        let reply = scene.present(&with(name, value.clone())).await;
        assert_eq!(reply.error(), "invalid_grant", "{name} {value}: {}", reply.text);
    }
    scene.refused(&Signer::new("partner-1").sign(&claims), "signature").await;
    // Keys of the client are not keys of the issuer, nor the other way round.
    scene.refused(&scene.own.sign(&claims), "signature").await;
    let own = scene.claims("assertive", "assertive");
    scene.refused(&scene.partner.sign_with(&json!({ "alg": "EdDSA" }), &own), "signature").await;
}

#[tokio::test]
async fn an_issuer_is_only_good_for_the_clients_that_the_operator_names() {
    let scene = Scene::with_policy().await;
    let assertion = scene.partner.sign(&scene.claims(PARTNER, "jdoe"));
    let reply =
        scene.stand.post("/token", "stranger", &[("grant_type", GRANT), ("assertion", &assertion)]).await;
    assert_eq!(reply.error(), "invalid_grant");
    assert!(reply.text.contains("not trusted"), "{}", reply.text);
    // Nothing was used up by the wrong client.
    assert_eq!(scene.present(&assertion).await.status, 200);
}

#[tokio::test]
async fn tokens_of_this_server_are_no_assertions() {
    let scene = Scene::with_policy().await;
    let tokens = scene.stand.tokens("web", "openid").await;
    for name in ["access_token", "id_token"] {
        scene.refused(tokens[name].as_str().unwrap(), "").await;
    }
}

#[tokio::test]
async fn a_client_that_is_not_registered_for_the_grant_cannot_use_it() {
    let scene = Scene::with_policy().await;
    let assertion = scene.partner.sign(&scene.claims(PARTNER, "jdoe"));
    let reply = scene.stand.post("/token", "web", &[("grant_type", GRANT), ("assertion", &assertion)]).await;
    assert_eq!(reply.error(), "unauthorized_client");
}

#[tokio::test]
async fn an_issuer_whose_keys_cannot_be_had_is_not_asked_for_them_by_each_assertion() {
    let partner = Signer::new("partner-1");
    let (down, up) = (Shelf::empty().await, Shelf::empty().await);
    up.put(partner.jwks());
    let sidecar =
        Sidecar::start(|_| json!({ "decision": "allow", "set": { "grant": { "sub": "alice" } } })).await;
    let stand = Stand::with(|config| {
        let metadata = json!({ "grant_types": [GRANT], "scope": "reports.read" });
        config.clients.push(configured("assertive", &metadata));
        for (issuer, shelf) in [("https://down.example", &down), ("https://up.example", &up)] {
            config.trusted_issuers.push(TrustedIssuer {
                issuer: issuer.to_owned(),
                jwks_uri: Some(shelf.uri.clone()),
                ..TrustedIssuer::default()
            });
        }
        config.policy.push(sidecar.policy("mapping", &["grant.jwt_bearer"]));
    })
    .await;
    for n in 0..5 {
        for (issuer, status) in [("https://down.example", 503), ("https://up.example", 200)] {
            let now = stand.now();
            let claims = json!({
                "iss": issuer, "sub": "alice", "aud": stand.issuer, "iat": now, "exp": now + 300, "jti": n.to_string(),
            });
            let form = [("grant_type", GRANT), ("assertion", &partner.sign(&claims))];
            let reply = stand.post("/token", "assertive", &form).await;
            assert_eq!(reply.status, status, "{issuer}: {}", reply.text);
        }
    }
    assert_eq!((down.asked(), up.asked()), (1, 1));
}

#[tokio::test]
async fn keys_that_cannot_be_fetched_again_serve_until_they_are_old_and_then_nobodys_do() {
    let (known, new) = (Signer::new("known-1"), Signer::new("new-1"));
    let shelf = Shelf::empty().await;
    shelf.put(known.jwks());
    let sidecar =
        Sidecar::start(|_| json!({ "decision": "allow", "set": { "grant": { "sub": "alice" } } })).await;
    let stand = Stand::with(|config| {
        config.clients.push(configured("assertive", &json!({ "grant_types": [GRANT] })));
        config.trusted_issuers.push(TrustedIssuer {
            issuer: PARTNER.to_owned(),
            jwks_uri: Some(shelf.uri.clone()),
            ..TrustedIssuer::default()
        });
        config.policy.push(sidecar.policy("mapping", &["grant.jwt_bearer"]));
    })
    .await;
    let number = AtomicU32::new(0);
    let used = async |signer: &Signer| {
        let (now, jti) = (stand.now(), number.fetch_add(1, Ordering::SeqCst).to_string());
        let claims = json!({
            "iss": PARTNER, "sub": "alice", "aud": stand.issuer, "iat": now, "exp": now + 300, "jti": jti,
        });
        let form = [("grant_type", GRANT), ("assertion", &*signer.sign(&claims))];
        stand.post("/token", "assertive", &form).await.status
    };
    assert_eq!((used(&known).await, shelf.asked()), (200, 1));
    assert_eq!((used(&new).await, shelf.asked()), (400, 1), "at most once a minute");
    shelf.clear();
    stand.clock.advance(61);
    assert_eq!((used(&new).await, shelf.asked()), (503, 2), "it may be a key of today");
    assert_eq!((used(&new).await, used(&known).await), (503, 200));
    assert_eq!(shelf.asked(), 2, "nor does everybody ask");
    stand.clock.advance(6);
    assert_eq!((used(&known).await, used(&new).await, shelf.asked()), (200, 503, 3));
    shelf.put(json!({ "keys": "none" }));
    stand.clock.advance(6);
    assert_eq!((used(&new).await, used(&known).await, shelf.asked()), (503, 200, 4));
    shelf.clear();
    stand.clock.advance(900 - 61 - 6 - 6 - 1);
    assert_eq!((used(&known).await, shelf.asked()), (200, 4));
    stand.clock.advance(1);
    assert_eq!((used(&known).await, shelf.asked()), (503, 5), "a key of then may be one that was stolen");
    stand.clock.advance(6);
    shelf.put(new.jwks());
    assert_eq!((used(&new).await, used(&known).await, shelf.asked()), (200, 400, 6));
}
