//! Refresh tokens that carry everything themselves, or that are stored, chosen for one authorization: by a policy, or by the
//! login app.

use placet_sdk::grant::Rotation;
use placet_server::{
    config::{Config, Tokens},
    policy::{DecisionFilter, FailureCode},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    administering,
    device_flow::{approve, devices, poll, start},
    exchanging::{REFRESH, Scene},
    granting::{consented, tokens_of, trust_the_app},
    harness::{Browser, CALLBACK, HEADLESS, Reply, Stand},
    helpers::{client, configured, refresh, text},
    policy_stage::set,
    replicas::two_with,
    sidecar::Sidecar,
    stateless::{SCOPE, is_over, refreshed, revoke_all, rows},
};

const CODE: &str = "grant.authorization_code";

/// Tokens are stored, and may be chosen to be none; those of `web` do not rotate.
fn choosable(config: &mut Config) {
    administering::admit(config);
    config.tokens_may_be = Some(vec![Tokens::Stored, Tokens::Stateless]);
    client(config, "web").settings.refresh_token.rotation = Some(Rotation::Never);
    // It gets tokens past the policies of the code.
    config.clients.retain(|client| client.client_id != "hybrid");
}

fn chosen(tokens: &str) -> Value {
    json!({ "refresh_token": { "tokens": tokens } })
}

/// A policy that sets this of what is granted to alice, and nothing of what others get.
async fn of_alice(set_: Value) -> Sidecar {
    Sidecar::start(move |asked| {
        if asked["subject"]["sub"] == "alice" { set(&json!({ "grant": set_ })) } else { set(&json!({})) }
    })
    .await
}

async fn stand(sidecar: &Sidecar, types: &[&str], change: impl FnOnce(&mut Config)) -> Stand {
    Stand::with(|config| {
        choosable(config);
        config.policy.push(sidecar.policy("guard", types));
        change(config);
    })
    .await
}

/// What a sign-in of a user leads to.
async fn redeemed(stand: &Stand, client: &str, sub: &str) -> Reply {
    let mut browser = Browser::new();
    let id = browser.authorize(stand, client, &[("scope", SCOPE)]).await.interaction();
    let params = stand.finish(&mut browser, &id, sub).await;
    stand.redeem(client, &params["code"]).await
}

/// The refresh token of such a sign-in.
async fn granted(stand: &Stand, client: &str, sub: &str) -> String {
    let reply = redeemed(stand, client, sub).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    text(&reply.json["refresh_token"])
}

/// Whether a refresh token carries everything itself.
fn carries(token: &str) -> bool {
    token.len() > 200
}

#[tokio::test]
async fn a_policy_chooses_for_one_user_and_not_for_the_other() {
    let sidecar = of_alice(chosen("stateless")).await;
    let stand = stand(&sidecar, &[CODE], |_| {}).await;
    let token = granted(&stand, "web", "alice").await;
    assert!(carries(&token) && rows(&stand, "families") == 0, "{token}");
    let asked = &sidecar.requests()[0];
    assert_eq!(asked["proposal"]["grant"]["refresh_token"]["tokens"], "stored");
    let limits = &asked["limits"]["grant"]["refresh_token"]["tokens"];
    assert_eq!(limits, &json!(["stored", "stateless"]));
    let stored = granted(&stand, "web", "bob").await;
    assert!(!carries(&stored) && rows(&stand, "families") == 1, "{stored}");
    refreshed(&stand, "web", &stored).await;
    // A server that knows of no choice reads what is kept of it.
    for doc in stand.rows("SELECT doc FROM authorizations") {
        assert!(!doc.contains("\"tokens\""), "{doc}");
    }
}

#[tokio::test]
async fn the_choice_stays_through_refreshes_and_what_is_revoked_is_over() {
    let sidecar = of_alice(chosen("stateless")).await;
    let stand = stand(&sidecar, &[CODE], |_| {}).await;
    for (client, families) in [("web", 0), ("other", 1)] {
        let first = granted(&stand, client, "alice").await;
        let mut token = first.clone();
        for _ in 0..3 {
            token = text(&refreshed(&stand, client, &token).await["refresh_token"]);
            assert!(carries(&token), "{token}");
        }
        assert_eq!(rows(&stand, "families"), families);
        assert_eq!(stand.post("/revoke", client, &[("token", &token)]).await.status, 200);
        for token in [&first, &token] {
            is_over(&stand, client, token).await;
            assert!(!stand.is_active(client, token).await);
        }
    }
    for whose in [json!({ "sub": "alice" }), json!({ "client_id": "web" }), json!({ "everybody": true })] {
        let token = granted(&stand, "web", "alice").await;
        refreshed(&stand, "web", &token).await;
        revoke_all(&stand, whose).await;
        is_over(&stand, "web", &token).await;
    }
}

#[tokio::test]
async fn a_refresh_shows_what_was_chosen_and_cannot_choose_anew() {
    let sidecar = Sidecar::start(|asked| {
        let refreshes = asked["type"] == "grant.refresh_token";
        let other = if refreshes { "stored" } else { "stateless" };
        set(&json!({ "grant": chosen(other) }))
    })
    .await;
    let stand = stand(&sidecar, &[CODE, "grant.refresh_token"], |_| {}).await;
    let token = granted(&stand, "web", "alice").await;
    let reply = refresh(&stand, "web", &token).await;
    assert_eq!(reply.status, 503, "{}", reply.text);
    let asked = sidecar.requests().pop().unwrap();
    assert_eq!(asked["proposal"]["grant"]["refresh_token"]["tokens"], "stateless");
    assert_eq!(asked["limits"]["grant"]["refresh_token"]["tokens"], json!(["stateless"]));
}

#[tokio::test]
async fn a_policy_chooses_to_store_what_its_client_would_not() {
    let sidecar = of_alice(chosen("stored")).await;
    let stand = stand(&sidecar, &[CODE], |config| {
        config.tokens_may_be = None;
        client(config, "web").settings.tokens = Some(Tokens::Stateless);
    })
    .await;
    let stored = granted(&stand, "web", "alice").await;
    assert!(!carries(&stored) && rows(&stand, "families") == 1, "{stored}");
    assert_eq!(sidecar.requests()[0]["proposal"]["grant"]["refresh_token"]["tokens"], "stateless");
    refreshed(&stand, "web", &stored).await;
    assert_eq!(stand.post("/revoke", "web", &[("token", &stored)]).await.status, 200);
    is_over(&stand, "web", &stored).await;
    assert_eq!(rows(&stand, "generation_marks"), 0, "who is stored leaves no mark");
    assert!(carries(&granted(&stand, "web", "bob").await));
}

/// What another configuration says.
type Change = fn(&mut Config);

#[tokio::test]
async fn what_may_not_be_chosen_is_not_offered_and_refused_and_uses_nothing_up() {
    let with = |set_: Value, tokens: &str| {
        let mut grant = chosen(tokens);
        grant.as_object_mut().unwrap().extend(set_.as_object().unwrap().clone());
        grant
    };
    let cases: [(&str, Change, Value, Value); 6] = [
        ("web", |config| config.tokens_may_be = None, chosen("stateless"), json!(["stored"])),
        (
            "web",
            |config| client(config, "web").settings.tokens = Some(Tokens::Stored),
            chosen("stateless"),
            json!(["stored"]),
        ),
        ("opaque", |_| {}, chosen("stateless"), json!(["stored"])),
        ("single", |_| {}, chosen("stateless"), json!(["stored"])),
        (
            "web",
            |_| {},
            with(json!({ "access_token": { "encoding": "opaque" } }), "stateless"),
            json!(["stored", "stateless"]),
        ),
        (
            "web",
            |config| {
                config.tokens = Tokens::Stateless;
                config.tokens_may_be = Some(Vec::new());
            },
            chosen("stored"),
            json!(["stateless"]),
        ),
    ];
    for (id, change, set_, offered) in cases {
        let sidecar = of_alice(set_.clone()).await;
        let stand = stand(&sidecar, &[CODE], change).await;
        let reply = redeemed(&stand, id, "alice").await;
        assert_eq!(reply.status, 503, "{id} {set_}: {}", reply.text);
        assert_eq!(
            sidecar.requests()[0]["limits"]["grant"]["refresh_token"]["tokens"],
            offered,
            "{id} {set_}"
        );
        let page = stand.server.policies().decisions(&DecisionFilter::default());
        assert_eq!(page.decisions[0].policies[0].failure.map(FailureCode::as_str), Some("limit"));
        assert_eq!(stand.rows("SELECT 'x' FROM codes WHERE redeemed_at IS NOT NULL"), Vec::<String>::new());
        assert_eq!((rows(&stand, "families"), rows(&stand, "generation_marks")), (0, 0));
    }
}

#[tokio::test]
async fn where_access_tokens_are_stored_no_refresh_token_carries_everything() {
    let opaque = json!([{ "uri": "https://opaque.example", "token_format": "opaque" }]);
    let sidecar = of_alice(json!({})).await;
    let stand = stand(&sidecar, &[CODE], |config| {
        config.resource = serde_json::from_value(opaque).unwrap();
    })
    .await;
    for (resource, offered) in [
        ("https://opaque.example", json!(["stored"])),
        ("https://api.example", json!(["stored", "stateless"])),
    ] {
        let mut browser = Browser::new();
        let extra = [("scope", SCOPE), ("resource", resource)];
        let id = browser.authorize(&stand, "web", &extra).await.interaction();
        let params = stand.finish(&mut browser, &id, "alice").await;
        let reply = stand.redeem("web", &params["code"]).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let asked = sidecar.requests().pop().unwrap();
        assert_eq!(asked["limits"]["grant"]["refresh_token"]["tokens"], offered, "{resource}");
    }
}

#[tokio::test]
async fn an_app_that_may_set_tokens_chooses_for_one_consent() {
    let stand = Stand::with(|config| {
        choosable(config);
        trust_the_app(config);
    })
    .await;
    let of = async |grant: Value| {
        text(&tokens_of(&stand, ("web", CALLBACK), ("alice", SCOPE, &grant)).await["refresh_token"])
    };
    let stateless = of(chosen("stateless")).await;
    assert!(carries(&stateless) && rows(&stand, "families") == 0);
    let next = text(&refreshed(&stand, "web", &stateless).await["refresh_token"]);
    assert!(carries(&next));
    assert!(!carries(&of(json!({})).await) && rows(&stand, "families") == 1);
    assert!(!stand.rows("SELECT doc FROM authorizations").iter().any(|doc| doc.contains("\"tokens\"")));
    revoke_all(&stand, json!({ "sub": "alice" })).await;
    is_over(&stand, "web", &next).await;

    let body = json!({ "client_id": "web", "sub": "alice", "grant": {
        "scope": [SCOPE], "refresh_token": { "issue": true, "tokens": "stateless" } } });
    let direct = stand.call(HEADLESS, Method::POST, "/grants", Some(&body)).await;
    assert_eq!(direct.status, 200, "{}", direct.text);
    let direct = text(&direct.json["refresh_token"]);
    assert!(carries(&direct));
    refreshed(&stand, "web", &direct).await;
}

#[tokio::test]
async fn what_an_app_chose_is_what_policies_are_shown_when_the_code_is_redeemed() {
    for (chosen_, tokens) in [(chosen("stateless"), "stateless"), (json!({}), "stored")] {
        let sidecar = of_alice(json!({})).await;
        let stand = stand(&sidecar, &[CODE], trust_the_app).await;
        let token = tokens_of(&stand, ("web", CALLBACK), ("alice", SCOPE, &chosen_)).await;
        assert_eq!(carries(&text(&token["refresh_token"])), tokens == "stateless");
        let asked = &sidecar.requests()[0];
        assert_eq!(asked["proposal"]["grant"]["refresh_token"]["tokens"], tokens, "{asked}");
    }
}

#[tokio::test]
async fn an_app_chooses_nothing_without_the_capability_or_beyond_the_limit() {
    let answered = async |stand: &Stand, id: &str, grant: Value| {
        let asked = ("alice", SCOPE, &grant);
        consented(stand, &mut Browser::new(), (id, CALLBACK), asked).await
    };
    let plain = Stand::with(choosable).await;
    let refused = answered(&plain, "web", chosen("stateless")).await;
    assert_eq!((refused.status, refused.error()), (403, "capability_missing"), "{}", refused.text);
    let stand = Stand::with(|config| {
        choosable(config);
        trust_the_app(config);
        client(config, "other").settings.tokens = Some(Tokens::Stored);
    })
    .await;
    let opaque =
        json!({ "access_token": { "encoding": "opaque" }, "refresh_token": { "tokens": "stateless" } });
    for (id, grant) in [("other", chosen("stateless")), ("opaque", chosen("stateless")), ("web", opaque)] {
        let refused = answered(&stand, id, grant).await;
        assert_eq!((refused.status, refused.error()), (422, "invalid_answer"), "{id}: {}", refused.text);
        assert_eq!(refused.json["errors"][0]["pointer"], "/grant/refresh_token/tokens", "{}", refused.text);
    }
}

#[tokio::test]
async fn what_an_earlier_policy_chose_binds_the_app_and_the_policies_after_it() {
    let sidecar = Sidecar::start(|_| set(&json!({ "grant": chosen("stored") }))).await;
    let stand = stand(&sidecar, &["interaction.evaluate"], |config| {
        trust_the_app(config);
        config.tokens = Tokens::Stateless;
    })
    .await;
    let asked = ("alice", SCOPE, &chosen("stateless"));
    let refused = consented(&stand, &mut Browser::new(), ("web", CALLBACK), asked).await;
    assert_eq!(refused.json["errors"][0]["pointer"], "/grant/refresh_token/tokens", "{}", refused.text);
    let tokens = tokens_of(&stand, ("web", CALLBACK), ("alice", SCOPE, &json!({}))).await;
    assert!(!carries(&text(&tokens["refresh_token"])));
}

#[tokio::test]
async fn what_the_operator_pins_while_somebody_consents_is_pinned() {
    let stand = Stand::with(choosable).await;
    let mut web = (*stand.server.client("web").await.unwrap().unwrap()).clone();
    let carries = |web: &_| stand.server.config().carries_tokens(web, Some(Tokens::Stateless));
    assert!(carries(&web));
    web.settings.tokens = Some(Tokens::Stored);
    assert!(!carries(&web));
}

#[tokio::test]
async fn a_device_gets_what_was_chosen_and_a_public_one_rotates_all_the_same() {
    let sidecar = of_alice(json!({ "refresh_token": { "tokens": "stateless" } })).await;
    let stand = stand(&sidecar, &["grant.device_code"], devices).await;
    let codes = start(&stand, "tv", SCOPE).await;
    approve(&stand, &mut Browser::new(), &codes.user, "alice").await;
    let first = poll(&stand, "tv", &codes.device).await;
    assert_eq!(first.status, 200, "{}", first.text);
    let first = text(&first.json["refresh_token"]);
    assert!(carries(&first) && rows(&stand, "families") == 0);
    let again = async |token: &str| {
        let form = [("grant_type", "refresh_token"), ("client_id", "tv"), ("refresh_token", token)];
        stand.post_public("/token", &form).await
    };
    let second = text(&again(&first).await.json["refresh_token"]);
    assert!(carries(&second) && rows(&stand, "families") == 1);
    assert_eq!(again(&second).await.status, 200);
    assert_eq!(again(&first).await.error(), "invalid_grant", "it was replaced");
    assert_eq!(stand.events("token.reuse_detected").len(), 1);
}

#[tokio::test]
async fn what_is_granted_for_a_password_is_kept_as_it_was_chosen() {
    for (server, tokens) in [(Tokens::Stored, "stateless"), (Tokens::Stateless, "stored")] {
        let mut grant = chosen(tokens);
        grant["sub"] = json!("alice");
        let sidecar = Sidecar::start(move |_| set(&json!({ "grant": grant }))).await;
        let stand = stand(&sidecar, &["grant.password"], |config| {
            config.tokens = server;
            let metadata = json!({ "grant_types": ["password", "refresh_token"], "scope": SCOPE });
            let mut own = configured("own-app", &metadata);
            own.settings.first_party = true;
            own.settings.refresh_token.rotation = Some(Rotation::Never);
            config.clients.push(own);
        })
        .await;
        let form =
            [("grant_type", "password"), ("username", "alice"), ("password", "wonderland"), ("scope", SCOPE)];
        let reply = stand.post("/token", "own-app", &form).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let token = text(&reply.json["refresh_token"]);
        let stored = usize::from(tokens == "stored");
        assert_eq!((carries(&token), rows(&stand, "families")), (stored == 0, stored), "{tokens}");
        refreshed(&stand, "own-app", &token).await;
        revoke_all(&stand, json!({ "client_id": "own-app" })).await;
        is_over(&stand, "own-app", &token).await;
    }
}

#[tokio::test]
async fn an_exchange_gives_what_was_chosen() {
    let scene = Scene::with(|config, _| choosable(config)).await;
    let token = text(&scene.user("alice").await["access_token"]);
    let wanted = [("requested_token_type", REFRESH)];
    for tokens in ["stored", "stateless"] {
        scene.sets(&json!({ "refresh_token": { "issue": true, "tokens": tokens } }));
        let issued = scene.exchanged("web", &token, &wanted).await;
        assert_eq!(issued["expires_in"], 600, "{issued}");
        let refreshing = text(&issued["access_token"]);
        assert_eq!(carries(&refreshing), tokens == "stateless", "{refreshing}");
        refreshed(&scene.stand, "web", &refreshing).await;
        assert_eq!(scene.stand.post("/revoke", "web", &[("token", &refreshing)]).await.status, 200);
        is_over(&scene.stand, "web", &refreshing).await;
    }
}

#[tokio::test]
async fn a_choice_at_one_server_counts_at_the_other_and_so_does_its_end() {
    let sidecar = of_alice(chosen("stateless")).await;
    let policy = sidecar.policy("guard", &[CODE]);
    let two = two_with(move |config| {
        choosable(config);
        config.policy.push(policy.clone());
    });
    let Some([one, two]) = two.await else { return };
    let token = granted(&one, "web", "alice").await;
    let next = text(&refreshed(&two, "web", &token).await["refresh_token"]);
    assert!(carries(&next));
    assert_eq!(one.post("/revoke", "web", &[("token", &token)]).await.status, 200);
    is_over(&one, "web", &next).await;
    two.clock.advance(5);
    is_over(&two, "web", &next).await;
    is_over(&two, "web", &token).await;
}
