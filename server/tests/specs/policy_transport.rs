//! The decision API, `docs/protocol.md`: how questions travel, who asks and who answers, and what a policy is shown.

use std::{path::PathBuf, sync::Arc};

use placet_sdk::{
    Instant,
    decision::{HEADER_ID, HEADER_SIGNATURE, HEADER_TIMESTAMP},
    signature::{Secret, sign},
};
use placet_server::{
    config::{ClientCertificate, PolicyConfig, ResponseSecret, SecretText, SigningSecret, SubjectView},
    policy::DecisionFilter,
};
use serde_json::{Value, json};

use super::{
    deciding::{allow, ask, failure, with},
    folder::Folder,
    harness::{Browser, CALLBACK, START, Stand, claims},
    helpers::{client, redeem_at, refresh, text},
    sidecar::{Answered, Asked, SIGNING_SECRET, Sidecar, policy},
    tls::{self, Identity},
};

const HOOK: &str = "grant.client_credentials";
const OTHER_SECRET: &str = "whsec_QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8=";

#[tokio::test]
async fn a_question_says_in_its_headers_what_it_is_about_and_goes_on_with_the_trace() {
    let sidecar = Sidecar::serving(allow).await;
    let stand =
        with(PolicyConfig { headers: vec!["X-Region".to_owned()], ..sidecar.policy("headers", &[HOOK]) })
            .await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let form = [("grant_type", "client_credentials")];
    let request = stand
        .http
        .post(format!("{}/token", stand.issuer))
        .basic_auth("service", Some(super::harness::SECRET))
        .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-00"))
        .header("tracestate", "rojo=00f067aa0ba902b7")
        .header("tracestate", "congo=t61rcWkgMzE")
        .header("x-region", "ca-east")
        .header("x-other", "unseen")
        .form(&form);
    assert_eq!(request.send().await.unwrap().status(), 200);
    let asked = &sidecar.asked()[1];
    let header = |name: &str| asked.headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("placet-protocol"), "1.0");
    assert_eq!(header("placet-type"), HOOK);
    assert_eq!(header("placet-issuer"), stand.issuer);
    assert_eq!(header("webhook-id"), asked.body["id"].as_str().unwrap());
    assert_eq!(header("x-request-id"), header("webhook-id"));
    assert_eq!(header("webhook-timestamp"), START.to_string());
    assert!(header("placet-timeout-ms").parse::<u32>().unwrap() <= 800);
    let parent = header("traceparent");
    assert!(parent.starts_with(&format!("00-{trace}-")) && !parent.contains("00f067aa0ba902b7"), "{parent}");
    assert!(parent.ends_with("-00"), "the caller does not record it: {parent}");
    assert_eq!(header("tracestate"), "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE");
    assert_eq!(asked.body["request"]["headers"], json!({ "x-region": "ca-east" }));
    for secret in ["authorization", "cookie"] {
        assert!(!asked.headers.contains_key(secret));
    }
    assert!(!asked.body.to_string().contains(super::harness::SECRET));
    let record = &stand.server.policies().decisions(&DecisionFilter::default()).decisions[0];
    assert_eq!(record.trace_id, trace);
}

#[tokio::test]
async fn during_a_change_of_the_secret_both_sign() {
    let sidecar = Sidecar::serving(allow).await;
    let mut changing = sidecar.policy("changing", &[HOOK]);
    changing.auth.sign = SigningSecret {
        secret: Some(SecretText(OTHER_SECRET.to_owned())),
        previous: Some(SecretText(SIGNING_SECRET.to_owned())),
        ..SigningSecret::default()
    };
    assert_eq!(ask(&with(changing).await).await.status, 200);
    let asked = &sidecar.asked()[1];
    super::sidecar::assert_signed(asked);
    assert_eq!(asked.headers["webhook-signature"].to_str().unwrap().split(' ').count(), 2);
}

#[tokio::test]
async fn only_an_answer_that_is_signed_with_the_other_secret_counts() {
    type Signing = fn(&Asked, &[u8]) -> (String, i64, String);
    fn signed(secret: &str, id: &str, at: i64, body: &[u8]) -> (String, i64, String) {
        let secret: Secret = secret.parse().unwrap();
        (id.to_owned(), at, sign(&secret, id, Instant(at), body))
    }
    fn id_of(asked: &Asked) -> &str {
        asked.body["id"].as_str().unwrap()
    }
    let cases: [(&str, Signing); 5] = [
        ("none", |asked, body| signed(OTHER_SECRET, id_of(asked), START, body)),
        ("signature", |asked, body| signed(SIGNING_SECRET, id_of(asked), START, body)),
        ("signature", |_, body| signed(OTHER_SECRET, "dec_other", START, body)),
        ("signature", |asked, body| signed(OTHER_SECRET, id_of(asked), START - 301, body)),
        ("signature", |asked, _| signed(OTHER_SECRET, id_of(asked), START, b"{}")),
    ];
    for (code, signing) in cases {
        let sidecar = Sidecar::serving(move |asked| {
            if asked.method != "POST" {
                return Answered::status(404);
            }
            let answered = Answered::allow(asked, &json!({}));
            let (id, at, signature) = signing(asked, &answered.body);
            answered
                .header(HEADER_ID, &id)
                .header(HEADER_TIMESTAMP, &at.to_string())
                .header(HEADER_SIGNATURE, &signature)
        })
        .await;
        let mut signed = sidecar.policy("signed", &[HOOK]);
        signed.auth.require_signed_response = true;
        signed.auth.response =
            ResponseSecret { secret: Some(SecretText(OTHER_SECRET.to_owned())), ..ResponseSecret::default() };
        let stand = with(signed).await;
        assert_eq!(ask(&stand).await.status, if code == "none" { 200 } else { 503 });
        assert_eq!(failure(&stand), code);
    }
    let unsigned = Sidecar::serving(allow).await;
    let mut signed = unsigned.policy("unsigned", &[HOOK]);
    signed.auth.require_signed_response = true;
    signed.auth.response.secret = Some(SecretText(OTHER_SECRET.to_owned()));
    let stand = with(signed).await;
    assert_eq!(ask(&stand).await.status, 503);
    assert_eq!(failure(&stand), "signature");
}

#[tokio::test]
async fn a_bearer_from_a_file_goes_along() {
    let folder = Folder::new("bearer");
    let path = folder.join("token");
    std::fs::write(&path, "the-token\n").unwrap();
    let sidecar = Sidecar::serving(allow).await;
    let mut with_bearer = sidecar.policy("bearer", &[HOOK]);
    with_bearer.auth.bearer_file = Some(path.clone());
    assert_eq!(ask(&with(with_bearer.clone()).await).await.status, 200);
    assert_eq!(sidecar.asked()[1].headers["authorization"], "Bearer the-token");
    std::fs::remove_file(&path).unwrap();
    let stand = with(with_bearer).await;
    assert_eq!(ask(&stand).await.status, 503);
    assert_eq!(failure(&stand), "connect");
}

#[tokio::test]
async fn both_sides_can_prove_themselves_by_certificates_of_a_private_authority() {
    let folder = Folder::new("mtls");
    let (authority, stranger) = (Identity::authority(), Identity::authority());
    let (ca_file, _) = authority.write(&folder, "ca");
    let (cert_file, key_file) = authority.issue("placet").write(&folder, "placet");
    let (foreign_cert, foreign_key) = stranger.issue("placet").write(&folder, "foreign");
    let (foreign_ca, _) = stranger.write(&folder, "foreign-ca");
    let (url, names) = tls::start(&authority.issue("policy"), &authority);
    let certificates = |cert: &PathBuf, key: &PathBuf, ca: &PathBuf| ClientCertificate {
        cert_file: Some(cert.clone()),
        key_file: Some(key.clone()),
        ca_file: Some(ca.clone()),
    };
    let mut mutual = PolicyConfig { discovery: false, ..policy("mutual", &[HOOK], &url) };
    mutual.auth.mtls = certificates(&cert_file, &key_file, &ca_file);
    assert_eq!(ask(&with(mutual.clone()).await).await.status, 200);
    assert_eq!(*names.lock().unwrap(), ["placet"]);

    mutual.auth.mtls = certificates(&cert_file, &key_file, &foreign_ca);
    let stand = with(mutual.clone()).await;
    assert_eq!(ask(&stand).await.status, 503, "a sidecar of another authority is not believed");
    assert_eq!(failure(&stand), "tls");
    mutual.auth.mtls = certificates(&foreign_cert, &foreign_key, &ca_file);
    assert_eq!(
        ask(&with(mutual.clone()).await).await.status,
        503,
        "the sidecar does not believe another one"
    );
    mutual.auth.mtls = ClientCertificate { ca_file: Some(ca_file), ..ClientCertificate::default() };
    assert_eq!(ask(&with(mutual).await).await.status, 503, "nor nobody");
    assert_eq!(names.lock().unwrap().len(), 1);
}

/// A sidecar at `…/placet` with this change to its discovery document.
async fn described(change: impl Fn(&mut Value, &str) + Send + Sync + 'static) -> (Sidecar, PolicyConfig) {
    let base = Arc::new(std::sync::OnceLock::<String>::new());
    let sidecar = Sidecar::serving({
        let base = base.clone();
        move |asked| match (asked.method.as_str(), asked.path.as_str()) {
            ("GET", "/.well-known/placet-policy/placet") => {
                let base = base.get().unwrap();
                let mut document = json!({
                    "sidecar": { "id": format!("{base}/placet"), "name": "acme-policy", "version": "7" },
                    "protocols": ["1.0"], "decision_endpoint": format!("{base}/placet/ask"),
                    "types": [{ "type": HOOK, "needs": ["/client/client_id"], "cacheable": false }],
                });
                change(&mut document, base);
                Answered::json(200, &document)
            }
            ("POST", "/placet/ask") => Answered::allow(asked, &json!({})),
            ("POST", "/placet") => Answered::status(501),
            _ => Answered::status(404),
        }
    })
    .await;
    let origin = sidecar.url.trim_end_matches("/decide").to_owned();
    base.set(origin.clone()).unwrap();
    let registration = policy("described", &[HOOK], &format!("{origin}/placet"));
    (sidecar, registration)
}

#[tokio::test]
async fn a_sidecar_that_describes_itself_is_asked_where_it_says_and_shown_what_it_needs() {
    let (sidecar, registration) = described(|_, _| ()).await;
    let stand = with(registration).await;
    for _ in 0..3 {
        assert_eq!(ask(&stand).await.status, 200);
    }
    let asked = sidecar.asked();
    let paths: Vec<&str> = asked.iter().map(|asked| asked.path.as_str()).collect();
    assert_eq!(paths[0], "/.well-known/placet-policy/placet");
    assert_eq!(paths[1..], ["/placet/ask"; 3], "the document is kept");
    let shown = &asked[1].body;
    assert_eq!(shown["client"]["client_id"], "service");
    assert!(shown["client"].get("scope").is_none(), "{shown}");
    assert!(shown.get("subject").is_none() && shown["request"].get("remote").is_none(), "{shown}");
    assert!(shown["proposal"]["grant"].is_object() && shown["limits"]["grant"].is_object());
    let state = &stand.server.policies().list()[0];
    assert_eq!((state.software.as_deref(), state.version.as_deref()), (Some("acme-policy"), Some("7")));
}

#[tokio::test]
async fn a_document_of_somebody_else_is_not_believed() {
    type Change = fn(&mut Value, &str);
    let changes: [(&str, Change); 5] = [
        ("id_mismatch", |document, base| document["sidecar"]["id"] = format!("{base}/other").into()),
        ("id_mismatch", |document, _| document["decision_endpoint"] = "https://evil.example/ask".into()),
        ("id_mismatch", |document, base| {
            document["decision_endpoint"] = format!("{base}@evil.example/ask").into();
        }),
        ("not_implemented", |document, _| document["protocols"] = json!(["2.0"])),
        ("schema", |document, _| document["types"] = json!("all")),
    ];
    for (code, change) in changes {
        let (sidecar, registration) = described(change).await;
        let stand = with(registration).await;
        assert_eq!(ask(&stand).await.status, 503, "{code}");
        assert_eq!(failure(&stand), code);
        assert!(sidecar.requests().is_empty());
    }
}

#[tokio::test]
async fn a_sidecar_that_does_not_know_its_type_any_more_is_read_anew() {
    let moved = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (sidecar, registration) = described({
        let moved = moved.clone();
        move |document, base| {
            if !moved.load(std::sync::atomic::Ordering::SeqCst) {
                document["decision_endpoint"] = format!("{base}/placet").into();
            }
        }
    })
    .await;
    let stand = with(registration).await;
    assert_eq!(ask(&stand).await.status, 503);
    assert_eq!(failure(&stand), "not_implemented");
    moved.store(true, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(ask(&stand).await.status, 200);
    assert_eq!(sidecar.asked().iter().filter(|asked| asked.method == "GET").count(), 2);
}

#[tokio::test]
async fn the_registration_says_what_is_needed_if_the_sidecar_does_not() {
    let sidecar = Sidecar::serving(allow).await;
    let stand = Stand::with(|config| {
        client(config, "service").metadata.software_id = Some("svc-7".to_owned());
        config.policy.push(PolicyConfig {
            needs: Some(vec!["/client/metadata".to_owned(), "/request/remote".to_owned()]),
            client_metadata: vec!["software_id".to_owned(), "client_name".to_owned()],
            ..sidecar.policy("needs", &[HOOK])
        });
    })
    .await;
    assert_eq!(ask(&stand).await.status, 200);
    let shown = &sidecar.requests()[0];
    assert_eq!(shown["client"], json!({ "metadata": { "software_id": "svc-7", "client_name": "Books" } }));
    assert_eq!(shown["request"], json!({ "endpoint": "token", "remote": { "ip": "127.0.0.1" } }));
}

#[tokio::test]
async fn a_policy_may_be_kept_from_knowing_who_somebody_is() {
    let sidecar = Sidecar::start(|request| {
        // What it was shown, it may repeat.
        json!({ "decision": "allow", "set": { "grant": { "sub": request["subject"]["sub"] } } })
    })
    .await;
    let stand = Stand::with(|config| {
        config.policy.push(PolicyConfig {
            subject_view: SubjectView::Pairwise,
            ..sidecar.policy("blind", &["grant.refresh_token"])
        });
    })
    .await;
    let mut seen = Vec::new();
    for (client, redirect) in [("web", CALLBACK), ("pairwise", "https://pairwise.example/cb")] {
        let mut browser = Browser::new();
        let extra = [("scope", "openid offline_access"), ("prompt", "consent"), ("redirect_uri", redirect)];
        let code = stand.sign_in(&mut browser, client, &extra).await["code"].clone();
        let tokens = redeem_at(&stand, client, &code, redirect).await;
        let refreshed = refresh(&stand, client, &text(&tokens.json["refresh_token"])).await;
        assert_eq!(refreshed.status, 200, "{}", refreshed.text);
        let requests = sidecar.requests();
        let shown = requests.last().unwrap();
        assert!(!shown.to_string().contains("alice"), "{shown}");
        assert_eq!(shown["subject"]["sub"], shown["proposal"]["grant"]["sub"]);
        seen.push(text(&shown["subject"]["sub"]));
        let sub = text(&claims(&text(&refreshed.json["access_token"]))["sub"]);
        assert_eq!(sub, if client == "web" { "alice".to_owned() } else { seen[1].clone() });
    }
    assert_ne!(seen[0], seen[1], "sectors differ");
}
