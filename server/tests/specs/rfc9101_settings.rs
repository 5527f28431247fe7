//! Request objects (RFC 9101): what the operator and clients can ask of them.

use placet_server::config::Config;
use serde_json::{Value, json};

use super::{
    harness::{Browser, CALLBACK, Reply},
    requesting::{Scene, assert_page, unsigned},
};

#[tokio::test]
async fn the_algorithm_is_the_registered_one() {
    let scene = Scene::with(|_, metadata| metadata["request_object_signing_alg"] = json!("PS256")).await;
    scene.refused(&scene.object(), "another algorithm").await;
    let scene = Scene::with(|_, metadata| metadata["request_object_signing_alg"] = json!("EdDSA")).await;
    scene.ask(&scene.object()).await.interaction();
}

#[tokio::test]
async fn an_unsigned_object_counts_only_where_operator_and_client_want_that() {
    let object = |scene: &Scene| {
        unsigned(&json!({ "alg": "none" }), &scene.altered(&json!({ "iss": null, "aud": null, "exp": null })))
    };
    let scene = Scene::start().await;
    scene.refused(&object(&scene), "not signed").await;
    // By a client that registered what it signs with, that it always signs, or a profile that wants signatures.
    for (member, value) in
        [("request_object_signing_alg", json!("EdDSA")), ("require_signed_request_object", json!(true))]
    {
        let scene = Scene::with(|config, metadata| {
            config.request_objects.unsigned = true;
            metadata[member] = value;
        })
        .await;
        scene.refused(&object(&scene), "not signed").await;
    }
    let scene = Scene::with(|config, metadata| {
        config.request_objects.unsigned = true;
        metadata["request_object_signing_alg"] = json!("none");
    })
    .await;
    let shown = scene.shown(&scene.ask(&object(&scene)).await).await;
    assert_eq!(shown["request"]["signed"], false);
    // Who registered that nothing is signed has no signature to show.
    scene.refused(&scene.object(), "another algorithm").await;
    let lying = scene.altered(&json!({ "iss": "web" }));
    scene.refused(&unsigned(&json!({ "alg": "none" }), &lying), "issuer").await;
    let discovery = format!("{}/.well-known/openid-configuration", scene.stand.issuer);
    let found = Reply::read(scene.stand.http.get(discovery).send().await.unwrap()).await.json;
    assert!(
        found["request_object_signing_alg_values_supported"].as_array().unwrap().contains(&json!("none"))
    );
}

#[tokio::test]
async fn who_registered_no_algorithm_may_sign_or_not_where_the_operator_takes_both() {
    let scene = Scene::with(|config, _| config.request_objects.unsigned = true).await;
    let object = unsigned(&json!({ "alg": "none" }), &scene.altered(&json!({ "iss": null, "aud": null })));
    let shown = scene.shown(&scene.ask(&object).await).await;
    assert_eq!(shown["request"]["signed"], false);
    let shown = scene.shown(&scene.ask(&scene.object()).await).await;
    assert_eq!(shown["request"]["signed"], true);
    // What somebody did sign has to hold.
    let object = scene.object();
    let (text, _) = object.rsplit_once('.').unwrap();
    scene.refused(&format!("{text}.{}", "A".repeat(86)), "signature").await;
    scene.refused(&format!("{text}."), "malformed").await;
}

#[tokio::test]
async fn an_operator_or_a_client_can_insist_on_signed_requests() {
    for all in [true, false] {
        let scene = Scene::with(|config, metadata| {
            config.request_objects.required = all;
            metadata["require_signed_request_object"] = json!(!all);
        })
        .await;
        let mut browser = Browser::new();
        let plain = browser.authorize(&scene.stand, "jar", &[]).await.params();
        assert_eq!((plain["error"].as_str(), plain["state"].as_str()), ("invalid_request", "the-state"));
        assert!(plain["error_description"].contains("signed"), "{plain:?}");
        let form = [("redirect_uri", CALLBACK), ("response_type", "code"), ("scope", "openid")];
        let pushed = scene.push(&form).await;
        assert_eq!((pushed.status, pushed.error()), (400, "invalid_request"), "{}", pushed.text);
        scene.ask(&scene.object()).await.interaction();
        let pushed = scene.push(&[("request", &scene.object())]).await;
        assert_eq!(pushed.status, 201, "{}", pushed.text);
        let others = browser.authorize(&scene.stand, "web", &[]).await;
        assert_eq!(others.header("location").starts_with("https://login.example/"), !all);
    }
}

#[tokio::test]
async fn its_type_and_life_are_as_strict_as_the_operator_wants() {
    let scene = Scene::with(|config, _| {
        config.request_objects.explicit_type = true;
        config.request_objects.max_lifetime = Some(3_600);
    })
    .await;
    let now = scene.stand.now();
    scene.refused(&scene.object(), "type").await;
    let header = json!({ "alg": "EdDSA", "kid": "key-1", "typ": "oauth-authz-req+jwt" });
    let with = |changes: &Value| scene.key.sign_with(&header, &scene.altered(changes));
    for (changes, why) in [
        (json!({ "nbf": null }), "nbf"),
        (json!({ "exp": null }), "exp"),
        (json!({ "nbf": now - 3_700 }), "seconds ago"),
        (json!({ "exp": now + 3_601 }), "good for more"),
    ] {
        scene.refused(&with(&changes), why).await;
    }
    scene.ask(&with(&json!({ "nbf": now - 3_500, "exp": now + 60 }))).await.interaction();
    let scene = Scene::with(|config, _| config.request_objects.expires = false).await;
    scene.ask(&scene.key.sign(&scene.altered(&json!({ "exp": null })))).await.interaction();
}

#[tokio::test]
async fn an_object_with_an_id_counts_once_if_the_operator_wants_that() {
    let scene = Scene::with(|config, _| config.request_objects.single_use = true).await;
    let once = scene.key.sign(&scene.altered(&json!({ "jti": "1" })));
    // What is refused is not used up.
    let refused = scene.key.sign(&scene.altered(&json!({ "jti": "1", "scope": "admin" })));
    assert_eq!(scene.ask(&refused).await.params()["error"], "invalid_scope");
    let racing = futures_util::future::join_all((0..20).map(|_| scene.ask(&once))).await;
    let (asked, told): (Vec<_>, Vec<_>) =
        racing.into_iter().partition(|reply| reply.header("location").starts_with("https://login.example"));
    assert_eq!((asked.len(), told.len()), (1, 19));
    for reply in told {
        assert_page(&reply, "used before");
    }
    let pushed = scene.push(&[("request", &once)]).await;
    assert_eq!((pushed.status, pushed.error()), (400, "invalid_request_object"), "{}", pushed.text);
    let another = scene.key.sign(&scene.altered(&json!({ "jti": "2" })));
    assert_eq!(scene.push(&[("request", &another)]).await.status, 201);
    assert_page(&scene.ask(&another).await, "used before");
    for _ in 0..2 {
        scene.ask(&scene.object()).await.interaction();
    }
}

#[tokio::test]
async fn contradictory_settings_are_refused() {
    let refused = |change: fn(&mut Config)| {
        let mut config = Config { development: true, ..Config::default() };
        change(&mut config);
        config.check().map_err(|error| error.to_string()).expect_err("it is refused")
    };
    assert!(
        refused(|c| {
            c.request_objects.required = true;
            c.request_objects.unsigned = true;
        })
        .contains("contradicts")
    );
    assert!(
        refused(|c| {
            c.request_objects.single_use = true;
            c.request_objects.expires = false;
        })
        .contains("single_use")
    );
    assert!(refused(|c| c.request_objects.max_lifetime = Some(0)).contains("max_lifetime"));
}
