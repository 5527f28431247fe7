use proptest::prelude::*;

use super::*;

fn dn(text: &str) -> DistinguishedName {
    DistinguishedName::parse(text).unwrap_or_else(|reason| panic!("{text}: {reason}"))
}

fn same(a: &str, b: &str) -> bool {
    dn(a).matches(&dn(b))
}

#[test]
fn case_spaces_and_the_names_of_types_make_no_difference() {
    let name = "CN=Books Ltd,OU=IT,O=Acme,C=DE";
    for other in [
        "cn=books ltd,ou=it,o=ACME,c=de",
        "CN = Books   Ltd , OU = IT, O= Acme ,C=DE ",
        "commonName=Books Ltd,organizationalUnitName=IT,organizationName=Acme,countryName=DE",
        "2.5.4.3=Books Ltd,2.5.4.11=IT,2.5.4.10=Acme,2.5.4.6=DE",
        "CN=#0c09426f6f6b73204c7464,OU=#13024954,O=Acme,C=DE",
        "CN=\\42ooks Ltd,OU=IT,O=Acme,C=DE",
        "CN=\\20Books Ltd\\ ,OU=IT,O=Acme,C=DE",
    ] {
        assert!(same(name, other), "{other}");
    }
    assert!(same("CN=ÄRZTE", "CN=ärzte"));
}

#[test]
fn names_differ_by_order_by_what_is_missing_and_by_every_other_character() {
    let name = "CN=Books,OU=IT,O=Acme";
    for other in [
        "O=Acme,OU=IT,CN=Books",
        "OU=IT,CN=Books,O=Acme",
        "CN=Books,O=Acme",
        "CN=Books,OU=IT,O=Acme,C=DE",
        "CN=Books,OU=IT,OU=IT,O=Acme",
        "CN=Books+OU=IT,O=Acme",
        "CN=Books2,OU=IT,O=Acme",
        "CN=Books\\00,OU=IT,O=Acme",
        "CN=Bo oks,OU=IT,O=Acme",
        "SN=Books,OU=IT,O=Acme",
        "CN=Books\\,OU=IT,O=Acme",
        "CN=#04054f6f6f6b73,OU=IT,O=Acme",
    ] {
        assert!(!same(name, other), "{other}");
    }
    // Composed and decomposed.
    assert!(!same("CN=\u{e9}", "CN=e\u{301}"));
}

#[test]
fn attributes_of_one_part_have_no_order() {
    assert!(same("CN=a+UID=b,O=c", "UID=b+CN=a,O=c"));
    assert!(!same("CN=a+UID=b,O=c", "CN=a,UID=b,O=c"));
    assert!(!same("CN=a+CN=b", "CN=a+CN=a"));
    assert!(same("CN=a+CN=b", "CN=B+CN=A"));
}

#[test]
fn the_examples_of_rfc_4514_are_read() {
    for text in [
        "UID=jsmith,DC=example,DC=net",
        "OU=Sales+CN=J.  Smith,DC=example,DC=net",
        "CN=James \\\"Jim\\\" Smith\\, III,DC=example,DC=net",
        "CN=Before\\0dAfter,DC=example,DC=net",
        "1.3.6.1.4.1.1466.0=#04024869",
        "CN=Lu\\C4\\8Di\\C4\\87",
    ] {
        assert!(dn(&dn(text).to_string()).matches(&dn(text)), "{text}");
    }
    assert_eq!(dn("cn=James \\\"Jim\\\" Smith\\, III").to_string(), "CN=James \\\"Jim\\\" Smith\\, III");
    assert!(same("CN=Lu\\C4\\8Di\\C4\\87", "CN=Lučić"));
}

#[test]
fn what_is_malformed_is_refused() {
    for text in [
        "",
        " ",
        "Books",
        "CN",
        "=Books",
        "XY=Books",
        "CN=Books,",
        "CN=Books,,O=Acme",
        ",CN=Books",
        "CN=Books+",
        "CN=Books;O=Acme",
        "CN=\"Books\"",
        "CN=<Books>",
        "CN=Books\\",
        "CN=Books\\4",
        "CN=Books\\zz",
        "CN=\\ff",
        "CN=Bo\0oks",
        "CN=#",
        "CN=#0c",
        "CN=#0c05426f",
        "CN=#0c0142ff",
        "CN=#zz",
        "2.5.4.03=x",
        "2=x",
        "2.5..4=x",
        "2.5.4.x=x",
        "OID.2.5.4.3=x",
    ] {
        assert!(DistinguishedName::parse(text).is_err(), "{text}");
    }
}

/// `SEQUENCE { SET { SEQUENCE { CN, tag value } } }`
fn common_name(tag: u8, value: &[u8]) -> Vec<u8> {
    let wrap = |tag: u8, content: &[u8]| [&[tag, u8::try_from(content.len()).unwrap()], content].concat();
    let attribute = [&[0x06, 0x03, 0x55, 0x04, 0x03][..], &wrap(tag, value)].concat();
    wrap(0x30, &wrap(0x31, &wrap(0x30, &attribute)))
}

#[test]
fn strings_of_all_kinds_are_the_same_text() {
    let books = dn("CN=books");
    for (tag, value) in [
        (0x0c, &b"Books"[..]),
        (0x13, b"Books"),
        (0x14, b"Books"),
        (0x16, b"Books"),
        (0x1a, b"Books"),
        (0x1e, b"\0B\0o\0o\0k\0s"),
        (0x1c, b"\0\0\0B\0\0\0o\0\0\0o\0\0\0k\0\0\0s"),
    ] {
        let name = DistinguishedName::from_der(&common_name(tag, value)).unwrap();
        assert!(name.matches(&books), "{tag:x}");
        assert_eq!(name.to_string(), "CN=Books");
    }
    for (tag, value) in [(0x04, &b"Books"[..]), (0x0c, b"Books\xff"), (0x14, b"B\xfccher"), (0x1e, b"\0B\0")]
    {
        let name = DistinguishedName::from_der(&common_name(tag, value)).unwrap();
        assert!(!name.matches(&books));
        assert!(dn(&name.to_string()).matches(&name), "{name}");
    }
    let with_nul = DistinguishedName::from_der(&common_name(0x0c, b"books\0.evil")).unwrap();
    assert!(!with_nul.matches(&books));
}

#[test]
fn der_that_is_no_name_is_none() {
    let sound = common_name(0x0c, b"Books");
    assert!(DistinguishedName::from_der(&sound).is_some());
    for length in 0..sound.len() {
        assert!(DistinguishedName::from_der(&sound[..length]).is_none(), "{length}");
    }
    assert!(DistinguishedName::from_der(&[&sound[..], &[0]].concat()).is_none());
    for malformed in [
        &[0x30, 0x80, 0, 0][..],
        &[0x30, 0x81, 0x00],
        &[0x30, 0x02, 0x31, 0x00],
        &[0x3f, 0x00],
        &[0x31, 0x00],
        &[0x30, 0x09, 0x31, 0x07, 0x30, 0x05, 0x06, 0x01, 0x80, 0x05, 0x00],
    ] {
        assert!(DistinguishedName::from_der(malformed).is_none(), "{malformed:x?}");
    }
    // No name at all is a name, and nobody's.
    assert!(!DistinguishedName::from_der(&[0x30, 0]).unwrap().matches(&dn("CN=x")));
}

#[test]
fn unknown_types_are_written_by_their_identifiers() {
    let name = "1.2.3.4=#0c0568656c6c6f,O=Acme";
    assert_eq!(dn(name).to_string(), name);
    assert!(same(name, "1.2.3.4=Hello,o=acme"));
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(values in proptest::collection::vec("\\PC{0,200}", 1..5)) {
        let kinds = ["2.5.4.3", "2.5.4.10", "1.2.3"];
        let parts = values.iter().enumerate().map(|(index, value)| {
            vec![Attribute { kind: kinds[index % 3].to_owned(), value: Value::Text(value.clone()) }]
        });
        let name = DistinguishedName(parts.collect());
        let read = DistinguishedName::parse(&name.to_string());
        prop_assert!(read.as_ref().is_ok_and(|read| read.matches(&name)), "{name} {read:?}");
    }

    #[test]
    fn no_bytes_make_it_panic(der in proptest::collection::vec(any::<u8>(), 0..64), text in ".{0,64}") {
        let _ = DistinguishedName::from_der(&der);
        let _ = DistinguishedName::parse(&text);
    }
}
