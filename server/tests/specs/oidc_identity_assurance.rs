//! OpenID Connect for Identity Assurance 1.0, and what discovery says of claims.

use placet_server::config::{Config, ConfigError, IdentityAssurance, PolicyConfig};
use serde_json::{Value, json};

use super::{
    harness::{Browser, Reply, Stand},
    helpers::text,
    sidecar::{Sidecar, policy},
};

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

fn source(sidecar: &Sidecar, owns: &[&str]) -> PolicyConfig {
    PolicyConfig { owns: names(owns), ..sidecar.policy("kyc", &["claims.source"]) }
}

async fn discovery(stand: &Stand) -> Value {
    let url = format!("{}/.well-known/openid-configuration", stand.issuer);
    Reply::read(stand.http.get(url).send().await.unwrap()).await.json
}

fn assurance() -> IdentityAssurance {
    IdentityAssurance {
        trust_frameworks: names(&["eidas"]),
        claims: names(&["given_name", "family_name", "birthdate"]),
        evidence: names(&["document", "vouch"]),
        documents: names(&["idcard", "passport"]),
        documents_check_methods: names(&["vpip"]),
        ..IdentityAssurance::default()
    }
}

#[tokio::test]
async fn discovery_says_how_identities_are_verified_and_nothing_otherwise() {
    let plain = discovery(&Stand::start().await).await;
    let members = plain.as_object().unwrap();
    let of_assurance = |name: &&String| name.contains("verified_claims") || name.contains("document");
    assert_eq!(members.keys().find(of_assurance), None);
    let announced = discovery(&Stand::with(|config| config.identity_assurance = assurance()).await).await;
    assert_eq!(announced["verified_claims_supported"], true);
    assert_eq!(announced["trust_frameworks_supported"], json!(["eidas"]));
    assert_eq!(
        announced["claims_in_verified_claims_supported"],
        json!(["given_name", "family_name", "birthdate"])
    );
    assert_eq!(announced["evidence_supported"], json!(["document", "vouch"]));
    assert_eq!(announced["documents_supported"], json!(["idcard", "passport"]));
    assert_eq!(announced["documents_check_methods_supported"], json!(["vpip"]));
    for absent in ["documents_methods_supported", "electronic_records_supported", "attachments_supported"] {
        assert!(announced.get(absent).is_none(), "an empty list is left out: {absent}");
    }
    assert_eq!(announced["claims_parameter_supported"], true);
}

#[tokio::test]
async fn discovery_knows_the_claims_that_sources_own() {
    let plain = discovery(&Stand::start().await).await;
    assert_eq!(plain["claim_types_supported"], json!(["normal"]));
    assert!(!plain["claims_supported"].as_array().unwrap().contains(&json!("groups")));
    let with = Stand::with(|config| {
        let owns = names(&["email", "groups", "title#de", "verified_claims"]);
        config
            .policy
            .push(PolicyConfig { owns, ..policy("kyc", &["claims.source"], "http://127.0.0.1:9/claims") });
    })
    .await;
    let with = discovery(&with).await;
    assert_eq!(with["claim_types_supported"], json!(["normal", "aggregated", "distributed"]));
    let supported = with["claims_supported"].as_array().unwrap();
    for (claim, times) in [("email", 1), ("groups", 1), ("title", 1), ("verified_claims", 1), ("title#de", 0)]
    {
        assert_eq!(supported.iter().filter(|name| *name == claim).count(), times, "{claim}");
    }
}

/// What `UserInfo` says, where the source tells this and the client asked for that.
async fn told(stand: &Stand, asked: &Value) -> Reply {
    let parameter = json!({ "userinfo": { "verified_claims": asked } }).to_string();
    let params = stand.sign_in(&mut Browser::new(), "web", &[("claims", &parameter)]).await;
    let tokens = stand.redeem("web", &params["code"]).await.json;
    stand.userinfo(&text(&tokens["access_token"])).await
}

#[tokio::test]
async fn verified_claims_go_out_as_far_as_they_were_asked_for_and_are_announced() {
    let all = json!({
        "verification": { "trust_framework": "eidas", "assurance_level": "high", "time": "2026-01-01T00:00Z" },
        "claims": { "given_name": "Alice", "family_name": "Adams", "nationalities": ["CA"] },
    });
    let sidecar = Sidecar::start(
        move |_| json!({ "decision": "allow", "set": { "claims": { "verified_claims": all } } }),
    )
    .await;
    let stand = Stand::with(|config| {
        config.identity_assurance = assurance();
        config.policy.push(source(&sidecar, &["verified_claims"]));
    })
    .await;
    let asked = json!({
        "verification": { "trust_framework": { "values": ["de_aml", "eidas"] }, "assurance_level": null },
        "claims": { "given_name": null, "nationalities": null },
    });
    let expected = json!({
        "verification": { "trust_framework": "eidas", "assurance_level": "high" },
        "claims": { "given_name": "Alice" },
    });
    assert_eq!(told(&stand, &asked).await.json["verified_claims"], expected);
    assert_eq!(sidecar.requests().pop().unwrap()["claims"]["requested"][0]["details"], asked);
    // Another trust framework is asked for than the one that was followed: no error, and no claims (section 5.7.4).
    let other = json!({ "verification": { "trust_framework": { "value": "de_aml" } }, "claims": { "given_name": null } });
    let reply = told(&stand, &other).await;
    assert_eq!((reply.status, &reply.json["verified_claims"]), (200, &Value::Null), "{}", reply.text);
}

#[tokio::test]
async fn what_was_verified_longer_ago_than_the_client_takes_is_omitted_and_grows_old_meanwhile() {
    // The stand's clock begins at 2026-11-23T07:46:40Z.
    let all = json!({
        "verification": { "trust_framework": "eidas", "time": "2026-11-23T07:40:00Z",
            "evidence": [{ "type": "vouch", "time": "2026-11-20T07:40Z" }] },
        "claims": { "given_name": "Alice", "family_name": "Adams" },
    });
    let sidecar = Sidecar::start(
        move |_| json!({ "decision": "allow", "set": { "claims": { "verified_claims": all } } }),
    )
    .await;
    let stand = Stand::with(|config| {
        config.identity_assurance = assurance();
        config.policy.push(source(&sidecar, &["verified_claims"]));
    })
    .await;
    let asking = |verification: Value| {
        let parameter = json!({ "userinfo": { "verified_claims": {
            "verification": verification, "claims": { "given_name": null } } } });
        parameter.to_string()
    };
    let token = async |verification: Value| {
        let parameter = asking(verification);
        let params = stand.sign_in(&mut Browser::new(), "web", &[("claims", &parameter)]).await;
        text(&stand.redeem("web", &params["code"]).await.json["access_token"])
    };
    let fresh = token(json!({ "trust_framework": null, "time": { "max_age": 460 } })).await;
    let evidence =
        |age: u64| json!({ "trust_framework": null, "evidence": [{ "time": { "max_age": age } }] });
    let (young, old) = (token(evidence(260_000)).await, token(evidence(250_000)).await);
    let unclear = token(json!({ "trust_framework": null, "time": { "max_age": "1h" } })).await;
    let shown = async |token: &str| {
        let reply = stand.userinfo(token).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json["verified_claims"]["claims"]["given_name"] == "Alice"
    };
    assert!(shown(&fresh).await && shown(&young).await);
    assert!(!shown(&old).await, "the evidence is too old");
    assert!(!shown(&unclear).await, "an age that is none is met by nothing");
    stand.clock.advance(60);
    assert!(shown(&fresh).await, "460 seconds have passed");
    stand.clock.advance(1);
    assert!(!shown(&fresh).await, "461 seconds have passed");
}

#[tokio::test]
async fn what_is_no_verified_claims_does_not_pass_as_such() {
    let sidecar = Sidecar::start(|_| {
        let wrong = json!({ "claims": { "given_name": "Alice" } });
        json!({ "decision": "allow", "set": { "claims": { "verified_claims": wrong } } })
    })
    .await;
    let stand = Stand::with(|config| config.policy.push(source(&sidecar, &["verified_claims"]))).await;
    let asked = json!({ "verification": { "trust_framework": null }, "claims": { "given_name": null } });
    assert_eq!(told(&stand, &asked).await.status, 503);
}

#[test]
fn what_discovery_would_say_by_halves_is_refused() {
    let refused = |change: fn(&mut IdentityAssurance)| {
        let mut config = Config {
            issuer: "https://as.example".to_owned(),
            master_key_file: Some("master.key".into()),
            identity_assurance: assurance(),
            ..Config::default()
        };
        change(&mut config.identity_assurance);
        match config.check() {
            Ok(()) => String::new(),
            Err(ConfigError::Refused(wrong)) => wrong.join("; "),
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!(refused(|_| {}), "");
    assert_eq!(refused(|said| *said = IdentityAssurance::default()), "");
    for (said, expected) in [
        (refused(|said| said.trust_frameworks.clear()), "trust_frameworks and claims are needed"),
        (refused(|said| said.claims.clear()), "trust_frameworks and claims are needed"),
        (refused(|said| said.documents.clear()), "documents and the evidence `document`"),
        (refused(|said| said.evidence = names(&["vouch"])), "need the evidence `document`"),
        (refused(|said| said.evidence.push("photo".to_owned())), "`photo` is no type of evidence"),
        (refused(|said| said.electronic_records = names(&["secure_mail"])), "electronic_records and"),
        (refused(|said| said.evidence.push("electronic_record".to_owned())), "electronic_records and"),
        (refused(|said| said.attachments = names(&["external"])), "need digest_algorithms"),
        (refused(|said| said.attachments = names(&["paper"])), "neither `embedded` nor `external`"),
    ] {
        assert!(said.contains(expected), "`{expected}`: {said}");
    }
}

#[test]
fn a_claim_has_one_owner_in_all_languages_and_none_is_the_servers() {
    let refused = |one: &[&str], two: &[&str]| {
        let source = |name: &str, owns: &[&str]| {
            let mut policy = policy(name, &["claims.source"], "https://claims.example/");
            policy.auth.sign.secret = None;
            policy.auth.sign.secret_file = Some("claims.secret".into());
            PolicyConfig { owns: names(owns), ..policy }
        };
        let config = Config {
            issuer: "https://as.example".to_owned(),
            master_key_file: Some("master.key".into()),
            policy: vec![source("one", one), source("two", two)],
            ..Config::default()
        };
        config.check().err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert_eq!(refused(&["email"], &["name"]), "");
    assert_eq!(refused(&["name#de"], &["name#fr"]), "");
    for (one, two) in [(["name"], ["name"]), (["name"], ["name#de"]), (["name#de"], ["name"])] {
        assert!(refused(&one, &two).contains("both own the claim"), "{one:?} {two:?}");
    }
    for reserved in ["sub", "acr#de", "_claim_sources"] {
        assert!(refused(&[reserved], &["name"]).contains("the server alone writes"), "{reserved}");
    }
}
