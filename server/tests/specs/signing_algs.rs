//! What an operator lets the server sign with (`signing_algs`).

use std::sync::Arc;

use placet_server::{
    config::{Config, ResourceConfig},
    store::embedded::Embedded,
};
use serde_json::{Value, json};

use super::{
    folder::Folder,
    harness::{Browser, CALLBACK, Reply, Stand},
    helpers::{configured, header, jwks, text, verified},
};

/// All but `EdDSA`, and what is seldom used.
const SOME: [&str; 3] = ["RS256", "PS256", "ES256"];

fn choose(config: &mut Config) {
    config.signing_algs = SOME.map(str::to_owned).to_vec();
}

async fn discovery(stand: &Stand) -> Value {
    let url = format!("{}/.well-known/openid-configuration", stand.issuer);
    Reply::read(stand.http.get(url).send().await.unwrap()).await.json
}

async fn register(stand: &Stand, metadata: &Value) -> Reply {
    let request = stand.http.post(format!("{}/register", stand.issuer)).json(metadata);
    Reply::read(request.send().await.unwrap()).await
}

/// The algorithms of the published keys that sign.
async fn published(stand: &Stand) -> Vec<String> {
    let mut algs: Vec<String> =
        jwks(stand).await.iter().filter(|key| key["use"] == "sig").map(|key| text(&key["alg"])).collect();
    algs.sort();
    algs
}

#[tokio::test]
async fn what_is_not_chosen_has_no_key_is_not_announced_and_cannot_be_registered() {
    // The stores of other tests begin with keys of every kind.
    let folder = Folder::new("algs");
    let store = Arc::new(Embedded::open(&folder.join("placet.db"), "default").unwrap());
    let stand = Stand::on(store, choose).await;
    assert_eq!(published(&stand).await, ["ES256", "PS256", "RS256"]);
    let found = discovery(&stand).await;
    for member in ["id_token", "userinfo", "introspection", "authorization"] {
        let told = found[format!("{member}_signing_alg_values_supported")].as_array().unwrap();
        let asymmetric: Vec<_> = told.iter().filter(|alg| !alg.as_str().unwrap().starts_with("HS")).collect();
        assert_eq!(
            asymmetric,
            SOME.iter().map(|alg| json!(alg)).collect::<Vec<_>>().iter().collect::<Vec<_>>()
        );
    }
    // What others sign with is another matter.
    assert!(found["dpop_signing_alg_values_supported"].as_array().unwrap().contains(&json!("EdDSA")));
    for member in ["id_token", "userinfo", "introspection", "authorization"] {
        let wanted =
            |alg: &str| json!({ "redirect_uris": [CALLBACK], format!("{member}_signed_response_alg"): alg });
        assert_eq!(register(&stand, &wanted("ES256")).await.status, 201);
        let refused = register(&stand, &wanted("EdDSA")).await;
        assert_eq!((refused.status, refused.error()), (400, "invalid_client_metadata"), "{member}");
    }
    let tokens = stand.tokens("web", "openid").await;
    assert_eq!(header(&text(&tokens["access_token"]))["alg"], "ES256", "the next best");
    assert_eq!(header(&text(&tokens["id_token"]))["alg"], "RS256");
    assert_eq!(published(&stand).await, ["ES256", "PS256", "RS256"]);
}

#[tokio::test]
async fn what_a_key_signed_before_it_was_taken_out_stays_good_and_it_signs_nothing_more() {
    let before = Stand::start().await;
    let metadata = json!({ "redirect_uris": [CALLBACK], "id_token_signed_response_alg": "EdDSA" });
    let made = register(&before, &metadata).await.json;
    let token = text(&before.tokens("web", "openid").await["access_token"]);
    assert_eq!(header(&token)["alg"], "EdDSA");

    let after = Stand::on(before.environment().store, choose).await;
    after.server.keys().maintain().await.unwrap();
    assert!(published(&after).await.contains(&"EdDSA".to_owned()), "to be verified with");
    verified(&after, &token).await;
    assert!(after.server.keys().signer("EdDSA").await.is_err());
    assert_eq!(header(&text(&after.tokens("web", "openid").await["access_token"]))["alg"], "ES256");
    // Who is to be sent what is not signed here any more is told so, and is not sent something else.
    let wanted = [("scope", "openid")];
    let refused = Browser::new().authorize(&after, &text(&made["client_id"]), &wanted).await.params();
    assert_eq!(refused["error"], "unauthorized_client", "{refused:?}");
    assert!(refused["error_description"].contains("id_token_signed_response_alg"), "{refused:?}");

    after.clock.advance(7_200);
    after.server.keys().maintain().await.unwrap();
    assert!(published(&after).await.contains(&"EdDSA".to_owned()), "for as long as a token may be good");
    after.clock.advance(700);
    after.server.keys().maintain().await.unwrap();
    assert!(!published(&after).await.contains(&"EdDSA".to_owned()), "nothing of it is good any more");
}

#[tokio::test]
async fn a_choice_that_contradicts_the_rest_is_refused() {
    let refused = |change: &dyn Fn(&mut Config)| {
        let mut config = Config { development: true, ..Config::default() };
        choose(&mut config);
        config.check().expect("the choice alone is fine");
        change(&mut config);
        config.check().map_err(|error| error.to_string()).expect_err("it is refused")
    };
    let text = refused(&|config| config.signing_algs = vec!["ES256".to_owned()]);
    assert!(text.contains("`RS256` must be among them"), "{text}");
    let text = refused(&|config| config.signing_algs.push("none".to_owned()));
    assert!(text.contains("signing_algs: `none` is not supported"), "{text}");
    let text = refused(&|config| config.signing_alg = Some("EdDSA".to_owned()));
    assert!(text.contains("signing_alg: `EdDSA`"), "{text}");
    let text = refused(&|config| {
        config.resource.push(ResourceConfig {
            uri: "https://api.example".to_owned(),
            signing_alg: Some("EdDSA".to_owned()),
            ..ResourceConfig::default()
        });
    });
    assert!(text.contains("signing_alg `EdDSA`"), "{text}");
    let wants = json!({ "redirect_uris": [CALLBACK], "id_token_signed_response_alg": "EdDSA" });
    let text = refused(&|config| config.clients.push(configured("c", &wants)));
    assert!(text.contains("id_token_signed_response_alg"), "{text}");
    let text = refused(&|config| {
        let mut client = configured("c", &json!({ "redirect_uris": [CALLBACK] }));
        client.settings.access_token.signing_alg = Some("EdDSA".to_owned());
        config.clients.push(client);
    });
    assert!(text.contains("access_token.signing_alg"), "{text}");
    let text = refused(&|config| {
        config.profile = Some(placet_oauth::profile::Profile::Fapi2SecurityProfile);
        config.signing_algs = vec!["RS256".to_owned(), "ES256".to_owned()];
    });
    assert!(text.contains("must hold PS256"), "{text}");
}
