//! Security profiles: what they set, what they refuse, and what they say of it.

use std::sync::Arc;

use placet_oauth::{credentials::JWT_BEARER, profile::Profile};
use placet_server::{
    config::{AssertionAudience, Config},
    store::{Store, embedded::Embedded},
};
use serde_json::{Value, json};

use super::{
    folder::Folder,
    harness::{Browser, CALLBACK, CHALLENGE, Reply, Stand, claims},
    helpers::{configured, text},
    prover::{Prover, claims as proof_claims},
    requesting::unsigned,
    signer::Signer,
};

/// Metadata of a client that meets FAPI 2.0.
fn bank(key: &Signer) -> Value {
    json!({
        "redirect_uris": [CALLBACK], "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
        "token_endpoint_auth_method": "private_key_jwt", "jwks": key.jwks(), "scope": "openid email reports.read",
    })
}

struct Scene {
    stand: Stand,
    key: Signer,
}

impl Scene {
    /// A server with one client that is held to a profile.
    async fn start(profile: Profile) -> Self {
        Self::with(profile, |_| {}).await
    }

    async fn with(profile: Profile, change: impl FnOnce(&mut Config)) -> Self {
        let key = Signer::new("key-1");
        let metadata = bank(&key);
        let stand = Stand::with(|config| {
            change(config);
            let mut client = configured("bank", &metadata);
            client.settings.profile = Some(profile);
            config.clients.push(client);
        })
        .await;
        Self { stand, key }
    }

    fn assertion(&self, audience: &Value, jti: &str) -> String {
        let now = self.stand.now();
        self.key.sign(&json!({
            "iss": "bank", "sub": "bank", "aud": audience, "jti": jti, "iat": now, "exp": now + 60,
        }))
    }

    /// A signed request with a nonce; `change` alters what it says.
    fn object(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut claims: Value = request().into_iter().map(|(k, v)| (k.to_owned(), json!(v))).collect();
        for (name, value) in
            [("client_id", "bank"), ("iss", "bank"), ("aud", &self.stand.issuer), ("nonce", "the-nonce")]
        {
            claims[name] = json!(value);
        }
        (claims["nbf"], claims["exp"]) = (json!(self.stand.now() - 10), json!(self.stand.now() + 300));
        change(&mut claims);
        self.key.sign(&claims)
    }

    /// Posts a form as the client, with a DPoP proof if there is one.
    async fn post(&self, path: &str, form: &[(&str, &str)], jti: &str, proof: Option<String>) -> Reply {
        let assertion = self.assertion(&json!(self.stand.issuer), jti);
        let mut form = form.to_vec();
        form.extend([("client_assertion_type", JWT_BEARER), ("client_assertion", &assertion)]);
        let mut request = self.stand.http.post(format!("{}{path}", self.stand.issuer)).form(&form);
        if let Some(proof) = proof {
            request = request.header("DPoP", proof);
        }
        Reply::read(request.send().await.unwrap()).await
    }
}

/// Sets a member, or leaves it out.
fn set(claims: &mut Value, name: &str, value: Option<&str>) {
    let members = claims.as_object_mut().unwrap();
    match value {
        Some(value) => members.insert(name.to_owned(), json!(value)),
        None => members.remove(name),
    };
}

fn request() -> Vec<(&'static str, &'static str)> {
    vec![
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid email"),
        ("state", "the-state"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]
}

/// What `check-config` says of a configuration with this client.
fn complaints(profile: Profile, metadata: &Value, change: impl FnOnce(&mut Config)) -> String {
    let mut config = Config { development: true, ..Config::default() };
    let mut client = configured("bank", metadata);
    client.secret = None;
    client.settings.profile = Some(profile);
    config.clients.push(client);
    change(&mut config);
    config.check().err().map(|error| error.to_string()).unwrap_or_default()
}

#[tokio::test]
async fn fapi_2_takes_pushed_requests_and_bound_tokens_alone() {
    let scene = Scene::start(Profile::Fapi2SecurityProfile).await;
    let prover = Prover::new();
    let mut browser = Browser::new();
    let direct = browser.authorize(&scene.stand, "bank", &[]).await;
    assert!(
        direct.text.contains("pushed") || direct.header("location").contains("invalid_request"),
        "{direct:?}"
    );
    let pushed = scene.post("/par", &request(), "1", None).await;
    assert_eq!(pushed.status, 201, "{}", pushed.text);
    let grant = [("grant_type", "client_credentials"), ("scope", "reports.read")];
    let plain = scene.post("/token", &grant, "2", None).await;
    assert_eq!(plain.status, 400, "{}", plain.text);
    let bound = scene.post("/token", &grant, "3", Some(prover.proof(&scene.stand))).await;
    assert_eq!((bound.status, &bound.json["token_type"]), (200, &json!("DPoP")), "{}", bound.text);
}

#[tokio::test]
async fn fapi_2_wants_pkce_a_named_redirect_uri_and_the_issuer_as_audience() {
    let scene = Scene::start(Profile::Fapi2SecurityProfile).await;
    for (n, left_out) in ["code_challenge", "redirect_uri"].into_iter().enumerate() {
        let form: Vec<_> = request().into_iter().filter(|(name, _)| !name.starts_with(left_out)).collect();
        let form: Vec<_> =
            form.into_iter().map(|(k, v)| if k == "scope" { (k, "email") } else { (k, v) }).collect();
        let reply = scene.post("/par", &form, &format!("a{n}"), None).await;
        assert_eq!((reply.status, reply.error()), (400, "invalid_request"), "{left_out}: {}", reply.text);
    }
    let url = format!("{}/token", scene.stand.issuer);
    let assertion = scene.assertion(&json!(url), "b");
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", &assertion),
    ];
    let reply = scene.stand.http.post(url).form(&form).send().await;
    let reply = Reply::read(reply.unwrap()).await;
    assert_eq!((reply.status, reply.error()), (401, "invalid_client"), "{}", reply.text);
}

#[tokio::test]
async fn message_signing_wants_a_signed_request_that_is_good_for_an_hour_at_most() {
    let scene = Scene::start(Profile::Fapi2MessageSigning).await;
    let unsigned = scene.post("/par", &request(), "1", None).await;
    assert_eq!((unsigned.status, unsigned.error()), (400, "invalid_request"), "{}", unsigned.text);
    let object = |nbf: i64, exp: i64| {
        scene.object(|claims| {
            (claims["nbf"], claims["exp"]) = (json!(scene.stand.now() + nbf), json!(scene.stand.now() + exp));
        })
    };
    let long = object(-10, 3700);
    let refused = scene.post("/par", &[("request", &long)], "2", None).await;
    assert_eq!((refused.status, refused.error()), (400, "invalid_request_object"), "{}", refused.text);
    let sound = object(-10, 300);
    let taken = scene.post("/par", &[("request", &sound)], "3", None).await;
    assert_eq!(taken.status, 201, "{}", taken.text);
}

#[tokio::test]
async fn none_is_no_algorithm_of_fapi_even_where_the_operator_takes_unsigned_requests() {
    for (profile, status) in [(Profile::Fapi2SecurityProfile, 400), (Profile::Oauth21, 201)] {
        let scene = Scene::with(profile, |config| config.request_objects.unsigned = true).await;
        let mut claims: Value = request().into_iter().map(|(k, v)| (k.to_owned(), json!(v))).collect();
        claims["client_id"] = json!("bank");
        let object = unsigned(&json!({ "alg": "none" }), &claims);
        let reply = scene.post("/par", &[("request", &object)], "1", None).await;
        assert_eq!(reply.status, status, "{}", reply.text);
        if status == 400 {
            assert_eq!(reply.error(), "invalid_request_object");
        }
    }
}

#[tokio::test]
async fn fapi_takes_no_signature_of_rs256_wherever_a_client_signs() {
    let (rsa, other) = (Prover::rsa(2048), Prover::rsa(2048));
    let own = Signer::new("key-1");
    let mut keys = own.jwks();
    keys["keys"].as_array_mut().unwrap().push(rsa.jwk());
    let mut metadata = bank(&own);
    metadata["jwks"] = keys;
    let stand = Stand::with(|config| {
        for (id, profile) in [("bank", Some(Profile::Fapi2MessageSigning)), ("free", None)] {
            let mut client = configured(id, &metadata);
            client.settings.profile = profile;
            config.clients.push(client);
        }
    })
    .await;
    let header = json!({ "alg": "RS256" });
    let (now, issuer) = (stand.now(), stand.issuer.clone());
    let vouches = |client: &str, jti: &str| json!({ "iss": client, "sub": client, "aud": issuer, "jti": jti, "iat": now, "exp": now + 60 });
    let send = async |path: &str, form: &[(&str, &str)], assertion: &str, proof: Option<String>| {
        let mut form = form.to_vec();
        form.extend([("client_assertion_type", JWT_BEARER), ("client_assertion", assertion)]);
        let mut request = stand.http.post(format!("{issuer}{path}")).form(&form);
        if let Some(proof) = proof {
            request = request.header("DPoP", proof);
        }
        Reply::read(request.send().await.unwrap()).await
    };
    let grant = [("grant_type", "client_credentials"), ("scope", "reports.read")];
    // What is taken of a client without a profile is refused to one with it.
    for (client, status) in [("free", 200), ("bank", 401)] {
        let assertion = rsa.sign(&header, &vouches(client, "a"));
        let reply = send("/token", &grant, &assertion, Some(Prover::new().proof(&stand))).await;
        assert_eq!(reply.status, status, "{client}: {}", reply.text);
    }
    for (client, status) in [("free", 200), ("bank", 400)] {
        let assertion = own.sign(&vouches(client, "b"));
        let reply = send("/token", &grant, &assertion, Some(other.proof(&stand))).await;
        assert_eq!(reply.status, status, "{client}: {}", reply.text);
        assert!(status == 200 || reply.error() == "invalid_dpop_proof", "{}", reply.text);
    }
    for (client, status) in [("free", 201), ("bank", 400)] {
        let mut claims: Value = request().into_iter().map(|(k, v)| (k.to_owned(), json!(v))).collect();
        for (name, value) in [("client_id", json!(client)), ("iss", json!(client)), ("aud", json!(issuer))] {
            claims[name] = value;
        }
        (claims["nbf"], claims["exp"]) = (json!(now - 10), json!(now + 300));
        let object = rsa.sign(&header, &claims);
        let assertion = own.sign(&vouches(client, "c"));
        let reply = send("/par", &[("request", &object)], &assertion, None).await;
        assert_eq!(reply.status, status, "{client}: {}", reply.text);
        assert!(status == 201 || reply.error() == "invalid_request_object", "{}", reply.text);
        // Nor does a proof that comes with what is pushed.
        claims["jti"] = json!("another");
        let object = own.sign(&claims);
        for (key, status) in [(&other, status), (&Prover::new(), 201)] {
            let assertion = own.sign(&vouches(client, if status == 201 { "d" } else { "e" }));
            let proof = key.proof_of(&proof_claims(&stand, "POST", "/par"));
            let reply = send("/par", &[("request", &object)], &assertion, Some(proof)).await;
            assert_eq!(reply.status, status, "{client}: {}", reply.text);
            assert!(status == 201 || reply.error() == "invalid_dpop_proof", "{}", reply.text);
            if client == "free" {
                break;
            }
        }
    }
}

#[tokio::test]
async fn fapi_1_hands_out_no_code_in_an_answer_that_is_not_signed() {
    let scene = Scene::start(Profile::Fapi1Advanced).await;
    let object = |mode: Option<&str>| scene.object(|claims| set(claims, "response_mode", mode));
    let mut browser = Browser::new();
    let plain = browser.authorize(&scene.stand, "bank", &[("request", &object(None))]).await;
    let params = plain.params();
    assert_eq!(params["error"], "invalid_request");
    assert!(params["error_description"].contains("has to be signed"), "{params:?}");
    let signed = browser.authorize(&scene.stand, "bank", &[("request", &object(Some("jwt")))]).await;
    signed.interaction();
}

#[tokio::test]
async fn fapi_1_wants_a_request_that_says_its_scope_and_can_be_told_from_others() {
    let scene = Scene::start(Profile::Fapi1Advanced).await;
    let mut browser = Browser::new();
    for (missing, scope, complaint) in [
        ("scope", None, "`scope` is required"),
        ("nonce", Some("openid email"), "`nonce` is required"),
        ("state", Some("reports.read"), "`state` is required"),
    ] {
        let object = scene.object(|claims| {
            set(claims, "response_mode", Some("query.jwt"));
            set(claims, "scope", scope);
            set(claims, missing, None);
        });
        // What is beside the object does not count.
        let beside = [("request", object.as_str()), ("scope", "openid"), ("nonce", "n"), ("state", "s")];
        let page = browser.authorize(&scene.stand, "bank", &beside).await;
        let answer = claims(&page.params()["response"]);
        assert_eq!(answer["error"], "invalid_request", "{missing}: {answer}");
        let description = answer["error_description"].as_str().unwrap();
        assert!(description.contains(complaint), "{missing}: {description}");
    }
    for (other, scope) in [("state", "openid email"), ("nonce", "reports.read")] {
        let object = scene.object(|claims| {
            set(claims, "response_mode", Some("query.jwt"));
            set(claims, "scope", Some(scope));
            set(claims, other, None);
        });
        browser.authorize(&scene.stand, "bank", &[("request", &object)]).await.interaction();
    }
}

#[tokio::test]
async fn registration_says_everything_that_is_missing_at_once() {
    let stand = Stand::with(|config| {
        config.clients.clear();
        config.ui[1].direct_grant_clients.clear();
        config.profile = Some(Profile::Fapi2SecurityProfile);
        config.lifetimes.code = 60;
    })
    .await;
    let body = json!({
        "redirect_uris": ["http://localhost:9999/callback"], "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code", "implicit"], "response_types": ["code", "id_token"],
        "id_token_signed_response_alg": "RS256", "require_pushed_authorization_requests": false,
    });
    let reply = stand.http.post(format!("{}/register", stand.issuer)).json(&body).send().await;
    let reply = Reply::read(reply.unwrap()).await;
    assert_eq!((reply.status, reply.error()), (400, "invalid_client_metadata"), "{}", reply.text);
    let description = text(&reply.json["error_description"]);
    for what in ["token_endpoint_auth_method", "implicit", "id_token", "redirect_uris", "require_pushed"] {
        assert!(description.contains(what), "`{what}` is not in: {description}");
    }
    let key = Signer::new("key-1");
    let reply = stand.http.post(format!("{}/register", stand.issuer)).json(&json!({
        "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "private_key_jwt", "jwks": key.jwks(),
    }));
    let reply = Reply::read(reply.send().await.unwrap()).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    // What nobody said is set.
    assert_eq!(reply.json["id_token_signed_response_alg"], "PS256");
    assert_eq!(reply.json["require_pushed_authorization_requests"], true);
}

#[tokio::test]
async fn discovery_leaves_out_what_the_profile_of_the_server_forbids() {
    let stand = Stand::with(|config| {
        config.clients.clear();
        config.ui[1].direct_grant_clients.clear();
        config.profile = Some(Profile::Fapi2SecurityProfile);
    })
    .await;
    let url = format!("{}/.well-known/openid-configuration", stand.issuer);
    let document: Value = stand.http.get(url).send().await.unwrap().json().await.unwrap();
    assert_eq!(document["response_types_supported"], json!(["code"]));
    assert_eq!(document["require_pushed_authorization_requests"], true);
    let methods = document["token_endpoint_auth_methods_supported"].as_array().unwrap();
    assert!(methods.contains(&json!("private_key_jwt")) && !methods.contains(&json!("client_secret_basic")));
    for name in ["id_token_signing_alg_values_supported", "dpop_signing_alg_values_supported"] {
        let algs = document[name].as_array().unwrap();
        assert!(algs.contains(&json!("PS256")) && !algs.contains(&json!("RS256")), "{name}: {algs:?}");
    }
}

#[tokio::test]
async fn a_client_that_was_there_before_its_profile_gets_nothing_and_learns_why() {
    let folder = Folder::new("profiles");
    let store: Arc<dyn Store> = Arc::new(Embedded::open(&folder.join("placet.db"), "default").unwrap());
    // Registered while the server had no profile.
    let stand = Stand::on(store.clone(), |_| {}).await;
    let body = json!({ "redirect_uris": [CALLBACK], "grant_types": ["authorization_code"] });
    let reply = stand.http.post(format!("{}/register", stand.issuer)).json(&body).send().await;
    let client = Reply::read(reply.unwrap()).await.json;
    let again = Stand::on(store, |config| {
        config.clients.clear();
        config.ui[1].direct_grant_clients.clear();
        config.profile = Some(Profile::Fapi2SecurityProfile);
    })
    .await;
    let id = text(&client["client_id"]);
    let form = [("grant_type", "authorization_code"), ("code", "nothing"), ("redirect_uri", CALLBACK)];
    let reply = again
        .http
        .post(format!("{}/token", again.issuer))
        .basic_auth(&id, client["client_secret"].as_str())
        .form(&form)
        .send()
        .await;
    let reply = Reply::read(reply.unwrap()).await;
    assert_eq!((reply.status, reply.error()), (400, "unauthorized_client"), "{}", reply.text);
    assert!(reply.text.contains("token_endpoint_auth_method"), "{}", reply.text);
}

#[test]
fn check_config_explains_what_contradicts_a_profile() {
    let key = Signer::new("key-1");
    assert_eq!(complaints(Profile::Fapi2SecurityProfile, &bank(&key), |_| {}), "");
    let mut weak = bank(&key);
    weak["token_endpoint_auth_signing_alg"] = json!("RS256");
    weak["grant_types"] = json!(["authorization_code", "password"]);
    let said = complaints(Profile::Fapi2SecurityProfile, &weak, |config| {
        let settings = &mut config.clients[0].settings;
        settings.refresh_token.rotation = Some(placet_sdk::grant::Rotation::Always);
        settings.access_token.signing_alg = Some("RS256".to_owned());
        settings.assertion_audience = AssertionAudience::Any;
    });
    for what in
        ["token_endpoint_auth_signing_alg", "password", "rotation", "access_token.signing_alg", "fapi2-sp"]
    {
        assert!(said.contains(what), "`{what}` is not in: {said}");
    }
    let advanced = complaints(Profile::Fapi1Advanced, &bank(&key), |_| {});
    assert_eq!(advanced, "", "what nobody said is set");
    let mut direct = bank(&key);
    direct["tls_client_certificate_bound_access_tokens"] = json!(false);
    direct["require_signed_request_object"] = json!(false);
    let said = complaints(Profile::Fapi1Advanced, &direct, |_| {});
    assert!(
        said.contains("tls_client_certificate") && said.contains("require_signed_request_object"),
        "{said}"
    );
    let said = complaints(Profile::Fapi2SecurityProfile, &bank(&key), |config| {
        config.profile = Some(Profile::Fapi2SecurityProfile);
        config.lifetimes.code = 120;
    });
    assert!(said.contains("lifetimes.code"), "{said}");
}

#[tokio::test]
async fn oauth_21_takes_no_code_without_pkce_and_no_passwords() {
    let said = complaints(
        Profile::Oauth21,
        &json!({ "redirect_uris": [CALLBACK], "grant_types": ["authorization_code", "implicit"], "response_types": ["code", "id_token"] }),
        |_| {},
    );
    assert!(said.contains("implicit") && said.contains("id_token"), "{said}");
    let stand = Stand::with(|config| {
        let mut client =
            configured("modern", &json!({ "redirect_uris": [CALLBACK], "scope": "openid email" }));
        client.settings.profile = Some(Profile::Oauth21);
        config.clients.push(client);
    })
    .await;
    let mut browser = Browser::new();
    let reply =
        browser.authorize(&stand, "modern", &[("code_challenge", ""), ("code_challenge_method", "")]).await;
    assert_eq!(reply.params()["error"], "invalid_request");
    stand.sign_in(&mut browser, "modern", &[]).await;
}
