//! Assertions that are taken.

use placet_saml::{
    Reason, Verifier,
    issuer::{Issuers, Key},
};
use placet_sdk::{Instant, decision::Trust};

use crate::{
    draft::{
        DATA, Draft, ISSUER, NOW, RESTRICTION, RSA_SHA256, SHA256, asked, refused, trusted, verifier, verify,
    },
    signer::{FOREIGN, P256, P384, RSA},
};

#[test]
fn a_good_assertion_becomes_facts() {
    let facts = verify(&Draft::new().signed()).unwrap();
    let json = serde_json::to_value(&facts).unwrap();
    let expected = serde_json::json!({
        "trust": "third_party",
        "assertion": {
            "id": "_b07b804c", "issuer": ISSUER, "issued_at": "2026-11-23T09:59:41Z",
            "name_id": {
                "value": "alice@partner.example",
                "format": "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
                "name_qualifier": "partner"
            },
            "conditions": {
                "not_before": "2026-11-23T09:59:11Z", "not_on_or_after": "2026-11-23T10:04:41Z",
                "audiences": ["https://as.example"], "one_time_use": false
            },
            "subject_confirmation": [{
                "method": "urn:oasis:names:tc:SAML:2.0:cm:bearer",
                "recipient": "https://as.example/token", "not_on_or_after": "2026-11-23T10:04:41Z"
            }],
            "authn": [{
                "instant": "2026-11-23T09:58:02Z", "session_index": "_s1",
                "class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
            }],
            "attributes": [
                {
                    "name": "urn:oid:1.3.6.1.4.1.5923.1.1.1.7",
                    "name_format": "urn:oasis:names:tc:SAML:2.0:attrname-format:uri",
                    "friendly_name": "eduPersonEntitlement",
                    "values": ["urn:partner:adjuster", "R&D <Zürich> \u{1F600}"]
                },
                {"name": "employeeNumber", "values": ["40117"]}
            ]
        },
        "verified": {
            "signature": true, "signed": "assertion", "alg": RSA_SHA256, "encrypted": false,
            "replay_checked": false
        }
    });
    assert_eq!(json, expected);
}

#[test]
fn every_algorithm_of_the_list_is_verified() {
    for (name, signer) in [
        ("rsa-sha256", &RSA),
        ("rsa-sha384", &RSA),
        ("rsa-sha512", &RSA),
        ("ecdsa-sha256", &P256),
        ("ecdsa-sha384", &P384),
        ("ecdsa-sha512", &P384),
    ] {
        let algorithm = format!("http://www.w3.org/2001/04/xmldsig-more#{name}");
        let document = Draft::new().with(RSA_SHA256, &algorithm).sign(signer);
        assert_eq!(verify(&document).unwrap().verified.alg, algorithm);
    }
    for digest in ["http://www.w3.org/2001/04/xmldsig-more#sha384", "http://www.w3.org/2001/04/xmlenc#sha512"]
    {
        let digest = format!("DigestMethod Algorithm=\"{digest}\"");
        let draft = Draft::new().with(&format!("DigestMethod Algorithm=\"{SHA256}\""), &digest);
        assert!(verify(&draft.signed()).is_ok(), "{digest}");
    }
}

#[test]
fn the_same_assertion_gives_the_same_facts_again() {
    let document = Draft::new().signed();
    let verifier = verifier();
    let first = verifier.verify(&asked(document.as_bytes()), NOW).unwrap();
    assert!(!first.verified.replay_checked);
    for _ in 0..5 {
        assert_eq!(verifier.verify(&asked(document.as_bytes()), NOW).unwrap(), first);
    }
}

#[test]
fn padding_and_an_xml_declaration_and_white_space_around_may_be_there() {
    let bare = Draft::new().signed();
    let bare = bare.trim_start_matches("<?xml version=\"1.0\"?>").trim();
    assert!(bare.starts_with("<saml:Assertion"), "{bare}");
    for document in [
        bare.to_owned(),
        format!("\n {bare}\r\n\t"),
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n{bare}"),
        format!("<?xml version='1.0' encoding='utf-8'?>{bare}  "),
    ] {
        let mut asked = asked(document.as_bytes());
        assert!(verifier().verify(&asked, NOW).is_ok(), "{document}");
        while !asked.value.len().is_multiple_of(4) {
            asked.value.push('=');
        }
        assert!(verifier().verify(&asked, NOW).is_ok(), "{}", asked.value.len() % 4);
    }
}

#[test]
fn key_info_of_the_message_is_passed_over() {
    let key = "</ds:SignatureValue><ds:KeyInfo><ds:KeyName>any</ds:KeyName><ds:X509Data><ds:X509SubjectName>CN=any\
               </ds:X509SubjectName></ds:X509Data></ds:KeyInfo>";
    assert!(verify(&Draft::new().with("</ds:SignatureValue>", key).signed()).is_ok());
}

#[test]
fn the_prefix_list_of_canonical_xml_is_understood() {
    let with_list = r#"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"><ec:InclusiveNamespaces xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="xs"/></ds:Transform>"#;
    let plain = r#"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>"#;
    assert!(verify(&Draft::new().with(plain, with_list).signed()).is_ok());
}

#[test]
fn characters_that_canonical_xml_writes_in_another_way_survive() {
    let odd = "a&#xD;&#10;&#9;b \u{85}\u{2028} 'c' &quot;d&quot;";
    let document = Draft::new().with("40117", odd).with("employeeNumber", "x&#10;&quot;&#9;&lt;y").signed();
    let facts = verify(&document).unwrap();
    assert_eq!(facts.assertion.attributes[1].values, ["a\r\n\tb \u{85}\u{2028} 'c' \"d\""]);
    assert_eq!(facts.assertion.attributes[1].name, "x\n\"\t<y");
}

#[test]
fn line_ends_of_another_system_do_not_break_a_signature() {
    let document = Draft::new().signed();
    assert!(verify(&document.replace('\n', "\r\n")).is_ok());
}

#[test]
fn any_of_several_keys_may_have_signed() {
    let keys: Vec<_> = [&*FOREIGN, &*P256, &*RSA]
        .iter()
        .map(|signer| Key::from_public_key_pem(&signer.public_pem).unwrap())
        .collect();
    let mut issuers = Issuers::default();
    issuers.add(ISSUER, trusted(keys)).unwrap();
    let verifier = Verifier { issuers, decryption_keys: Vec::new(), max_clock_skew: 60 };
    for signer in [&FOREIGN, &RSA] {
        assert!(verifier.verify(&asked(Draft::new().sign(signer).as_bytes()), NOW).is_ok());
    }
}

#[test]
fn an_issuer_whose_metadata_expired_is_no_longer_believed() {
    let key = Key::from_public_key_pem(&RSA.public_pem).unwrap();
    let mut issuers = Issuers::default();
    let issuer = trusted(vec![key]);
    issuers
        .add(ISSUER, placet_saml::issuer::Issuer { valid_until: Some(NOW), trust: Trust::Own, ..issuer })
        .unwrap();
    let verifier = Verifier { issuers, decryption_keys: Vec::new(), max_clock_skew: 60 };
    let asked = asked(Draft::new().signed().as_bytes());
    assert_eq!(verifier.verify(&asked, NOW).unwrap_err().reason(), Reason::IssuerExpired);
    assert_eq!(verifier.verify(&asked, NOW.plus(-1)).unwrap().trust, Trust::Own);
}

#[test]
fn the_token_endpoint_may_be_the_audience() {
    let draft = Draft::new()
        .with("<saml:Audience>https://as.example<", "<saml:Audience>\n https://as.example/token <");
    assert_eq!(verify(&draft.signed()).unwrap().assertion.conditions.audiences, ["https://as.example/token"]);
}

#[test]
fn only_what_all_restrictions_have_in_common_is_the_audience() {
    let two = "<saml:AudienceRestriction><saml:Audience>https://other.example</saml:Audience>\
               <saml:Audience>https://as.example</saml:Audience></saml:AudienceRestriction>";
    let draft = Draft::new().with(RESTRICTION, &format!("{two}{RESTRICTION}"));
    assert_eq!(verify(&draft.signed()).unwrap().assertion.conditions.audiences, ["https://as.example"]);
    let other = RESTRICTION.replace("as.example", "other.example");
    refused(&Draft::new().with(RESTRICTION, &format!("{other}{RESTRICTION}")), Reason::Audience);
    refused(&Draft::new().with(RESTRICTION, &format!("{RESTRICTION}{other}")), Reason::Audience);
}

#[test]
fn one_time_use_is_reported_and_a_proxy_restriction_is_understood() {
    let more = format!(
        "{RESTRICTION}<saml:OneTimeUse/><saml:ProxyRestriction Count=\"0\"><saml:Audience>https://x.example\
         </saml:Audience></saml:ProxyRestriction>"
    );
    let facts = verify(&Draft::new().with(RESTRICTION, &more).signed()).unwrap();
    assert!(facts.assertion.conditions.one_time_use);
}

#[test]
fn conditions_without_times_are_enough_where_the_confirmation_has_an_end() {
    let draft = Draft::new()
        .with(" NotBefore=\"2026-11-23T09:59:11Z\" NotOnOrAfter=\"2026-11-23T10:04:41Z\">", ">")
        .with(DATA, &DATA.replace("NotOnOrAfter", "InResponseTo=\"_r1\" NotOnOrAfter"));
    let conditions = verify(&draft.signed()).unwrap().assertion.conditions;
    assert_eq!((conditions.not_before, conditions.not_on_or_after), (None, None));
}

#[test]
fn long_conditions_do_no_harm_where_the_confirmation_ends_soon() {
    let draft =
        Draft::new().with("NotOnOrAfter=\"2026-11-23T10:04:41Z\">", "NotOnOrAfter=\"2026-11-23T11:00:00Z\">");
    assert!(verify(&draft.signed()).is_ok());
}

#[test]
fn one_bearer_confirmation_that_holds_is_enough_and_only_it_is_reported() {
    let confirmation = |data: &str| {
        format!(
            "<saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\">{data}</saml:SubjectConfirmation>"
        )
    };
    let key = confirmation("").replace("cm:bearer", "cm:holder-of-key");
    let wrong = confirmation(&DATA.replace("/token", "/other"));
    let all = format!("{key}{wrong}{}", confirmation(DATA));
    let facts = verify(&Draft::new().with(&confirmation(DATA), &all).signed()).unwrap();
    let until = Instant(1_795_428_281);
    assert_eq!(facts.assertion.subject_confirmation.len(), 1);
    assert_eq!(facts.assertion.subject_confirmation[0].not_on_or_after, Some(until));
}

#[test]
fn a_name_identifier_as_a_value_is_its_text_and_nil_is_no_value() {
    let name =
        "<saml:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">p-17</saml:NameID>";
    let nil = "40117</saml:AttributeValue><saml:AttributeValue \
               xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"true\">";
    let facts = verify(&Draft::new().with("40117", name).signed()).unwrap();
    assert_eq!(facts.assertion.attributes[1].values, ["p-17"]);
    let facts = verify(&Draft::new().with("40117", nil).signed()).unwrap();
    assert_eq!(facts.assertion.attributes[1].values, ["40117"]);
}
