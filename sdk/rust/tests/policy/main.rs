//! A sidecar answers what a server asks, and refuses what nobody should ask.
#![cfg(feature = "serve")]

mod sidecar;

use std::sync::atomic::Ordering;

use placet_sdk::{
    decision::{Decision, DecisionRequest, Outcome, PolicyDocument, judge},
    policy::{Listen, Policy, Settings, serve},
    signature::{SignedHeaders, verify},
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::sidecar::{
    PREVIOUS, RESPONSE, Running, SECRET, Sample, Sent, credentials, exchange, now, question, secret,
};

#[tokio::test]
async fn an_allow_is_the_difference_from_the_proposal_and_within_the_limits() {
    let sidecar = Running::start(Sample::default(), "", false).await;
    let asked = exchange("dec_1");
    let answer = sidecar.answer(&asked).await;
    assert_eq!(
        answer,
        json!({
            "id": "dec_1", "decision": "allow",
            "set": {"grant": {
                "scope": ["shipping.quote"], "data": {"count": 1},
                "access_token": {
                    "lifetime": 120, "sender_constraint": "required", "claims": {"order_limit_eur": 500}
                }
            }},
            "reason": {"code": "delegation_ok"}, "tags": {"actor": "orders"},
            "policy": {"name": "sample", "version": "7"}, "cache": {"max_age": 20},
        })
    );
    let request: DecisionRequest = serde_json::from_value(asked).unwrap();
    let decision: Decision = serde_json::from_value(answer).unwrap();
    assert!(matches!(judge(&request, &decision, &[]), Ok(Outcome::Allow(_))));
    sidecar.stop().await;
}

#[tokio::test]
async fn denials_challenges_and_claims_are_told_in_their_own_words() {
    let sidecar = Running::start(Sample::default(), "", false).await;
    let mut nobody = exchange("dec_1");
    nobody.as_object_mut().unwrap().remove("actor");
    let answer = sidecar.answer(&nobody).await;
    assert_eq!(answer["error"], json!({"code": "invalid_request", "description": "actor_token required"}));
    let interaction = json!({"interaction": {"id": "ia_1", "kind": "authorization", "stage": "evaluate"}});
    let answer = sidecar.answer(&question("dec_2", "interaction.evaluate", &interaction)).await;
    assert_eq!(answer["challenge"], json!({"kind": "select_account"}));
    let claims = json!({
        "subject": {"sub": "alice", "type": "user", "source": "authorization"},
        "claims": {"target": "userinfo", "requested": []}, "limits": {"claims": {"names": ["email"], "max_bytes": 99}},
    });
    let answer = sidecar.answer(&question("dec_3", "claims.source", &claims)).await;
    assert_eq!(answer["set"], json!({"claims": {"email": "alice@example.com"}}));
    sidecar.stop().await;
}

#[tokio::test]
async fn only_who_knows_the_secret_is_answered() {
    let sidecar = Running::start(Sample::default(), "", false).await;
    let body = |id: &str| exchange(id).to_string().into_bytes();
    let altered = Sent { body: body("dec_2"), ..Sent::signed("dec_1", body("dec_1"), SECRET, 0) };
    for (refused, why) in [
        (
            Sent { headers: Vec::new(), ..Sent::of(&exchange("dec_1")) }
                .with("content-type", "application/json"),
            "none",
        ),
        (Sent::signed("dec_1", body("dec_1"), RESPONSE, 0), "another secret"),
        (Sent::signed("dec_1", body("dec_1"), SECRET, 600), "the future"),
        (Sent::signed("dec_1", body("dec_1"), SECRET, -600), "the past"),
        (altered, "another body"),
    ] {
        let response = sidecar.send(refused).await;
        assert_eq!(response.status(), 401, "{why}");
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["code"], "signature");
    }
    let previous = sidecar.send(Sent::signed("dec_1", body("dec_1"), PREVIOUS, 0)).await;
    assert_eq!(previous.status(), 200);
    sidecar.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told_by_its_status() {
    let sidecar = Running::start(Sample::default(), "", false).await;
    let raw = |body: &[u8]| Sent::signed("dec_1", body.to_vec(), SECRET, 0);
    let good = || Sent::of(&exchange("dec_1"));
    let mut later = exchange("dec_1");
    later["protocol"] = json!("2.0");
    let mut incomplete = exchange("dec_1");
    incomplete.as_object_mut().unwrap().remove("token_exchange");
    for (status, sent) in [
        (400, raw(b"{")),
        (400, raw(b"{\"id\": \"dec_1\", \"id\": \"dec_1\"}")),
        (400, Sent::of(&later)),
        (400, Sent::of(&incomplete)),
        (400, Sent::signed("dec_2", exchange("dec_1").to_string().into_bytes(), SECRET, 0)),
        (400, good().with("placet-type", "grant.password")),
        (400, good().with("placet-issuer", "https://other.example")),
        (400, good().with("placet-tenant", "acme")),
        (415, good().with("content-type", "text/plain")),
        (413, raw(&vec![b' '; 256 * 1024 + 1])),
        (501, Sent::of(&question("dec_1", "grant.future", &json!({})))),
        (501, Sent::of(&question("dec_1", "grant.password", &json!({})))),
        (404, Sent { path: "/elsewhere", ..good() }),
        (200, good().with("placet-type", "grant.token_exchange").with("x-unknown", "1")),
    ] {
        let said = String::from_utf8_lossy(&sent.body[..sent.body.len().min(60)]).into_owned();
        assert_eq!(sidecar.send(sent).await.status(), status, "{said}");
    }
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"] {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let response = sidecar.http.request(method, format!("{}/decide", sidecar.base)).send().await.unwrap();
        assert_eq!(response.status(), 405);
        assert_eq!(response.headers()["allow"], "POST");
    }
    sidecar.stop().await;
}

#[tokio::test]
async fn the_same_question_is_answered_with_the_same_bytes_and_asked_of_the_policy_once() {
    let policy = Sample::default();
    let sidecar = Running::start(policy.clone(), "", false).await;
    let first = exchange("dec_1");
    let mut second = first.clone();
    second["attempt"] = json!(2);
    second["time"] = json!("2026-11-23T09:20:01Z");
    let (one, two) = tokio::join!(sidecar.ask(&first), sidecar.ask(&second));
    assert_eq!(one.bytes().await.unwrap(), two.bytes().await.unwrap());
    assert_eq!(policy.asked.load(Ordering::SeqCst), 1);
    let mut other = first;
    other["mode"] = json!("test");
    assert_eq!(sidecar.answer(&other).await["set"]["grant"]["data"]["count"], 2);
    sidecar.stop().await;
}

#[tokio::test]
async fn a_handler_that_takes_too_long_or_panics_costs_one_question() {
    let sidecar = Running::start(Sample::default(), "", false).await;
    let slow = Sent::of(&credentials("dec_1", "slow")).with("placet-timeout-ms", "50");
    assert_eq!(sidecar.send(slow).await.status(), 504);
    assert_eq!(sidecar.ask(&credentials("dec_2", "bad")).await.status(), 500);
    assert_eq!(sidecar.answer(&credentials("dec_3", "good")).await["decision"], "allow");
    // What failed is asked anew.
    assert_eq!(sidecar.ask(&credentials("dec_2", "bad")).await.status(), 500);
    sidecar.stop().await;
}

#[tokio::test]
async fn a_policy_that_cannot_tell_says_neither_yes_nor_no() {
    let sidecar = Running::start(Sample::default(), "", false).await;
    let response = sidecar.ask(&credentials("dec_1", "unsure")).await;
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(response.json::<Value>().await.unwrap()["code"], "unavailable");
    sidecar.stop().await;
}

#[tokio::test]
async fn an_answer_is_signed_with_a_secret_of_its_own() {
    let sidecar = Running::start(Sample::default(), "", true).await;
    let response = sidecar.ask(&exchange("dec_1")).await;
    let headers = response.headers().clone();
    let body = response.bytes().await.unwrap();
    let signed = SignedHeaders::read(|name| headers.get(name)?.to_str().ok()).unwrap();
    assert_eq!(signed.id, "dec_1");
    assert_eq!(verify(&[secret(RESPONSE)], &signed, &body, now()), Ok(()));
    assert!(verify(&[secret(SECRET), secret(PREVIOUS)], &signed, &body, now()).is_err());
    sidecar.stop().await;
}

#[tokio::test]
async fn a_sidecar_says_what_it_is_and_that_it_is_well() {
    let sidecar = Running::start(Sample::default(), "/placet", true).await;
    let origin = sidecar.base.strip_suffix("/placet").unwrap();
    let mut documents = Vec::new();
    for path in ["/.well-known/placet-policy", "/.well-known/placet-policy/placet"] {
        let response = sidecar.http.get(format!("{origin}{path}")).send().await.unwrap();
        documents.push(response.json::<PolicyDocument>().await.unwrap());
    }
    assert_eq!(documents[0], documents[1]);
    let document = &documents[0];
    assert_eq!(document.sidecar.id, sidecar.base);
    assert!(document.auth.signed_response);
    let types: Vec<&str> = document.types.iter().map(|one| one.hook.as_str()).collect();
    assert_eq!(
        types,
        ["interaction.evaluate", "grant.client_credentials", "grant.token_exchange", "claims.source"]
    );
    assert_eq!(document.types[3].needs.as_deref().unwrap(), ["/claims", "/subject/sub"]);
    let health = sidecar.http.get(document.health_endpoint.as_ref().unwrap()).send().await.unwrap();
    assert_eq!(health.status(), 200);
    let at_the_root = sidecar.send(Sent { path: "", ..Sent::of(&exchange("dec_1")) }).await;
    assert_eq!(at_the_root.status(), 200);
    sidecar.stop().await;
}

#[tokio::test]
async fn a_policy_without_a_method_is_not_served() {
    struct Nothing;
    impl Policy for Nothing {}
    let settings = Settings::new("http://127.0.0.1:1", secret(SECRET)).unwrap();
    let listen = Listen::Tcp(([127, 0, 0, 1], 0).into());
    let error = serve(Nothing).listen(settings, listen, std::future::pending()).await.unwrap_err();
    assert_eq!(error.to_string(), "the policy decides nothing");
}

#[tokio::test]
async fn requests_under_way_are_finished_at_the_stop_also_on_a_unix_socket() {
    let path = std::env::temp_dir().join(format!("placet-sdk-{}.sock", std::process::id()));
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let settings = Settings::new(format!("unix://{}", path.display()), secret(SECRET)).unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let listen = Listen::Unix(path.clone());
    let serving = tokio::spawn(async move {
        serve(Sample::default()).listen(settings, listen, async { drop(stopped.await) }).await
    });
    let mut stream = loop {
        match tokio::net::UnixStream::connect(&path).await {
            Ok(stream) => break stream,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    let sent = Sent::of(&credentials("dec_1", "slow")).with("placet-timeout-ms", "300");
    let headers: Vec<String> = sent.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let headers = headers.join("\r\n");
    let length = sent.body.len();
    let head = format!("POST / HTTP/1.1\r\nhost: sidecar\r\ncontent-length: {length}\r\n{headers}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&sent.body).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    stop.send(()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 504"), "{answer}");
    serving.await.unwrap().unwrap();
    assert!(!path.exists());
}
