//! The program, over HTTP, as the server asks it.

mod sidecar;

use std::{fs, time::Duration};

use placet_sdk::Instant;
use serde_json::{Value, json};
use sidecar::{ANSWER_SECRET, Sidecar, now, question, run_to_end};

use crate::signer::{FOREIGN, RSA, Signer, file};

const SERVER: &str = "http://localhost:8080";

/// An assertion of now, by an issuer that shares no code with the sidecar.
fn assertion(signer: &Signer, now: Instant) -> String {
    let algorithm = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
    let canonical = "http://www.w3.org/2001/10/xml-exc-c14n#";
    let end = now.plus(300);
    signer.sign(&format!(
        "<a:Assertion xmlns:a=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_1\" IssueInstant=\"{now}\" \
         Version=\"2.0\"><a:Issuer>https://idp.example</a:Issuer>\
         <ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo>\
         <ds:CanonicalizationMethod Algorithm=\"{canonical}\"/><ds:SignatureMethod Algorithm=\"{algorithm}\"/>\
         <ds:Reference URI=\"#_1\"><ds:Transforms>\
         <ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>\
         <ds:Transform Algorithm=\"{canonical}\"/></ds:Transforms>\
         <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/><ds:DigestValue/></ds:Reference>\
         </ds:SignedInfo><ds:SignatureValue/></ds:Signature><a:Subject><a:NameID>bob</a:NameID>\
         <a:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\">\
         <a:SubjectConfirmationData NotOnOrAfter=\"{end}\" Recipient=\"{SERVER}/token\"/></a:SubjectConfirmation>\
         </a:Subject><a:Conditions><a:AudienceRestriction><a:Audience>{SERVER}</a:Audience>\
         </a:AudienceRestriction></a:Conditions></a:Assertion>"
    ))
}

fn encoded(document: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.encode(document)
}

/// A configuration that believes one issuer.
fn config() -> std::path::PathBuf {
    let key = file("idp.pub", &RSA.public_pem);
    let text = format!(
        "listen = \"127.0.0.1:0\"\n[[issuers]]\nentity_id = \"https://idp.example\"\npublic_key_files = [\"{}\"]\n",
        key.display()
    );
    file("saml.toml", text.as_bytes())
}

#[tokio::test]
async fn an_assertion_is_answered_with_its_facts_and_the_answer_is_signed() {
    let sidecar = Sidecar::start(&["--config", config().to_str().unwrap()]).await;
    let value = encoded(&assertion(&RSA, now()));
    let response = sidecar.ask(&question("dec_1", &value)).await;
    assert_eq!(response.status(), 200);
    let signature = response.headers()["webhook-signature"].to_str().unwrap().to_owned();
    let timestamp = response.headers()["webhook-timestamp"].to_str().unwrap().to_owned();
    let body = response.bytes().await.unwrap();
    let at = Instant(timestamp.parse().unwrap());
    assert_eq!(placet_sdk::signature::sign(&ANSWER_SECRET.parse().unwrap(), "dec_1", at, &body), signature);
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(answer["decision"], "allow");
    assert_eq!(answer["reason"]["code"], "verified");
    let facts = &answer["set"]["saml2_bearer"];
    assert_eq!(facts["assertion"]["name_id"], json!({"value": "bob"}));
    assert_eq!(facts["assertion"]["issuer"], "https://idp.example");
    assert_eq!(facts["verified"]["signature"], true);
    assert_eq!(facts["verified"]["replay_checked"], false);
}

#[tokio::test]
async fn an_assertion_that_is_not_taken_is_a_denial_with_a_reason() {
    let sidecar = Sidecar::start(&["--config", config().to_str().unwrap()]).await;
    let now = now();
    let large = "A".repeat(193 * 1024);
    for (number, (value, reason)) in [
        (encoded(&assertion(&FOREIGN, now)), "signature_invalid"),
        (encoded(&assertion(&RSA, now.plus(-1000))), "confirmation"),
        (encoded(&assertion(&RSA, now).replace("bob", "root")), "signature_invalid"),
        (encoded("<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>"), "malformed_xml"),
        (large, "too_large"),
        (String::new(), "malformed_xml"),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = sidecar.answer(&question(&format!("dec_{number}"), &value)).await;
        assert_eq!(answer["decision"], "deny", "{answer}");
        assert_eq!(answer["error"]["code"], "invalid_grant");
        assert!(answer["error"]["description"].as_str().is_some_and(|text| !text.is_empty()));
        assert_eq!(answer["reason"]["code"], reason);
        assert!(answer.get("set").is_none());
    }
}

#[tokio::test]
async fn a_question_that_says_nothing_of_this_server_is_not_answered() {
    let sidecar = Sidecar::start(&["--config", config().to_str().unwrap()]).await;
    let value = encoded(&assertion(&RSA, now()));
    for (number, (member, nothing)) in
        [("format", json!("saml1")), ("recipient", json!("")), ("audience", json!([]))]
            .into_iter()
            .enumerate()
    {
        let mut question = question(&format!("dec_{number}"), &value);
        question["raw_assertion"][member] = nothing;
        assert_eq!(sidecar.ask(&question).await.status(), 503, "{member}");
    }
}

#[tokio::test]
async fn who_does_not_know_the_secret_is_not_answered() {
    let sidecar = Sidecar::start(&["--config", config().to_str().unwrap()]).await;
    let value = encoded(&assertion(&RSA, now()));
    let response = sidecar.ask_signed_by(&question("dec_1", &value), ANSWER_SECRET).await;
    assert_eq!(response.status(), 401);
    let unsigned = sidecar.http.post(&sidecar.base).json(&question("dec_1", &value)).send().await.unwrap();
    assert_eq!(unsigned.status(), 401);
}

#[tokio::test]
async fn the_sidecar_says_what_it_is_and_ends_when_it_is_asked_to() {
    let sidecar = Sidecar::start(&["--config", config().to_str().unwrap()]).await;
    let document: Value = sidecar.get("/.well-known/placet-policy").await.json().await.unwrap();
    assert_eq!(document["sidecar"]["name"], "placet-saml");
    assert_eq!(document["types"][0]["type"], "assertion.saml2");
    assert_eq!(document["types"].as_array().unwrap().len(), 1);
    assert_eq!(document["auth"]["signed_response"], true);
    assert_eq!(sidecar.get("/healthz").await.status(), 200);
    assert_eq!(sidecar.get("/dev/saml-assertion").await.status(), 404);
    assert!(sidecar.terminate().await.success());
}

#[tokio::test]
async fn development_assertions_are_for_names_of_the_loopback_interface() {
    let sidecar = Sidecar::start(&["--dev", "--listen", "127.0.0.1:0"]).await;
    let made: Value = sidecar.get("/dev/saml-assertion?sub=ch%26ris").await.json().await.unwrap();
    let answer = sidecar.answer(&question("dec_1", made["assertion"].as_str().unwrap())).await;
    let facts = &answer["set"]["saml2_bearer"]["assertion"];
    assert_eq!(facts["name_id"]["value"], "ch&ris");
    assert_eq!(facts["issuer"], "urn:placet:development:saml");
    let made: Value = sidecar.get("/dev/saml-assertion").await.json().await.unwrap();
    let answer = sidecar.answer(&question("dec_2", made["assertion"].as_str().unwrap())).await;
    assert_eq!(answer["set"]["saml2_bearer"]["assertion"]["name_id"]["value"], "alice");
    for (path, host, status) in [
        ("/dev/saml-assertion", "evil.example", 421),
        ("/dev/saml-assertion", "localhost.evil.example:8091", 421),
        ("/dev/saml-assertion", "localhost:8091", 200),
        ("/dev/saml-assertion?sub=", "localhost", 400),
        ("/dev/saml-assertion?sub=a%0Ab", "[::1]:1", 400),
        ("/dev/saml-assertion?mail=a%40b&mail=c%40d", "localhost", 200),
        ("/dev/saml-assertion?mail=a%0Ab", "localhost", 400),
        ("/dev/saml-assertion?=nameless", "localhost", 400),
    ] {
        let url = format!("{}{path}", sidecar.base);
        let response = sidecar.http.get(url).header("host", host).send().await.unwrap();
        assert_eq!(response.status(), status, "{path} {host}");
    }
}

#[tokio::test]
async fn many_at_once_are_all_answered_or_told_to_come_back() {
    let sidecar = Sidecar::start(&["--config", config().to_str().unwrap()]).await;
    let value = encoded(&assertion(&RSA, now()));
    let mut all = tokio::task::JoinSet::new();
    for number in 0..200 {
        let asking = sidecar.asking(&question(&format!("dec_{number}"), &value));
        all.spawn(async move { asking.await.status().as_u16() });
    }
    let statuses = all.join_all().await;
    assert!(statuses.iter().all(|status| [200, 503].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&200));
    assert_eq!(sidecar.ask(&question("dec_last", &value)).await.status(), 200);
}

#[tokio::test]
async fn a_killed_sidecar_is_a_closed_connection() {
    let mut sidecar = Sidecar::start(&["--config", config().to_str().unwrap()]).await;
    let value = encoded(&assertion(&RSA, now()));
    let mut all = tokio::task::JoinSet::new();
    for number in 0..40 {
        let asking = sidecar.try_asking(&question(&format!("dec_{number}"), &value));
        all.spawn(async move { asking.await.map(|response| response.status().as_u16()) });
    }
    tokio::time::sleep(Duration::from_millis(5)).await;
    sidecar.kill().await;
    for outcome in all.join_all().await {
        assert!(outcome.is_err() || outcome.is_ok_and(|status| [200, 503].contains(&status)));
    }
}

#[tokio::test]
async fn the_process_limits_itself() {
    let sidecar = Sidecar::start(&["--config", config().to_str().unwrap()]).await;
    let limits = fs::read_to_string(format!("/proc/{}/limits", sidecar.id())).unwrap();
    for (name, most) in [
        ("Max address space", 1 << 30),
        ("Max data size", 256 << 20),
        ("Max open files", 2048),
        ("Max core file size", 0),
    ] {
        let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        for limit in line.split_whitespace().take(2) {
            assert!(limit.parse::<u64>().unwrap() <= most, "{name}: {line}");
        }
    }
}

#[test]
fn what_cannot_be_served_is_told() {
    let nobody = file("nobody.toml", b"listen = \"127.0.0.1:0\"\n");
    let same = file("secret", sidecar::SECRET.as_bytes());
    for (arguments, said) in [
        (vec!["serve", "--config", "not-there.toml"], "not-there.toml"),
        (vec!["serve", "--config", nobody.to_str().unwrap()], "no issuer"),
        (vec!["serve", "--dev", "--listen", "0.0.0.0:0"], "loopback"),
        (vec!["serve"], "--config"),
        (
            vec!["serve", "--dev", "--listen", "127.0.0.1:0", "--answer-secret-file", same.to_str().unwrap()],
            "secret of their own",
        ),
        (vec!["check-config", "--config", "not-there.toml"], "not-there.toml"),
    ] {
        let output = run_to_end(&arguments);
        assert!(!output.status.success());
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(said), "`{said}` is not in: {error}");
        assert!(!error.contains("whsec_"), "{error}");
    }
}

#[test]
fn a_configuration_can_be_checked() {
    let output = run_to_end(&["check-config", "--config", config().to_str().unwrap()]);
    assert!(output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("https://idp.example: 1 keys, 600 seconds"), "{said}");
}
