//! RFC 9396: what clients may ask for by authorization details, and what users grant of it.

use serde_json::{Value, json};

use super::{
    detailing::{
        BANK, PAY, account, ask, code, code_for, consent, granting, payment, redeem, refused, request, stand,
        stand_with,
    },
    harness::{Browser, Reply, Stand, UI, claims},
    helpers::{client, text},
    policy_stage::{prompt, reply},
};

const SILENT: (&str, &str) = ("prompt", "none");

/// What is wrong with details, and what the refusal says of it.
fn bad() -> Vec<(String, &'static str)> {
    let of = |value: Value| value.to_string();
    let with = |name: &str, value: Value| {
        let mut detail = payment("5");
        detail[name] = value;
        json!([payment("1"), detail]).to_string()
    };
    vec![
        ("{".to_owned(), "is not JSON"),
        (of(json!({ "type": "payment" })), "is not an array"),
        (of(json!("payment")), "is not an array"),
        (of(json!(["payment"])), "at `/0`: is not an object"),
        (of(json!([payment("1"), { "amount": 1 }])), "at `/1`: has no `type`"),
        (of(json!([{ "type": 1 }])), "at `/0/type`"),
        (of(json!([{ "type": "unknown" }])), "at `/0/type`: `unknown` is not known to this server"),
        (of(json!([{ "type": "other" }])), "at `/0/type`: `other` is not registered for this client"),
        (r#"[{"type":"payment","type":"account"}]"#.to_owned(), "occurs twice"),
        (of(json!([payment("five")])), "at `/0/amount/value`"),
        (with("amount", json!({ "currency": "EUR" })), "at `/1/amount`"),
        (with("creditor", json!("x".repeat(71))), "at `/1/creditor`"),
        (with("more", json!(1)), "at `/1`"),
        (with("debtor", json!({})), "at `/1/debtor`"),
        (with("locations", json!("https://pay.example")), "at `/1/locations`: is not an array"),
        (with("locations", json!(["https://unknown.example"])), "at `/1/locations/0`"),
        (with("locations", json!([PAY, "https://api.example"])), "at `/1/locations/1`"),
        (of(json!([{ "type": "account", "status": "granted" }])), "at `/0/status`"),
        (of(json!([{ "type": "account", "n": 1e300 }])), "at `/0/n`"),
        (of(json!(vec![account(&[]); 33])), "more than 32 elements"),
        (of(json!([{ "type": "account", "x": vec!["x".repeat(4000); 5] }])), "longer than 16384 bytes"),
    ]
}

#[tokio::test]
async fn what_is_malformed_unknown_or_against_its_type_is_refused_where_it_stands() {
    let stand = stand().await;
    for (details, why) in bad() {
        let params = Browser::new().get(&request(&stand, &details)).await.params();
        assert_eq!(params["error"], "invalid_authorization_details", "{details:.200}");
        let description = &params["error_description"];
        assert!(description.contains(why), "{details:.200}: `{description}` does not say `{why}`");
        let form = [("grant_type", "client_credentials"), ("authorization_details", details.as_str())];
        refused(&stand.post("/token", "service", &form).await, why);
    }
}

#[tokio::test]
async fn the_user_is_shown_what_is_asked_for_in_words() {
    let stand = stand().await;
    let mut browser = Browser::new();
    let asked = json!([payment("49.90"), account(&["list", "read"])]);
    let (id, consent) = consent(&stand, &mut browser, &asked, &[("ui_locales", "de")]).await;
    let mut listed = asked.clone();
    for detail in listed.as_array_mut().unwrap() {
        detail["status"] = json!("new");
    }
    assert_eq!(consent["authorization_details"], listed);
    let info = &consent["authorization_details_info"];
    assert_eq!(
        info[0],
        json!({
            "title": "Zahlung", "description": "Money leaves your account", "labels": { "/creditor": "An" },
            "enrichable": ["/debtor"], "one_time": true,
        })
    );
    assert_eq!(info[1], json!({ "enrichable": ["/accounts"] }));
    assert_eq!(prompt(&stand, &id).await["request"]["authorization_details"], asked);
}

#[tokio::test]
async fn exactly_what_is_granted_is_in_the_answer_the_token_and_introspection() {
    let stand = stand().await;
    let mut browser = Browser::new();
    let asked = json!([payment("49.90"), account(&["list"])]);
    let (id, _) = consent(&stand, &mut browser, &asked, &[]).await;
    let granted = json!([account(&["list"])]);
    let code = code(&stand, &mut browser, &id, &granting(&granted)).await;
    let tokens = redeem(&stand, &code, &[]).await.json;
    assert_eq!(tokens["authorization_details"], granted, "{tokens}");
    let token = text(&tokens["access_token"]);
    assert_eq!(claims(&token)["authorization_details"], granted);
    assert!(claims(&text(&tokens["id_token"])).get("authorization_details").is_none());
    let seen = stand.post("/introspect", "web", &[("token", &token)]).await.json;
    assert_eq!(seen["authorization_details"], granted);
}

#[tokio::test]
async fn an_opaque_token_says_the_same() {
    let stand = stand_with(|config| {
        client(config, "web").settings.access_token.encoding = Some(placet_sdk::grant::Encoding::Opaque);
    })
    .await;
    let details = json!([payment("5")]);
    let code = code_for(&stand, &details, &[]).await;
    let tokens = redeem(&stand, &code, &[]).await.json;
    assert_eq!(tokens["authorization_details"], details);
    let token = text(&tokens["access_token"]);
    assert!(!token.contains('.'));
    let seen = stand.post("/introspect", "web", &[("token", &token)]).await.json;
    assert_eq!(seen["authorization_details"], details);
}

#[tokio::test]
async fn silence_grants_none_and_the_client_learns_it() {
    let stand = stand().await;
    let mut browser = Browser::new();
    let (id, _) = consent(&stand, &mut browser, &json!([payment("5")]), &[]).await;
    let answer = json!({ "type": "consent", "grant": { "scope": ["openid"] } });
    let code = code(&stand, &mut browser, &id, &answer).await;
    let tokens = redeem(&stand, &code, &[]).await.json;
    assert_eq!(tokens["authorization_details"], json!([]));
    assert!(claims(&text(&tokens["access_token"])).get("authorization_details").is_none());
    // Who asks for none hears of none.
    let plain = stand.tokens("web", "openid").await;
    assert!(plain.get("authorization_details").is_none());
}

#[tokio::test]
async fn more_than_was_asked_for_is_not_granted() {
    let stand = stand().await;
    let mut browser = Browser::new();
    let (id, _) = consent(&stand, &mut browser, &json!([payment("5"), account(&["list"])]), &[]).await;
    let mut renamed = payment("5");
    renamed["creditor"] = json!("Mallory");
    let mut without = payment("5");
    without.as_object_mut().unwrap().remove("creditor");
    let mut poor = payment("5");
    poor["debtor"] = json!({ "name": "no account" });
    for (granted, pointer) in [
        (json!([payment("6")]), "/0"),
        (json!([account(&["list"]), renamed]), "/1"),
        (json!([without]), "/0"),
        (json!([payment("5"), payment("5")]), "/1"),
        (json!([account(&["list", "read"])]), "/0"),
        (json!([account(&[])]), "/0"),
        (json!([{ "type": "other" }]), "/0"),
        (json!([poor]), "/0/debtor"),
    ] {
        let refused = reply(&stand, &id, &granting(&granted)).await;
        let against_the_type = pointer.ends_with("debtor");
        let expected = if against_the_type { (422, "invalid_answer") } else { (403, "capability_missing") };
        assert_eq!((refused.status, refused.error()), expected, "{granted}: {}", refused.text);
        let pointer = format!("/grant/authorization_details{pointer}");
        assert!(text(&refused.json["errors"][0]["pointer"]).starts_with(&pointer), "{}", refused.text);
    }
    let both = json!({ "type": "consent", "accept_all": true, "grant": { "authorization_details": [] } });
    assert_eq!(reply(&stand, &id, &both).await.status, 422);
}

#[tokio::test]
async fn a_consent_may_say_more_in_members_that_the_type_marks() {
    let stand = stand().await;
    let mut browser = Browser::new();
    let (id, _) = consent(&stand, &mut browser, &json!([payment("5")]), &[]).await;
    let mut granted = payment("5");
    granted["debtor"] = json!({ "iban": "DE02120300000000202051" });
    // What the prompt adds to a detail may come back with it.
    let mut answer = granted.clone();
    answer["status"] = json!("new");
    let code = code(&stand, &mut browser, &id, &granting(&json!([answer]))).await;
    let tokens = redeem(&stand, &code, &[]).await.json;
    assert_eq!(tokens["authorization_details"], json!([granted]));
    assert_eq!(claims(&text(&tokens["access_token"]))["authorization_details"], json!([granted]));
}

/// Asks again with the session of a browser, without any page.
async fn again(stand: &Stand, browser: &mut Browser, details: &Value) -> super::harness::Params {
    ask(stand, browser, details, &[SILENT]).await.params()
}

#[tokio::test]
async fn what_was_granted_and_remembered_is_not_asked_again() {
    let stand = stand().await;
    let mut browser = Browser::new();
    let one = json!([{ "type": "account", "actions": ["list"], "owner": { "a": 1, "b": 2 } }]);
    assert_eq!(again(&stand, &mut browser, &one).await["error"], "login_required");
    let (id, _) = consent(&stand, &mut browser, &one, &[]).await;
    code(&stand, &mut browser, &id, &granting(&one)).await;
    // The order of members carries no meaning.
    let same = r#"[{"owner":{"b":2,"a":1},"actions":["list"],"type":"account"}]"#;
    let silent = browser.get(&format!("{}&prompt=none", request(&stand, same))).await.params();
    let tokens = redeem(&stand, &silent["code"], &[]).await.json;
    assert_eq!(tokens["authorization_details"], one);

    for other in [json!([account(&["list", "read"])]), json!([one[0], one[0]])] {
        assert_eq!(again(&stand, &mut browser, &other).await["error"], "consent_required", "{other}");
    }
    let more = json!([one[0], account(&["read"])]);
    let (_, consent) = consent(&stand, &mut browser, &more, &[]).await;
    assert_eq!(consent["reasons"], json!(["new_authorization_details"]));
    let status = |at: usize| consent["authorization_details"][at]["status"].clone();
    assert_eq!((status(0), status(1)), (json!("granted"), json!("new")));
}

#[tokio::test]
async fn a_choice_of_the_user_is_remembered_with_what_it_was_made_for() {
    let stand = stand().await;
    let mut browser = Browser::new();
    let asked = json!([account(&["list"])]);
    let mut chosen = account(&["list"]);
    chosen["accounts"] = json!(["DE1"]);
    let (id, _) = consent(&stand, &mut browser, &asked, &[]).await;
    code(&stand, &mut browser, &id, &granting(&json!([chosen]))).await;
    let silent = again(&stand, &mut browser, &asked).await;
    assert_eq!(redeem(&stand, &silent["code"], &[]).await.json["authorization_details"], json!([chosen]));
    // Who asks for it by name asks for the same; who asks for another account does not.
    let named = again(&stand, &mut browser, &json!([chosen])).await;
    assert_eq!(redeem(&stand, &named["code"], &[]).await.json["authorization_details"], json!([chosen]));
    let (_, shown) = consent(&stand, &mut browser, &asked, &[("prompt", "consent")]).await;
    assert_eq!(
        shown["authorization_details"][0]["accounts"],
        json!(["DE1"]),
        "the page shows what was chosen"
    );
    assert_eq!(shown["authorization_details"][0]["status"], "granted");
}

#[tokio::test]
async fn a_payment_is_asked_about_each_time() {
    let stand = stand().await;
    let mut browser = Browser::new();
    let asked = json!([payment("5")]);
    let (id, _) = consent(&stand, &mut browser, &asked, &[]).await;
    code(&stand, &mut browser, &id, &granting(&asked)).await;
    assert_eq!(again(&stand, &mut browser, &asked).await["error"], "consent_required");
    let (_, consent) = consent(&stand, &mut browser, &asked, &[]).await;
    assert_eq!(consent["authorization_details"][0]["status"], "new");
}

#[tokio::test]
async fn consents_and_authorizations_are_listed_with_their_details() {
    let stand = stand_with(|config| {
        config.ui[0].capabilities = vec![placet_server::config::Capability::Authorizations];
    })
    .await;
    let mut browser = Browser::new();
    let asked = json!([payment("5"), account(&["list"])]);
    let (id, _) = consent(&stand, &mut browser, &asked, &[]).await;
    code(&stand, &mut browser, &id, &granting(&asked)).await;
    let list = async |path: &str| {
        let reply: Reply = stand.call(UI, reqwest::Method::GET, path, None).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json["items"][0]["authorization_details"].clone()
    };
    assert_eq!(list("/authorizations?sub=alice").await, asked);
    assert_eq!(list("/consents?sub=alice").await, json!([account(&["list"])]), "a payment is not remembered");
}

#[tokio::test]
async fn a_detail_is_for_somebody_in_the_audience() {
    let stand = stand().await;
    // The resource knows payments alone.
    let params =
        ask(&stand, &mut Browser::new(), &json!([account(&["list"])]), &[("resource", PAY)]).await.params();
    assert_eq!(params["error"], "invalid_authorization_details", "{params:?}");
    assert!(params["error_description"].contains("at `/0`: is for none of the resources"), "{params:?}");
    let mut located = account(&["list"]);
    located["locations"] = json!([PAY, BANK]);
    let code = code_for(&stand, &json!([located]), &[("resource", PAY)]).await;
    let tokens = redeem(&stand, &code, &[]).await.json;
    assert_eq!(claims(&text(&tokens["access_token"]))["aud"], json!([PAY, BANK]));
}

#[tokio::test]
async fn discovery_lists_the_types_and_registration_is_bounded() {
    let stand = stand_with(|config| {
        config.registration.allowed_authorization_details_types = vec!["account".to_owned()];
    })
    .await;
    let document = stand.http.get(format!("{}/.well-known/openid-configuration", stand.issuer)).send().await;
    let document = Reply::read(document.unwrap()).await.json;
    assert_eq!(document["authorization_details_types_supported"], json!(["payment", "account", "other"]));
    let register = async |types: Value| {
        let body =
            json!({ "redirect_uris": ["https://new.example/cb"], "authorization_details_types": types });
        let request = stand.http.post(format!("{}/register", stand.issuer)).json(&body);
        Reply::read(request.send().await.unwrap()).await
    };
    let registered = register(json!(["account"])).await;
    assert_eq!(
        (registered.status, &registered.json["authorization_details_types"]),
        (201, &json!(["account"]))
    );
    for types in [json!(["payment"]), json!(["account", "unknown"]), json!("account")] {
        let refused = register(types.clone()).await;
        assert_eq!((refused.status, refused.error()), (400, "invalid_client_metadata"), "{types}");
    }
}
