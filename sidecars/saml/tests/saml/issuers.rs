//! Whom the configuration makes believed.

use std::{fs, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use openssl::{
    asn1::Asn1Time,
    hash::MessageDigest,
    pkey::PKey,
    x509::{X509, X509NameBuilder},
};
use placet_saml::{
    Reason,
    config::Config,
    development::{Claimed, DEVELOPMENT_ISSUER, DevelopmentIssuer, self_test},
};
use placet_sdk::{Instant, decision::RawAssertionSection};

use crate::{
    draft::{DATA, Draft, ISSUER, NOW, SERVER, TOKEN_ENDPOINT, asked, verifier},
    signer::{FOREIGN, P256, RECIPIENT, RSA, Signer, file},
};

/// A certificate that expired long ago: the operator vouches for the key, not for dates.
fn certificate(signer: &Signer) -> X509 {
    let key = PKey::private_key_from_pem(&fs::read(&signer.private_file).unwrap()).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "idp").unwrap();
    let name = name.build();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_not_before(&Asn1Time::from_unix(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::from_unix(1).unwrap()).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    builder.build()
}

fn key_descriptor(purpose: &str, signer: &Signer) -> String {
    let der = STANDARD.encode(certificate(signer).to_der().unwrap());
    let (first, second) = der.split_at(64);
    format!(
        "<md:KeyDescriptor{purpose}><ds:KeyInfo><ds:X509Data><ds:X509Certificate>\n  {first}\n  {second}\n\
         </ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
    )
}

fn metadata(entity_id: &str, until: &str, descriptors: &str) -> PathBuf {
    let text = format!(
        "<?xml version=\"1.0\"?>\n<!-- a federation -->\n<md:EntitiesDescriptor \
         xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" {until}>\
         <md:EntityDescriptor entityID=\"https://other.example\"><md:IDPSSODescriptor>{}</md:IDPSSODescriptor>\
         </md:EntityDescriptor><md:EntityDescriptor entityID=\"{entity_id}\"><!-- ours --><md:SPSSODescriptor>{}\
         </md:SPSSODescriptor><md:IDPSSODescriptor>{descriptors}</md:IDPSSODescriptor></md:EntityDescriptor>\
         </md:EntitiesDescriptor>",
        key_descriptor("", &FOREIGN),
        key_descriptor("", &FOREIGN),
    );
    file("metadata.xml", text.as_bytes())
}

/// What a configuration does with an assertion of this signer.
fn outcome(config: &str, signer: &Signer) -> Result<(), Reason> {
    let path = file("config.toml", config.as_bytes());
    let verifier = Config::read(&path).unwrap().verifier(path.parent().unwrap()).unwrap();
    let asked = asked(Draft::new().sign(signer).as_bytes());
    verifier.verify(&asked, NOW).map(drop).map_err(|refusal| refusal.reason())
}

fn problem(config: &str) -> String {
    let path = file("config.toml", config.as_bytes());
    let loaded = Config::read(&path).and_then(|config| config.verifier(path.parent().unwrap()));
    loaded.err().expect("a configuration that is refused").to_string()
}

fn issuer_with(line: &str) -> String {
    format!("[[issuers]]\nentity_id = \"{ISSUER}\"\n{line}\n")
}

#[test]
fn certificates_are_containers_of_keys_whatever_their_dates() {
    let mut both = certificate(&FOREIGN).to_pem().unwrap();
    both.extend(certificate(&RSA).to_pem().unwrap());
    let path = file("idp.pem", &both);
    let relative = path.file_name().unwrap().to_str().unwrap();
    let config = issuer_with(&format!("certificate_files = [\"{relative}\"]"));
    assert_eq!(outcome(&config, &RSA), Ok(()));
    assert_eq!(outcome(&config, &FOREIGN), Ok(()));
}

#[test]
fn public_keys_serve_without_certificates() {
    let path = file("idp.pub", &RSA.public_pem);
    let config = issuer_with(&format!("public_key_files = [\"{}\"]", path.display()));
    assert_eq!(outcome(&config, &RSA), Ok(()));
    assert_eq!(outcome(&config, &FOREIGN), Err(Reason::SignatureInvalid));
}

#[test]
fn metadata_gives_the_keys_for_signatures_of_the_named_entity_alone() {
    let descriptors = [
        key_descriptor(" use=\"signing\"", &RSA),
        key_descriptor("", &P256),
        key_descriptor(" use=\"encryption\"", &FOREIGN),
    ];
    let path = metadata(ISSUER, "validUntil=\"2026-11-23T10:00:01Z\"", &descriptors.concat());
    let config = issuer_with(&format!("metadata_file = \"{}\"", path.display()));
    assert_eq!(outcome(&config, &RSA), Ok(()));
    assert_eq!(outcome(&config, &FOREIGN), Err(Reason::SignatureInvalid));
}

#[test]
fn metadata_is_not_used_after_its_end() {
    let until = "validUntil=\"2026-11-23T10:00:00Z\"";
    let path = metadata(ISSUER, until, &key_descriptor("", &RSA));
    let config = issuer_with(&format!("metadata_file = \"{}\"", path.display()));
    assert_eq!(outcome(&config, &RSA), Err(Reason::IssuerExpired));
}

#[test]
fn a_configuration_that_believes_nobody_in_particular_is_refused() {
    let other = metadata("https://idp.example", "", &key_descriptor("", &RSA));
    let encryption = metadata(ISSUER, "", &key_descriptor(" use=\"encryption\"", &RSA));
    let until = metadata(ISSUER, "validUntil=\"tomorrow\"", &key_descriptor("", &RSA));
    let key = file("idp.pub", &RSA.public_pem);
    let key = key.display();
    for (config, expected) in [
        (issuer_with(""), "there is no key"),
        (issuer_with("certificate_files = [\"not-there.pem\"]"), "not-there.pem"),
        (issuer_with(&format!("certificate_files = [\"{key}\"]")), "there is no"),
        (issuer_with(&format!("metadata_file = \"{}\"", other.display())), "no EntityDescriptor"),
        (issuer_with(&format!("metadata_file = \"{}\"", encryption.display())), "there is no key"),
        (issuer_with(&format!("metadata_file = \"{}\"", until.display())), "validUntil"),
        (issuer_with(&format!("public_key_files = [\"{key}\"]\nmax_lifetime = 0")), "max_lifetime"),
        (issuer_with(&format!("public_key_files = [\"{key}\"]\nmax_lifetime = 601")), "max_lifetime"),
        (issuer_with(&format!("public_key_files = [\"{key}\"]\ntrust = \"everybody\"")), "trust"),
        (issuer_with(&format!("public_key_files = [\"{key}\"]")).repeat(2), "twice"),
        (issuer_with("certificates = []"), "certificates"),
        ("[[issuers]]\nentity_id = \"\"\n".to_owned(), "entity id"),
        ("max_clock_skew = 301".to_owned(), "max_clock_skew"),
        ("max_lifetime = 86401".to_owned(), "max_lifetime"),
        ("decryption_key_files = [\"not-there.pem\"]".to_owned(), "not-there.pem"),
        (format!("decryption_key_files = [\"{}\"]", P256.private_file.display()), "RSA"),
        ("unknown = 1".to_owned(), "unknown"),
    ] {
        let problem = problem(&config);
        assert!(problem.contains(expected), "`{expected}` is not in: {problem}");
    }
}

#[test]
fn a_shorter_life_may_be_set_for_one_issuer() {
    let path = file("idp.pub", &RSA.public_pem);
    let config = issuer_with(&format!("public_key_files = [\"{}\"]\nmax_lifetime = 60", path.display()));
    assert_eq!(outcome(&config, &RSA), Err(Reason::Lifetime));
}

#[test]
fn an_address_is_passed_over_for_an_issuer_of_which_the_operator_says_so() {
    let with_address = DATA.replace(" Recipient", " Address=\"198.51.100.7\" Recipient");
    let asked = asked(Draft::new().with(DATA, &with_address).signed().as_bytes());
    let key = file("idp.pub", &RSA.public_pem);
    for (ignore, expected) in [("false", Err(Reason::Confirmation)), ("true", Ok(()))] {
        let text =
            issuer_with(&format!("public_key_files = [\"{}\"]\nignore_address = {ignore}", key.display()));
        let path = file("config.toml", text.as_bytes());
        let verifier = Config::read(&path).unwrap().verifier(path.parent().unwrap()).unwrap();
        assert_eq!(verifier.verify(&asked, NOW).map(drop).map_err(|refusal| refusal.reason()), expected);
    }
}

#[test]
fn decryption_keys_are_read_from_files() {
    let config = format!(
        "decryption_key_files = [\"{}\"]\n{}",
        RECIPIENT.private_file.display(),
        issuer_with(&format!("public_key_files = [\"{}\"]", file("idp.pub", &RSA.public_pem).display()))
    );
    assert_eq!(outcome(&config, &RSA), Ok(()));
}

#[test]
fn the_development_issuer_is_believed_only_where_it_was_made() {
    self_test(NOW).unwrap();
    let development = DevelopmentIssuer::new().unwrap();
    let subject = "a<l>i&c\"e'\u{fc}";
    let said = [("mail", subject), ("role", "a"), ("role", "b")];
    let attributes = said.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let claimed = Claimed { subject, attributes: &attributes, audience: SERVER, recipient: TOKEN_ENDPOINT };
    let value = development.assertion(&claimed, NOW).unwrap();
    let asked = RawAssertionSection { value, ..asked(b"") };
    let mut here = verifier();
    assert_eq!(here.verify(&asked, NOW).unwrap_err().reason(), Reason::UnknownIssuer);
    here.issuers.add(DEVELOPMENT_ISSUER, development.issuer()).unwrap();
    let facts = here.verify(&asked, NOW).unwrap();
    assert_eq!(facts.assertion.name_id.value, subject);
    assert_eq!(facts.assertion.issued_at, NOW);
    let values =
        facts.assertion.attributes.iter().flat_map(|one| one.values.iter().map(|v| (&*one.name, &**v)));
    assert_eq!(values.collect::<Vec<_>>(), said);
    let mut elsewhere = verifier();
    let another = DevelopmentIssuer::new().unwrap();
    elsewhere.issuers.add(DEVELOPMENT_ISSUER, another.issuer()).unwrap();
    assert_eq!(elsewhere.verify(&asked, NOW).unwrap_err().reason(), Reason::SignatureInvalid);
    assert_eq!(here.verify(&asked, Instant(NOW.0 + 400)).unwrap_err().reason(), Reason::Expired);
}
