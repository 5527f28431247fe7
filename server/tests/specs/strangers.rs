//! What a request costs as long as nobody has proved who sends it: what is done for it is counted.

use std::collections::BTreeMap;

use placet_oauth::client::AuthMethod;
use placet_server::config::Config;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{
    administering,
    calling::BY_JWT,
    harness::{CALLBACK, Reply, Stand},
    helpers::configured,
    policy_stage::stored,
    prover::{Prover, claims},
    signer::Signer,
};

/// Every grant, kind of client and door that a stranger can knock at.
fn everything(config: &mut Config) {
    administering::admit(config);
    let keys = Signer::new("signer-1").jwks();
    let metadata = json!({
        "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "private_key_jwt", "jwks": keys,
    });
    let mut signer = configured("signer", &metadata);
    signer.secret = None;
    assert_eq!(signer.metadata.token_endpoint_auth_method, Some(AuthMethod::PrivateKeyJwt));
    config.clients.push(signer);
}

/// How often each step of the store was taken so far.
fn steps(stand: &Stand) -> BTreeMap<String, u64> {
    let text = stand.server.metrics().text().unwrap();
    let counts = text.lines().filter_map(|line| {
        let (operation, count) =
            line.strip_prefix("placet_store_duration_seconds_count{operation=\"")?.split_once("\"} ")?;
        Some((operation.to_owned(), count.parse().unwrap()))
    });
    counts.collect()
}

/// What the store was asked for this request, which is refused.
async fn cost(stand: &Stand, what: &str, request: RequestBuilder) -> Vec<String> {
    let before = steps(stand);
    let reply = Reply::read(request.send().await.unwrap()).await;
    assert!((400..500).contains(&reply.status), "{what}: {} {}", reply.status, reply.text);
    let mut asked = Vec::new();
    for (step, count) in steps(stand) {
        let times = count - before.get(&step).copied().unwrap_or_default();
        asked.extend(std::iter::repeat_n(step, usize::try_from(times).unwrap()));
    }
    asked
}

/// Something that is signed as it should be, by a key that nobody knows.
fn assertion(stand: &Stand, client: &str) -> String {
    let now = stand.now();
    let claims = json!({
        "iss": client, "sub": client, "aud": stand.issuer, "iat": now, "exp": now + 60, "jti": "j1",
    });
    Signer::new("signer-1").sign(&claims)
}

#[tokio::test]
async fn whoever_is_not_known_yet_costs_one_look_at_the_store_at_most_and_leaves_nothing() {
    let stand = Stand::with(everything).await;
    let before = stored(&stand);
    let grants = ["authorization_code", "refresh_token", "client_credentials", "password"];
    for path in ["/token", "/par", "/device_authorization", "/bc-authorize", "/introspect", "/revoke"] {
        let post = || stand.http.post(format!("{}{path}", stand.issuer));
        let key = Prover::new();
        for grant in grants {
            let form = [
                ("grant_type", grant),
                ("code", "x"),
                ("refresh_token", "x"),
                ("token", "x"),
                ("username", "alice"),
                ("password", "x"),
                ("scope", "openid"),
                ("login_hint", "alice"),
            ];
            for (client, looks) in [("web", 0), ("nobody", 1)] {
                let secret = post().basic_auth(client, Some("a guess")).form(&form);
                let proof = key.proof_of(&claims(&stand, "POST", path));
                let proved = post().basic_auth(client, Some("a guess")).header("dpop", proof).form(&form);
                for (how, request) in [("a secret", secret), ("a secret and a proof", proved)] {
                    let asked = cost(&stand, path, request).await;
                    assert_eq!(asked, vec!["client"; looks], "{path} {grant} {client}: {how}");
                }
            }
            for (client, looks) in [("signer", 0), ("web", 0), ("nobody", 1)] {
                let token = assertion(&stand, client);
                let mut form = form.to_vec();
                form.extend([("client_assertion_type", BY_JWT), ("client_assertion", token.as_str())]);
                let asked = cost(&stand, path, post().form(&form)).await;
                assert_eq!(asked, vec!["client"; looks], "{path} {grant} {client}: an assertion");
            }
        }
    }
    assert_eq!(stored(&stand), before, "nothing is stored of it");
}

#[tokio::test]
async fn a_bearer_that_nobody_gave_costs_one_look_at_the_store_at_most_and_leaves_nothing() {
    let stand = Stand::with(everything).await;
    let before = stored(&stand);
    let (issuer, api) = (stand.issuer.clone(), stand.api.clone());
    let admin = api.replace("/ui/v1", "/admin/v1");
    let jwt = assertion(&stand, "web");
    let (jwt, opaque) = (jwt.as_str(), "a-guess");
    for (bearer, method, url) in [
        (opaque, Method::GET, format!("{issuer}/userinfo")),
        (jwt, Method::GET, format!("{issuer}/userinfo")),
        (opaque, Method::GET, format!("{issuer}/register/web")),
        (opaque, Method::PUT, format!("{issuer}/register/nobody")),
        (opaque, Method::POST, format!("{api}/reports")),
        (opaque, Method::GET, format!("{api}/interactions/ia_x")),
        (jwt, Method::POST, format!("{api}/grants")),
        (opaque, Method::GET, format!("{admin}/clients")),
        (jwt, Method::POST, format!("{admin}/revocations")),
    ] {
        let request = stand.http.request(method, &url).bearer_auth(bearer).json(&Value::Null);
        let asked = cost(&stand, &url, request).await;
        let looks = ["token", "client", "key_generation"];
        assert!(asked.len() < 2 && asked.iter().all(|step| looks.contains(&&**step)), "{url}: {asked:?}");
    }
    assert_eq!(stored(&stand), before, "nothing is stored of it");
}
