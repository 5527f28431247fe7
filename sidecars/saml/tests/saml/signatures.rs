//! Signatures that are not taken.

use placet_saml::{
    Reason,
    issuer::{Key, KeyKind},
};

use crate::{
    draft::{Draft, RSA_SHA256, SHA256, SIGNATURE, refused, refused_as_it_is},
    signer::{FOREIGN, P256, RSA, rsa, sign_with_secret},
};

#[test]
fn an_unsigned_assertion_is_refused() {
    refused_as_it_is(&Draft::new().unsigned().0, Reason::Unsigned);
}

#[test]
fn an_empty_signature_is_refused() {
    refused_as_it_is(&Draft::new().0, Reason::SignatureInvalid);
}

#[test]
fn a_foreign_signature_is_refused() {
    refused_as_it_is(&Draft::new().sign(&FOREIGN), Reason::SignatureInvalid);
}

#[test]
fn a_changed_assertion_is_refused() {
    let signed = Draft::new().signed();
    for (old, new) in [
        ("alice@partner.example", "root@partner.example"),
        ("40117", "40118"),
        ("Name=\"employeeNumber\"", "Name=\"employeenumber\""),
        ("2026-11-23T10:04:41Z", "2026-11-23T10:05:41Z"),
        ("\n  <saml:Subject>", "\n   <saml:Subject>"),
    ] {
        assert!(signed.contains(old));
        refused_as_it_is(&signed.replace(old, new), Reason::SignatureInvalid);
    }
}

#[test]
fn sha_1_is_refused_in_signature_and_digest() {
    let sha1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
    refused(&Draft::new().with(RSA_SHA256, sha1), Reason::Algorithm);
    let digest = Draft::new().with(SHA256, "http://www.w3.org/2000/09/xmldsig#sha1");
    refused(&digest, Reason::Algorithm);
    refused(&Draft::new().with(SHA256, "http://www.w3.org/2001/04/xmldsig-more#sha224"), Reason::Algorithm);
}

#[test]
fn a_mac_with_the_public_key_as_its_secret_is_refused() {
    let mac = Draft::new().with(RSA_SHA256, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256");
    refused_as_it_is(&sign_with_secret(&RSA.public_pem, &mac.0), Reason::Algorithm);
}

#[test]
fn an_algorithm_of_another_kind_of_key_is_refused() {
    let signed = Draft::new().signed();
    let ecdsa = signed.replace(RSA_SHA256, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256");
    refused_as_it_is(&ecdsa, Reason::SignatureInvalid);
}

#[test]
fn a_reference_leads_nowhere_but_to_the_assertion() {
    for uri in [
        "",
        "#",
        "#other",
        "#xpointer(/)",
        "#xpointer(id('_b07b804c'))",
        "file:///etc/passwd",
        "http://127.0.0.1:1/x",
        "https://as.example/#_b07b804c",
        "_b07b804c",
    ] {
        let draft = Draft::new().with("URI=\"#_b07b804c\"", &format!("URI=\"{uri}\""));
        refused_as_it_is(&draft.0, Reason::SignatureShape);
    }
    refused_as_it_is(&Draft::new().with(" URI=\"#_b07b804c\"", "").0, Reason::SignatureShape);
}

#[test]
fn only_the_two_transforms_are_taken_each_once_and_in_order() {
    let enveloped = "<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>";
    let exclusive = "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>";
    let both = format!("{enveloped}{exclusive}");
    for (transforms, reason) in [
        (enveloped.to_owned(), Reason::SignatureShape),
        (exclusive.to_owned(), Reason::SignatureShape),
        (format!("{exclusive}{enveloped}"), Reason::Algorithm),
        (format!("{both}{exclusive}"), Reason::SignatureShape),
        (format!("{enveloped}{enveloped}"), Reason::Algorithm),
    ] {
        refused_as_it_is(&Draft::new().with(&both, &transforms).0, reason);
    }
    for algorithm in [
        "http://www.w3.org/TR/1999/REC-xslt-19991116",
        "http://www.w3.org/TR/1999/REC-xpath-19991116",
        "http://www.w3.org/2002/06/xmldsig-filter2",
        "http://www.w3.org/2000/09/xmldsig#base64",
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
    ] {
        let other = exclusive.replace("http://www.w3.org/2001/10/xml-exc-c14n#", algorithm);
        refused_as_it_is(&Draft::new().with(&both, &format!("{enveloped}{other}")).0, Reason::Algorithm);
    }
    let stylesheet = "<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"><x/></ds:Transform>";
    refused_as_it_is(&Draft::new().with(enveloped, stylesheet).0, Reason::SignatureShape);
}

#[test]
fn a_signature_of_another_form_is_refused() {
    let reference_from = SIGNATURE.find("<ds:Reference").unwrap();
    let reference_to = SIGNATURE.find("</ds:Reference>").unwrap() + "</ds:Reference>".len();
    let reference = &SIGNATURE[reference_from..reference_to];
    let canonical = "<ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>";
    let end = "</ds:SignatureValue>";
    for (old, new) in [
        (reference, format!("{reference}{reference}")),
        (reference, String::new()),
        (reference, format!("{reference}<ds:Manifest/>")),
        (end, format!("{end}<ds:Object/>")),
        (end, format!("{end}<ds:KeyInfo><ds:RetrievalMethod URI=\"file:///etc/passwd\"/></ds:KeyInfo>")),
        (end, format!("{end}<ds:KeyInfo><x:Any xmlns:x=\"urn:x\"/></ds:KeyInfo>")),
        (end, format!("{end}<ds:KeyInfo/><ds:KeyInfo/>")),
        (canonical, String::new()),
        ("<ds:DigestValue>", "<ds:DigestValue Id=\"_d\">".to_owned()),
        ("<ds:SignatureValue>", "<ds:SignatureValue x=\"1\">".to_owned()),
        ("<ds:SignedInfo>", "<ds:SignedInfo>text".to_owned()),
        ("<ds:Reference ", "<ds:Reference Type=\"http://www.w3.org/2000/09/xmldsig#Manifest\" ".to_owned()),
    ] {
        refused_as_it_is(&Draft::new().with(old, &new).0, Reason::SignatureShape);
    }
    let length = "rsa-sha256\"><ds:HMACOutputLength>8</ds:HMACOutputLength></ds:SignatureMethod>";
    refused_as_it_is(&Draft::new().with("rsa-sha256\"/>", length).0, Reason::SignatureShape);
}

#[test]
fn weak_keys_and_keys_of_other_kinds_are_not_taken_in_the_first_place() {
    assert!(Key::from_public_key_pem(&rsa(1024).public_key_to_pem().unwrap()).is_err());
    let ed25519 = openssl::pkey::PKey::generate_ed25519().unwrap();
    assert!(Key::from_public_key_pem(&ed25519.public_key_to_pem().unwrap()).is_err());
    assert!(Key::from_public_key_pem(b"-----BEGIN PUBLIC KEY-----\n").is_err());
    assert_eq!(Key::from_public_key_pem(&P256.public_pem).unwrap().kind(), KeyKind::Ec);
}
