//! Assertions that come encrypted, by a program that shares no code with the sidecar.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use openssl::{
    md::Md,
    pkey::PKey,
    pkey_ctx::PkeyCtx,
    rsa::Padding,
    symm::{Cipher, encrypt_aead},
};
use placet_saml::{DecryptionKey, Reason, Verifier};

use crate::{
    draft::{Draft, NOW, asked, refused_as_it_is, verifier, verify},
    signer::{FOREIGN, RECIPIENT, rsa},
};

const TEMPLATE: &str = r#"<xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#" Type="http://www.w3.org/2001/04/xmlenc#Element"><xenc:EncryptionMethod Algorithm="{content}"/><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="{key}"/><xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo><xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedData>"#;
const GCM_128: &str = "http://www.w3.org/2009/xmlenc11#aes128-gcm";
const GCM_256: &str = "http://www.w3.org/2009/xmlenc11#aes256-gcm";
const OAEP: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";

fn encrypt(document: &str, content: &str, key: &str, session_key: &str) -> String {
    let template = TEMPLATE.replace("{content}", content).replace("{key}", key);
    let encrypted = RECIPIENT.encrypt(document, &template, session_key);
    let data = encrypted[encrypted.find("<xenc:").unwrap()..].trim();
    format!(
        "<saml:EncryptedAssertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{data}</saml:EncryptedAssertion>"
    )
}

fn good() -> String {
    encrypt(&Draft::new().signed(), GCM_256, OAEP, "aes-256")
}

/// The bytes of the last `CipherValue`, changed.
fn with_content(document: &str, change: impl FnOnce(&mut Vec<u8>)) -> String {
    let from = document.rfind("<xenc:CipherValue>").unwrap() + "<xenc:CipherValue>".len();
    let to = document.rfind("</xenc:CipherValue>").unwrap();
    let mut bytes = STANDARD.decode(document[from..to].split_whitespace().collect::<String>()).unwrap();
    change(&mut bytes);
    format!("{}{}{}", &document[..from], STANDARD.encode(bytes), &document[to..])
}

#[test]
fn an_encrypted_assertion_becomes_the_same_facts() {
    let plain = verify(&Draft::new().signed()).unwrap();
    for (content, size) in [(GCM_128, "aes-128"), (GCM_256, "aes-256")] {
        let encrypted = verify(&encrypt(&Draft::new().signed(), content, OAEP, size)).unwrap();
        assert!(encrypted.verified.encrypted && !plain.verified.encrypted);
        assert_eq!(encrypted.assertion, plain.assertion);
    }
}

#[test]
fn what_is_encrypted_is_held_to_the_same_rules() {
    let inside = |document: &str| encrypt(document, GCM_256, OAEP, "aes-256");
    refused_as_it_is(&inside(&Draft::new().unsigned().0), Reason::Unsigned);
    refused_as_it_is(&inside(&Draft::new().sign(&FOREIGN)), Reason::SignatureInvalid);
    refused_as_it_is(&inside(&good()), Reason::NotAnAssertion);
    let long = Draft::new().with("<saml:Subject>", &format!("{}<saml:Subject>", " ".repeat(64 << 10)));
    refused_as_it_is(&inside(&long.signed()), Reason::TooLarge);
}

#[test]
fn a_changed_ciphertext_is_refused_without_saying_where() {
    let good = good();
    let mut descriptions = std::collections::BTreeSet::new();
    let length = with_length(&good);
    for at in [0, 5, 11, 12, 13, length / 2, length - 17, length - 16, length - 1] {
        let changed = with_content(&good, |bytes| bytes[at] ^= 1);
        let refusal = verifier().verify(&asked(changed.as_bytes()), NOW).unwrap_err();
        assert_eq!(refusal.reason(), Reason::Encryption, "byte {at}");
        descriptions.insert(refusal.description());
    }
    let foreign = Verifier { decryption_keys: vec![key(&FOREIGN.private_file)], ..verifier() };
    descriptions.insert(foreign.verify(&asked(good.as_bytes()), NOW).unwrap_err().description());
    assert_eq!(descriptions.len(), 1, "{descriptions:?}");
}

fn with_length(document: &str) -> usize {
    let mut length = 0;
    with_content(document, |bytes| length = bytes.len());
    length
}

fn key(path: &std::path::Path) -> DecryptionKey {
    DecryptionKey::from_pem(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_cut_ciphertext_is_refused_at_every_length() {
    let good = good();
    for length in (0..40).chain([with_length(&good) - 1]) {
        refused_as_it_is(&with_content(&good, |bytes| bytes.truncate(length)), Reason::Encryption);
    }
    refused_as_it_is(&with_content(&good, |bytes| bytes.extend([0; 16])), Reason::Encryption);
}

#[test]
fn a_shortened_tag_is_refused() {
    let good = good();
    for kept in 1..16 {
        let shorter = with_content(&good, |bytes| {
            let length = bytes.len() - 16 + kept;
            bytes.truncate(length);
        });
        refused_as_it_is(&shorter, Reason::Encryption);
    }
}

#[test]
fn a_content_key_of_the_wrong_length_is_refused() {
    let short = encrypt(&Draft::new().signed(), GCM_128, OAEP, "aes-128").replace(GCM_128, GCM_256);
    refused_as_it_is(&short, Reason::Encryption);
}

#[test]
fn any_of_several_decryption_keys_may_fit() {
    let keys = vec![key(&FOREIGN.private_file), key(&RECIPIENT.private_file)];
    let verifier = Verifier { decryption_keys: keys, ..verifier() };
    assert!(verifier.verify(&asked(good().as_bytes()), NOW).is_ok());
}

#[test]
fn without_a_key_nothing_is_decrypted() {
    let verifier = Verifier { decryption_keys: Vec::new(), ..verifier() };
    assert_eq!(verifier.verify(&asked(good().as_bytes()), NOW).unwrap_err().reason(), Reason::Encryption);
}

#[test]
fn weak_algorithms_are_refused() {
    let good = good();
    for (old, new) in [
        (GCM_256, "http://www.w3.org/2001/04/xmlenc#aes256-cbc"),
        (GCM_256, "http://www.w3.org/2001/04/xmlenc#tripledes-cbc"),
        (OAEP, "http://www.w3.org/2001/04/xmlenc#rsa-1_5"),
        (OAEP, "http://www.w3.org/2001/04/xmlenc#kw-aes256"),
    ] {
        assert!(good.contains(old));
        refused_as_it_is(&good.replace(old, new), Reason::Algorithm);
    }
    let pkcs1 =
        encrypt(&Draft::new().signed(), GCM_256, "http://www.w3.org/2001/04/xmlenc#rsa-1_5", "aes-256");
    refused_as_it_is(&pkcs1, Reason::Algorithm);
}

#[test]
fn another_shape_is_refused() {
    let good = good();
    let key_from = good.find("<xenc:EncryptedKey>").unwrap();
    let key_to = good.find("</xenc:EncryptedKey>").unwrap() + "</xenc:EncryptedKey>".len();
    let one_key = &good[key_from..key_to];
    for (old, new) in [
        (one_key, String::new()),
        (one_key, format!("{one_key}{one_key}")),
        (one_key, "<ds:RetrievalMethod URI=\"file:///etc/passwd\"/>".to_owned()),
        ("#Element\"", "#Content\"".to_owned()),
        ("</saml:EncryptedAssertion>", "<x/></saml:EncryptedAssertion>".to_owned()),
        (
            "<xenc:CipherValue>",
            "<xenc:CipherReference URI=\"file:///etc/passwd\"/><xenc:CipherValue>".to_owned(),
        ),
        ("<xenc:CipherValue>", "<xenc:CipherValue>!".to_owned()),
    ] {
        assert!(good.contains(old), "{old}");
        refused_as_it_is(&good.replace(old, &new), Reason::Encryption);
    }
}

#[test]
fn the_encrypted_key_may_stand_beside_the_data() {
    let good = good();
    let key_from = good.find("<xenc:EncryptedKey>").unwrap();
    let key_to = good.find("</xenc:EncryptedKey>").unwrap() + "</xenc:EncryptedKey>".len();
    let one_key = good[key_from..key_to].to_owned();
    let named = one_key.replace(
        "<xenc:EncryptedKey>",
        "<xenc:EncryptedKey xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\" Id=\"_k\">",
    );
    let reference =
        "<ds:RetrievalMethod Type=\"http://www.w3.org/2001/04/xmlenc#EncryptedKey\" URI=\"#_k\"/>";
    let beside = |reference: &str| {
        good.replace(&one_key, reference)
            .replace("</saml:EncryptedAssertion>", &format!("{named}</saml:EncryptedAssertion>"))
    };
    assert!(verify(&beside(reference)).is_ok());
    assert!(verify(&beside("")).is_ok());
    refused_as_it_is(&beside(&reference.replace("#_k", "#_other")), Reason::Encryption);
}

#[test]
fn weak_decryption_keys_are_not_taken_in_the_first_place() {
    assert!(DecryptionKey::from_pem(&rsa(1024).private_key_to_pem_pkcs8().unwrap()).is_err());
    assert!(DecryptionKey::from_pem(b"").is_err());
    let ec = std::fs::read(&crate::signer::P256.private_file).unwrap();
    assert!(DecryptionKey::from_pem(&ec).is_err());
}

/// Encrypts in a way that `xmlsec1` of Debian does not know.
fn encrypt_with_sha256(document: &str, method: &str) -> String {
    let public = PKey::public_key_from_pem(&RECIPIENT.public_pem).unwrap();
    let mut context = PkeyCtx::new(&public).unwrap();
    context.encrypt_init().unwrap();
    context.set_rsa_padding(Padding::PKCS1_OAEP).unwrap();
    context.set_rsa_oaep_md(Md::sha256()).unwrap();
    if method.contains("MGF") {
        context.set_rsa_mgf1_md(Md::sha256()).unwrap();
    } else {
        context.set_rsa_mgf1_md(Md::sha1()).unwrap();
    }
    let (key, iv, mut tag) = ([7; 32], [9; 12], [0; 16]);
    let mut wrapped = Vec::new();
    context.encrypt_to_vec(&key, &mut wrapped).unwrap();
    let sealed =
        encrypt_aead(Cipher::aes_256_gcm(), &key, Some(&iv), &[], document.as_bytes(), &mut tag).unwrap();
    let ciphertext = STANDARD.encode([&iv[..], &sealed, &tag].concat());
    let template = TEMPLATE.replace("{content}", GCM_256);
    let (head, rest) = template.split_once("<xenc:CipherValue/>").unwrap();
    let (middle, end) = rest.split_once("<xenc:CipherValue/>").unwrap();
    let data = format!(
        "{head}<xenc:CipherValue>{}</xenc:CipherValue>{middle}<xenc:CipherValue>{ciphertext}</xenc:CipherValue>{end}",
        STANDARD.encode(wrapped)
    );
    let data = data.replace("<xenc:EncryptionMethod Algorithm=\"{key}\"/>", method);
    format!(
        "<saml:EncryptedAssertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{data}</saml:EncryptedAssertion>"
    )
}

#[test]
fn newer_digests_of_oaep_are_understood_and_others_refused() {
    const DIGEST: &str = "<ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>";
    const MGF: &str = "<m:MGF xmlns:m=\"http://www.w3.org/2009/xmlenc11#\" \
                       Algorithm=\"http://www.w3.org/2009/xmlenc11#mgf1sha256\"/>";
    let method = |name: &str, parameters: &str| {
        format!("<xenc:EncryptionMethod Algorithm=\"{name}\">{parameters}</xenc:EncryptionMethod>")
    };
    let newer = "http://www.w3.org/2009/xmlenc11#rsa-oaep";
    let signed = Draft::new().signed();
    for good in [method(OAEP, DIGEST), method(newer, &format!("{DIGEST}{MGF}"))] {
        assert!(verify(&encrypt_with_sha256(&signed, &good)).is_ok(), "{good}");
    }
    let mgf_of_the_older = method(OAEP, &format!("{DIGEST}{MGF}"));
    refused_as_it_is(&encrypt_with_sha256(&signed, &mgf_of_the_older), Reason::Encryption);
    let label = format!("<xenc:OAEPparams>AAAA</xenc:OAEPparams>{DIGEST}");
    refused_as_it_is(&encrypt_with_sha256(&signed, &method(newer, &label)), Reason::Encryption);
    let md5 = DIGEST
        .replace("http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2001/04/xmldsig-more#md5");
    refused_as_it_is(&encrypt_with_sha256(&signed, &method(newer, &md5)), Reason::Algorithm);
    refused_as_it_is(&encrypt_with_sha256(&signed, &method(newer, "")), Reason::Encryption);
}
