//! Clients with certificates (RFC 8705): every endpoint, what discovery says, and registration.

use reqwest::Client;
use serde_json::{Value, json};

use super::{
    certificates::{Wanted, believing},
    harness::Reply,
    identifying::{client, is_in, named, token},
    securing::Secured,
    signer::Signer,
};

#[tokio::test]
async fn certificates_count_at_every_endpoint_that_clients_authenticate_at() {
    let secured = Secured::with(|config| {
        config.clients.push(named("app", "tls_client_auth_subject_dn", "CN=app"));
    })
    .await;
    let app = secured.http(&secured.authority.issue(Wanted::client("app")));
    let other = secured.http(&secured.authority.issue(Wanted::client("other")));
    let issued = token(&app, &secured.mutual, "app").await.json;
    let form = [("client_id", "app"), ("token", issued["access_token"].as_str().unwrap())];
    let send = async |http: &Client, path: &str| {
        let request = http.post(format!("{}{path}", secured.mutual)).form(&form);
        Reply::read(request.send().await.unwrap()).await
    };
    for path in ["/introspect", "/revoke"] {
        assert_eq!(send(&other, path).await.error(), "invalid_client", "{path}");
    }
    assert_eq!(send(&app, "/introspect").await.json["active"], true);
    assert_eq!(send(&app, "/revoke").await.status, 200);
    assert_eq!(send(&app, "/introspect").await.json["active"], false);
}

#[tokio::test]
async fn failures_are_counted_as_those_of_other_methods_are() {
    let secured = Secured::with(|config| {
        config.limits.enabled = true;
        config.limits.failures = 3;
        config.clients.push(named("app", "tls_client_auth_subject_dn", "CN=app"));
        config.clients.push(named("unhurt", "tls_client_auth_subject_dn", "CN=app"));
    })
    .await;
    let wrong = secured.http(&secured.authority.issue(Wanted::client("wrong")));
    let mut last = token(&wrong, &secured.mutual, "app").await;
    for _ in 0..4 {
        last = token(&wrong, &secured.mutual, "app").await;
    }
    assert_eq!(last.status, 429);
}

#[tokio::test]
async fn authorities_that_changed_count_at_once_and_broken_ones_change_nothing() {
    let secured = Secured::with(|config| {
        config.clients.push(named("app", "tls_client_auth_subject_dn", "CN=app"));
    })
    .await;
    let (server, base) = (&secured.stand.server, secured.mutual.as_str());
    let next = Wanted::authority("next").self_signed();
    let of_old = secured.http(&secured.authority.issue(Wanted::client("app")));
    let of_next = secured.http(&next.issue(Wanted::client("app")));
    let file = secured.folder.join("authority.pem");
    let both = [secured.authority.pem(), next.pem()].concat();
    for (content, old, new) in [
        (both, true, true),
        (next.pem(), false, true),
        ("broken".to_owned(), false, true),
        (String::new(), false, true),
    ] {
        std::fs::write(&file, &content).unwrap();
        server.refresh_authorities();
        assert_eq!(is_in(&of_old, base, "app").await, old, "{content}");
        assert_eq!(is_in(&of_next, base, "app").await, new, "{content}");
    }
}

#[tokio::test]
async fn discovery_names_the_methods_and_the_aliases_where_certificates_can_arrive() {
    let secured = Secured::start().await;
    let found = async |stand: &super::harness::Stand| {
        let url = format!("{}/.well-known/openid-configuration", stand.issuer);
        Reply::read(stand.http.get(url).send().await.unwrap()).await.json
    };
    let document = found(&secured.stand).await;
    for member in ["token", "introspection", "revocation"] {
        let methods = &document[format!("{member}_endpoint_auth_methods_supported")];
        for method in ["tls_client_auth", "self_signed_tls_client_auth"] {
            assert!(methods.as_array().unwrap().contains(&json!(method)), "{member}: {methods}");
        }
    }
    let aliases = document["mtls_endpoint_aliases"].as_object().unwrap();
    assert!(aliases.len() >= 5);
    let http = believing(&secured.server).build().unwrap();
    for (name, alias) in aliases {
        let (alias, public) = (alias.as_str().unwrap(), document[name].as_str().unwrap());
        let path = public.strip_prefix(secured.stand.issuer.as_str()).unwrap();
        assert_eq!(alias, format!("{}{path}", secured.mutual), "{name}");
        assert_ne!(http.get(alias).send().await.unwrap().status(), 404, "{name}");
    }

    let without = found(&super::harness::Stand::start().await).await;
    assert!(without.get("mtls_endpoint_aliases").is_none());
    assert!(!without.to_string().contains("tls_client_auth"));
    let no_authority = Secured::with(|config| config.mtls.ca_files.clear()).await;
    let methods = &found(&no_authority.stand).await["token_endpoint_auth_methods_supported"];
    assert!(methods.as_array().unwrap().contains(&json!("self_signed_tls_client_auth")), "{methods}");
    assert!(!methods.as_array().unwrap().contains(&json!("tls_client_auth")), "{methods}");
}

#[tokio::test]
async fn clients_may_register_for_certificates_where_those_can_arrive() {
    let secured = Secured::start().await;
    let register = async |stand: &super::harness::Stand, extra: Value| {
        let mut metadata = json!({ "redirect_uris": ["https://new.example/cb"] });
        metadata.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let request = stand.http.post(format!("{}/register", stand.issuer)).json(&metadata);
        Reply::read(request.send().await.unwrap()).await
    };
    let by_name = json!({
        "token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": "CN=new,O=Acme",
    });
    let reply = register(&secured.stand, by_name.clone()).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    assert_eq!(reply.json["tls_client_auth_subject_dn"], "CN=new,O=Acme");
    assert!(reply.json.get("client_secret").is_none());
    let id = reply.json["client_id"].as_str().unwrap();
    let subject = vec![("O", "Acme"), ("CN", "new")];
    let http = secured.http(&secured.authority.issue(Wanted { subject, ..Wanted::client("") }));
    let form = [("grant_type", "authorization_code"), ("client_id", id), ("code", "x")];
    let reply =
        Reply::read(http.post(format!("{}/token", secured.mutual)).form(&form).send().await.unwrap()).await;
    assert_eq!(reply.error(), "invalid_grant", "the client is known, its code is not: {}", reply.text);

    for refused in [
        json!({ "token_endpoint_auth_method": "tls_client_auth" }),
        json!({ "token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": "new" }),
        json!({ "token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": 1 }),
        json!({
            "token_endpoint_auth_method": "tls_client_auth",
            "tls_client_auth_subject_dn": "CN=new", "tls_client_auth_san_dns": "new.example",
        }),
        json!({ "token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_dns": "*.example" }),
        json!({ "token_endpoint_auth_method": "self_signed_tls_client_auth" }),
        json!({ "tls_client_auth_subject_dn": "CN=new" }),
    ] {
        let reply = register(&secured.stand, refused.clone()).await;
        assert_eq!((reply.status, reply.error()), (400, "invalid_client_metadata"), "{refused}");
    }
    let without = super::harness::Stand::start().await;
    assert_eq!(register(&without, by_name).await.error(), "invalid_client_metadata");
}

#[tokio::test]
async fn the_aliases_are_good_audiences_of_assertions() {
    let signer = Signer::new("key-1");
    let jwks = json!({ "jwks": signer.jwks() });
    let secured =
        Secured::with(|config| config.clients.push(client("signs", "private_key_jwt", &jwks))).await;
    let http = believing(&secured.server).build().unwrap();
    let asked = async |audience: &str| {
        let now = secured.stand.now();
        let claims = json!({
            "iss": "signs", "sub": "signs", "aud": audience, "jti": audience, "iat": now, "exp": now + 60,
        });
        let assertion = signer.sign(&claims);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", placet_oauth::credentials::JWT_BEARER),
            ("client_assertion", &assertion),
        ];
        let request = http.post(format!("{}/token", secured.mutual)).form(&form);
        Reply::read(request.send().await.unwrap()).await.status
    };
    assert_eq!(asked(&format!("{}/token", secured.mutual)).await, 200);
    assert_eq!(asked(&format!("{}/token", secured.stand.issuer)).await, 200);
    assert_eq!(asked(&secured.mutual).await, 401);
    assert_eq!(asked("https://127.0.0.1/token").await, 401);
}
