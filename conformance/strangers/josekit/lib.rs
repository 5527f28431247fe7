//! Two ends of encrypted tokens: the library josekit, and the crate `placet-jose` in a process of its own.

use std::{
    error::Error,
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use josekit::{
    jwe::{self, JweDecrypter, JweEncrypter, JweHeader, alg::aeskw::AeskwJweAlgorithm},
    jwk::{
        Jwk,
        alg::{ec::EcCurve, ecx::EcxCurve},
    },
};
use serde_json::{Value, json};

/// What either end can fail with.
pub type Failure = Box<dyn Error>;

/// The values of `enc`, with the bytes of their key.
pub const ENCRYPTIONS: [(&str, u8); 6] = [
    ("A128GCM", 16),
    ("A192GCM", 24),
    ("A256GCM", 32),
    ("A128CBC-HS256", 32),
    ("A192CBC-HS384", 48),
    ("A256CBC-HS512", 64),
];

/// The values of `alg` with a shared key, with the bytes of it.
const SHARED: [(&str, u8); 6] =
    [("A128KW", 16), ("A192KW", 24), ("A256KW", 32), ("A128GCMKW", 16), ("A192GCMKW", 24), ("A256GCMKW", 32)];

/// Every pair of algorithms with each kind of key that fits.
pub fn pairs() -> Result<Vec<(&'static str, &'static str, Jwk)>, Failure> {
    let mut keys = Vec::new();
    let rsa = Jwk::generate_rsa_key(2048)?;
    keys.extend(["RSA-OAEP", "RSA-OAEP-256"].map(|alg| (alg, rsa.clone())));
    for curve in [EcCurve::P256, EcCurve::P384, EcCurve::P521] {
        let key = Jwk::generate_ec_key(curve)?;
        keys.extend(AGREEMENT.map(|alg| (alg, key.clone())));
    }
    let key = Jwk::generate_ecx_key(EcxCurve::X25519)?;
    keys.extend(AGREEMENT.map(|alg| (alg, key.clone())));
    for (alg, bytes) in SHARED {
        keys.push((alg, Jwk::generate_oct_key(bytes)?));
    }
    let mut all = Vec::new();
    for (enc, bytes) in ENCRYPTIONS {
        all.extend(keys.iter().map(|(alg, key)| (*alg, enc, key.clone())));
        all.push(("dir", enc, Jwk::generate_oct_key(bytes)?));
    }
    Ok(all)
}

const AGREEMENT: [&str; 4] = ["ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A192KW", "ECDH-ES+A256KW"];

/// A token by josekit; `zip` compresses.
pub fn encrypt(text: &str, (alg, enc, key): (&str, &str, &Jwk), zip: bool) -> Result<String, Failure> {
    let mut header = JweHeader::new();
    header.set_content_encryption(enc);
    if zip {
        header.set_compression("DEF");
    }
    Ok(jwe::serialize_compact(text.as_bytes(), &header, &*encrypter(alg, key)?)?)
}

/// What josekit reads in a token.
pub fn decrypt(token: &str, (alg, key): (&str, &Jwk)) -> Result<String, Failure> {
    let (plain, _) = jwe::deserialize_compact(token, &*decrypter(alg, key)?)?;
    Ok(String::from_utf8(plain)?)
}

/// Calls a constructor of the algorithm of this name, and boxes what it gives.
macro_rules! of_algorithm {
    ($alg:expr, $make:ident, $key:expr) => {
        match $alg {
            "RSA1_5" => {
                #[allow(deprecated, reason = "to see that it is refused")]
                let alg = jwe::RSA1_5;
                Box::new(alg.$make($key)?)
            }
            "RSA-OAEP" => Box::new(jwe::RSA_OAEP.$make($key)?),
            "RSA-OAEP-256" => Box::new(jwe::RSA_OAEP_256.$make($key)?),
            "RSA-OAEP-512" => Box::new(jwe::RSA_OAEP_512.$make($key)?),
            "ECDH-ES" => Box::new(jwe::ECDH_ES.$make($key)?),
            "ECDH-ES+A128KW" => Box::new(jwe::ECDH_ES_A128KW.$make($key)?),
            "ECDH-ES+A192KW" => Box::new(jwe::ECDH_ES_A192KW.$make($key)?),
            "ECDH-ES+A256KW" => Box::new(jwe::ECDH_ES_A256KW.$make($key)?),
            "A128KW" => Box::new(AeskwJweAlgorithm::A128kw.$make($key)?),
            "A192KW" => Box::new(AeskwJweAlgorithm::A192kw.$make($key)?),
            "A256KW" => Box::new(AeskwJweAlgorithm::A256kw.$make($key)?),
            "A128GCMKW" => Box::new(jwe::A128GCMKW.$make($key)?),
            "A192GCMKW" => Box::new(jwe::A192GCMKW.$make($key)?),
            "A256GCMKW" => Box::new(jwe::A256GCMKW.$make($key)?),
            "PBES2-HS256+A128KW" => Box::new(jwe::PBES2_HS256_A128KW.$make($key)?),
            "dir" => Box::new(jwe::Dir.$make($key)?),
            other => return Err(format!("unknown algorithm {other}").into()),
        }
    };
}

fn encrypter(alg: &str, key: &Jwk) -> Result<Box<dyn JweEncrypter>, Failure> {
    Ok(of_algorithm!(alg, encrypter_from_jwk, key))
}

fn decrypter(alg: &str, key: &Jwk) -> Result<Box<dyn JweDecrypter>, Failure> {
    Ok(of_algorithm!(alg, decrypter_from_jwk, key))
}

/// The crate `placet-jose`, in its example `jwe`: it answers each line with a line.
pub struct Placet {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Placet {
    /// Starts it; `PLACET_BIN_DIR` says where the built programs are.
    pub fn start() -> Result<Self, Failure> {
        let folder: PathBuf =
            std::env::var("PLACET_BIN_DIR").map_err(|_| "PLACET_BIN_DIR is not set")?.into();
        let mut command = Command::new(folder.join("examples").join("jwe"));
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = process.stdin.take();
        let output = BufReader::new(process.stdout.take().ok_or("there is no output")?);
        Ok(Self { process, input, output })
    }

    /// A token.
    pub fn encrypt(&mut self, text: &str, (alg, enc, key): (&str, &str, &Jwk)) -> Result<String, Failure> {
        // Whoever encrypts knows the public half alone.
        let key = if key.key_type() == "oct" { key.clone() } else { key.to_public_key()? };
        let answer = self.ask(&json!({ "encrypt": text, "key": key, "alg": alg, "enc": enc }))?;
        Ok(answer["token"].as_str().ok_or(format!("no token: {answer}"))?.to_owned())
    }

    /// What it reads in a token, or why it does not, word for word.
    pub fn decrypt(&mut self, token: &str, (alg, enc, key): (&str, &str, &Jwk)) -> Result<Value, Failure> {
        self.ask(&json!({ "decrypt": token, "key": key, "alg": alg, "enc": enc }))
    }

    fn ask(&mut self, request: &Value) -> Result<Value, Failure> {
        let input = self.input.as_mut().ok_or("it was stopped")?;
        writeln!(input, "{request}")?;
        input.flush()?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Placet {
    fn drop(&mut self) {
        // It ends with its input.
        self.input = None;
        let _ = self.process.wait();
    }
}
