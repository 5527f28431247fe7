//! XML that is never taken, whoever signed it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use placet_saml::Reason;

use crate::draft::{Draft, NOW, asked, refused, refused_as_it_is, verifier, verify};

#[track_caller]
fn malformed(document: &str) {
    refused_as_it_is(document, Reason::MalformedXml);
}

#[test]
fn document_types_are_refused_used_or_not() {
    let signed = Draft::new().signed();
    let root = signed.find("<saml:Assertion").unwrap();
    let bare = &signed[root..];
    for doctype in [
        "<!DOCTYPE x>",
        "<!DOCTYPE saml:Assertion [<!ENTITY e \"root\">]>",
        "<!DOCTYPE saml:Assertion [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>",
        "<!DOCTYPE saml:Assertion SYSTEM \"http://127.0.0.1:1/x.dtd\">",
        "<!DOCTYPE saml:Assertion [<!ATTLIST saml:Assertion ID ID #IMPLIED>]>",
        "<!DOCTYPE l [<!ENTITY a \"lol\"><!ENTITY b \"&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;\">]>",
    ] {
        malformed(&format!("{doctype}{bare}"));
        malformed(&format!("<?xml version=\"1.0\"?>\n{doctype}\n{bare}"));
    }
}

#[test]
fn entities_beyond_those_of_xml_and_characters_that_xml_forbids_are_refused() {
    for reference in [
        "&e;",
        "&nbsp;",
        "&#0;",
        "&#x1;",
        "&#xFFFE;",
        "&#xD800;",
        "&#x110000;",
        "&#;",
        "&#x;",
        "&#99999999999;",
        "&",
        "&amp",
        "&AMP;",
    ] {
        malformed(&Draft::new().with("40117", reference).0);
        malformed(&Draft::new().with("Name=\"employeeNumber\"", &format!("Name=\"{reference}\"")).0);
    }
    for c in ['\u{1}', '\u{0}', '\u{b}', '\u{fffe}', '\u{ffff}'] {
        malformed(&Draft::new().with("40117", &c.to_string()).0);
    }
}

#[test]
fn comments_processing_instructions_and_cdata_are_refused_wherever_they_stand() {
    for markup in ["<!-- c -->", "<?pi x?>", "<![CDATA[x]]>", "<?xml version=\"1.0\"?>"] {
        for place in [">alice", "alice", "@partner.example<", "40117", "<saml:Subject>", "<ds:SignedInfo>"] {
            let at = place.trim_end_matches('<');
            malformed(&Draft::new().with(at, &format!("{at}{markup}")).0);
        }
        let signed = Draft::new().signed();
        malformed(&format!("{signed}{markup}"));
    }
}

#[test]
fn a_comment_in_a_signed_name_does_not_cut_it() {
    // Canonical XML drops comments, so a signature would hold on both sides of this one.
    let signed = Draft::new().with("alice@partner.example", "alice@partner.example.evil.example").signed();
    let commented = signed.replace("alice@partner.example.evil", "alice@partner.example<!---->.evil");
    malformed(&commented);
}

#[test]
fn a_document_that_is_cut_off_anywhere_is_refused() {
    let signed = Draft::new().signed();
    let signed = signed.trim_end();
    for length in (0..signed.len()).step_by(7).chain([signed.len() - 1]) {
        assert!(verify(&signed[..length]).is_err(), "the first {length} bytes were taken");
    }
}

#[test]
fn anything_behind_the_root_is_refused() {
    let signed = Draft::new().signed();
    for garbage in ["x", "<x/>", "</saml:Assertion>", "&amp;", "\u{feff}", "<", "]]>"] {
        malformed(&format!("{signed}{garbage}"));
    }
}

#[test]
fn what_is_not_well_formed_is_refused() {
    for (old, new) in [
        ("</saml:Conditions>", "</saml:Condition>"),
        ("</saml:Conditions>", ""),
        (" Version=\"2.0\"", " Version=2.0"),
        (" Version=\"2.0\"", " Version"),
        (" Version=\"2.0\"", " Version=\"2.0\"Consent=\"x\""),
        (" Version=\"2.0\"", " Version=\"2.0\" Version=\"2.0\""),
        (" Version=\"2.0\"", " Version=\"2.0\" x=\"<\""),
        (
            "Name=\"employeeNumber\"",
            "xmlns:a=\"urn:a\" xmlns:b=\"urn:a\" a:x=\"1\" b:x=\"2\" Name=\"employeeNumber\"",
        ),
        ("<saml:Conditions", "<other:Conditions"),
        ("<saml:Conditions", "<saml:Cond:itions"),
        ("<saml:Conditions", "<saml:\u{e4}"),
        ("<saml:Conditions", "< saml:Conditions"),
        ("40117", "a]]>b"),
        ("40117", "<a"),
        ("40117", "<></>"),
        ("xmlns:xs=", "xmlns:xml="),
        ("xmlns:xs=\"http://www.w3.org/2001/XMLSchema\"", "xmlns:xs=\"relative\""),
        ("xmlns:xs=\"http://www.w3.org/2001/XMLSchema\"", "xmlns:xs=\"urn:a b\""),
        ("xmlns:xs=\"http://www.w3.org/2001/XMLSchema\"", "xmlns:xs=\"\""),
        ("xmlns:xs=\"http://www.w3.org/2001/XMLSchema\"", "xmlns:xs=\"urn:a\" xmlns:xs=\"urn:b\""),
        ("xmlns:xs=\"http://www.w3.org/2001/XMLSchema\"", "xmlns:xs=\"http://www.w3.org/2000/xmlns/\""),
        ("<saml:Subject>", "<saml:Subject xml:base=\"http://127.0.0.1/\">"),
    ] {
        malformed(&Draft::new().with(old, new).0);
    }
}

#[test]
fn other_encodings_than_utf_8_are_refused() {
    let signed = Draft::new().signed();
    let bare = &signed[signed.find("<saml:Assertion").unwrap()..];
    for declaration in [
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>",
        "<?xml version=\"1.0\" encoding=\"UTF-7\"?>",
        "<?xml version=\"1.1\"?>",
        "<?xml encoding=\"UTF-8\"?>",
        "<?xml version=\"1.0\" other=\"1\"?>",
        " <?xml version=\"1.0\"?>",
        "\u{feff}",
    ] {
        malformed(&format!("{declaration}{bare}"));
    }
    let utf_16: Vec<u8> = bare.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let refusal = verifier().verify(&asked(&utf_16), NOW).unwrap_err();
    assert_eq!(refusal.reason(), Reason::MalformedXml);
    let refusal = verifier().verify(&asked(b"<\xff/>"), NOW).unwrap_err();
    assert_eq!(refusal.reason(), Reason::MalformedXml);
}

#[test]
fn what_is_too_large_deep_or_many_is_refused() {
    let space = " ".repeat(64 << 10);
    refused_as_it_is(
        &Draft::new().with("<saml:Subject>", &format!("{space}<saml:Subject>")).0,
        Reason::TooLarge,
    );
    let mut huge = asked(b"");
    huge.value = "A".repeat((192 << 10) + 1);
    assert_eq!(verifier().verify(&huge, NOW).unwrap_err().reason(), Reason::TooLarge);
    huge.value.truncate(192 << 10);
    assert_eq!(verifier().verify(&huge, NOW).unwrap_err().reason(), Reason::MalformedXml);
    malformed(&Draft::new().with("40117", &format!("{}{}", "<a>".repeat(40), "</a>".repeat(40))).0);
    malformed(&Draft::new().with("40117", &"<a/>".repeat(5000)).0);
    let attributes = (0..70).map(|n| format!(" a{n}=\"\"")).collect::<Vec<_>>().concat();
    malformed(&Draft::new().with("40117", &format!("<a{attributes}/>")).0);
    let namespaces = (0..62).map(|n| format!(" xmlns:a{n}=\"urn:{n}\"")).collect::<Vec<_>>().concat();
    malformed(&Draft::new().with("40117", &format!("<a{namespaces}><a{namespaces}/></a>")).0);
    malformed(&Draft::new().with("40117", &format!("<a xmlns=\"{}\"/>", "x".repeat(300))).0);
    malformed(&Draft::new().with("40117", &format!("<{}/>", "x".repeat(300))).0);
}

#[test]
fn the_value_must_be_base64url() {
    let mut asked = asked(Draft::new().signed().as_bytes());
    for bad in ["+/+/", "a", "a b", "====", "\u{e4}", "PHg-\n"] {
        asked.value = bad.to_owned();
        assert_eq!(verifier().verify(&asked, NOW).unwrap_err().reason(), Reason::Encoding, "{bad}");
    }
    asked.value = STANDARD.encode("<??>>>>???>?>~~~~");
    assert_eq!(verifier().verify(&asked, NOW).unwrap_err().reason(), Reason::Encoding);
    for empty in ["", "IA"] {
        asked.value = empty.to_owned();
        assert_eq!(verifier().verify(&asked, NOW).unwrap_err().reason(), Reason::MalformedXml, "`{empty}`");
    }
}

#[test]
fn names_that_only_look_alike_are_refused() {
    refused(
        &Draft::new()
            .with("saml:AttributeStatement", "x:AttributeStatement")
            .with(" ID=\"_b07b804c\"", " xmlns:x=\"urn:oasis:names:tc:SAML:2.0:Assertion\" ID=\"_b07b804c\""),
        Reason::InvalidAssertion,
    );
}
