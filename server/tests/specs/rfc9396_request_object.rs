//! RFC 9396 with RFC 9101 and RFC 9126: authorization details inside of a request object count, and nothing beside it.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    detailing::{PAY, account, payment, stand_with},
    harness::{Browser, CALLBACK, CHALLENGE, Reply, Stand, UI, auth, claims},
    helpers::{client, text},
    policy_stage::{prompt, reply},
    signer::Signer,
};

struct Scene {
    stand: Stand,
    key: Signer,
}

impl Scene {
    /// The client `web` signs its requests, or has to.
    async fn start(required: bool) -> Self {
        let key = Signer::new("k");
        let set = key.jwks();
        let stand = stand_with(|config| {
            let metadata = &mut client(config, "web").metadata;
            metadata.jwks = Some(set);
            metadata.require_signed_request_object = Some(required);
        })
        .await;
        Self { stand, key }
    }

    /// A signed request for these details; null is none.
    fn object(&self, details: &Value) -> String {
        let mut inside = json!({
            "iss": "web", "aud": self.stand.issuer, "exp": self.stand.now() + 60, "client_id": "web",
            "redirect_uri": CALLBACK, "response_type": "code", "scope": "openid", "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        });
        if !details.is_null() {
            inside["authorization_details"] = details.clone();
        }
        self.key.sign(&inside)
    }

    /// Asks with the object, and with other details beside it.
    async fn ask(&self, browser: &mut Browser, object: &str, beside: &Value) -> Reply {
        let mut pairs = vec![("client_id", "web".to_owned()), ("request", object.to_owned())];
        if !beside.is_null() {
            pairs.push(("authorization_details", beside.to_string()));
        }
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        browser.get(&format!("{}/authorize?{query}", self.stand.issuer)).await
    }

    /// The details that the user is asked for.
    async fn consent(&self, asked: &Reply) -> Value {
        let id = asked.interaction();
        reply(&self.stand, &id, &auth("alice")).await;
        prompt(&self.stand, &id).await["consent"]["authorization_details"].clone()
    }
}

fn with_status(mut details: Value) -> Value {
    for detail in details.as_array_mut().unwrap() {
        detail["status"] = json!("new");
    }
    details
}

#[tokio::test]
async fn details_inside_are_asked_for_and_granted() {
    let asked = json!([payment("49.90"), account(&["list"])]);
    // As JSON, and as the text that they are in a query.
    for inside in [asked.clone(), json!(asked.to_string())] {
        let scene = Scene::start(false).await;
        let mut browser = Browser::new();
        let answer = scene.ask(&mut browser, &scene.object(&inside), &Value::Null).await;
        assert_eq!(scene.consent(&answer).await, with_status(asked.clone()));
        let params = scene.stand.finish(&mut browser, &answer.interaction(), "alice").await;
        let tokens = scene.stand.redeem("web", &params["code"]).await;
        assert_eq!(tokens.json["authorization_details"], asked, "{}", tokens.text);
        assert_eq!(claims(&text(&tokens.json["access_token"]))["authorization_details"], asked);
    }
}

#[tokio::test]
async fn details_beside_an_object_are_nobodys_word() {
    let scene = Scene::start(false).await;
    for (inside, expected) in
        [(json!([payment("5")]), with_status(json!([payment("5")]))), (Value::Null, Value::Null)]
    {
        let object = scene.object(&inside);
        for beside in [json!([payment("5000")]), json!("nonsense")] {
            let answer = scene.ask(&mut Browser::new(), &object, &beside).await;
            assert_eq!(scene.consent(&answer).await, expected, "{beside}");
            let beside = beside.to_string();
            let form = [("request", object.as_str()), ("authorization_details", beside.as_str())];
            let pushed = scene.stand.post("/par", "web", &form).await;
            assert_eq!(pushed.status, 201, "{}", pushed.text);
            let uri = text(&pushed.json["request_uri"]);
            // Nor do they count at the other end.
            let query = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs([
                    ("client_id", "web"),
                    ("request_uri", &uri),
                    ("authorization_details", &beside),
                ])
                .finish();
            let url = format!("{}/authorize?{query}", scene.stand.issuer);
            let answer = Browser::new().get(&url).await;
            assert_eq!(scene.consent(&answer).await, expected, "{beside}");
        }
    }
}

#[tokio::test]
async fn what_is_wrong_inside_is_told_to_the_client_as_ever() {
    let scene = Scene::start(false).await;
    for (inside, why) in [
        (json!([payment("five")]), "at `/0/amount/value`"),
        (json!([{ "type": "unknown" }]), "not known"),
        (json!([{ "type": "other" }]), "not registered"),
        (json!({ "type": "payment" }), "is not an array"),
        (json!("{"), "is not JSON"),
        (json!([{ "type": "account", "locations": ["https://unknown.example"] }]), "at `/0/locations/0`"),
    ] {
        let params = scene.ask(&mut Browser::new(), &scene.object(&inside), &Value::Null).await.params();
        assert_eq!(params["error"], "invalid_authorization_details", "{inside}");
        assert!(params["error_description"].contains(why), "{params:?}");
        let pushed = scene.stand.post("/par", "web", &[("request", &scene.object(&inside))]).await;
        assert_eq!((pushed.status, pushed.error()), (400, "invalid_authorization_details"), "{inside}");
    }
}

#[tokio::test]
async fn who_has_to_sign_has_to_sign_details() {
    let scene = Scene::start(true).await;
    let beside = json!([payment("5")]).to_string();
    let unsigned = [("authorization_details", beside.as_str()), ("resource", PAY)];
    let params = Browser::new().authorize(&scene.stand, "web", &unsigned).await.params();
    assert_eq!(params["error"], "invalid_request");
    assert!(params["error_description"].contains("signed request object"), "{params:?}");
    let answer = scene.ask(&mut Browser::new(), &scene.object(&json!([payment("5")])), &Value::Null).await;
    let path = format!("/interactions/{}", answer.interaction());
    let shown = scene.stand.call(UI, Method::GET, &path, None).await.json;
    assert_eq!(shown["request"]["signed"], true);
}
