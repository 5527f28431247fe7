//! Certificates that a proxy passes on (RFC 9440).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use placet_server::config::{CertificateEncoding, Config};
use reqwest::{Client, header::HeaderMap};
use serde_json::json;

use super::{
    certificates::{Identity, Wanted, jwk, rsa},
    harness::{Reply, Stand},
    helpers::configured,
    securing::Secured,
};

const PROXY: &str = "127.0.0.1";

fn client(id: &str, identity: &Identity) -> placet_server::config::ClientConfig {
    configured(
        id,
        &json!({
            "token_endpoint_auth_method": "self_signed_tls_client_auth", "grant_types": ["client_credentials"],
            "scope": "reports.read", "jwks": { "keys": [jwk(&identity.key)] },
        }),
    )
}

/// A server that hears of certificates from this proxy.
async fn behind(proxy: &str, identity: &Identity, change: impl FnOnce(&mut Config)) -> Stand {
    Stand::with(|config| {
        config.trusted_proxies = vec![proxy.parse().unwrap()];
        config.mtls.proxy.header = Some("Client-Cert".to_owned());
        config.clients.push(client("app", identity));
        change(config);
    })
    .await
}

/// Asks for a token with these headers.
async fn ask(http: &Client, base: &str, headers: &[(&str, String)]) -> Reply {
    let mut all = HeaderMap::new();
    for (name, value) in headers {
        all.append(name.parse::<reqwest::header::HeaderName>().unwrap(), value.parse().unwrap());
    }
    let form = [("grant_type", "client_credentials"), ("client_id", "app")];
    Reply::read(http.post(format!("{base}/token")).headers(all).form(&form).send().await.unwrap()).await
}

fn binary(identity: &Identity) -> String {
    format!(":{}:", identity.base64())
}

/// As nginx writes it.
fn escaped(identity: &Identity) -> String {
    let escape = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    identity.pem().bytes().map(escape).collect()
}

#[tokio::test]
async fn a_trusted_proxy_says_which_certificate_the_client_has() {
    let [app, other] = ["app", "other"].map(|common| Wanted::client(common).self_signed());
    let stand = behind(PROXY, &app, |_| {}).await;
    let asked = async |headers: &[(&str, String)]| ask(&stand.http, &stand.issuer, headers).await;
    assert_eq!(asked(&[("client-cert", binary(&app))]).await.status, 200);
    assert_eq!(asked(&[("client-cert", binary(&other))]).await.error(), "invalid_client");
    assert_eq!(asked(&[]).await.error(), "invalid_client");
    // Nothing else has a say.
    assert_eq!(asked(&[("x-client-cert", binary(&app))]).await.error(), "invalid_client");
}

#[tokio::test]
async fn nobody_else_is_believed() {
    let app = Wanted::client("app").self_signed();
    let stand = behind("127.0.0.9", &app, |_| {}).await;
    for value in [binary(&app), escaped(&app), "?".to_owned()] {
        let reply = ask(&stand.http, &stand.issuer, &[("client-cert", value)]).await;
        assert_eq!((reply.status, reply.error()), (401, "invalid_client"), "as if there were no such header");
    }
    // An address that somebody claims makes nobody a proxy.
    let claimed = [("client-cert", binary(&app)), ("x-forwarded-for", "127.0.0.9".to_owned())];
    assert_eq!(ask(&stand.http, &stand.issuer, &claimed).await.error(), "invalid_client");
    let off = Stand::with(|config| {
        config.trusted_proxies = vec![PROXY.parse().unwrap()];
        config.tls.client_certificates = placet_server::config::ClientCertificates::Off;
    })
    .await;
    assert_eq!(ask(&off.http, &off.issuer, &[("client-cert", binary(&app))]).await.error(), "invalid_client");
}

#[tokio::test]
async fn what_a_proxy_says_twice_or_not_clearly_is_refused_and_never_ignored() {
    let [app, other] = ["app", "other"].map(|common| Wanted::client(common).self_signed());
    let stand = behind(PROXY, &app, |_| {}).await;
    let sound = binary(&app);
    let der = app.certificate.to_der().unwrap();
    let more = format!(":{}:", STANDARD.encode([&der[..], &[0]].concat()));
    let less = format!(":{}:", STANDARD.encode(&der[..der.len() - 1]));
    for values in [
        &[sound.clone(), sound.clone()][..],
        &[binary(&other), sound.clone()],
        &[format!("{sound}, {sound}")],
        &[String::new()],
        &["::".to_owned()],
        &[":AAAA:".to_owned()],
        &[app.base64()],
        &[format!("{sound};a=b")],
        &[sound.replace(':', "\"")],
        &[sound.replace('+', "-").replace('/', "_").trim_end_matches(':').trim_end_matches('=').to_owned()],
        &[more],
        &[less],
        &[escaped(&app)],
    ] {
        let headers: Vec<_> = values.iter().map(|value| ("client-cert", value.clone())).collect();
        let reply = ask(&stand.http, &stand.issuer, &headers).await;
        assert_eq!((reply.status, reply.error()), (400, "invalid_request"), "{values:?}");
        let page = stand.http.get(format!("{}/jwks", stand.issuer)).header("client-cert", &values[0]);
        if values.len() == 1 {
            assert_eq!(page.send().await.unwrap().status(), 400, "at every endpoint");
        }
    }
}

#[tokio::test]
async fn escaped_pem_is_understood_where_it_is_what_the_proxy_sends() {
    let app = Wanted::client("app").self_signed();
    let stand = behind(PROXY, &app, |config| {
        config.mtls.proxy.header = Some("X-SSL-Client-Cert".to_owned());
        config.mtls.proxy.encoding = CertificateEncoding::EscapedPem;
    })
    .await;
    let status =
        async |value: String| ask(&stand.http, &stand.issuer, &[("x-ssl-client-cert", value)]).await.status;
    let sound = escaped(&app);
    assert_eq!(status(sound.clone()).await, 200);
    assert_eq!(status(sound.replace("%2B", "+").replace("%2F", "/")).await, 200);
    assert_eq!(status(sound.replace("%0A", "%0D%0A")).await, 200);
    for malformed in [
        binary(&app),
        app.base64(),
        format!("{sound}{sound}"),
        sound.replacen("%2D", "%2", 1).replacen("-----BEGIN", "%-----BEGIN", 1),
        sound.replacen("BEGIN", "BEGIM", 1),
        format!("{sound}%zz"),
        format!("{sound}%"),
        format!("subject%0A{sound}"),
        String::new(),
    ] {
        assert_eq!(status(malformed.clone()).await, 400, "{malformed}");
    }
}

#[tokio::test]
async fn a_proxy_passes_on_what_links_a_certificate_to_its_authority() {
    let secured = Secured::with(|config| {
        config.trusted_proxies = vec![PROXY.parse().unwrap()];
        config.mtls.proxy.header = Some("Client-Cert".to_owned());
        config.mtls.proxy.chain_header = Some("Client-Cert-Chain".to_owned());
        config.clients.push(configured(
            "app",
            &json!({
                "token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": "CN=app",
                "grant_types": ["client_credentials"], "scope": "reports.read",
            }),
        ));
    })
    .await;
    let first = secured.authority.issue(Wanted::authority("first"));
    let second = first.issue(Wanted::authority("second"));
    let app = second.issue(Wanted::client("app"));
    let asked = async |chain: &[String], with: bool| {
        let mut headers: Vec<_> = chain.iter().map(|line| ("client-cert-chain", line.clone())).collect();
        if with {
            headers.push(("client-cert", binary(&app)));
        }
        ask(&secured.stand.http, &secured.stand.issuer, &headers).await.status
    };
    let (one, two) = (binary(&second), binary(&first));
    assert_eq!(asked(&[format!("{one}, {two}")], true).await, 200);
    assert_eq!(asked(&[one.clone(), two.clone()], true).await, 200);
    assert_eq!(asked(std::slice::from_ref(&one), true).await, 401, "nobody knows the first");
    assert_eq!(asked(&[], true).await, 401);
    for malformed in ["", "?", &format!("{one},"), &format!("{one} {two}"), &[one.as_str(); 11].join(",")] {
        assert_eq!(asked(&[malformed.to_owned()], true).await, 400, "{malformed}");
    }
    assert_eq!(asked(std::slice::from_ref(&one), false).await, 400, "a chain of nothing");
}

#[tokio::test]
async fn the_certificate_of_the_proxy_is_not_that_of_the_client() {
    let proxy = Wanted::client("app").self_signed();
    let start = async |trusted: &str| {
        Secured::with(|config| {
            config.trusted_proxies = vec![trusted.parse().unwrap()];
            config.mtls.proxy.header = Some("Client-Cert".to_owned());
            config.clients.push(client("app", &proxy));
        })
        .await
    };
    let secured = start(PROXY).await;
    let http = secured.http(&proxy);
    assert_eq!(ask(&http, &secured.mutual, &[]).await.error(), "invalid_client");
    assert_eq!(ask(&http, &secured.mutual, &[("client-cert", binary(&proxy))]).await.status, 200);
    // Who is no proxy speaks for itself.
    let secured = start("127.0.0.9").await;
    let stranger = Wanted::client("stranger").self_signed();
    let http = secured.http(&stranger);
    assert_eq!(
        ask(&http, &secured.mutual, &[("client-cert", binary(&proxy))]).await.error(),
        "invalid_client"
    );
    assert_eq!(ask(&secured.http(&proxy), &secured.mutual, &[]).await.status, 200);
}

/// OpenSSL would neither show nor take such a certificate; a proxy may do both.
#[tokio::test]
async fn weak_keys_prove_nothing() {
    let weak = Wanted { key: rsa(1024), ..Wanted::client("weak") }.self_signed();
    let strong = Wanted { key: rsa(2048), ..Wanted::client("strong") }.self_signed();
    let secured = Secured::with(|config| {
        config.trusted_proxies = vec![PROXY.parse().unwrap()];
        config.mtls.proxy.header = Some("Client-Cert".to_owned());
        let keys: Vec<_> =
            [&weak, &strong].map(|one| json!({ "kty": "RSA", "x5c": [one.base64()] })).to_vec();
        config.clients.push(configured(
            "app",
            &json!({
                "token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks": { "keys": keys },
                "grant_types": ["client_credentials"], "scope": "reports.read",
            }),
        ));
    })
    .await;
    let asked = async |identity: &Identity| {
        ask(&secured.stand.http, &secured.stand.issuer, &[("client-cert", binary(identity))]).await.status
    };
    assert_eq!(asked(&strong).await, 200);
    assert_eq!(asked(&weak).await, 401);

    let named = json!({
        "token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": "CN=app",
        "grant_types": ["client_credentials"], "scope": "reports.read",
    });
    let secured = Secured::with(|config| {
        config.trusted_proxies = vec![PROXY.parse().unwrap()];
        config.mtls.proxy.header = Some("Client-Cert".to_owned());
        config.clients.push(configured("app", &named));
    })
    .await;
    for (bits, status) in [(2048, 200), (1024, 401)] {
        let identity = secured.authority.issue(Wanted { key: rsa(bits), ..Wanted::client("app") });
        let headers = [("client-cert", binary(&identity))];
        assert_eq!(ask(&secured.stand.http, &secured.stand.issuer, &headers).await.status, status, "{bits}");
    }
}
