//! The SAML 2.0 bearer grant (RFC 7522 section 2.1) through the front door. What a sidecar makes of the XML is its
//! matter; what the server believes of it is tested here.

use placet_sdk::{Instant, decision::Trust};
use placet_server::config::{PolicyMode, SamlIssuer};
use serde_json::{Value, json};

use super::{
    harness::{Reply, START, Stand, claims},
    helpers::configured,
    sidecar::Sidecar,
};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:saml2-bearer";
/// Who issues the assertions.
pub const ISSUER: &str = "https://idp.partner.example/saml";
const ALGORITHMS: &str = "http://www.w3.org/2001/04/xmldsig-more#";

fn at(seconds: i64) -> String {
    Instant(START + seconds).to_string()
}

/// The facts of a good assertion for this server.
pub fn facts(token_endpoint: &str) -> Value {
    json!({
        "trust": "third_party",
        "assertion": {
            "id": "_b07b804c", "issuer": ISSUER, "issued_at": at(-20),
            "name_id": { "value": "jdoe@partner.example" },
            "conditions": { "not_before": at(-50), "not_on_or_after": at(280), "audiences": [token_endpoint] },
            "subject_confirmation": [{
                "method": "urn:oasis:names:tc:SAML:2.0:cm:bearer", "recipient": token_endpoint,
                "not_on_or_after": at(280),
            }],
            "authn": [{ "instant": at(-100) }],
            "attributes": [{ "name": "employeeNumber", "values": ["40117"] }],
        },
        "verified": { "signature": true, "signed": "assertion", "alg": format!("{ALGORITHMS}rsa-sha256") },
    })
}

/// A sidecar that answers `assertion.saml2` with facts that `change` altered, and maps employees to subjects.
async fn sidecar(change: fn(&mut Value)) -> Sidecar {
    Sidecar::start(move |request| {
        if request["type"] == "assertion.saml2" {
            let mut facts = facts(request["raw_assertion"]["recipient"].as_str().unwrap());
            change(&mut facts);
            json!({ "decision": "allow", "set": { "saml2_bearer": facts } })
        } else {
            let number = &request["saml2_bearer"]["assertion"]["attributes"][0]["values"][0];
            let sub = format!("partner:{}", number.as_str().unwrap());
            json!({ "decision": "allow", "set": { "grant": { "sub": sub, "scope": ["reports.read"] } } })
        }
    })
    .await
}

/// The issuer as the operator lists it.
pub fn listed() -> SamlIssuer {
    SamlIssuer { entity_id: ISSUER.to_owned(), ..SamlIssuer::default() }
}

async fn stand(sidecar: &Sidecar, types: &[&str]) -> Stand {
    stand_with(sidecar, types, listed()).await
}

async fn stand_with(sidecar: &Sidecar, types: &[&str], issuer: SamlIssuer) -> Stand {
    let policy = sidecar.policy("saml", types);
    Stand::with(|config| {
        config.saml.issuers.push(issuer);
        let metadata = json!({ "grant_types": [GRANT], "scope": "reports.read reports.write" });
        config.clients.push(configured("portal", &metadata));
        config.policy.push(policy);
    })
    .await
}

const BOTH: [&str; 2] = ["assertion.saml2", "grant.saml2_bearer"];

async fn present(stand: &Stand) -> Reply {
    stand.post("/token", "portal", &[("grant_type", GRANT), ("assertion", "PHNhbWw+")]).await
}

#[tokio::test]
async fn facts_become_a_local_subject_and_a_token() {
    let sidecar = sidecar(|_| ()).await;
    let stand = stand(&sidecar, &BOTH).await;
    let reply = present(&stand).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let token = claims(reply.json["access_token"].as_str().unwrap());
    assert_eq!((&token["sub"], &token["scope"]), (&json!("partner:40117"), &json!("reports.read")));
    assert!(reply.json["refresh_token"].is_null());
    let [raw, parsed] = &sidecar.requests()[..] else { panic!("two questions are asked") };
    assert_eq!(raw["raw_assertion"]["value"], "PHNhbWw+");
    assert_eq!(raw["raw_assertion"]["recipient"], format!("{}/token", stand.issuer));
    assert!(parsed["raw_assertion"].is_null(), "a policy sees facts alone");
    assert_eq!(parsed["saml2_bearer"]["verified"]["replay_checked"], true);
    assert_eq!(parsed["proposal"]["grant"]["authentication"]["authenticated_at"], at(-100));
}

#[tokio::test]
async fn an_assertion_is_good_once() {
    let sidecar = sidecar(|_| ()).await;
    let stand = stand(&sidecar, &BOTH).await;
    let replies = futures_util::future::join_all((0..6).map(|_| present(&stand))).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1);
    let reply = present(&stand).await;
    assert_eq!((reply.status, reply.error()), (400, "invalid_grant"), "{}", reply.text);
}

#[tokio::test]
async fn the_server_checks_again_what_the_sidecar_says() {
    type Change = fn(&mut Value);
    let cases: [(&str, Change); 16] = [
        ("not trusted", |f| f["assertion"]["issuer"] = json!("https://idp.partner.example/saml/")),
        ("not trusted", |f| f["assertion"]["issuer"] = json!("")),
        ("algorithm", |f| f["verified"]["alg"] = json!("http://www.w3.org/2000/09/xmldsig#rsa-sha1")),
        ("algorithm", |f| f["verified"]["alg"] = json!(format!("{ALGORITHMS}rsa-md5"))),
        ("algorithm", |f| f["verified"]["alg"] = json!("")),
        ("in the future", |f| f["assertion"]["authn"][0]["instant"] = json!(at(11))),
        ("600 seconds old", |f| f["assertion"]["issued_at"] = json!(at(-611))),
        ("not verified", |f| f["verified"]["signature"] = json!(false)),
        ("audience", |f| f["assertion"]["conditions"]["audiences"] = json!(["https://other.example"])),
        ("audience", |f| f["assertion"]["conditions"]["audiences"] = json!([])),
        ("not valid yet", |f| f["assertion"]["conditions"]["not_before"] = json!(at(60))),
        ("not valid yet", |f| f["assertion"]["issued_at"] = json!(at(60))),
        ("expired", |f| f["assertion"]["conditions"]["not_on_or_after"] = json!(at(-30))),
        ("expired", |f| f["assertion"]["subject_confirmation"][0]["not_on_or_after"] = json!(at(-30))),
        ("bearer confirmation", |f| {
            f["assertion"]["subject_confirmation"][0]["recipient"] = json!("https://other.example/token");
        }),
        ("bearer confirmation", |f| {
            f["assertion"]["subject_confirmation"][0]["method"] =
                json!("urn:oasis:names:tc:SAML:2.0:cm:holder-of-key");
        }),
    ];
    for (why, change) in cases {
        let sidecar = sidecar(change).await;
        let stand = stand(&sidecar, &BOTH).await;
        let reply = present(&stand).await;
        assert_eq!((reply.status, reply.error()), (400, "invalid_grant"), "{why}: {}", reply.text);
        assert!(reply.text.contains(why), "{why}: {}", reply.text);
        assert_eq!(sidecar.requests().len(), 1, "{why}: no policy is asked about it");
    }
}

#[tokio::test]
async fn how_long_an_assertion_lives_and_for_whom_it_counts_is_the_operators_to_say() {
    let sidecar = sidecar(|f| f["assertion"]["issued_at"] = json!(at(-700))).await;
    for (issuer, status) in [
        (listed(), 400),
        (SamlIssuer { max_lifetime: 900, ..listed() }, 200),
        (SamlIssuer { max_lifetime: 900, client_ids: vec!["other".to_owned()], ..listed() }, 400),
        (SamlIssuer { max_lifetime: 900, client_ids: vec!["portal".to_owned()], ..listed() }, 200),
        (SamlIssuer { max_lifetime: 900, algorithms: vec!["ecdsa-sha256".to_owned()], ..listed() }, 400),
        // It ends in 280 seconds.
        (SamlIssuer { max_lifetime: 269, ..listed() }, 400),
    ] {
        let stand = stand_with(&sidecar, &BOTH, issuer.clone()).await;
        let reply = present(&stand).await;
        assert_eq!(reply.status, status, "{issuer:?}: {}", reply.text);
    }
}

#[tokio::test]
async fn policies_hear_from_the_operator_who_vouches_and_not_from_the_sidecar() {
    let sidecar = sidecar(|f| f["trust"] = json!("self")).await;
    for (trust, told) in [(Trust::ThirdParty, "third_party"), (Trust::Own, "self")] {
        let stand = stand_with(
            &sidecar,
            &BOTH,
            SamlIssuer { trust, client_ids: vec!["portal".to_owned()], ..listed() },
        )
        .await;
        assert_eq!(present(&stand).await.status, 200);
        assert_eq!(sidecar.requests().pop().unwrap()["saml2_bearer"]["trust"], told);
    }
}

#[tokio::test]
async fn an_assertion_may_be_as_long_as_the_sidecar_takes_it() {
    let sidecar = sidecar(|_| ()).await;
    let stand = stand(&sidecar, &BOTH).await;
    for (length, status) in [(192 * 1024, 200), (192 * 1024 + 1, 400), (256 * 1024, 413)] {
        let assertion = "A".repeat(length);
        let reply = stand.post("/token", "portal", &[("grant_type", GRANT), ("assertion", &assertion)]).await;
        assert_eq!(reply.status, status, "{length}: {}", reply.text);
    }
    let long = "A".repeat(130 * 1024);
    let elsewhere = stand.post("/introspect", "web", &[("token", &long)]).await;
    assert_eq!(elsewhere.status, 413, "{}", elsewhere.text);
}

#[tokio::test]
async fn the_grant_is_off_unless_both_decisions_have_somebody() {
    let sidecar = sidecar(|_| ()).await;
    let policies = BOTH.map(|hook| sidecar.policy(&hook.replace('.', "_"), &[hook]));
    let names = policies.clone().map(|policy| policy.name);
    let stand = Stand::with(|config| {
        config
            .clients
            .push(configured("portal", &json!({ "grant_types": [GRANT], "scope": "reports.read" })));
        config.policy.extend(policies);
        config.saml.issuers.push(listed());
    })
    .await;
    for name in &names {
        stand.server.policies().set_mode(name, PolicyMode::Off).unwrap();
        let reply = present(&stand).await;
        assert_eq!((reply.status, reply.error()), (400, "unsupported_grant_type"), "{}", reply.text);
        stand.server.policies().set_mode(name, PolicyMode::Enforce).unwrap();
    }
    assert!(sidecar.requests().is_empty());
    assert_eq!(present(&stand).await.status, 200);
}

#[tokio::test]
async fn a_sidecar_that_refuses_or_fails_uses_nothing_up() {
    let refusing = Sidecar::start(|_| {
        json!({ "decision": "deny", "error": { "code": "invalid_grant", "description": "bad signature" } })
    })
    .await;
    let stand_refusing = stand(&refusing, &BOTH).await;
    let reply = present(&stand_refusing).await;
    assert_eq!((reply.status, reply.error()), (400, "invalid_grant"));
    assert_eq!(reply.json["error_description"], "bad signature");
    let silent = Sidecar::start(|_| json!({ "decision": "allow" })).await;
    let stand_silent = stand(&silent, &BOTH).await;
    assert_eq!(present(&stand_silent).await.status, 503, "facts are required");
}
