//! Profiles of access tokens: what JWTs and the answers of introspection say, by resource and by client.

use placet_sdk::grant::Encoding;
use placet_server::config::{
    AccessTokenProfile, Config, ConfigError, OptionalMember, PolicyConfig, ScopeForm,
};
use serde_json::{Map, Value, json};

use super::{
    exchanging::{ACCESS, API, EXCHANGE, Scene},
    harness::{Browser, Stand, auth, claims, clients},
    helpers::{client, text},
    sidecar::Sidecar,
};

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn profile(name: &str) -> AccessTokenProfile {
    AccessTokenProfile { name: name.to_owned(), ..AccessTokenProfile::default() }
}

/// Tells everything that is asked for, by its name.
async fn directory() -> Sidecar {
    Sidecar::start(|request| {
        let asked = request["claims"]["requested"].as_array().unwrap();
        let told: Map<_, _> = asked.iter().map(|claim| (text(&claim["name"]), json!("told"))).collect();
        json!({ "decision": "allow", "set": { "claims": told } })
    })
    .await
}

fn source(sidecar: &Sidecar) -> PolicyConfig {
    sidecar.policy("directory", &["claims.source"])
}

/// What introspection tells `web` of a token.
async fn introspected(stand: &Stand, token: &str) -> Value {
    let reply = stand.post("/introspect", "web", &[("token", token)]).await;
    assert_eq!((reply.status, &reply.json["active"]), (200, &json!(true)), "{}", reply.text);
    reply.json
}

#[tokio::test]
async fn a_token_says_what_the_profile_of_its_client_says_as_a_jwt_and_opaque() {
    for encoding in [Encoding::Jwt, Encoding::Opaque] {
        let sidecar = directory().await;
        let stand = Stand::with(|config| {
            config.access_token_profile.push(AccessTokenProfile {
                claims: names(&["email", "phone_number"]),
                unconsented_claims: names(&["groups"]),
                static_claims: object(&json!({ "tenant": "t1", "region": "eu", "plan": "profile" })),
                scope: ScopeForm::Array,
                omit: vec![OptionalMember::AuthTime, OptionalMember::Amr],
                ..profile("api")
            });
            let settings = &mut client(config, "web").settings.access_token;
            settings.profile = Some("api".to_owned());
            settings.encoding = Some(encoding);
            settings.claims = object(&json!({ "plan": "client" }));
            config.policy.push(source(&sidecar));
        })
        .await;
        let token = text(&stand.tokens("web", "openid email").await["access_token"]);
        let told = introspected(&stand, &token).await;
        let mut seen = vec![&told];
        let jwt = (encoding == Encoding::Jwt).then(|| claims(&token));
        seen.extend(&jwt);
        for seen in seen {
            let of = |name: &str| seen[name].clone();
            assert_eq!([of("email"), of("groups")], [json!("told"), json!("told")], "{seen}");
            assert!(of("phone_number").is_null(), "the user was not asked about it: {seen}");
            assert_eq!([of("tenant"), of("region"), of("plan")], [json!("t1"), json!("eu"), json!("client")]);
            assert_eq!(of("scope"), json!(["openid", "email"]));
            assert!(of("auth_time").is_null() && of("amr").is_null(), "{seen}");
            assert_eq!(of("acr"), "urn:placet:acr:pwd");
        }
        // The scope as an array is understood where tokens are used.
        assert_eq!(stand.userinfo(&token).await.status, 200);
        let asked = sidecar.requests();
        let of_token = asked.iter().find(|asked| asked["claims"]["target"] == "access_token").unwrap();
        assert_eq!(of_token["limits"]["claims"]["names"], json!(["email", "groups"]));
    }
}

#[tokio::test]
async fn without_a_profile_a_token_is_what_the_standard_says() {
    let sidecar = directory().await;
    let stand = Stand::with(|config| {
        config.access_token_profile.push(AccessTokenProfile {
            static_claims: object(&json!({ "tenant": "t1" })),
            resources: vec![API.to_owned()],
            ..profile("api")
        });
        config.policy.push(source(&sidecar));
    })
    .await;
    let token = claims(&text(&stand.tokens("web", "openid email").await["access_token"]));
    assert_eq!((&token["scope"], &token["tenant"]), (&json!("openid email"), &Value::Null));
    assert!(token["email"].is_null() && token["auth_time"].is_i64());
}

#[tokio::test]
async fn a_resource_has_its_profile_for_every_client_but_not_in_tokens_for_others_as_well() {
    const BOOKS: &str = "https://books.example";
    let stand = Stand::with(|config| {
        config.resources.push(BOOKS.to_owned());
        for (name, resources) in [("api", vec![API.to_owned()]), ("other", Vec::new())] {
            let static_claims = object(&json!({ "profile_is": name }));
            config.access_token_profile.push(AccessTokenProfile {
                resources,
                static_claims,
                ..profile(name)
            });
        }
        client(config, "service").settings.access_token.profile = Some("other".to_owned());
    })
    .await;
    for (id, resources, expected) in [
        ("service", vec![API], json!("api")),
        ("api", vec![API], json!("api")),
        ("service", vec![], json!("other")),
        ("api", vec![], Value::Null),
        ("service", vec![API, BOOKS], json!("other")),
        ("api", vec![API, BOOKS], Value::Null),
    ] {
        let mut form = vec![("grant_type", "client_credentials")];
        form.extend(resources.iter().map(|resource| ("resource", *resource)));
        let reply = stand.post("/token", id, &form).await;
        assert_eq!(reply.status, 200, "{id} {resources:?}: {}", reply.text);
        let token = claims(&text(&reply.json["access_token"]));
        assert_eq!(token["profile_is"], expected, "{id} {resources:?}: {token}");
    }
}

#[tokio::test]
async fn a_token_of_less_scope_carries_less_of_what_was_consented_to() {
    let sidecar = directory().await;
    let stand = Stand::with(|config| {
        config
            .access_token_profile
            .push(AccessTokenProfile { claims: names(&["email", "phone_number", "name"]), ..profile("api") });
        client(config, "web").settings.access_token.profile = Some("api".to_owned());
        config.policy.push(source(&sidecar));
    })
    .await;
    let mut browser = Browser::new();
    let wanted = json!({ "userinfo": { "name#de": null } }).to_string();
    let extra = [("scope", "openid email phone offline_access"), ("prompt", "consent"), ("claims", &wanted)];
    let id = browser.authorize(&stand, "web", &extra).await.interaction();
    stand.answer(&id, 1, &auth("alice")).await;
    let scope = ["openid", "email", "phone", "offline_access"];
    let grant = json!({ "scope": scope, "claims": { "userinfo": ["email", "phone_number", "name#de"] } });
    let done = stand.answer(&id, 2, &json!({ "type": "consent", "grant": grant })).await;
    let params = browser.get(&text(&done.json["response"]["delivery"]["uri"])).await.params();
    let tokens = stand.redeem("web", &params["code"]).await.json;
    let of = |token: &Value| {
        let token = claims(&text(token));
        ["email", "phone_number", "name#de", "name"].map(|name| token[name] == "told")
    };
    assert_eq!(of(&tokens["access_token"]), [true, true, true, false]);
    let refresh_token = text(&tokens["refresh_token"]);
    let form =
        [("grant_type", "refresh_token"), ("refresh_token", &refresh_token), ("scope", "openid email")];
    let less = stand.post("/token", "web", &form).await;
    assert_eq!(of(&less.json["access_token"]), [true, false, true, false], "{}", less.text);
}

#[tokio::test]
async fn nobody_is_asked_for_the_claims_of_a_client_that_has_the_name_of_a_user() {
    let sidecar = directory().await;
    let scene = Scene::with(|config, _| {
        config.access_token_profile.push(AccessTokenProfile {
            unconsented_claims: names(&["groups"]),
            resources: vec![API.to_owned()],
            ..profile("api")
        });
        config.policy.push(source(&sidecar));
    })
    .await;
    let stand = &scene.stand;
    let form = [("grant_type", "client_credentials"), ("resource", API)];
    let subject = text(&stand.post("/token", "api", &form).await.json["access_token"]);
    let form = [
        ("grant_type", EXCHANGE),
        ("subject_token", subject.as_str()),
        ("subject_token_type", ACCESS),
        ("resource", API),
    ];
    let reply = stand.post("/token", "api", &form).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let token = claims(&text(&reply.json["access_token"]));
    assert_eq!((&token["sub"], &token["groups"]), (&json!("api"), &Value::Null));
    assert!(sidecar.requests().is_empty());
}

#[tokio::test]
async fn policies_of_introspection_see_one_scope_and_its_form_stays() {
    let sidecar = Sidecar::start(
        |_| json!({ "decision": "allow", "set": { "introspection": { "scope": "openid", "tier": 1 } } }),
    )
    .await;
    let stand = Stand::with(|config| {
        config.access_token_profile.push(AccessTokenProfile { scope: ScopeForm::Array, ..profile("api") });
        client(config, "web").settings.access_token.profile = Some("api".to_owned());
        config.policy.push(sidecar.policy("shape", &["token.introspect"]));
    })
    .await;
    let token = text(&stand.tokens("web", "openid email").await["access_token"]);
    let told = introspected(&stand, &token).await;
    assert_eq!((&told["scope"], &told["tier"]), (&json!(["openid"]), &json!(1)));
    let asked = sidecar.requests().pop().unwrap();
    assert_eq!(asked["proposal"]["introspection"]["scope"], "openid email");
    assert_eq!(asked["limits"]["introspection"]["scope"], json!(["openid", "email"]));
}

/// What is wrong with a configuration that has been changed like this.
fn refused(change: impl FnOnce(&mut Config)) -> Vec<String> {
    let mut config = Config {
        issuer: "https://as.example".to_owned(),
        master_key_file: Some("master.key".into()),
        resources: vec![API.to_owned()],
        ..Config::default()
    };
    change(&mut config);
    match config.check() {
        Ok(()) => Vec::new(),
        Err(ConfigError::Refused(wrong)) => wrong,
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn profiles_that_make_no_sense_are_refused() {
    let sound = || AccessTokenProfile { resources: vec![API.to_owned()], ..profile("api") };
    let with = |profiles: Vec<AccessTokenProfile>| refused(|config| config.access_token_profile = profiles);
    assert_eq!(with(vec![sound()]), Vec::<String>::new());
    let of = |change: fn(&mut AccessTokenProfile)| {
        let mut profile = sound();
        change(&mut profile);
        with(vec![profile]).join("; ")
    };
    for (said, expected) in [
        (of(|p| p.name = "a b".to_owned()), "letters, digits"),
        (of(|p| p.name = String::new()), "letters, digits"),
        (of(|p| p.resources = vec!["https://unknown.example".to_owned()]), "not among the resources"),
        (of(|p| p.resources = Vec::new()), "no token has it"),
        (of(|p| p.claims = names(&["email", "acr"])), "the server alone writes `acr`"),
        (of(|p| p.claims = names(&["sub#de"])), "the server alone writes `sub#de`"),
        (of(|p| p.unconsented_claims = names(&["_claim_names"])), "the server alone writes"),
        (of(|p| p.static_claims = object(&json!({ "aud": "x" }))), "the server alone writes `aud`"),
        (of(|p| p.static_claims = object(&json!({ "x": "y".repeat(9_000) }))), "at most 8192 bytes"),
        (of(|p| p.claims = names(&["email", "email"])), "there twice"),
        (of(|p| p.claims = names(&[""])), "1 to 255 bytes"),
        (of(|p| p.claims = (0..65).map(|n| format!("c{n}")).collect()), "at most 64 names"),
        (
            of(|p| (p.claims, p.unconsented_claims) = (names(&["groups"]), names(&["groups"]))),
            "only one can be meant",
        ),
        (
            of(|p| (p.claims, p.static_claims) = (names(&["plan"]), object(&json!({ "plan": 1 })))),
            "comes from claims sources",
        ),
        (with(vec![sound(), sound()]).join("; "), "two profiles have this name"),
        (
            with(vec![sound(), AccessTokenProfile { name: "two".to_owned(), ..sound() }]).join("; "),
            "is in another profile",
        ),
    ] {
        assert!(said.contains(expected), "`{expected}`: {said}");
    }
}

#[test]
fn clients_name_profiles_that_exist_and_claims_that_are_theirs_to_set() {
    let web = |change: fn(&mut placet_server::config::AccessTokens)| {
        refused(|config| {
            config.access_token_profile.push(profile("api"));
            let mut clients = clients::clients();
            clients.retain(|client| client.client_id == "spa");
            change(&mut clients[0].settings.access_token);
            config.clients = clients;
        })
        .join("; ")
    };
    assert_eq!(web(|settings| settings.profile = Some("api".to_owned())), "");
    let said = web(|settings| settings.profile = Some("unknown".to_owned()));
    assert!(said.contains("there is no [[access_token_profile]] `unknown`"), "{said}");
    let said = web(|settings| {
        settings.profile = Some("api".to_owned());
        settings.claims = object(&json!({ "client_id": "other" }));
    });
    assert!(
        said.contains("client `spa`: access_token.claims: the server alone writes `client_id`"),
        "{said}"
    );
}
