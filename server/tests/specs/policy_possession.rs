//! What policies are told of keys and certificates (`pop`) where no grant is decided: at the pushed authorization request
//! endpoint, where claims are needed, and at introspection.

use serde_json::{Value, json};

use super::{
    certificates::Wanted,
    harness::{CALLBACK, CHALLENGE, Reply, SECRET, Stand},
    helpers::text,
    prover::{self, Prover, code_form, token, userinfo},
    rfc9449_dpop::code,
    sidecar::Sidecar,
};

/// A server behind a proxy that passes certificates on, with a sidecar that allows everything.
async fn start(hook: &str) -> (Stand, Sidecar) {
    let sidecar = Sidecar::start(|_| json!({ "decision": "allow" })).await;
    let stand = Stand::with(|config| {
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        config.mtls.proxy.header = Some("client-cert".to_owned());
        config.policy.push(sidecar.policy("look", &[hook]));
    })
    .await;
    (stand, sidecar)
}

#[track_caller]
fn last(sidecar: &Sidecar) -> Value {
    sidecar.requests().pop().expect("somebody was asked")
}

#[tokio::test]
async fn a_pushed_request_is_asked_about_with_the_key_that_came_with_it() {
    let (stand, sidecar) = start("authorization.request").await;
    let key = Prover::new();
    for proof in [None, Some(key.proof_of(&prover::claims(&stand, "POST", "/par")))] {
        let form = [
            ("response_type", "code"),
            ("redirect_uri", CALLBACK),
            ("scope", "openid"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let mut request = stand.http.post(format!("{}/par", stand.issuer)).basic_auth("web", Some(SECRET));
        if let Some(proof) = &proof {
            request = request.header("DPoP", proof);
        }
        let reply = Reply::read(request.form(&form).send().await.unwrap()).await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        let asked = last(&sidecar);
        assert_eq!(asked["request"]["endpoint"], "par");
        let told = proof.is_some().then(|| key.jkt());
        assert_eq!(asked["pop"]["dpop"]["jkt"].as_str(), told.as_deref(), "{asked}");
    }
}

#[tokio::test]
async fn claims_are_asked_for_with_the_key_for_whose_token_they_are() {
    let (stand, sidecar) = start("claims.source").await;
    let key = Prover::new();
    for held in [None, Some(&key)] {
        let asked = [("claims", "{\"id_token\":{\"email\":null}}")];
        let code = code(&stand, "web", &asked).await;
        let tokens = token(&stand, "web", &code_form(&code), held).await;
        assert_eq!(tokens.status, 200, "{}", tokens.text);
        let told = held.map(Prover::jkt);
        let of_token = last(&sidecar);
        assert_eq!(of_token["claims"]["target"], "id_token");
        assert_eq!(of_token["pop"]["dpop"]["jkt"].as_str(), told.as_deref(), "{of_token}");
        let access = text(&tokens.json["access_token"]);
        let info = match held {
            Some(key) => userinfo(&stand, &access, key).await,
            None => stand.userinfo(&access).await,
        };
        assert_eq!(info.status, 200, "{}", info.text);
        let of_userinfo = last(&sidecar);
        assert_eq!(of_userinfo["claims"]["target"], "userinfo");
        assert_eq!(of_userinfo["pop"]["dpop"]["jkt"].as_str(), told.as_deref(), "{of_userinfo}");
    }
}

#[tokio::test]
async fn an_introspection_is_asked_about_with_the_certificate_of_its_caller() {
    let (stand, sidecar) = start("token.introspect").await;
    let access = text(&stand.tokens("web", "openid").await["access_token"]);
    let identity = Wanted::client("books").self_signed();
    for shown in [false, true] {
        let request = stand.http.post(format!("{}/introspect", stand.issuer)).basic_auth("web", Some(SECRET));
        let request =
            if shown { request.header("client-cert", format!(":{}:", identity.base64())) } else { request };
        let reply = Reply::read(request.form(&[("token", &access)]).send().await.unwrap()).await;
        assert_eq!(reply.json["active"], true, "{}", reply.text);
        let asked = last(&sidecar);
        assert_eq!(asked["pop"]["mtls"]["verified"].as_bool(), shown.then_some(true), "{asked}");
    }
}
