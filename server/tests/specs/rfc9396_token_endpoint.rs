//! RFC 9396 sections 6, 7 and 9: authorization details at the token endpoint, in tokens and in introspection.

use placet_oauth::grant_type::GrantType;
use serde_json::{Value, json};

use super::{
    detailing::{
        BANK, PAY, account, admit, code, code_for, consent, granting, payment, redeem, refresh, refused,
        stand, stand_with,
    },
    exchanging::{ACCESS, EXCHANGE},
    harness::{Browser, Reply, Stand, claims},
    helpers::{client, text},
    sidecar::Sidecar,
};

const OFFLINE: [(&str, &str); 2] = [("scope", "openid email offline_access"), ("prompt", "consent")];

fn at(locations: &[&str], mut detail: Value) -> Value {
    detail["locations"] = json!(locations);
    detail
}

async fn credentials(stand: &Stand, extra: &[(&str, &str)]) -> Reply {
    stand.post("/token", "service", &[&[("grant_type", "client_credentials")], extra].concat()).await
}

#[track_caller]
fn granted(reply: &Reply) -> Value {
    assert_eq!(reply.status, 200, "{}", reply.text);
    let listed = reply.json["authorization_details"].clone();
    let token = reply.json["access_token"].as_str().unwrap();
    if token.contains('.') && listed != json!([]) {
        assert_eq!(claims(token)["authorization_details"], listed, "the token says what the answer says");
    }
    listed
}

#[tokio::test]
async fn a_client_may_ask_for_less_than_was_granted_and_the_grant_stays() {
    let stand = stand().await;
    let (one, other) = (payment("5"), account(&["list", "read"]));
    let code = code_for(&stand, &json!([one, other]), &OFFLINE).await;
    let first = redeem(&stand, &code, &[("authorization_details", &json!([other]).to_string())]).await;
    assert_eq!(granted(&first), json!([other]));
    let second = refresh(&stand, &text(&first.json["refresh_token"]), &[]).await;
    assert_eq!(granted(&second), json!([one, other]));
    let fewer = json!([account(&["read"])]);
    let third = refresh(
        &stand,
        &text(&second.json["refresh_token"]),
        &[("authorization_details", &fewer.to_string())],
    )
    .await;
    assert_eq!(granted(&third), fewer, "elements of a narrowable array can be left out");
    let none = refresh(&stand, &text(&third.json["refresh_token"]), &[("authorization_details", "[]")]).await;
    assert_eq!(granted(&none), json!([]));
}

#[tokio::test]
async fn what_was_not_granted_is_refused_and_costs_neither_code_nor_refresh_token() {
    let stand = stand().await;
    let code = code_for(&stand, &json!([payment("5"), account(&["list"])]), &OFFLINE).await;
    for (asked, place) in [
        (json!([payment("6")]), "at `/0`"),
        (json!([account(&["list"]), payment("5"), payment("5")]), "at `/2`"),
        (json!([account(&["list", "read"])]), "at `/0`"),
        (json!([account(&[])]), "at `/0`"),
        (json!([{ "type": "account" }]), "at `/0`"),
        (json!([{ "type": "other" }]), "at `/0`"),
        (json!({}), "is not an array"),
    ] {
        let asked = asked.to_string();
        refused(&redeem(&stand, &code, &[("authorization_details", &asked)]).await, place);
    }
    let tokens = redeem(&stand, &code, &[]).await;
    let token = text(&tokens.json["refresh_token"]);
    let more = json!([account(&["list", "write"])]).to_string();
    refused(&refresh(&stand, &token, &[("authorization_details", &more)]).await, "at `/0`");
    assert_eq!(refresh(&stand, &token, &[]).await.status, 200);
}

#[tokio::test]
async fn a_client_that_repeats_its_request_gets_what_the_user_chose_for_it() {
    let stand = stand().await;
    let mut browser = Browser::new();
    let asked = json!([payment("5")]);
    let (id, _) = consent(&stand, &mut browser, &asked, &[]).await;
    let mut chosen = payment("5");
    chosen["debtor"] = json!({ "iban": "DE1" });
    let code = code(&stand, &mut browser, &id, &granting(&json!([chosen]))).await;
    // Also if it names another account: nobody granted that.
    let mut other = payment("5");
    other["debtor"] = json!({ "iban": "DE2" });
    let reply = redeem(&stand, &code, &[("authorization_details", &json!([other]).to_string())]).await;
    assert_eq!(granted(&reply), json!([chosen]));
}

#[tokio::test]
async fn locations_are_in_the_audience_and_take_their_details_along() {
    let stand = stand().await;
    let (pay, bank) = (at(&[PAY], payment("5")), at(&[BANK, PAY], account(&["list"])));
    let code = code_for(&stand, &json!([pay, bank]), &OFFLINE).await;
    let all = redeem(&stand, &code, &[]).await;
    // The resource `pay` does not know the type of the other detail, which is for the bank all the same.
    assert_eq!(granted(&all), json!([pay, bank]));
    let issuer = stand.issuer.clone();
    let audience = claims(&text(&all.json["access_token"]))["aud"].clone();
    assert_eq!(audience, json!([issuer, PAY, BANK]), "the scope is for the usual audience");
    let less = refresh(&stand, &text(&all.json["refresh_token"]), &[("resource", PAY)]).await;
    assert_eq!(granted(&less), json!([pay]));
    assert_eq!(claims(&text(&less.json["access_token"]))["aud"], PAY);
    let again = refresh(&stand, &text(&less.json["refresh_token"]), &[("resource", BANK)]).await;
    assert_eq!(granted(&again), json!([bank]));
    let wrong =
        refresh(&stand, &text(&again.json["refresh_token"]), &[("resource", "https://api.example")]).await;
    assert_eq!((wrong.status, wrong.error()), (400, "invalid_target"));
}

#[tokio::test]
async fn a_location_of_what_was_not_granted_is_no_audience() {
    let stand = stand().await;
    let mut browser = Browser::new();
    let (pay, bank) = (at(&[PAY], payment("5")), at(&[BANK], account(&["list"])));
    let (id, _) = consent(&stand, &mut browser, &json!([pay, bank]), &[]).await;
    let code = code(&stand, &mut browser, &id, &granting(&json!([bank]))).await;
    let tokens = redeem(&stand, &code, &[]).await.json;
    assert_eq!(claims(&text(&tokens["access_token"]))["aud"], json!([stand.issuer, BANK]));
}

#[tokio::test]
async fn a_resource_server_is_told_of_its_own_details_alone() {
    let stand = stand_with(|config| {
        client(config, "api").settings.resources = vec![BANK.to_owned()];
        client(config, "other").settings.resources = vec![PAY.to_owned()];
        client(config, "post").settings.introspect_all = true;
        client(config, "post").metadata.token_endpoint_auth_method = None;
    })
    .await;
    let (pay, bank, both) =
        (at(&[PAY], payment("5")), at(&[BANK], account(&["list"])), at(&[PAY, BANK], payment("7")));
    let everything = json!([pay, bank, both, payment("9")]);
    let code = code_for(&stand, &everything, &[]).await;
    let token = text(&redeem(&stand, &code, &[]).await.json["access_token"]);
    let seen = async |caller: &str| {
        let reply = stand.post("/introspect", caller, &[("token", &token)]).await;
        reply.json["authorization_details"].clone()
    };
    assert_eq!(seen("api").await, json!([bank, both, payment("9")]));
    assert_eq!(seen("other").await, json!([pay, both, payment("9")]));
    for all in ["web", "post"] {
        assert_eq!(seen(all).await, everything, "{all}");
    }
}

#[tokio::test]
async fn a_client_asks_for_itself_and_says_what_scope_it_wants_beside() {
    let stand = stand().await;
    let details = json!([account(&["list"])]).to_string();
    let bare = credentials(&stand, &[("authorization_details", &details)]).await;
    assert_eq!(granted(&bare), json!([account(&["list"])]));
    assert!(bare.json.get("scope").is_none(), "no scope comes along unasked");
    let with = [("authorization_details", details.as_str()), ("scope", "reports.read")];
    let both = credentials(&stand, &with).await;
    assert_eq!((granted(&both), &both.json["scope"]), (json!([account(&["list"])]), &json!("reports.read")));
    assert!(credentials(&stand, &[]).await.json.get("authorization_details").is_none());

    let located = json!([at(&[BANK], account(&["list"]))]).to_string();
    let token = credentials(&stand, &[("authorization_details", &located)]).await;
    assert_eq!(claims(&text(&token.json["access_token"]))["aud"], BANK, "there is nothing for anybody else");
    let form = [("grant_type", "client_credentials"), ("authorization_details", details.as_str())];
    let unregistered = stand.post("/token", "api", &form).await;
    refused(&unregistered, "at `/0/type`: `account` is not registered for this client");
}

#[tokio::test]
async fn an_exchange_gives_no_more_than_the_token_that_is_exchanged() {
    let sidecar = Sidecar::start(|_| json!({ "decision": "allow" })).await;
    let stand = stand_with(|config| {
        admit(config, "web", GrantType::TokenExchange);
        config.policy.push(sidecar.policy("exchange", &["grant.token_exchange"]));
    })
    .await;
    let code = code_for(&stand, &json!([account(&["list", "read"])]), &[]).await;
    let token = text(&redeem(&stand, &code, &[]).await.json["access_token"]);
    let exchange = async |details: Option<Value>| {
        let details = details.map(|details| details.to_string());
        let mut form =
            vec![("grant_type", EXCHANGE), ("subject_token", token.as_str()), ("subject_token_type", ACCESS)];
        form.extend(details.as_deref().map(|details| ("authorization_details", details)));
        stand.post("/token", "web", &form).await
    };
    let fewer = json!([account(&["list"])]);
    assert_eq!(granted(&exchange(Some(fewer.clone())).await), fewer);
    let asked = sidecar.requests().pop().unwrap();
    assert_eq!(asked["grant"]["requested"]["authorization_details"], fewer);
    assert_eq!(asked["proposal"]["grant"]["authorization_details"], fewer);
    assert!(exchange(None).await.json.get("authorization_details").is_none(), "none come along unasked");
    refused(&exchange(Some(json!([payment("5")]))).await, "at `/0`: was not granted");
    refused(&exchange(Some(json!([account(&["write"])]))).await, "at `/0`: was not granted");
}

#[tokio::test]
async fn a_client_that_loses_a_type_gets_no_more_details_of_it() {
    let stand = stand().await;
    let web = (*stand.server.client("web").await.unwrap().unwrap()).clone();
    let mut kept = placet_server::client::Client { id: "kept".to_owned(), ..web };
    assert!(stand.server.store().insert_client(kept.to_record().unwrap(), Vec::new()).await.unwrap());
    let mut browser = Browser::new();
    let asked = json!([payment("5"), account(&["list"])]).to_string();
    let extra = [OFFLINE[0], OFFLINE[1], ("authorization_details", asked.as_str())];
    let params = stand.sign_in(&mut browser, "kept", &extra).await;
    let tokens = stand.redeem("kept", &params["code"]).await;
    assert_eq!(granted(&tokens), json!([payment("5"), account(&["list"])]));
    kept.metadata.authorization_details_types = Some(vec!["account".to_owned()]);
    assert!(stand.server.store().update_client(kept.to_record().unwrap(), Vec::new()).await.unwrap());
    stand.server.forget_client("kept").await;
    let token = text(&tokens.json["refresh_token"]);
    let form = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
    assert_eq!(granted(&stand.post("/token", "kept", &form).await), json!([account(&["list"])]));
}
