//! RFC 7522 section 3, and what SAML core adds: one refusal for each rule.

use placet_saml::Reason;
use placet_sdk::Instant;

use crate::draft::{DATA, Draft, NOW, RESTRICTION, asked, refused, verifier};

const CONDITIONS: &str = "NotBefore=\"2026-11-23T09:59:11Z\" NotOnOrAfter=\"2026-11-23T10:04:41Z\">";
const SUBJECT_NAME: &str = ">alice@partner.example</saml:NameID>";

#[test]
fn an_issuer_that_nobody_trusts_is_refused_whatever_its_name_resembles() {
    for other in [
        "https://idp.partner.example/SAML",
        "https://idp.partner.example/saml ",
        "https://idp.partner.example/saml/",
        "https://other.example",
    ] {
        refused(
            &Draft::new().with(">https://idp.partner.example/saml<", &format!(">{other}<")),
            Reason::UnknownIssuer,
        );
    }
}

#[test]
fn an_assertion_needs_an_issuer_that_is_an_entity() {
    let issuer = "<saml:Issuer>https://idp.partner.example/saml</saml:Issuer>";
    refused(&Draft::new().with(issuer, ""), Reason::InvalidAssertion);
    refused(&Draft::new().with(issuer, "<saml:Issuer/>"), Reason::InvalidAssertion);
    let formatted = issuer.replace(
        "<saml:Issuer>",
        "<saml:Issuer Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress\">",
    );
    refused(&Draft::new().with(issuer, &formatted), Reason::InvalidAssertion);
}

#[test]
fn an_assertion_needs_conditions_with_an_audience() {
    let draft = Draft::new();
    let from = draft.0.find("<saml:Conditions").unwrap();
    let to = draft.0.find("</saml:Conditions>").unwrap() + "</saml:Conditions>".len();
    let conditions = draft.0[from..to].to_owned();
    refused(&draft.with(&conditions, ""), Reason::Audience);
    refused(&Draft::new().with(RESTRICTION, ""), Reason::Audience);
    refused(
        &Draft::new().with("<saml:Audience>https://as.example</saml:Audience>", ""),
        Reason::InvalidAssertion,
    );
    refused(&Draft::new().with(">https://as.example<", "> <"), Reason::InvalidAssertion);
}

#[test]
fn another_audience_is_refused() {
    for other in
        ["https://other.example", "https://as.example/", "https://AS.example", "https://as.example/token/x"]
    {
        refused(&Draft::new().with(">https://as.example<", &format!(">{other}<")), Reason::Audience);
    }
}

#[test]
fn an_assertion_needs_a_subject_with_a_name() {
    let draft = Draft::new();
    let from = draft.0.find("<saml:Subject>").unwrap();
    let to = draft.0.find("</saml:Subject>").unwrap() + "</saml:Subject>".len();
    let subject = draft.0[from..to].to_owned();
    refused(&draft.with(&subject, ""), Reason::InvalidAssertion);
    for name in ["></saml:NameID>", "> </saml:NameID>", "> alice</saml:NameID>", ">a&#10;b</saml:NameID>"] {
        refused(&Draft::new().with(SUBJECT_NAME, name), Reason::InvalidAssertion);
    }
    let base = Draft::new().with("<saml:NameID ", "<saml:BaseID ").with("</saml:NameID>", "</saml:BaseID>");
    refused(&base, Reason::InvalidAssertion);
    let encrypted = Draft::new()
        .with("<saml:NameID ", "<saml:EncryptedID ")
        .with("</saml:NameID>", "</saml:EncryptedID>");
    refused(&encrypted, Reason::InvalidAssertion);
}

#[test]
fn an_expired_assertion_is_refused_after_the_skew() {
    let asked = asked(Draft::new().signed().as_bytes());
    let end = Instant(1_795_428_281);
    assert!(verifier().verify(&asked, end.plus(9)).is_ok());
    assert_eq!(verifier().verify(&asked, end.plus(10)).unwrap_err().reason(), Reason::Expired);
}

#[test]
fn an_assertion_that_is_not_valid_yet_is_refused_before_the_skew() {
    let draft =
        Draft::new().with("NotBefore=\"2026-11-23T09:59:11Z\"", "NotBefore=\"2026-11-23T09:59:59.5Z\"");
    let asked = asked(draft.signed().as_bytes());
    assert!(verifier().verify(&asked, NOW.plus(-10)).is_ok());
    assert_eq!(verifier().verify(&asked, NOW.plus(-11)).unwrap_err().reason(), Reason::NotYetValid);
}

#[test]
fn the_skew_of_the_server_is_capped() {
    let mut asked = asked(Draft::new().signed().as_bytes());
    asked.clock_skew = u32::MAX;
    let end = Instant(1_795_428_281);
    assert!(verifier().verify(&asked, end.plus(59)).is_ok());
    assert_eq!(verifier().verify(&asked, end.plus(60)).unwrap_err().reason(), Reason::Expired);
}

#[test]
fn an_assertion_of_the_future_is_refused() {
    refused(&Draft::new().with("T09:59:41.250Z", "T10:00:11Z"), Reason::IssuedInFuture);
    refused(&Draft::new().with("T09:59:41.250Z", "T10:00:10.001Z"), Reason::IssuedInFuture);
}

#[test]
fn an_assertion_that_lives_too_long_is_refused() {
    let late = "2026-11-23T10:09:42Z";
    let both = Draft::new().with("2026-11-23T10:04:41Z", late);
    refused(&both, Reason::Lifetime);
    refused(&Draft::new().with("2026-11-23T10:04:41Z", "2036-11-23T10:04:41Z"), Reason::Lifetime);
    let without_end =
        Draft::new().with(CONDITIONS, ">").with(DATA, &DATA.replace("2026-11-23T10:04:41Z", late));
    refused(&without_end, Reason::Lifetime);
}

#[test]
fn conditions_that_end_before_they_begin_are_refused() {
    let draft = Draft::new().with("NotBefore=\"2026-11-23T09:59:11Z\"", "NotBefore=\"2026-11-23T10:04:41Z\"");
    refused(&draft, Reason::InvalidAssertion);
}

#[test]
fn an_instant_that_is_not_in_utc_is_refused() {
    for bad in ["2026-11-23T10:04:41", "2026-11-23T11:04:41+01:00", "2026-11-23", "", "never"] {
        refused(
            &Draft::new().with("NotOnOrAfter=\"2026-11-23T10:04:41Z\">", &format!("NotOnOrAfter=\"{bad}\">")),
            Reason::InvalidAssertion,
        );
    }
    refused(&Draft::new().with(" IssueInstant=\"2026-11-23T09:59:41.250Z\"", ""), Reason::InvalidAssertion);
}

#[test]
fn there_must_be_a_bearer_confirmation_that_holds() {
    let method = "cm:bearer";
    let draft = Draft::new();
    let whole = format!(
        "<saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\">{DATA}</saml:SubjectConfirmation>"
    );
    refused(&draft.clone().with(&whole, ""), Reason::Confirmation);
    refused(&draft.clone().with(method, "cm:holder-of-key"), Reason::Confirmation);
    refused(&draft.clone().with(method, "cm:sender-vouches"), Reason::Confirmation);
    refused(&draft.clone().with(DATA, ""), Reason::Confirmation);
    let data = |old: &str, new: &str| {
        assert!(DATA.contains(old));
        draft.clone().with(DATA, &DATA.replace(old, new))
    };
    refused(&data("https://as.example/token", "https://as.example/token/"), Reason::Confirmation);
    refused(&data("https://as.example/token", "https://other.example/token"), Reason::Confirmation);
    refused(&data(" Recipient=\"https://as.example/token\"", ""), Reason::Confirmation);
    refused(&data(" NotOnOrAfter=\"2026-11-23T10:04:41Z\"", ""), Reason::Confirmation);
    refused(&data("10:04:41Z", "09:59:50Z"), Reason::Confirmation);
    refused(&data(" Recipient", " NotBefore=\"2026-11-23T09:00:00Z\" Recipient"), Reason::Confirmation);
    refused(&data(" Recipient", " Address=\"198.51.100.7\" Recipient"), Reason::Confirmation);
    refused(&data(" Recipient", " Unknown=\"1\" Recipient"), Reason::Confirmation);
    refused(&data("/>", "><k:Key xmlns:k=\"urn:k\"/></saml:SubjectConfirmationData>"), Reason::Confirmation);
    refused(&draft.with(DATA, &format!("<saml:NameID>bob</saml:NameID>{DATA}")), Reason::Confirmation);
}

#[test]
fn a_condition_that_is_not_understood_is_refused() {
    for condition in [
        "<saml:Condition xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"xs:any\"/>",
        "<x:Condition xmlns:x=\"urn:x\"/>",
        "<saml:DoNotCacheCondition/>",
        "<saml:OneTimeUse/><saml:OneTimeUse/>",
        "<saml:ProxyRestriction/><saml:ProxyRestriction/>",
    ] {
        refused(
            &Draft::new().with(RESTRICTION, &format!("{RESTRICTION}{condition}")),
            Reason::UnknownCondition,
        );
    }
    for condition in ["<saml:ProxyRestriction Count=\"-1\"/>", "<saml:OneTimeUse><x/></saml:OneTimeUse>"] {
        refused(
            &Draft::new().with(RESTRICTION, &format!("{RESTRICTION}{condition}")),
            Reason::InvalidAssertion,
        );
    }
}

#[test]
fn an_authentication_of_the_future_and_a_session_that_has_ended_are_refused() {
    refused(
        &Draft::new().with("AuthnInstant=\"2026-11-23T09:58:02Z\"", "AuthnInstant=\"2026-11-23T10:01:00Z\""),
        Reason::InvalidAssertion,
    );
    refused(&Draft::new().with("2026-11-23T18:00:00Z", "2026-11-23T09:59:50Z"), Reason::SessionEnded);
}

#[test]
fn parts_that_are_not_understood_are_refused_rather_than_passed_over() {
    let end = "</saml:Assertion>";
    for more in [
        "<saml:Statement/>",
        "<saml:AuthzDecisionStatement Resource=\"urn:r\" Decision=\"Deny\"/>",
        "<x:Any xmlns:x=\"urn:x\"/>",
        "<saml:Advice/>",
        "loose text",
    ] {
        refused(&Draft::new().with(end, &format!("{more}{end}")), Reason::InvalidAssertion);
    }
    let before = "<saml:AuthnStatement ";
    let advice = "<saml:Advice><saml:AssertionIDRef>_x</saml:AssertionIDRef></saml:Advice>";
    refused(&Draft::new().with(before, &format!("{advice}{before}")), Reason::InvalidAssertion);
    refused(&Draft::new().with(" Version=", " Consent=\"urn:c\" Version="), Reason::InvalidAssertion);
    for value in ["<b>40117</b>", "4<saml:NameID>x</saml:NameID>"] {
        refused(&Draft::new().with("40117", value), Reason::InvalidAssertion);
    }
    let encrypted = "<saml:EncryptedAttribute/></saml:AttributeStatement>";
    refused(&Draft::new().with("</saml:AttributeStatement>", encrypted), Reason::InvalidAssertion);
}

#[test]
fn another_version_of_saml_is_refused() {
    refused(&Draft::new().with("Version=\"2.0\"", "Version=\"2.1\""), Reason::NotAnAssertion);
    refused(&Draft::new().with(" Version=\"2.0\"", ""), Reason::NotAnAssertion);
}

#[test]
fn facts_that_no_answer_can_hold_are_refused() {
    let long = "x".repeat(8 * 1024 + 1);
    refused(&Draft::new().with("40117", &long), Reason::TooLarge);
    let value = format!("<saml:AttributeValue>{}</saml:AttributeValue>", "\\".repeat(4000));
    refused(
        &Draft::new().with("<saml:AttributeValue>40117</saml:AttributeValue>", &value.repeat(9)),
        Reason::TooLarge,
    );
}
