//! Claims sources as policies, `docs/protocol.md`: whose claims they are, that they are asked side by side, when they
//! fail, and what is kept of them.

use std::{
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use placet_sdk::grant::RESERVED_CLAIMS;
use placet_server::config::{PolicyCache, PolicyConfig, PolicyMode};
use serde_json::{Value, json};

use super::{
    harness::{Browser, Reply, Stand},
    helpers::text,
    sidecar::{Answered, Sidecar},
};

/// A source that owns these claims, or all others if there are none.
fn source(sidecar: &Sidecar, name: &str, owns: &[&str]) -> PolicyConfig {
    let owns = owns.iter().map(|name| (*name).to_owned()).collect();
    PolicyConfig { owns, ..sidecar.policy(name, &["claims.source"]) }
}

/// A sidecar that tells what it is told to tell.
async fn scripted() -> (Sidecar, Arc<Mutex<Value>>) {
    let next = Arc::new(Mutex::new(Value::Null));
    let told = next.clone();
    let sidecar = Sidecar::start(move |_| {
        let set = told.lock().unwrap().clone();
        json!({ "decision": "allow", "set": set })
    })
    .await;
    (sidecar, next)
}

async fn email(stand: &Stand, sub: &str) -> Reply {
    let mut browser = Browser::new();
    let id = browser.authorize(stand, "web", &[]).await.interaction();
    let params = stand.finish(&mut browser, &id, sub).await;
    let tokens = stand.redeem("web", &params["code"]).await.json;
    stand.userinfo(&text(&tokens["access_token"])).await
}

#[tokio::test]
async fn a_source_cannot_set_what_it_does_not_own_or_what_the_client_may_not_read() {
    let (sidecar, told) = scripted().await;
    let policy = source(&sidecar, "directory", &["email", "phone_number"]);
    let stand = Stand::with(|config| config.policy.push(policy)).await;
    let token = text(&stand.tokens("web", "openid email").await["access_token"]);
    for claim in ["phone_number", "name", "email_verified", "mail", "Email"] {
        *told.lock().unwrap() = json!({ "claims": { claim: "x" } });
        let reply = stand.userinfo(&token).await;
        assert_eq!(
            (reply.status, reply.error()),
            (503, "temporarily_unavailable"),
            "{claim}: {}",
            reply.text
        );
        *told.lock().unwrap() = json!({ "claims": { "email": "x" } });
        assert_eq!(stand.userinfo(&token).await.json["email"], "x", "the next answer counts again");
    }
}

#[tokio::test]
async fn no_source_sets_what_the_server_alone_writes() {
    let (sidecar, told) = scripted().await;
    let policy = source(&sidecar, "directory", &[]);
    let stand = Stand::with(|config| config.policy.push(policy)).await;
    let token = text(&stand.tokens("web", "openid email").await["access_token"]);
    let tagged = RESERVED_CLAIMS.map(|name| format!("{name}#de"));
    for claim in RESERVED_CLAIMS.into_iter().chain(tagged.iter().map(String::as_str)) {
        let named = json!({ "s": { "claims": [claim], "jwt": "e30.e30.c2ln" } });
        for set in [json!({ "claims": { claim: "x" } }), json!({ "claim_sources": named })] {
            let before = sidecar.requests().len();
            *told.lock().unwrap() = set;
            assert_eq!(stand.userinfo(&token).await.status, 503, "{claim}");
            *told.lock().unwrap() = json!({ "claims": { "email": "x" } });
            assert_eq!(stand.userinfo(&token).await.status, 200);
            assert_eq!(sidecar.requests().len(), before + 2, "{claim}: both were asked");
        }
    }
}

#[tokio::test]
async fn claims_have_a_size_that_they_cannot_exceed() {
    let (sidecar, told) = scripted().await;
    let policy = source(&sidecar, "directory", &["email", "email_verified"]);
    let stand = Stand::with(|config| config.policy.push(policy)).await;
    let token = text(&stand.tokens("web", "openid email").await["access_token"]);
    let limit = 16 * 1024 - json!({ "email": "" }).to_string().len();
    for (extra, status) in [(0, 200), (16, 503)] {
        // As many pieces as it takes: a single string may not be that long.
        let piece = "x".repeat(1_000);
        let mut parts = vec![piece; limit / 1_003 - 1];
        let rest = limit + extra - json!(parts).to_string().len() - 3;
        parts.push("x".repeat(rest));
        *told.lock().unwrap() = json!({ "claims": { "email": parts } });
        let reply = stand.userinfo(&token).await;
        assert_eq!(reply.status, status, "{extra}: {}", reply.text);
    }
    assert_eq!(sidecar.requests().pop().unwrap()["limits"]["claims"]["max_bytes"], 16 * 1024);
}

/// Opens when enough have come, and tells whether it did so in time.
#[derive(Default)]
struct Gate {
    came: Mutex<usize>,
    opened: Condvar,
}

impl Gate {
    fn pass(&self, needed: usize) -> bool {
        let mut came = self.came.lock().unwrap();
        *came += 1;
        self.opened.notify_all();
        let wait = Duration::from_secs(5);
        let (came, _) = self.opened.wait_timeout_while(came, wait, |came| *came < needed).unwrap();
        *came >= needed
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 6)]
async fn sources_are_asked_at_the_same_time_each_for_its_own() {
    let gate = Arc::new(Gate::default());
    let mut sidecars = Vec::new();
    for claim in ["email", "phone_number", "name"] {
        let gate = gate.clone();
        // None answers before all have been asked.
        let answer = move |_: &Value| {
            // Whoever waits here leaves its thread to what else has to be done, the other two for example.
            let all_came = tokio::task::block_in_place(|| gate.pass(3));
            let set = if all_came { json!({ "claims": { claim: claim } }) } else { Value::Null };
            json!({ "decision": "allow", "set": set })
        };
        sidecars.push((claim, Sidecar::start(answer).await));
    }
    let policies: Vec<PolicyConfig> = sidecars
        .iter()
        .map(|(claim, sidecar)| PolicyConfig {
            timeout_ms: Some(10_000),
            ..source(sidecar, claim, &[*claim])
        })
        .collect();
    let stand = Stand::with(|config| {
        config.policy.extend(policies);
        config.policy_defaults.chain_budget_ms = 10_000;
        config.policy_defaults.request_budget_ms = 10_000;
    })
    .await;
    let token = text(&stand.tokens("web", "openid email phone profile").await["access_token"]);
    let info = stand.userinfo(&token).await.json;
    for (claim, sidecar) in &sidecars {
        assert_eq!(info[claim], *claim, "{info}");
        let asked = sidecar.requests();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0]["limits"]["claims"]["names"], json!([claim]));
        let requested: Vec<&Value> =
            asked[0]["claims"]["requested"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
        assert_eq!(requested, [claim], "what others are asked for is none of its business");
        assert_eq!(asked[0]["chain"]["of"], 3);
    }
}

#[tokio::test]
async fn a_source_that_is_needed_fails_the_token_and_the_code_is_still_good() {
    let (sidecar, told) = scripted().await;
    let stand = Stand::with(|config| config.policy.push(source(&sidecar, "directory", &["plan"]))).await;
    let wanted = json!({ "id_token": { "plan": null } }).to_string();
    let params = stand.sign_in(&mut Browser::new(), "web", &[("claims", &wanted)]).await;
    *told.lock().unwrap() = json!({ "claims": { "sub": "bob" } });
    let failed = stand.redeem("web", &params["code"]).await;
    assert_eq!((failed.status, failed.error()), (503, "temporarily_unavailable"), "{}", failed.text);
    assert!(!failed.header("retry-after").is_empty());
    *told.lock().unwrap() = json!({ "claims": { "plan": "gold" } });
    let tokens = stand.redeem("web", &params["code"]).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);
    assert_eq!(super::harness::claims(&text(&tokens.json["id_token"]))["plan"], "gold");
}

#[tokio::test]
async fn without_an_optional_source_things_go_on_and_nobody_speaks_for_it() {
    let (broken, told) = scripted().await;
    let well =
        Sidecar::start(|_| json!({ "decision": "allow", "set": { "claims": { "phone_number": "+2" } } }))
            .await;
    *told.lock().unwrap() = json!({ "claims": { "iss": "x" } });
    let optional = PolicyConfig { optional: true, ..source(&broken, "broken", &["email"]) };
    let stand =
        Stand::with(|config| config.policy.extend([optional, source(&well, "well", &["phone_number"])]))
            .await;
    let token = text(&stand.tokens("web", "openid email phone profile").await["access_token"]);
    let info = stand.userinfo(&token).await;
    assert_eq!(info.status, 200, "{}", info.text);
    assert!(info.json["email"].is_null(), "what the login app knew of it does not count");
    assert_eq!((&info.json["phone_number"], &info.json["name"]), (&json!("+2"), &json!("Alice Adams")));
    assert_eq!(broken.requests().len(), 1);
}

#[tokio::test]
async fn a_source_that_denies_tells_the_client_so() {
    let sidecar =
        Sidecar::start(|_| json!({ "decision": "deny", "error": { "code": "access_denied" } })).await;
    let stand = Stand::with(|config| config.policy.push(source(&sidecar, "directory", &["email"]))).await;
    let reply = email(&stand, "alice").await;
    assert_eq!((reply.status, reply.error()), (400, "access_denied"), "{}", reply.text);
}

#[tokio::test]
async fn an_answer_is_used_again_as_long_as_both_sides_say_and_never_for_another_user() {
    let calls = Mutex::new(0);
    let sidecar = Sidecar::start(move |request| {
        let mut calls = calls.lock().unwrap();
        *calls += 1;
        let told = format!("{}-{calls}@directory.example", request["subject"]["sub"].as_str().unwrap());
        json!({ "decision": "allow", "set": { "claims": { "email": told } }, "cache": { "max_age": 30 } })
    })
    .await;
    let cache = PolicyCache { max_age: 60, ..PolicyCache::default() };
    let policy = PolicyConfig { cache, ..source(&sidecar, "directory", &["email"]) };
    let stand = Stand::with(|config| config.policy.push(policy)).await;
    let told = async |sub: &str| text(&email(&stand, sub).await.json["email"]);
    assert_eq!(told("alice").await, "alice-1@directory.example");
    assert_eq!(told("alice").await, "alice-1@directory.example");
    assert_eq!(told("bob").await, "bob-2@directory.example");
    assert_eq!(told("alice").await, "alice-1@directory.example");
    stand.clock.advance(31);
    assert_eq!(told("alice").await, "alice-3@directory.example");
    stand.server.policies().flush_subject("alice");
    assert_eq!(told("alice").await, "alice-4@directory.example", "something of alice was revoked");
    assert_eq!(told("bob").await, "bob-5@directory.example");
    assert_eq!(told("bob").await, "bob-5@directory.example");
}

#[tokio::test]
async fn a_claim_that_two_sources_tell_is_told_by_none() {
    let tell = |_: &Value| json!({ "decision": "allow", "set": { "claims": { "email": "x" } } });
    let (one, two) = (Sidecar::start(tell).await, Sidecar::start(tell).await);
    let second = PolicyConfig { mode: PolicyMode::Off, ..source(&two, "two", &["email"]) };
    let stand = Stand::with(|config| config.policy.extend([source(&one, "one", &["email"]), second])).await;
    assert_eq!(email(&stand, "alice").await.json["email"], "x");
    // The configuration has one owner for each claim; an operator can switch on another later.
    stand.server.policies().set_mode("two", PolicyMode::Enforce).unwrap();
    assert_eq!(email(&stand, "alice").await.status, 503);
}

#[tokio::test]
async fn a_source_that_owns_nothing_of_what_is_wanted_is_not_asked() {
    let sidecar = Sidecar::start(|_| json!({ "decision": "allow" })).await;
    let stand = Stand::with(|config| config.policy.push(source(&sidecar, "plans", &["plan"]))).await;
    let token = text(&stand.tokens("web", "openid email").await["access_token"]);
    assert_eq!(stand.userinfo(&token).await.status, 200);
    assert!(sidecar.requests().is_empty());
}

#[tokio::test]
async fn two_sources_cannot_speak_in_the_name_of_one_other_source() {
    let naming = async |name: &'static str, claim: &'static str| {
        Sidecar::start(move |_| {
            let named = json!({ name: { "claims": [claim], "jwt": "e30.e30.c2ln" } });
            json!({ "decision": "allow", "set": { "claim_sources": named } })
        })
        .await
    };
    for (other, status) in [("post", 200), ("bank", 503)] {
        let (one, two) = (naming("bank", "email").await, naming(other, "phone_number").await);
        let stand = Stand::with(|config| {
            config.policy.extend([source(&one, "one", &["email"]), source(&two, "two", &["phone_number"])]);
        })
        .await;
        let token = text(&stand.tokens("web", "openid email phone").await["access_token"]);
        let info = stand.userinfo(&token).await;
        assert_eq!(info.status, status, "{}", info.text);
        if status == 200 {
            let names = &info.json["_claim_names"];
            assert_eq!(*names, json!({ "email": "bank", "phone_number": "post" }), "{}", info.text);
        }
    }
}

#[tokio::test]
async fn claims_of_several_sources_come_together_and_an_optional_one_may_fail() {
    let crm =
        Sidecar::start(|_| json!({ "decision": "allow", "set": { "claims": { "plan": "gold" } } })).await;
    let hr = Sidecar::start(|request| {
        assert_eq!(request["limits"]["claims"]["names"], json!(["department"]));
        json!({ "decision": "allow", "set": { "claims": { "department": "books" } } })
    })
    .await;
    let broken = Sidecar::answering(|_| Answered::status(500)).await;
    let stealing =
        Sidecar::start(|_| json!({ "decision": "allow", "set": { "claims": { "plan": "free" } } })).await;
    let claims = json!({ "userinfo": { "plan": null, "department": null, "badge": null } }).to_string();
    let userinfo = async |policies: Vec<PolicyConfig>| {
        let stand = Stand::with(|config| config.policy.extend(policies)).await;
        let mut browser = Browser::new();
        let code = stand.sign_in(&mut browser, "web", &[("claims", &claims)]).await["code"].clone();
        let token = text(&stand.redeem("web", &code).await.json["access_token"]);
        let reply = stand.userinfo(&token).await;
        (reply.status, reply.json)
    };
    let optional = PolicyConfig { optional: true, ..source(&broken, "badges", &["badge"]) };
    let (status, json) =
        userinfo(vec![source(&crm, "crm", &["plan"]), source(&hr, "hr", &["department"]), optional]).await;
    assert_eq!(status, 200, "{json}");
    assert_eq!((&json["plan"], &json["department"]), (&json!("gold"), &json!("books")));
    assert!(json.get("badge").is_none());
    assert_eq!(userinfo(vec![source(&broken, "badges", &["badge"])]).await.0, 503);
    let (status, _) =
        userinfo(vec![source(&crm, "crm", &["plan"]), source(&stealing, "thief", &["badge"])]).await;
    assert_eq!(status, 503, "what another source owns cannot be set");
}
