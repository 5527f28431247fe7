//! What all endpoints share: methods, sizes, types, parameters, CORS, headers; made from a table of them.

use reqwest::{Method, header};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{
    harness::{Browser, HEADLESS, Reply, Stand},
    helpers::text,
};

/// Endpoint, its methods, whether scripts of other origins may call it.
const PUBLIC: [(&str, &[&str], bool); 15] = [
    ("/token", &["POST"], true),
    ("/introspect", &["POST"], false),
    ("/revoke", &["POST"], true),
    ("/userinfo", &["GET", "POST"], true),
    ("/jwks", &["GET"], true),
    ("/authorize", &["GET", "POST"], false),
    ("/resume", &["GET"], false),
    ("/logout", &["GET", "POST"], false),
    ("/check_session", &["GET"], false),
    ("/register", &["POST"], true),
    ("/register/x", &["GET", "PUT", "DELETE"], true),
    ("/.well-known/openid-configuration", &["GET"], true),
    ("/.well-known/oauth-authorization-server", &["GET"], true),
    ("/.well-known/placet-schemas/1/x", &["GET"], true),
    ("/assets/x", &["GET"], false),
];

const PRIVATE: [(&str, &[&str]); 14] = [
    ("/ui/v1/interactions", &["GET", "POST"]),
    ("/ui/v1/interactions/x", &["GET", "DELETE"]),
    ("/ui/v1/interactions/x/data", &["GET", "PUT"]),
    ("/ui/v1/interactions/x/steps/1", &["PUT"]),
    ("/ui/v1/sessions", &["GET", "DELETE"]),
    ("/ui/v1/sessions/x", &["GET", "DELETE"]),
    ("/ui/v1/consents", &["GET"]),
    ("/ui/v1/consents/x", &["DELETE"]),
    ("/ui/v1/authorizations", &["GET"]),
    ("/ui/v1/authorizations/x", &["DELETE"]),
    ("/ui/v1/grants", &["POST"]),
    ("/ui/v1/reports", &["POST"]),
    ("/livez", &["GET"]),
    ("/readyz", &["GET"]),
];

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PURGE"];

async fn send(request: reqwest::RequestBuilder) -> Reply {
    Reply::read(request.send().await.unwrap()).await
}

fn private(stand: &Stand) -> String {
    stand.api.trim_end_matches("/ui/v1").to_owned()
}

/// All endpoints with their full addresses.
fn all(stand: &Stand) -> Vec<(String, &'static [&'static str])> {
    let public = PUBLIC.iter().map(|(path, methods, _)| (format!("{}{path}", stand.issuer), *methods));
    let private = PRIVATE.iter().map(|(path, methods)| (format!("{}{path}", private(stand)), *methods));
    public.chain(private).collect()
}

#[tokio::test]
async fn a_wrong_method_is_told_which_are_right_and_head_is_answered_like_get() {
    let stand = Stand::start().await;
    for (url, methods) in all(&stand) {
        for method in METHODS {
            let method_name = Method::from_bytes(method.as_bytes()).unwrap();
            let reply = send(stand.http.request(method_name, &url)).await;
            assert!(reply.header("placet-request-id").starts_with("req_"), "{method} {url}");
            if methods.contains(&method) {
                assert_ne!(reply.status, 405, "{method} {url}");
            } else {
                assert_eq!(reply.status, 405, "{method} {url}");
                let allow = reply.header("allow");
                assert!(methods.iter().all(|m| allow.contains(m)), "{method} {url}: {allow}");
            }
        }
        let head = send(stand.http.head(&url)).await;
        assert!(head.text.is_empty());
        let get = send(stand.http.get(&url)).await;
        assert_eq!(head.status, get.status, "HEAD {url}");
    }
}

#[tokio::test]
async fn the_host_is_that_of_the_target_and_another_one_beside_it_is_refused() {
    let stand = Stand::with(|config| {
        config.resource = serde_json::from_value(json!([{ "uri": "https://orders.example/v1" }])).unwrap();
    })
    .await;
    let http2 = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    for url in [format!("{}/jwks", stand.issuer), format!("{}/livez", private(&stand))] {
        let own = url.split('/').nth(2).unwrap();
        for (host, status) in [(own, 200), ("other.example", 400)] {
            let reply = send(http2.get(&url).header(header::HOST, host)).await;
            assert_eq!(reply.status, status, "{url} {host}: {}", reply.text);
        }
    }
    // HTTP/1.1 names it in the target alone, if that is absolute (RFC 9112 section 3.2.2).
    for (named, beside, status) in
        [("orders.example", "other.example", 200), ("other.example", "orders.example", 404)]
    {
        let mut stream = TcpStream::connect(stand.issuer.trim_start_matches("http://")).await.unwrap();
        let path = "/.well-known/oauth-protected-resource/v1";
        let head =
            format!("GET http://{named}{path} HTTP/1.1\r\nhost: {beside}\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{named}: {answer}");
    }
}

#[tokio::test]
async fn an_unknown_path_is_a_json_404() {
    let stand = Stand::start().await;
    for base in [stand.issuer.clone(), private(&stand)] {
        for path in ["/", "/nothing", "/token/x", "/Token", "//token", "/ui/v1", "/.well-known/", "/%00"] {
            let reply = send(stand.http.get(format!("{base}{path}"))).await;
            assert_eq!(reply.status, 404, "{base}{path}");
            assert!(reply.json.is_object(), "{base}{path}: {}", reply.text);
        }
    }
    for path in ["/ui/v1/sessions", "/livez", "/readyz", "/ui/v1/openapi.json"] {
        let public = send(stand.http.get(format!("{}{path}", stand.issuer)).bearer_auth(HEADLESS)).await;
        assert_eq!(public.status, 404, "{path} is private");
    }
    for path in ["/token", "/authorize", "/jwks"] {
        assert_eq!(
            send(stand.http.get(format!("{}{path}", private(&stand)))).await.status,
            404,
            "{path} is public"
        );
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_413() {
    let stand = Stand::start().await;
    for (url, methods) in all(&stand) {
        // Assertions in SAML are long.
        let limit = if url.ends_with("/token") { 256 * 1024 } else { 128 * 1024 };
        let large = format!("a={}", "x".repeat(limit - 1));
        for method in methods.iter().filter(|m| matches!(**m, "POST" | "PUT")) {
            let method_name = Method::from_bytes(method.as_bytes()).unwrap();
            let request = stand
                .http
                .request(method_name, &url)
                .bearer_auth(HEADLESS)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(large.clone());
            let reply = send(request).await;
            assert_eq!(reply.status, 413, "{method} {url}");
        }
    }
}

#[tokio::test]
async fn a_wrong_content_type_is_refused() {
    let stand = Stand::start().await;
    let body = r#"{"token":"x","grant_type":"client_credentials"}"#;
    for path in ["/token", "/introspect", "/revoke", "/authorize", "/logout", "/register"] {
        for media_type in [None, Some("text/plain"), Some("multipart/form-data; boundary=x")] {
            let mut request = stand.http.post(format!("{}{path}", stand.issuer)).body(body);
            if let Some(media_type) = media_type {
                request = request.header(header::CONTENT_TYPE, media_type);
            }
            assert_eq!(send(request).await.status, 400, "{path} {media_type:?}");
        }
    }
    for path in ["/interactions", "/grants", "/reports"] {
        let url = format!("{}{path}", stand.api);
        let reply = send(stand.http.post(url).bearer_auth(HEADLESS).body(body)).await;
        assert_eq!((reply.status, reply.error()), (415, "unsupported_media_type"), "{path}");
    }
}

#[tokio::test]
async fn parameters_that_two_programs_could_read_differently_are_refused() {
    let stand = Stand::start().await;
    for path in ["/token", "/introspect", "/revoke"] {
        for body in [
            "grant_type=client_credentials&token=x&grant_type=client_credentials&token=x",
            "grant_type=client_credentials&token=x%00y",
            "grant_type=client_credentials&token=%zz",
            "grant_type=client_credentials&token=%ff%fe",
            "grant_type=client_credentials&token=x&%",
        ] {
            let request = stand
                .http
                .post(format!("{}{path}", stand.issuer))
                .basic_auth("service", Some(super::harness::SECRET))
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(body);
            let reply = send(request).await;
            assert_eq!((reply.status, reply.error()), (400, "invalid_request"), "{path} {body}");
        }
    }
    for query in ["client_id=web&client_id=web", "client_id=w%00eb", "client_id=%zz", "client_id=%ff"] {
        let reply = send(stand.http.get(format!("{}/authorize?{query}", stand.issuer))).await;
        assert_eq!(reply.status, 400, "{query}");
        assert!(reply.headers.get("location").is_none());
    }
    for query in ["state=a&state=b", "state=%00", "state=%zz"] {
        let reply = send(stand.http.get(format!("{}/logout?{query}", stand.issuer))).await;
        assert_eq!(reply.status, 400, "{query}");
    }
}

#[tokio::test]
async fn scripts_of_other_origins_may_call_what_clients_in_browsers_need_and_nothing_else() {
    let stand = Stand::start().await;
    let origin = |request: reqwest::RequestBuilder| request.header("origin", "https://app.example");
    for (path, methods, open) in PUBLIC {
        let url = format!("{}{path}", stand.issuer);
        let method = Method::from_bytes(methods[0].as_bytes()).unwrap();
        let preflight = origin(stand.http.request(Method::OPTIONS, &url))
            .header("access-control-request-method", methods[0])
            .header("access-control-request-headers", "authorization");
        let preflight = send(preflight).await;
        let reply = send(origin(stand.http.request(method, &url))).await;
        if open {
            assert_eq!(preflight.status, 204, "{path}");
            for method in methods {
                assert!(preflight.header("access-control-allow-methods").contains(method), "{path}");
            }
            assert!(preflight.header("access-control-allow-headers").contains("authorization"));
            for answer in [&preflight, &reply] {
                assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
                assert!(answer.headers.get("access-control-allow-credentials").is_none());
            }
        } else {
            assert_eq!(preflight.status, 405, "{path}");
            assert!(reply.headers.keys().all(|name| !name.as_str().starts_with("access-control")), "{path}");
        }
    }
    for (path, methods) in PRIVATE {
        let method = Method::from_bytes(methods[0].as_bytes()).unwrap();
        let url = format!("{}{path}", private(&stand));
        let reply = send(origin(stand.http.request(method, url)).bearer_auth(HEADLESS)).await;
        assert!(reply.headers.keys().all(|name| !name.as_str().starts_with("access-control")), "{path}");
    }
}

#[tokio::test]
async fn cookies_are_for_this_server_alone_and_two_tabs_share_one_binding() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    let first = browser.authorize(&stand, "web", &[]).await;
    let line = first.header("set-cookie").to_owned();
    assert!(line.starts_with("placet-ib="), "{line}");
    let second = browser.authorize(&stand, "web", &[]).await;
    assert!(second.headers.get("set-cookie").is_none(), "the second tab uses what the first one got");
    let mut lines = vec![line];
    for reply in [&second, &first] {
        let id = reply.interaction();
        stand.answer(&id, 1, &super::harness::auth("alice")).await;
        let done = stand.answer(&id, 2, &json!({ "type": "consent", "accept_all": true })).await.json;
        let back = browser.get(done["response"]["delivery"]["uri"].as_str().unwrap()).await;
        assert!(back.params().contains_key("code"), "{back:?}");
        lines.push(back.header("set-cookie").to_owned());
    }
    assert!(lines[1].starts_with("placet-sso="));
    for line in lines {
        let attributes: Vec<&str> = line.split("; ").skip(1).collect();
        assert_eq!(attributes, ["Path=/", "HttpOnly", "SameSite=Lax"], "{line}");
    }
}

#[tokio::test]
async fn pages_run_nothing_load_nothing_and_are_never_framed() {
    let stand = Stand::start().await;
    for path in [
        "/authorize",
        "/authorize?client_id=%3Cscript%3E",
        "/logout",
        "/logout?client_id=x",
        "/resume?i=x&t=y",
    ] {
        let reply = send(stand.http.get(format!("{}{path}", stand.issuer))).await;
        assert!(reply.header("content-type").starts_with("text/html"), "{path}: {reply:?}");
        assert_eq!(reply.header("cache-control"), "no-store");
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert_eq!(reply.header("x-frame-options"), "DENY");
        assert_eq!(reply.header("referrer-policy"), "no-referrer");
        let policy = reply.header("content-security-policy");
        for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "style-src 'self'"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("script-src") && !reply.text.contains("<script"), "{path}");
        let style = reply.text.split("rel=\"stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap();
        let css = send(stand.http.get(format!("{}{style}", stand.issuer))).await;
        assert_eq!((css.status, css.header("content-type")), (200, "text/css; charset=utf-8"));
    }
}

#[tokio::test]
async fn discovery_says_what_is_dispatched() {
    let stand = Stand::start().await;
    let get = async |path: &str| send(stand.http.get(format!("{}{path}", stand.issuer))).await;
    let found = get("/.well-known/openid-configuration").await.json;
    assert_eq!(found, get("/.well-known/oauth-authorization-server").await.json);
    assert_eq!(found["issuer"], stand.issuer);
    for (name, value) in found.as_object().unwrap() {
        if name.ends_with("_endpoint") || name == "jwks_uri" {
            let reply = send(stand.http.get(text(value))).await;
            assert_ne!(reply.status, 404, "{name}");
        }
    }
    for (name, expected) in [
        ("request_parameter_supported", json!(true)),
        ("request_uri_parameter_supported", json!(false)),
        ("claims_parameter_supported", json!(true)),
        ("authorization_response_iss_parameter_supported", json!(true)),
        ("code_challenge_methods_supported", json!(["S256"])),
        (
            "response_modes_supported",
            json!(["query", "fragment", "form_post", "query.jwt", "fragment.jwt", "form_post.jwt", "jwt"]),
        ),
        ("subject_types_supported", json!(["public", "pairwise"])),
    ] {
        assert_eq!(found[name], expected, "{name}");
    }
    let grants = found["grant_types_supported"].as_array().unwrap();
    // The implicit grant never comes to the token endpoint.
    for grant in grants.iter().filter(|grant| **grant != "implicit") {
        let form = [("grant_type", grant.as_str().unwrap())];
        let reply = stand.post("/token", "service", &form).await;
        assert_ne!(reply.error(), "unsupported_grant_type", "{grant}");
    }
    assert_eq!(
        stand.post("/token", "service", &[("grant_type", "password")]).await.error(),
        "unsupported_grant_type"
    );
    for response_type in found["response_types_supported"].as_array().unwrap() {
        let extra = [("response_type", response_type.as_str().unwrap()), ("nonce", "n")];
        Browser::new().authorize(&stand, "hybrid", &extra).await.interaction();
    }
    let algs = found["id_token_signing_alg_values_supported"].as_array().unwrap();
    for key in super::helpers::jwks(&stand).await.iter().filter(|key| key["use"] == "sig") {
        assert!(algs.contains(&key["alg"]), "{key}");
    }
    let closed = Stand::with(|c| c.registration.mode = placet_server::config::RegistrationMode::Closed).await;
    let found = send(closed.http.get(format!("{}/.well-known/openid-configuration", closed.issuer))).await;
    assert!(found.json.get("registration_endpoint").is_none());
}
