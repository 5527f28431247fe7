//! Traces for OpenTelemetry: one from a request through a policy to its sidecar, told to a collector by OTLP over HTTP.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    deciding::allow,
    harness::{Browser, HEADLESS, SECRET, Stand, UI, VERIFIER},
    helpers::{refresh, text},
    sidecar::{Answered, Sidecar},
};

const HOOK: &str = "grant.client_credentials";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// A collector, and a server that tells it of this part of its requests.
async fn told(ratio: f64, sidecar: Option<&Sidecar>) -> (Stand, Sidecar) {
    let collector = Sidecar::serving(|_| Answered::json(200, &json!({}))).await;
    let endpoint = collector.url.replace("/decide", "");
    let stand = Stand::with(|config| {
        config.traces.endpoint = Some(endpoint);
        config.traces.sample_ratio = ratio;
        config.policy.extend(sidecar.map(|sidecar| sidecar.policy("gate", &[HOOK])));
    })
    .await;
    (stand, collector)
}

/// The spans that the collector was told of.
async fn spans(stand: &Stand, collector: &Sidecar) -> Vec<Value> {
    stand.server.traces().flush().await;
    let bodies = collector.asked();
    assert!(bodies.iter().all(|asked| asked.path == "/v1/traces" && asked.method == "POST"));
    let scopes = bodies.iter().flat_map(|asked| asked.body["resourceSpans"].as_array().unwrap());
    let scopes = scopes.flat_map(|resource| resource["scopeSpans"].as_array().unwrap());
    scopes.flat_map(|scope| scope["spans"].as_array().unwrap()).cloned().collect()
}

/// The only span with this name.
#[track_caller]
fn span<'a>(spans: &'a [Value], name: &str) -> &'a Value {
    let found: Vec<_> = spans.iter().filter(|span| span["name"] == name).collect();
    assert_eq!(found.len(), 1, "`{name}` in {spans:#?}");
    found[0]
}

fn attribute(span: &Value, name: &str) -> Value {
    let all = span["attributes"].as_array().unwrap();
    let found = all.iter().find(|attribute| attribute["key"] == name);
    found.map_or(Value::Null, |attribute| {
        attribute["value"].as_object().unwrap().values().next().unwrap().clone()
    })
}

/// A request for a token of its own, with these headers.
async fn ask(stand: &Stand, headers: &[(&str, &str)]) -> reqwest::Response {
    let form = [("grant_type", "client_credentials")];
    let mut request = stand.http.post(format!("{}/token", stand.issuer)).basic_auth("service", Some(SECRET));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.form(&form).send().await.unwrap()
}

#[tokio::test]
async fn one_trace_leads_from_a_request_through_a_policy_to_its_sidecar() {
    let sidecar = Sidecar::serving(allow).await;
    let (stand, collector) = told(1.0, Some(&sidecar)).await;
    let reply = ask(&stand, &[]).await;
    assert_eq!(reply.status(), 200);
    let id = reply.headers()["placet-request-id"].to_str().unwrap();
    let spans = spans(&stand, &collector).await;
    let root = span(&spans, "POST token");
    assert!(root.get("parentSpanId").is_none());
    assert_eq!((&root["kind"], &root["status"], &root["links"]), (&json!(2), &json!({}), &json!([])));
    for (name, said) in [
        ("placet.request_id", json!(id)),
        ("placet.client_id", json!("service")),
        ("placet.grant_type", json!("client_credentials")),
        ("placet.endpoint", json!("token")),
        ("http.request.method", json!("POST")),
        ("http.response.status_code", json!("200")),
    ] {
        assert_eq!(attribute(root, name), said, "{name}");
    }
    let question = span(&spans, "policy gate");
    assert_eq!((&question["traceId"], &question["parentSpanId"]), (&root["traceId"], &root["spanId"]));
    assert_eq!(attribute(question, "placet.outcome"), "allow");
    let asked = sidecar.asked().into_iter().find(|asked| asked.method == "POST").unwrap();
    assert_eq!(attribute(question, "placet.decision_id"), asked.body["id"]);
    let expected = format!("00-{}-{}-01", text(&root["traceId"]), text(&question["spanId"]));
    assert_eq!(asked.headers["traceparent"], expected.as_str());
    let (began, ended) = (text(&question["startTimeUnixNano"]), text(&question["endTimeUnixNano"]));
    assert!(text(&root["startTimeUnixNano"]) <= began && began <= ended);
    assert!(ended <= text(&root["endTimeUnixNano"]));
    let log = stand.server.policies().decisions(&placet_server::policy::DecisionFilter::default());
    assert_eq!(
        log.decisions[0].trace_id,
        text(&root["traceId"]),
        "and one id from there into the decision log"
    );
}

#[tokio::test]
async fn what_is_asked_of_the_store_is_a_part_of_the_trace() {
    let (stand, collector) = told(1.0, None).await;
    let token = text(&stand.tokens("opaque", "openid").await["access_token"]);
    stand.server.traces().flush().await;
    collector.clear();
    assert!(stand.is_active("opaque", &token).await);
    let spans = spans(&stand, &collector).await;
    let (root, read) = (span(&spans, "POST tokens.introspect"), span(&spans, "store token"));
    assert_eq!(read["parentSpanId"], root["spanId"]);
    assert_eq!(attribute(read, "db.operation.name"), "token");
}

#[tokio::test]
async fn a_stranger_makes_nobody_record_its_trace_and_is_pointed_at() {
    let parent = format!("00-{TRACE}-{PARENT}-01");
    let sidecar = Sidecar::serving(allow).await;
    let (stand, collector) = told(1.0, Some(&sidecar)).await;
    ask(&stand, &[("traceparent", &parent), ("tracestate", "rojo=1")]).await;
    let spans = spans(&stand, &collector).await;
    let root = span(&spans, "POST token");
    assert_ne!(root["traceId"], TRACE);
    assert_eq!(root["links"], json!([{ "traceId": TRACE, "spanId": PARENT }]));
    let asked = sidecar.asked().into_iter().find(|asked| asked.method == "POST").unwrap();
    assert!(asked.headers["traceparent"].to_str().unwrap().contains(&text(&root["traceId"])));
    assert!(!asked.headers.contains_key("tracestate"));

    let (stand, collector) = told(0.0, None).await;
    ask(&stand, &[("traceparent", &parent)]).await;
    stand.server.traces().flush().await;
    assert!(collector.asked().is_empty());
}

#[tokio::test]
async fn a_trace_of_the_login_app_goes_on_and_is_recorded_if_it_says_so() {
    let (stand, collector) = told(0.0, None).await;
    for flags in ["00", "01"] {
        let request = stand.http.get(format!("{}/interactions/ia_x", stand.api)).bearer_auth(UI);
        request.header("traceparent", format!("00-{TRACE}-{PARENT}-{flags}")).send().await.unwrap();
    }
    let spans = spans(&stand, &collector).await;
    let root = span(&spans, "GET ui.interaction");
    assert_eq!((&root["traceId"], &root["parentSpanId"]), (&json!(TRACE), &json!(PARENT)));
}

#[tokio::test]
async fn what_is_no_trace_context_is_nobodys_trace() {
    let (stand, collector) = told(1.0, None).await;
    let wrong = [
        // Versions that are not known, of which one never will be.
        format!("01-{TRACE}-{PARENT}-01"),
        format!("ff-{TRACE}-{PARENT}-01"),
        format!("0-{TRACE}-{PARENT}-01"),
        format!("00-{TRACE}-{PARENT}-01-more"),
        format!("00-{TRACE}-{PARENT}"),
        format!("00-{}-{PARENT}-01", TRACE.to_uppercase()),
        format!("00-{}-{PARENT}-01", &TRACE[1..]),
        format!("00-{TRACE}0-{PARENT}-01"),
        format!("00-{TRACE}-{}-01", &PARENT[1..]),
        format!("00-{TRACE}-{PARENT}-1"),
        format!("00-{TRACE}-{PARENT}-+1"),
        format!("00-{}g-{PARENT}-01", &TRACE[1..]),
        format!("00-{}-{PARENT}-01", "0".repeat(32)),
        format!("00-{TRACE}-{}-01", "0".repeat(16)),
        String::new(),
    ];
    let good = format!("00-{TRACE}-{PARENT}-01");
    let repeated = vec![good.clone(), good];
    for sent in wrong.into_iter().map(|one| vec![one]).chain([repeated]) {
        let mut request = stand.http.get(format!("{}/interactions/ia_x", stand.api)).bearer_auth(UI);
        for traceparent in &sent {
            request = request.header("traceparent", traceparent);
        }
        request.send().await.unwrap();
        let found = spans(&stand, &collector).await;
        let root = span(&found, "GET ui.interaction");
        assert_eq!((root.get("parentSpanId"), &root["links"]), (None, &json!([])), "{sent:?}");
        let own = text(&root["traceId"]);
        assert!(own.len() == 32 && own != TRACE && !sent[0].contains(&own), "{sent:?}: {own}");
        collector.clear();
    }
}

#[tokio::test]
async fn a_state_that_is_too_long_is_not_passed_on() {
    let sidecar = Sidecar::serving(allow).await;
    let stand = Stand::with(|config| {
        config.traces.endpoint = Some("http://127.0.0.1:9".to_owned());
        config.policy.push(sidecar.policy("gate", &["interaction.approve"]));
    })
    .await;
    for (length, passes) in [(512, true), (513, false)] {
        let state = format!("rojo={}", "x".repeat(length - 5));
        let body = json!({ "client_id": "web", "sub": "alice", "grant": { "scope": ["openid"] } });
        let request = stand.http.post(format!("{}/grants", stand.api)).bearer_auth(HEADLESS).json(&body);
        let request = request.header("traceparent", format!("00-{TRACE}-{PARENT}-01"));
        assert_eq!(request.header("tracestate", &state).send().await.unwrap().status(), 200);
        let asked = sidecar.asked().into_iter().find(|asked| asked.method == "POST").unwrap();
        assert!(asked.headers["traceparent"].to_str().unwrap().contains(TRACE));
        let passed = asked.headers.get("tracestate").map(|value| value.to_str().unwrap());
        assert_eq!(passed, passes.then_some(state.as_str()));
        sidecar.clear();
    }
}

#[tokio::test]
async fn a_method_that_nobody_knows_is_no_word_of_this_program() {
    let (stand, collector) = told(1.0, None).await;
    let method = Method::from_bytes(b"A-WORD-OF-A-STRANGER").unwrap();
    let reply = stand.http.request(method, format!("{}/token", stand.issuer)).send().await.unwrap();
    assert_eq!(reply.status(), 405);
    let spans = spans(&stand, &collector).await;
    assert_eq!(attribute(span(&spans, "_OTHER token"), "http.request.method"), "_OTHER");
    assert!(!Value::Array(spans).to_string().contains("STRANGER"));
}

#[tokio::test]
async fn what_is_not_recorded_is_not_recorded_by_sidecars_either() {
    let sidecar = Sidecar::serving(allow).await;
    let (stand, collector) = told(0.0, Some(&sidecar)).await;
    ask(&stand, &[]).await;
    let asked = sidecar.asked().into_iter().find(|asked| asked.method == "POST").unwrap();
    assert!(asked.headers["traceparent"].to_str().unwrap().ends_with("-00"));
    stand.server.traces().flush().await;
    assert!(collector.asked().is_empty());
}

#[tokio::test]
async fn the_id_on_an_error_page_is_that_of_the_answer_and_of_the_trace() {
    let (stand, collector) = told(1.0, None).await;
    let page = Browser::new().get(&format!("{}/authorize?client_id=nobody", stand.issuer)).await;
    let id = page.header("placet-request-id");
    assert!(id.starts_with("req_") && page.text.contains(&format!("<code>{id}</code>")), "{}", page.text);
    let spans = spans(&stand, &collector).await;
    let root = span(&spans, "GET authorize");
    assert_eq!(attribute(root, "placet.request_id"), id);
    assert_eq!(attribute(root, "http.response.status_code"), "400");
}

#[tokio::test]
async fn trouble_of_our_own_is_marked_as_such_and_a_refusal_is_none() {
    let sidecar = Sidecar::serving(|_| Answered::status(500)).await;
    let (stand, collector) = told(1.0, Some(&sidecar)).await;
    assert_eq!(ask(&stand, &[]).await.status(), 503);
    assert_eq!(stand.post("/introspect", "nobody", &[]).await.status, 401);
    let spans = spans(&stand, &collector).await;
    let question = span(&spans, "policy gate");
    assert_eq!(
        (&question["status"]["code"], attribute(question, "placet.outcome")),
        (&json!(2), json!("failed"))
    );
    assert_eq!(span(&spans, "POST token")["status"]["code"], 2);
    assert_eq!(span(&spans, "POST tokens.introspect")["status"], json!({}));
}

#[tokio::test]
async fn no_credential_is_told_to_the_collector() {
    let (stand, collector) = told(1.0, None).await;
    let mut browser = Browser::new();
    let extra =
        [("scope", "openid email offline_access"), ("prompt", "consent"), ("state", "state-of-a-stranger")];
    let params = stand.sign_in(&mut browser, "opaque", &extra).await;
    let code = params["code"].clone();
    let tokens = stand.redeem("opaque", &code).await.json;
    let [access, refreshing, id] = ["access_token", "refresh_token", "id_token"].map(|n| text(&tokens[n]));
    assert_eq!(stand.userinfo(&access).await.status, 200);
    assert!(stand.is_active("opaque", &access).await);
    let next = refresh(&stand, "opaque", &refreshing).await.json;
    stand.post("/revoke", "opaque", &[("token", &access)]).await;
    browser.get(&format!("{}/logout?id_token_hint={id}", stand.issuer)).await;
    stand.call("a-token-that-somebody-made-up", Method::GET, "/sessions?sub=alice", None).await;
    stand.post("/token", "a-client-that-nobody-knows", &[("grant_type", "a-grant-type-of-a-stranger")]).await;
    let mut secrets =
        vec![code, access, refreshing, id, text(&next["access_token"]), text(&next["refresh_token"])];
    secrets.extend(
        [SECRET, UI, VERIFIER, "alice@example.com", "a-token-that-somebody-made-up"].map(str::to_owned),
    );
    secrets.extend(
        ["state-of-a-stranger", "a-client-that-nobody", "a-grant-type-of-a-stranger"].map(str::to_owned),
    );
    secrets.extend(browser.cookies.values().flat_map(|value| value.split('.')).map(str::to_owned));
    let all = spans(&stand, &collector).await;
    assert!(all.len() > 20, "{}", all.len());
    let all = Value::Array(all).to_string();
    for secret in secrets.iter().filter(|secret| secret.len() > 8) {
        assert!(!all.contains(secret.as_str()), "`{secret}` was told to the collector");
    }
}

#[tokio::test]
async fn a_collector_that_is_away_costs_nothing_but_its_spans() {
    let (stand, collector) = told(1.0, None).await;
    drop(collector);
    let gone = Stand::with(|config| config.traces.endpoint = Some("http://127.0.0.1:9".to_owned())).await;
    assert_eq!(ask(&gone, &[]).await.status(), 200);
    gone.server.traces().flush().await;
    let count = |stand: &Stand, what: &str| {
        let text = stand.server.metrics().text().unwrap();
        let line = format!("placet_trace_spans_{what}_total ");
        let found = text.lines().find_map(|found| found.strip_prefix(&line)).map(str::to_owned);
        found.unwrap().parse::<u64>().unwrap()
    };
    assert!(count(&gone, "dropped") > 0);
    assert_eq!(count(&gone, "exported"), 0);
    assert_eq!(ask(&stand, &[]).await.status(), 200);
    stand.server.traces().flush().await;
    assert!(count(&stand, "exported") > 0);
    assert_eq!(count(&stand, "dropped"), 0);
}

#[tokio::test]
async fn a_collector_that_does_not_answer_keeps_nobody_waiting_and_what_finds_no_place_is_counted() {
    let collector = Sidecar::serving(|_| Answered::status(200).after(Duration::from_secs(3_600))).await;
    let endpoint = collector.url.replace("/decide", "");
    let stand = Stand::with(|config| config.traces.endpoint = Some(endpoint)).await;
    // More than are told at once and than wait. Nothing is read of a path that is not there.
    let mut asking = Vec::new();
    for _ in 0..16 {
        let (http, url) = (stand.http.clone(), format!("{}/authorize", stand.issuer));
        asking.push(tokio::spawn(async move {
            for _ in 0..320 {
                assert_eq!(http.get(&url).send().await.unwrap().status(), 400);
            }
        }));
    }
    for asked in asking {
        asked.await.unwrap();
    }
    let text = stand.server.metrics().text().unwrap();
    let dropped = text.lines().find_map(|line| line.strip_prefix("placet_trace_spans_dropped_total "));
    assert!(dropped.unwrap().parse::<u64>().unwrap() > 0, "{dropped:?}");
}

#[tokio::test]
async fn without_an_endpoint_there_are_no_traces() {
    let stand = Stand::start().await;
    assert_eq!(format!("{:?}", stand.server.traces()), "Traces(off)");
    assert_eq!(ask(&stand, &[]).await.status(), 200);
    stand.server.traces().flush().await;
}
