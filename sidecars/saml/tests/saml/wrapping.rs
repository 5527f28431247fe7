//! Signature wrapping: the eight forms of "On Breaking SAML" (USENIX Security 2012), with a response around them as
//! they were published, and with the evil assertion as the root.

use placet_saml::Reason;

use crate::draft::{Draft, refused_as_it_is, verify};

const SAMLP: &str = "urn:oasis:names:tc:SAML:2.0:protocol";

struct Parts {
    /// As its issuer signed it.
    signed: String,
    /// The same without its signature.
    bare: String,
    /// The signature.
    signature: String,
    /// What the attacker wants to be read, without a signature.
    evil: String,
}

fn parts() -> Parts {
    let signed = Draft::new().signed();
    let signed = signed.trim_start_matches("<?xml version=\"1.0\"?>").trim().to_owned();
    let from = signed.find("<ds:Signature ").unwrap();
    let to = signed.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let signature = signed[from..to].to_owned();
    let bare = signed.replace(&signature, "");
    let evil = bare.replace("alice@", "root@").replace("ID=\"_b07b804c\"", "ID=\"_evil\"");
    Parts { signed, bare, signature, evil }
}

fn response(content: &str) -> String {
    format!("<samlp:Response xmlns:samlp=\"{SAMLP}\" ID=\"_r\" Version=\"2.0\">{content}</samlp:Response>")
}

/// With something before the end of an assertion.
fn holding(assertion: &str, content: &str) -> String {
    assertion.replace("</saml:Assertion>", &format!("{content}</saml:Assertion>"))
}

/// With something behind the issuer.
fn with_signature(assertion: &str, signature: &str) -> String {
    assertion.replace("</saml:Issuer>", &format!("</saml:Issuer>{signature}"))
}

fn signature_holding(signature: &str, content: &str) -> String {
    signature.replace("</ds:Signature>", &format!("{content}</ds:Signature>"))
}

fn object(content: &str) -> String {
    format!("<ds:Object>{content}</ds:Object>")
}

#[test]
fn the_document_that_is_wrapped_is_good_by_itself() {
    let parts = parts();
    assert_eq!(verify(&parts.signed).unwrap().assertion.name_id.value, "alice@partner.example");
    assert_eq!(with_signature(&parts.bare, &parts.signature), parts.signed);
}

#[test]
fn wrapping_1_the_original_in_the_signature_of_a_copy_is_refused() {
    let p = parts();
    let evil = with_signature(&p.evil, &signature_holding(&p.signature, &p.bare));
    refused_as_it_is(&response(&evil), Reason::NotAnAssertion);
    refused_as_it_is(&evil, Reason::NotAnAssertion);
}

#[test]
fn wrapping_2_the_signature_beside_the_original_in_a_copy_is_refused() {
    let p = parts();
    let evil = with_signature(&p.evil, &format!("{}{}", p.bare, p.signature));
    refused_as_it_is(&response(&evil), Reason::NotAnAssertion);
    refused_as_it_is(&evil, Reason::NotAnAssertion);
}

#[test]
fn wrapping_3_a_copy_before_the_signed_assertion_is_refused() {
    let p = parts();
    refused_as_it_is(&response(&format!("{}{}", p.evil, p.signed)), Reason::NotAnAssertion);
    refused_as_it_is(&format!("{}{}", p.evil, p.signed), Reason::MalformedXml);
    refused_as_it_is(&format!("{}{}", p.signed, p.evil), Reason::MalformedXml);
}

#[test]
fn wrapping_4_the_signed_assertion_in_a_copy_is_refused() {
    let p = parts();
    let evil = holding(&p.evil, &p.signed);
    refused_as_it_is(&response(&evil), Reason::NotAnAssertion);
    refused_as_it_is(&evil, Reason::NotAnAssertion);
}

#[test]
fn wrapping_5_the_signature_in_a_copy_and_the_original_behind_it_is_refused() {
    let p = parts();
    let evil = with_signature(&p.evil, &p.signature);
    refused_as_it_is(&response(&format!("{evil}{}", p.bare)), Reason::NotAnAssertion);
    refused_as_it_is(&evil, Reason::SignatureShape);
    refused_as_it_is(&holding(&evil, &p.bare), Reason::NotAnAssertion);
}

#[test]
fn wrapping_6_the_original_in_the_signature_that_moved_is_refused() {
    let p = parts();
    let evil = with_signature(&p.evil, &signature_holding(&p.signature, &p.bare));
    let same_id = evil.replace("ID=\"_evil\"", "ID=\"_b07b804c\"");
    refused_as_it_is(&response(&evil), Reason::NotAnAssertion);
    refused_as_it_is(&same_id, Reason::NotAnAssertion);
}

#[test]
fn wrapping_7_a_copy_in_extensions_is_refused() {
    let p = parts();
    let extensions = format!("<samlp:Extensions xmlns:samlp=\"{SAMLP}\">{}</samlp:Extensions>", p.evil);
    refused_as_it_is(&response(&format!("{extensions}{}", p.signed)), Reason::NotAnAssertion);
    refused_as_it_is(&holding(&p.signed, &extensions), Reason::NotAnAssertion);
}

#[test]
fn wrapping_8_the_original_in_an_object_of_the_signature_is_refused() {
    let p = parts();
    let evil = with_signature(&p.evil, &signature_holding(&p.signature, &object(&p.bare)));
    refused_as_it_is(&response(&evil), Reason::NotAnAssertion);
    refused_as_it_is(&evil, Reason::NotAnAssertion);
    let hidden = with_signature(&p.evil, &signature_holding(&p.signature, &object("<x xmlns=\"\"/>")));
    refused_as_it_is(&hidden, Reason::SignatureShape);
}

#[test]
fn an_original_that_changed_its_name_is_not_found_by_the_signature() {
    let p = parts();
    let renamed = p.bare.replace("saml:Assertion", "saml:Attribute");
    refused_as_it_is(&with_signature(&holding(&p.evil, &renamed), &p.signature), Reason::SignatureShape);
    let same_id = p.evil.replace("ID=\"_evil\"", "ID=\"_b07b804c\"");
    refused_as_it_is(&with_signature(&holding(&same_id, &renamed), &p.signature), Reason::InvalidAssertion);
}

#[test]
fn an_identifier_that_stands_there_twice_is_refused_in_every_spelling() {
    for attribute in ["ID", "Id", "id", "AssertionID", "x:ID"] {
        let twice =
            format!("<saml:Attribute xmlns:x=\"urn:x\" {attribute}=\"_b07b804c\" Name=\"employeeNumber\">");
        let draft = Draft::new().with("<saml:Attribute Name=\"employeeNumber\">", &twice);
        refused_as_it_is(&draft.0, Reason::InvalidAssertion);
    }
    let of_xml = "<saml:Attribute xml:id=\"_b07b804c\" Name=\"employeeNumber\">";
    let draft = Draft::new().with("<saml:Attribute Name=\"employeeNumber\">", of_xml);
    refused_as_it_is(&draft.0, Reason::MalformedXml);
}

#[test]
fn several_signatures_and_a_signature_elsewhere_are_refused() {
    let p = parts();
    let twice = with_signature(&p.bare, &format!("{}{}", p.signature, p.signature));
    refused_as_it_is(&twice, Reason::SignatureShape);
    let elsewhere = p.bare.replace("40117", &p.signature);
    refused_as_it_is(&elsewhere, Reason::SignatureShape);
    refused_as_it_is(&p.signed.replace("40117", &p.signature), Reason::SignatureShape);
}

#[test]
fn a_signed_response_is_not_an_assertion() {
    refused_as_it_is(&response(&parts().signed), Reason::NotAnAssertion);
    let envelope = format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>{}</s:Body></s:Envelope>",
        parts().signed
    );
    refused_as_it_is(&envelope, Reason::NotAnAssertion);
    refused_as_it_is(
        &parts().signed.replace("SAML:2.0:assertion", "SAML:1.0:assertion"),
        Reason::NotAnAssertion,
    );
}
