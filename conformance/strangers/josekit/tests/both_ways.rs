//! Encrypted tokens between josekit and `placet-jose`, both ways, for every pair of algorithms; and what `placet-jose`
//! refuses where josekit does not.

use josekit::jwk::Jwk;
use placet_strangers_josekit::{ENCRYPTIONS, Failure, Placet, decrypt, encrypt, pairs};
use serde_json::json;

const TEXT: &str = "Grüße an alice";

fn refused() -> serde_json::Value {
    json!({ "error": "the token cannot be decrypted" })
}

#[test]
fn each_reads_what_the_other_encrypts() -> Result<(), Failure> {
    let mut placet = Placet::start()?;
    let pairs = pairs()?;
    assert_eq!(pairs.len(), (2 + 4 * 4 + 6 + 1) * ENCRYPTIONS.len());
    for (alg, enc, key) in &pairs {
        let of_key = key.curve().unwrap_or(key.key_type());
        let token = placet.encrypt(TEXT, (alg, enc, key))?;
        assert_eq!(decrypt(&token, (alg, key))?, TEXT, "{alg} {enc} {of_key}: josekit does not read it");
        let token = encrypt(TEXT, (alg, enc, key), false)?;
        let read = placet.decrypt(&token, (alg, enc, key))?;
        assert_eq!(read, json!({ "plaintext": TEXT }), "{alg} {enc} {of_key}: placet does not read it");
    }
    Ok(())
}

#[test]
fn a_shortened_tag_is_refused() -> Result<(), Failure> {
    let mut placet = Placet::start()?;
    for (enc, bytes) in ENCRYPTIONS {
        let key = Jwk::generate_oct_key(bytes)?;
        let token = placet.encrypt(TEXT, ("dir", enc, &key))?;
        let (head, tag) = token.rsplit_once('.').ok_or("no tag")?;
        for length in [0, 2, 4, 8, 12, tag.len() - 2] {
            // Characters come in fours, so that the text stays base64url.
            let shorter = format!("{head}.{}", &tag[..length]);
            assert_eq!(
                placet.decrypt(&shorter, ("dir", enc, &key))?,
                refused(),
                "{enc}, {length} characters"
            );
        }
        if enc.ends_with("GCM") {
            // Why there is a crate of our own: this is a tag that can be guessed.
            assert_eq!(decrypt(&format!("{head}.{}", &tag[..4]), ("dir", &key))?, TEXT, "{enc}");
        }
    }
    Ok(())
}

#[test]
fn what_cannot_be_made_safe_is_refused() -> Result<(), Failure> {
    let mut placet = Placet::start()?;
    let (rsa, shared) = (Jwk::generate_rsa_key(2048)?, Jwk::generate_oct_key(16)?);
    for (made, taken, key) in [
        ("RSA1_5", "RSA-OAEP", &rsa),
        ("RSA-OAEP", "RSA-OAEP-256", &rsa),
        ("RSA-OAEP-512", "RSA-OAEP", &rsa),
        ("PBES2-HS256+A128KW", "A128KW", &shared),
    ] {
        let token = encrypt(TEXT, (made, "A128GCM", key), false)?;
        assert_eq!(decrypt(&token, (made, key))?, TEXT, "{made}");
        let answer = placet.decrypt(&token, (taken, "A128GCM", key))?;
        assert!(answer["plaintext"].is_null() && answer["error"].is_string(), "{made}: {answer}");
    }
    let token = encrypt(&"a".repeat(100_000), ("dir", "A128GCM", &shared), true)?;
    assert!(token.len() < 1_000, "it is compressed");
    assert_eq!(placet.decrypt(&token, ("dir", "A128GCM", &shared))?, refused());
    Ok(())
}
