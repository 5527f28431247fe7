//! Clients that authenticate by a certificate (RFC 8705 section 2).

use placet_server::config::{ClientCertificates, ClientConfig};
use serde_json::{Value, json};

use super::{
    certificates::{Identity, Wanted, believing, jwk},
    encrypting::Shelf,
    harness::{Reply, SECRET},
    identifying::{client, is_in, named},
    securing::Secured,
};

fn self_signed(id: &str, keys: &Value) -> ClientConfig {
    client(id, "self_signed_tls_client_auth", &json!({ "jwks": { "keys": keys } }))
}

#[tokio::test]
async fn the_subject_is_compared_as_a_name_and_not_as_a_text() {
    let secured = Secured::with(|config| {
        let registered = |id, name| named(id, "tls_client_auth_subject_dn", name);
        config.clients.extend([
            registered("same", "CN=Books App,OU=Shop,O=Acme,C=DE"),
            registered("case", "cn=books APP, ou=shop , o=acme,c=de"),
            registered("spaces", "CN=Books   App,OU=Shop,O=Acme,C=DE"),
            registered("encoded", "2.5.4.3=#0c09426f6f6b7320417070,OU=Shop,O=Acme,C=DE"),
            registered("order", "C=DE,O=Acme,OU=Shop,CN=Books App"),
            registered("fewer", "CN=Books App,O=Acme,C=DE"),
            registered("more", "CN=Books App,OU=Shop,OU=Shop,O=Acme,C=DE"),
            registered("common", "CN=Books App"),
            registered("joined", "CN=Books App+OU=Shop,O=Acme,C=DE"),
            registered("within", "CN=Books App\\,OU=Shop,O=Acme,C=DE"),
        ]);
    })
    .await;
    let subject = vec![("C", "DE"), ("O", "Acme"), ("OU", "Shop"), ("CN", "Books App")];
    let identity = secured.authority.issue(Wanted { subject, ..Wanted::client("") });
    let http = secured.http(&identity);
    for id in ["same", "case", "spaces", "encoded"] {
        assert!(is_in(&http, &secured.mutual, id).await, "{id}");
    }
    for id in ["order", "fewer", "more", "common", "joined", "within"] {
        assert!(!is_in(&http, &secured.mutual, id).await, "{id}");
    }
}

#[tokio::test]
async fn each_kind_of_alternative_name_counts_where_it_is_registered_and_nowhere_else() {
    let secured = Secured::with(|config| {
        config.clients.extend([
            named("dns", "tls_client_auth_san_dns", "APP.example"),
            named("uri", "tls_client_auth_san_uri", "https://app.example/x"),
            named("v4", "tls_client_auth_san_ip", "192.0.2.7"),
            named("v6", "tls_client_auth_san_ip", "2001:DB8::7"),
            named("email", "tls_client_auth_san_email", "app@EXAMPLE.com"),
            named("cn", "tls_client_auth_subject_dn", "CN=app.example"),
        ]);
    })
    .await;
    let names: [(&str, &str, &str); 6] = [
        ("dns", "dns", "app.example"),
        ("uri", "uri", "https://app.example/x"),
        ("v4", "ip", "192.0.2.7"),
        ("v6", "ip", "2001:db8::7"),
        ("email", "email", "app@example.com"),
        ("cn", "dns", "unrelated.example"),
    ];
    for (expected, kind, value) in names {
        let common = if expected == "cn" { "app.example" } else { "other" };
        let more = vec![("dns", "first.example"), (kind, value)];
        let identity = secured.authority.issue(Wanted { names: more, ..Wanted::client(common) });
        let http = secured.http(&identity);
        for (id, ..) in names {
            assert_eq!(is_in(&http, &secured.mutual, id).await, id == expected, "{id} by {kind} {value}");
        }
    }
    // A star is no pattern, and a common name is no DNS name.
    for (common, dns) in [("other", "*.example"), ("app.example", "x.example")] {
        let identity =
            secured.authority.issue(Wanted { names: vec![("dns", dns)], ..Wanted::client(common) });
        assert!(!is_in(&secured.http(&identity), &secured.mutual, "dns").await, "{common} {dns}");
    }
}

#[tokio::test]
async fn an_authority_has_to_vouch_for_the_certificate_as_one_of_a_client() {
    let secured = Secured::with(|config| {
        config.clients.push(named("app", "tls_client_auth_subject_dn", "CN=app"));
    })
    .await;
    let (authority, base) = (&secured.authority, secured.mutual.as_str());
    let sound = Wanted::client("app");
    assert!(is_in(&secured.http(&authority.issue(sound.clone())), base, "app").await);
    let everything = Wanted { usage: None, ..sound.clone() };
    assert!(is_in(&secured.http(&authority.issue(everything)), base, "app").await);

    let stranger = Wanted::authority("authority").self_signed();
    for (why, identity) in [
        ("of an authority with the same name", stranger.issue(sound.clone())),
        ("signed by itself", sound.clone().self_signed()),
        ("with names that nobody can read", {
            // What it says twice it does not say at all.
            let twice = vec![("2.5.29.17", b"\x30\x00".to_vec()), ("2.5.29.17", b"\x04\x05".to_vec())];
            stranger.issue(Wanted { extensions: twice, ..sound.clone() })
        }),
        ("for servers", authority.issue(Wanted { usage: Some("server"), ..sound.clone() })),
    ] {
        assert!(!is_in(&secured.http(&identity), base, "app").await, "{why}");
    }
}

#[tokio::test]
async fn a_certificate_that_does_not_hold_costs_nobody_else_the_connection() {
    let secured = Secured::with(|config| {
        config.clients.push(named("app", "tls_client_auth_subject_dn", "CN=app"));
    })
    .await;
    let stranger = Wanted::authority("authority").self_signed();
    let garbled = vec![("2.5.29.17", b"\x30\x03\x82\x7fx".to_vec())];
    let strange = [
        secured.http(&stranger.issue(Wanted::client("app"))),
        secured.http(&stranger.issue(Wanted { extensions: garbled, ..Wanted::client("other") })),
    ];
    // Each has one connection, which stays open.
    let good: Vec<_> =
        (0..8).map(|_| secured.http(&secured.authority.issue(Wanted::client("app")))).collect();
    for _ in 0..4 {
        for http in &good {
            assert!(is_in(http, &secured.mutual, "app").await);
            for http in &strange {
                assert!(!is_in(http, &secured.mutual, "app").await);
            }
        }
    }
}

#[tokio::test]
async fn authorities_in_between_are_taken_from_what_is_sent_along() {
    let secured = Secured::with(|config| {
        config.clients.push(named("app", "tls_client_auth_subject_dn", "CN=app"));
    })
    .await;
    let (authority, base) = (&secured.authority, secured.mutual.as_str());
    let between = authority.issue(Wanted::authority("between"));
    let below = between.issue(Wanted::client("app"));
    assert!(is_in(&below.http(&secured.server, &[&between]), base, "app").await);
    // Twice on new connections: a resumed session would know nothing of what is in between.
    assert!(is_in(&below.http(&secured.server, &[&between]), base, "app").await);
    assert!(!is_in(&secured.http(&below), base, "app").await, "nobody knows who is in between");

    let no_authority = authority.issue(Wanted::client("between"));
    let below = no_authority.issue(Wanted::client("app"));
    assert!(!is_in(&below.http(&secured.server, &[&no_authority]), base, "app").await);

    let last = authority.issue(Wanted { authority: Some(Some(0)), ..Wanted::authority("last") });
    let too_deep = last.issue(Wanted::authority("too deep"));
    let below = too_deep.issue(Wanted::client("app"));
    assert!(!is_in(&below.http(&secured.server, &[&too_deep, &last]), base, "app").await);
    assert!(is_in(&last.issue(Wanted::client("app")).http(&secured.server, &[&last]), base, "app").await);
}

#[tokio::test]
async fn the_time_of_a_certificate_is_looked_up_on_the_clock_of_the_server() {
    let own = Wanted::client("own").self_signed();
    let keys = json!([{ "kty": "EC", "x5c": [own.base64()] }]);
    let secured = Secured::with(|config| {
        config.clients.push(named("app", "tls_client_auth_subject_dn", "CN=app"));
        config.clients.push(self_signed("self", &keys));
    })
    .await;
    let (base, clock) = (secured.mutual.as_str(), &secured.stand.clock);
    let app = secured.http(&secured.authority.issue(Wanted::client("app")));
    let own = secured.http(&own);
    for (http, id) in [(&app, "app"), (&own, "self")] {
        assert!(is_in(http, base, id).await, "{id}");
        clock.advance(86_399);
        assert!(is_in(http, base, id).await, "{id}: the last second counts");
        clock.advance(1);
        assert!(!is_in(http, base, id).await, "{id}: it is over");
        clock.advance(-86_400);
    }
    clock.advance(-86_400);
    for (http, id) in [(&app, "app"), (&own, "self")] {
        assert!(is_in(http, base, id).await, "{id}: the first second counts");
    }
    clock.advance(-1);
    for (http, id) in [(&app, "app"), (&own, "self")] {
        assert!(!is_in(http, base, id).await, "{id}: its time has not come");
    }
}

#[tokio::test]
async fn a_certificate_that_signs_itself_has_to_be_registered() {
    let [first, second, by_key, stranger] =
        ["first", "second", "by key", "stranger"].map(|common| Wanted::client(common).self_signed());
    let same_key = Wanted { key: first.key.clone(), ..Wanted::client("first") }.self_signed();
    let same_key_again = Wanted { key: by_key.key.clone(), ..Wanted::client("renewed") }.self_signed();
    let entry = |identity: &Identity| json!({ "kty": "EC", "use": "sig", "x5c": [identity.base64()] });
    let mut misled = jwk(&first.key);
    misled["x5c"] = json!(["?"]);
    let mut for_encryption = jwk(&first.key);
    for_encryption["use"] = json!("enc");
    let mut chained = entry(&stranger);
    chained["x5c"].as_array_mut().unwrap().push(json!(first.base64()));
    let secured = Secured::with(|config| {
        config.clients.extend([
            self_signed("both", &json!([entry(&first), entry(&second)])),
            self_signed("key", &json!([jwk(&by_key.key)])),
            self_signed("misled", &json!([misled])),
            self_signed("encrypts", &json!([for_encryption])),
            self_signed("chained", &json!([chained])),
            named("named", "tls_client_auth_subject_dn", "CN=first"),
        ]);
    })
    .await;
    let base = secured.mutual.as_str();
    for (identity, ids) in [
        (&first, &["both"][..]),
        (&second, &["both"]),
        (&same_key, &[]),
        (&by_key, &["key"]),
        (&same_key_again, &["key"]),
        (&stranger, &["chained"]),
    ] {
        let http = secured.http(identity);
        for id in ["both", "key", "misled", "encrypts", "chained", "named"] {
            let common = identity.certificate.subject_name();
            assert_eq!(is_in(&http, base, id).await, ids.contains(&id), "{id} by {common:?}");
        }
    }
}

#[tokio::test]
async fn keys_that_are_published_are_fetched_and_not_for_every_stranger() {
    let [old, new, stranger] = ["old", "new", "stranger"].map(|common| Wanted::client(common).self_signed());
    let shelf = Shelf::empty().await;
    let at = json!({ "jwks_uri": shelf.uri });
    let secured = Secured::with(|config| {
        config.clients.push(client("remote", "self_signed_tls_client_auth", &at));
    })
    .await;
    let is_known =
        async |identity: &Identity| is_in(&secured.http(identity), &secured.mutual, "remote").await;
    assert!(!is_known(&old).await, "the keys cannot be fetched");
    shelf.put(json!({ "keys": [jwk(&old.key)] }));
    assert!(is_known(&old).await);
    shelf.put(json!({ "keys": [jwk(&old.key), { "kty": "EC", "x5c": [new.base64()] }] }));
    // They were fetched just now, and are not fetched again for whoever comes along.
    assert!(!is_known(&stranger).await);
    assert!(!is_known(&new).await);
    assert!(is_known(&old).await);
}

#[tokio::test]
async fn without_a_certificate_or_where_none_is_asked_for_nobody_is_let_in() {
    let own = Wanted::client("own").self_signed();
    let keys = json!([jwk(&own.key)]);
    let secured = Secured::with(|config| {
        config.clients.push(named("app", "tls_client_auth_subject_dn", "CN=app"));
        config.clients.push(self_signed("self", &keys));
    })
    .await;
    let app = secured.authority.issue(Wanted::client("app"));
    let nobody = believing(&secured.server).build().unwrap();
    for id in ["app", "self", "unknown"] {
        assert!(!is_in(&nobody, &secured.mutual, id).await);
    }
    // The public listener does not ask, so nothing is shown to it.
    assert!(!is_in(&secured.http(&app), &secured.stand.issuer, "app").await);
    assert!(!is_in(&secured.http(&own), &secured.stand.issuer, "self").await);

    let open = Secured::with(|config| {
        config.tls.client_certificates = ClientCertificates::Optional;
        config.clients.push(self_signed("self", &keys));
    })
    .await;
    assert!(is_in(&open.http(&own), &open.stand.issuer, "self").await);
}

#[tokio::test]
async fn a_certificate_and_another_method_do_not_replace_each_other() {
    let own = Wanted::client("own").self_signed();
    let keys = json!([jwk(&own.key)]);
    let secured = Secured::with(|config| {
        config.clients.push(named("app", "tls_client_auth_subject_dn", "CN=app"));
        let mut with_secret = self_signed("self", &keys);
        with_secret.secret = Some(SECRET.to_owned());
        config.clients.push(with_secret);
    })
    .await;
    let (http, url) = (secured.http(&own), format!("{}/token", secured.mutual));
    let form = [("grant_type", "client_credentials")];
    let send = async |request: reqwest::RequestBuilder| Reply::read(request.send().await.unwrap()).await;
    // A secret does not open the door of a client that is registered for certificates.
    let reply = send(http.post(&url).basic_auth("self", Some(SECRET)).form(&form)).await;
    assert_eq!((reply.status, reply.error()), (401, "invalid_client"));
    let posted = [("grant_type", "client_credentials"), ("client_id", "self"), ("client_secret", SECRET)];
    assert_eq!(send(http.post(&url).form(&posted)).await.error(), "invalid_client");
    let both = [("grant_type", "client_credentials"), ("client_id", "app")];
    assert_eq!(
        send(http.post(&url).basic_auth("self", Some(SECRET)).form(&both)).await.error(),
        "invalid_request"
    );
    // A certificate does not open that of a client with a secret, and does not shut it either.
    assert!(!is_in(&http, &secured.mutual, "service").await);
    assert_eq!(send(http.post(&url).basic_auth("service", Some(SECRET)).form(&form)).await.status, 200);
    assert!(is_in(&http, &secured.mutual, "self").await);
}
