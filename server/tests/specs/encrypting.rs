//! The other end of encrypted tokens: a client that reads what is encrypted to it, and encrypts to the server.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use openssl::{
    ec::{EcGroup, EcKey},
    nid::Nid,
    pkey::PKey,
    rsa::Rsa,
};
use placet_jose::{
    Accepts, Algorithm, DecryptionKey, Encryption, EncryptionKeySet, Members, RandomFailed, Recipient,
};
use placet_server::random::{OsRandom, Random as _};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::{harness::Stand, helpers::jwks};

fn random(bytes: &mut [u8]) -> Result<(), RandomFailed> {
    OsRandom.fill(bytes).map_err(|_| RandomFailed)
}

/// Somebody with a key of their own.
#[derive(Debug)]
pub struct Reader(DecryptionKey);

impl Reader {
    /// With a new key on P-256.
    pub fn p256(kid: &str) -> Self {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        Self::of(&PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap(), kid)
    }

    /// With a new RSA key.
    pub fn rsa(kid: &str) -> Self {
        Self::of(&PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap(), kid)
    }

    fn of(key: &PKey<openssl::pkey::Private>, kid: &str) -> Self {
        Self(DecryptionKey::from_pkcs8(&key.private_key_to_pkcs8().unwrap(), Some(kid)).unwrap())
    }

    /// With the client secret, as this algorithm uses it.
    pub fn secret(secret: &str, alg: Algorithm, enc: Encryption) -> Self {
        Self(DecryptionKey::shared(None, placet_jose::secret_key(secret, alg, enc).unwrap()))
    }

    /// The public half.
    pub fn jwk(&self) -> Value {
        Value::Object(self.0.public_jwk().unwrap())
    }

    /// The public half, as a key set.
    pub fn jwks(&self) -> Value {
        json!({ "keys": [self.jwk()] })
    }

    /// Opens a token: its header, and what was encrypted.
    #[track_caller]
    pub fn open(&self, token: &str) -> (Value, String) {
        let accepts = Accepts {
            keys: std::slice::from_ref(&self.0),
            algorithms: &Algorithm::ALL,
            encryptions: &Encryption::ALL,
            max_bytes: 100_000,
        };
        let opened = placet_jose::decrypt(token, &accepts, &mut random).unwrap();
        let plain = String::from_utf8(opened.plaintext.to_vec()).unwrap();
        (Value::Object(opened.header), plain)
    }
}

/// Encrypts a text to the key of a set that fits.
#[track_caller]
pub fn encrypt_to(
    keys: &[Value],
    (alg, enc): (Algorithm, Encryption),
    cty: Option<&str>,
    text: &str,
) -> String {
    let set = json!({ "keys": keys });
    let set = EncryptionKeySet::parse(set.as_object().unwrap()).unwrap();
    let key = set.select(alg, enc, None).expect("the set has a key for it");
    let recipient = Recipient::new(key, alg, enc).unwrap();
    let members = Members { cty, ..Members::default() };
    placet_jose::encrypt(&recipient, &members, text.as_bytes(), &mut random).unwrap()
}

/// Encrypts a JWT to the server.
pub async fn encrypt_to_server(stand: &Stand, alg: Algorithm, enc: Encryption, text: &str) -> String {
    encrypt_to(&jwks(stand).await, (alg, enc), Some("JWT"), text)
}

/// A place on this machine where a client keeps its key set.
#[derive(Clone, Debug)]
pub struct Shelf {
    /// Where it is.
    pub uri: String,
    set: Arc<Mutex<Option<Value>>>,
    asked: Arc<AtomicUsize>,
}

impl Shelf {
    /// With nothing on it: who asks gets an error.
    pub async fn empty() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}/jwks", listener.local_addr().unwrap());
        let set = Arc::new(Mutex::new(None::<Value>));
        let asked = Arc::new(AtomicUsize::new(0));
        let (shown, counted) = (set.clone(), asked.clone());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read(&mut [0; 4096]).await;
                counted.fetch_add(1, Ordering::SeqCst);
                let (status, body) = match &*shown.lock().unwrap() {
                    Some(set) => ("200 OK", set.to_string()),
                    None => ("503 Service Unavailable", String::new()),
                };
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { uri, set, asked }
    }

    /// How often somebody came.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Takes it away: who asks gets an error.
    pub fn clear(&self) {
        *self.set.lock().unwrap() = None;
    }

    /// Puts a key set there.
    pub fn put(&self, set: Value) {
        *self.set.lock().unwrap() = Some(set);
    }
}
