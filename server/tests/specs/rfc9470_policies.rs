//! Step-up authentication (RFC 9470) that a policy asks for, and without pages.

use placet_server::config::{AuthzenConfig, AuthzenStrategy, BackendKind, PolicyAuth, PolicyConfig};
use serde_json::json;

use super::{
    harness::{Browser, CALLBACK, auth, claims},
    helpers::{client, configured, refresh, text},
    policy_stage::reply,
    sidecar::{Answered, Sidecar, policy},
    stepping::{MFA, PWD, assert_told, stand, stand_with, stepped_up, tokens},
};

#[tokio::test]
async fn without_pages_the_error_says_what_is_needed() {
    let stand = stand().await;
    let mut browser = Browser::new();
    stand.sign_in(&mut browser, "web", &[]).await;
    stand.clock.advance(100);
    let essential = r#"{"id_token":{"acr":{"essential":true,"values":["urn:placet:acr:mfa"]}}}"#;
    let voluntary = r#"{"id_token":{"acr":{"values":["urn:placet:acr:mfa"]}}}"#;
    for (extra, error) in [
        (("acr_values", MFA), Some("login_required")),
        (("claims", essential), Some("login_required")),
        (("max_age", "99"), Some("login_required")),
        (("max_age", "0"), Some("login_required")),
        (("max_age", "100"), None),
        (("acr_values", PWD), None),
        (("acr_values", "urn:unknown"), None),
        (("claims", voluntary), None),
    ] {
        let params = browser.authorize(&stand, "web", &[("prompt", "none"), extra]).await.params();
        assert_eq!(params.get("error").map(String::as_str), error, "{extra:?}");
        assert_eq!((&params["iss"], &params["state"]), (&stand.issuer, &"the-state".to_owned()));
        if error.is_none() {
            assert_told(&stand, &tokens(&stand, &params).await, PWD, stand.now() - 100).await;
        }
    }
    let other = [("prompt", "none"), ("acr_values", PWD)];
    let params = browser.authorize(&stand, "other", &other).await.params();
    assert_eq!(params["error"], "consent_required", "the session will do, the user has to consent");
}

/// A decision point that speaks AuthZEN and has a duty: who refreshes must have used a second factor.
async fn pdp() -> Sidecar {
    Sidecar::serving(|asked| {
        if asked.method != "POST" {
            return Answered::status(404);
        }
        let enough = asked.body["subject"]["properties"]["acr"] == MFA;
        let duty = json!([{ "id": "step-up", "attributes": { "acr_values": [MFA], "max_age": 600 } }]);
        let context = if enough { json!({}) } else { json!({ "obligations": duty }) };
        Answered::json(200, &json!({ "decision": enough, "context": context }))
    })
    .await
}

#[tokio::test]
async fn a_challenge_of_a_policy_at_the_token_endpoint_leads_the_client_back_and_is_then_met() {
    let pdp = pdp().await;
    let origin = pdp.url.trim_end_matches("/decide");
    let guard = PolicyConfig {
        backend: BackendKind::Authzen,
        auth: PolicyAuth::default(),
        authzen: AuthzenConfig { strategy: AuthzenStrategy::Whole, ..AuthzenConfig::default() },
        ..policy("pdp", &["grant.refresh_token"], origin)
    };
    let stand = stand_with(|config| {
        client(config, "web").settings.interaction_required = true;
        config.policy.push(guard);
    })
    .await;
    let mut browser = Browser::new();
    let offline = ("scope", "openid offline_access");
    let params = stand.sign_in(&mut browser, "web", &[offline, ("prompt", "consent")]).await;
    let token = text(&tokens(&stand, &params).await["refresh_token"]);
    let challenged = refresh(&stand, "web", &token).await;
    assert_eq!((challenged.status, challenged.error()), (400, "interaction_required"), "{}", challenged.text);
    let (values, age) = (text(&challenged.json["acr_values"]), challenged.json["max_age"].to_string());
    assert_eq!((values.as_str(), age.as_str()), (MFA, "600"));
    stand.clock.advance(30);
    let stepping = [offline, ("prompt", "consent"), ("acr_values", &values), ("max_age", &age)];
    let id = browser.authorize(&stand, "web", &stepping).await.interaction();
    let params = stepped_up(&stand, &mut browser, &id).await;
    let raised = tokens(&stand, &params).await;
    let fresh = refresh(&stand, "web", &text(&raised["refresh_token"])).await;
    assert_eq!(fresh.status, 200, "{}", fresh.text);
    assert_told(&stand, &fresh.json, MFA, stand.now()).await;
    // The first grant is as weak as it was: its refresh token still leads nowhere.
    assert_eq!(refresh(&stand, "web", &token).await.error(), "interaction_required");
}

#[tokio::test]
async fn a_policy_may_raise_what_a_client_asked_for_although_it_is_announced() {
    let sidecar = Sidecar::start(|request| {
        let weak = request["session"]["acr"] == PWD;
        let challenge = json!({ "kind": "step_up", "acr_values": [MFA] });
        if weak {
            json!({ "decision": "challenge", "challenge": challenge })
        } else {
            json!({ "decision": "allow" })
        }
    })
    .await;
    let stand =
        stand_with(|config| config.policy.push(sidecar.policy("guard", &["interaction.evaluate"]))).await;
    let mut browser = Browser::new();
    let id = browser.authorize(&stand, "web", &[("acr_values", PWD)]).await.interaction();
    let asked = reply(&stand, &id, &auth("alice")).await.json;
    assert_eq!(asked["auth"]["acr"]["values"], json!([MFA]), "{asked}");
    let params = stepped_up(&stand, &mut browser, &id).await;
    assert_told(&stand, &tokens(&stand, &params).await, MFA, stand.now()).await;
}

#[tokio::test]
async fn opaque_tokens_and_tokens_in_the_browser_tell_the_same() {
    let stand = stand_with(|config| {
        let open = json!({
            "redirect_uris": [CALLBACK], "scope": "openid email",
            "grant_types": ["authorization_code", "implicit"], "response_types": ["code id_token token"],
        });
        config.clients.push(configured("front", &open));
    })
    .await;
    let mut browser = Browser::new();
    stand.sign_in(&mut browser, "opaque", &[]).await;
    stand.clock.advance(70);
    let id = browser.authorize(&stand, "opaque", &[("acr_values", MFA)]).await.interaction();
    let params = stepped_up(&stand, &mut browser, &id).await;
    let token = text(&stand.redeem("opaque", &params["code"]).await.json["access_token"]);
    let seen = stand.post("/introspect", "opaque", &[("token", &token)]).await.json;
    assert_eq!((&seen["acr"], &seen["auth_time"]), (&json!(MFA), &json!(stand.now())), "{seen}");
    stand.clock.advance(5);
    let extra = [("response_type", "code id_token token"), ("nonce", "n-1"), ("acr_values", MFA)];
    let id = browser.authorize(&stand, "front", &extra).await.interaction();
    let params = stand.finish(&mut browser, &id, "alice").await;
    for token in ["id_token", "access_token"] {
        let claims = claims(&params[token]);
        assert_eq!((&claims["acr"], &claims["auth_time"]), (&json!(MFA), &json!(stand.now() - 5)), "{token}");
    }
}
