//! An issuer that shares no code with the sidecar: the command `xmlsec1`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
};

use openssl::{
    ec::{EcGroup, EcKey},
    nid::Nid,
    pkey::{PKey, Private},
    rsa::Rsa,
};

/// A key pair as files.
pub(crate) struct Signer {
    pub(crate) private_file: PathBuf,
    pub(crate) public_pem: Vec<u8>,
}

pub(crate) static RSA: LazyLock<Signer> = LazyLock::new(|| Signer::new("rsa", &rsa(2048)));
pub(crate) static FOREIGN: LazyLock<Signer> = LazyLock::new(|| Signer::new("foreign", &rsa(2048)));
pub(crate) static RECIPIENT: LazyLock<Signer> = LazyLock::new(|| Signer::new("recipient", &rsa(2048)));
pub(crate) static P256: LazyLock<Signer> = LazyLock::new(|| Signer::new("p256", &ec(Nid::X9_62_PRIME256V1)));
pub(crate) static P384: LazyLock<Signer> = LazyLock::new(|| Signer::new("p384", &ec(Nid::SECP384R1)));

pub(crate) fn rsa(bits: u32) -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap()
}

fn ec(curve: Nid) -> PKey<Private> {
    PKey::from_ec_key(EcKey::generate(&EcGroup::from_curve_name(curve).unwrap()).unwrap()).unwrap()
}

impl Signer {
    fn new(name: &str, key: &PKey<Private>) -> Self {
        let private_file = file(name, &key.private_key_to_pem_pkcs8().unwrap());
        Self { private_file, public_pem: key.public_key_to_pem().unwrap() }
    }

    /// Fills in the signature template of a document.
    pub(crate) fn sign(&self, document: &str) -> String {
        let private = format!("--privkey-pem={}", self.private_file.display());
        xmlsec1(&["--sign", "--privkey-pem", private.trim_start_matches("--privkey-pem=")], document)
    }

    /// Encrypts a document to this key.
    pub(crate) fn encrypt(&self, document: &str, template: &str, session_key: &str) -> String {
        let public = file("public", &self.public_pem);
        let data = file("data", document.as_bytes());
        let arguments = [
            "--encrypt",
            "--pubkey-pem",
            public.to_str().unwrap(),
            "--session-key",
            session_key,
            "--xml-data",
            data.to_str().unwrap(),
        ];
        xmlsec1(&arguments, template)
    }
}

/// Signs with a secret in place of a private key.
pub(crate) fn sign_with_secret(secret: &[u8], document: &str) -> String {
    let secret = file("secret", secret);
    xmlsec1(&["--sign", "--hmackey", secret.to_str().unwrap()], document)
}

fn xmlsec1(arguments: &[&str], document: &str) -> String {
    let input = file("document", document.as_bytes());
    let output = Command::new("xmlsec1")
        .args(arguments)
        .args(["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion"])
        .arg(&input)
        .output()
        .expect("the Debian package xmlsec1 is installed");
    fs::remove_file(input).unwrap();
    assert!(output.status.success(), "xmlsec1: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A new file for this test.
pub(crate) fn file(name: &str, content: &[u8]) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{number}-{name}", std::process::id()));
    fs::write(&path, content).unwrap();
    path
}
