//! A sidecar that is a process of its own and answers as a file says: well, or broken in any way that a sidecar can be.
//!
//! Like the other process of these specifications it runs this very test program. Everything here is written by hand
//! onto the socket, because no decent library would send it.

use std::{
    fs::OpenOptions,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use openssl::ssl::{SslAcceptor, SslFiletype, SslMethod};
use placet_sdk::{
    Instant,
    decision::{HEADER_ID, HEADER_SIGNATURE, HEADER_TIMESTAMP, HookType},
    signature::{Secret, sign},
};
use placet_server::config::{ClientCertificate, PolicyConfig, ResponseSecret, SecretText};
use serde_json::{Value, json};

use super::{
    rfc7522_saml2_bearer,
    sidecar::{Answered, Asked, assert_signed, is_whole, take_request},
    sidecar_process::{FOLDER, Process},
    tls::Identity,
};

/// What answers of the process are signed with.
const RESPONSE_SECRET: &str = "whsec_QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8=";
/// What the process runs.
const TEST: &str = "specs::sidecar_script::the_process_of_a_scripted_sidecar_does_as_it_is_told";
/// In the shared folder: the script.
const SCRIPT: &str = "script";
/// In that folder: a line for each question that came.
const ASKED: &str = "asked";
/// The first byte of a TLS handshake (RFC 8446 section 5.1).
const HANDSHAKE: u8 = 22;

/// How the process answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// As a policy that wants whatever is proposed.
    Well,
    /// With the status 500.
    InternalError,
    /// With the status 501.
    NotImplemented,
    /// With a redirect to where it answers well.
    Redirect,
    /// With a good answer that says it is HTML.
    Html,
    /// With a good answer and 64 KiB of spaces behind it.
    Long,
    /// With half an object.
    Half,
    /// With a verdict that there is not.
    Maybe,
    /// With a good answer to another question.
    Mistaken,
    /// With a good answer that nobody signed.
    Unsigned,
    /// With more than may be granted.
    Greedy,
    /// With an allow of the proposal, whatever it lacks.
    Bare,
    /// With a denial whose code the type does not have.
    Inventive,
    /// Not, until it is told otherwise.
    Silent,
    /// With the certificate of somebody else.
    Stranger,
    /// With a body that never ends.
    Endless,
    /// With a body of which a byte comes every 20 milliseconds.
    Dripping,
    /// With headers that never end.
    Flooding,
}

impl Script {
    const ALL: [Self; 18] = [
        Self::Well,
        Self::InternalError,
        Self::NotImplemented,
        Self::Redirect,
        Self::Html,
        Self::Long,
        Self::Half,
        Self::Maybe,
        Self::Mistaken,
        Self::Unsigned,
        Self::Greedy,
        Self::Bare,
        Self::Inventive,
        Self::Silent,
        Self::Stranger,
        Self::Endless,
        Self::Dripping,
        Self::Flooding,
    ];

    /// What a process with this folder has to do now.
    fn of(folder: &Path) -> Self {
        let word = std::fs::read_to_string(folder.join(SCRIPT)).unwrap_or_default();
        Self::ALL.into_iter().find(|script| format!("{script:?}") == word).unwrap_or(Self::Well)
    }
}

/// The process.
pub struct Scripted(pub Process);

impl Scripted {
    /// A process that answers well.
    pub async fn start(name: &str) -> Self {
        let process = Process::running(TEST, name).await;
        let (authority, stranger) = (Identity::authority(), Identity::authority());
        let url = url::Url::parse(&process.url).unwrap();
        let ip = url.host_str().unwrap();
        authority.write(process.folder(), "authority");
        authority.issue_at("policy", ip).write(process.folder(), "policy");
        stranger.issue_at("policy", ip).write(process.folder(), "stranger");
        Self(process)
    }

    /// What it does from now on.
    pub fn plays(&self, script: Script) {
        self.0.tell(SCRIPT, &format!("{script:?}"));
    }

    /// How many questions came.
    pub fn asked(&self) -> usize {
        std::fs::read_to_string(self.0.folder().join(ASKED)).unwrap_or_default().lines().count()
    }

    /// Its registration for decisions of these types.
    pub fn policy(&self, name: &str, types: &[&str]) -> PolicyConfig {
        PolicyConfig { discovery: false, ..self.0.policy(name, types) }
    }

    /// The same, if its answers have to be signed.
    pub fn signing_policy(&self, name: &str, types: &[&str]) -> PolicyConfig {
        let mut policy = self.policy(name, types);
        policy.auth.require_signed_response = true;
        let secret = Some(SecretText(RESPONSE_SECRET.to_owned()));
        policy.auth.response = ResponseSecret { secret, ..ResponseSecret::default() };
        policy
    }

    /// The same, behind TLS.
    pub fn encrypted_policy(&self, name: &str, types: &[&str]) -> PolicyConfig {
        let mut policy = self.policy(name, types);
        policy.url = policy.url.map(|url| url.replace("http://", "https://"));
        let ca_file = Some(self.0.folder().join("authority.pem"));
        policy.auth.mtls = ClientCertificate { ca_file, ..ClientCertificate::default() };
        policy
    }
}

#[test]
fn the_process_of_a_scripted_sidecar_does_as_it_is_told() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let [host, port] = ["HOST", "PORT"].map(|name| std::env::var(name).unwrap());
    let listener = TcpListener::bind(format!("{host}:{port}")).unwrap();
    for stream in listener.incoming().flatten() {
        let folder = PathBuf::from(&folder);
        thread::spawn(move || connection(stream, &folder));
    }
}

/// Both speak at one port: who begins with a handshake is spoken to in TLS.
fn connection(stream: TcpStream, folder: &Path) -> Option<()> {
    let mut first = [0];
    stream.peek(&mut first).ok()?;
    if first[0] != HANDSHAKE {
        return converse(stream, folder);
    }
    let name = if Script::of(folder) == Script::Stranger { "stranger" } else { "policy" };
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).ok()?;
    acceptor.set_certificate_chain_file(folder.join(format!("{name}.pem"))).ok()?;
    acceptor.set_private_key_file(folder.join(format!("{name}.key")), SslFiletype::PEM).ok()?;
    converse(acceptor.build().accept(stream).ok()?, folder)
}

fn converse(mut stream: impl Read + Write, folder: &Path) -> Option<()> {
    let mut read = Vec::new();
    loop {
        while !is_whole(&read) {
            let mut chunk = [0; 8192];
            let length = stream.read(&mut chunk).ok().filter(|length| *length > 0)?;
            read.extend_from_slice(&chunk[..length]);
        }
        let asked = take_request(&mut read)?;
        assert_signed(&asked);
        let mut log = OpenOptions::new().create(true).append(true).open(folder.join(ASKED)).ok()?;
        log.write_all(format!("{}\n", asked.body["type"]).as_bytes()).ok()?;
        answer(&mut stream, &asked, folder)?;
    }
}

fn answer(stream: &mut impl Write, asked: &Asked, folder: &Path) -> Option<()> {
    let id = &asked.body["id"];
    let json = |body: Value| signed(asked, Answered::json(200, &body));
    let answered = match Script::of(folder) {
        Script::Well | Script::Stranger => well(asked),
        Script::InternalError => Answered::status(500),
        Script::NotImplemented => Answered::status(501),
        Script::Redirect => Answered::status(307).header("Location", "/elsewhere"),
        Script::Html => Answered { headers: "Content-Type: text/html\r\n".to_owned(), ..well(asked) },
        Script::Long => {
            let answer = well(asked);
            let body = [&answer.body[..], &vec![b' '; 64 * 1024]].concat();
            Answered { body, ..answer }
        }
        Script::Half => json(Value::Null).body(r#"{"decision": "allow""#),
        Script::Maybe => json(json!({ "id": id, "decision": "maybe" })),
        Script::Mistaken => json(json!({ "id": "dec_other", "decision": "allow" })),
        Script::Unsigned => Answered::allow(asked, &json!({})),
        Script::Greedy => {
            json(json!({ "id": id, "decision": "allow", "set": { "grant": { "scope": ["admin"] } } }))
        }
        Script::Bare => json(json!({ "id": id, "decision": "allow" })),
        Script::Inventive => json(json!({ "id": id, "decision": "deny", "error": { "code": "no_mood" } })),
        Script::Silent => {
            while Script::of(folder) == Script::Silent {
                thread::sleep(Duration::from_millis(50));
            }
            well(asked)
        }
        script @ (Script::Endless | Script::Dripping | Script::Flooding) => {
            return ceaseless(stream, asked, script);
        }
    };
    stream.write_all(&answered.bytes()).ok()
}

/// Goes on until nobody listens any more.
fn ceaseless(stream: &mut impl Write, asked: &Asked, script: Script) -> Option<()> {
    let mut good = well(asked);
    // The space behind an object belongs to no value, so that what was sent is good, as far as it goes.
    good.body.extend(vec![b' '; 32 * 1024]);
    match script {
        Script::Endless => {
            let head = format!("HTTP/1.1 200 x\r\n{}Transfer-Encoding: chunked\r\n\r\n", good.headers);
            stream.write_all(head.as_bytes()).ok()?;
            loop {
                stream.write_all(format!("{:x}\r\n", good.body.len()).as_bytes()).ok()?;
                stream.write_all(&[&good.body[..], b"\r\n"].concat()).ok()?;
                good.body.fill(b' ');
            }
        }
        Script::Dripping => {
            for byte in good.bytes() {
                stream.write_all(&[byte]).and_then(|()| stream.flush()).ok()?;
                thread::sleep(Duration::from_millis(20));
            }
            None
        }
        _ => {
            stream.write_all(format!("HTTP/1.1 200 x\r\n{}", good.headers).as_bytes()).ok()?;
            for number in 0_u64.. {
                stream.write_all(format!("X-{number}: {}\r\n", "x".repeat(1_000)).as_bytes()).ok()?;
            }
            None
        }
    }
}

/// The answer of a policy that wants whatever is proposed, and knows everybody. It may be kept for a second.
fn well(asked: &Asked) -> Answered {
    let hook: HookType = serde_json::from_value(asked.body["type"].clone()).expect("a decision point");
    let claims = &asked.body["jwt_bearer"]["assertion"]["claims"];
    let patch = match hook {
        HookType::GrantPassword | HookType::GrantSaml2Bearer => json!({ "grant": { "sub": "alice" } }),
        HookType::CibaRequest => json!({ "ciba": { "sub": "alice" } }),
        HookType::GrantJwtBearer if claims["iss"] != claims["sub"] => json!({ "grant": { "sub": "alice" } }),
        HookType::AssertionSaml2 => {
            let recipient = asked.body["raw_assertion"]["recipient"].as_str().expect("a recipient");
            json!({ "saml2_bearer": rfc7522_saml2_bearer::facts(recipient) })
        }
        HookType::AuthorizationRequest
        | HookType::InteractionEvaluate
        | HookType::InteractionApprove
        | HookType::DeviceRequest
        | HookType::GrantAuthorizationCode
        | HookType::GrantDeviceCode
        | HookType::GrantCiba
        | HookType::GrantRefreshToken
        | HookType::GrantClientCredentials
        | HookType::GrantJwtBearer
        | HookType::GrantTokenExchange
        | HookType::ClientRegister
        | HookType::ClientUpdate
        | HookType::ClientDelete
        | HookType::ClaimsSource
        | HookType::TokenIntrospect
        | HookType::LogoutEvaluate => json!({}),
    };
    let cache = json!({ "max_age": 1, "stale_if_error": 600 });
    let body = json!({ "id": asked.body["id"], "decision": "allow", "set": patch, "cache": cache });
    signed(asked, Answered::json(200, &body))
}

/// Signs an answer at the time of its question: the clock of the server is set.
fn signed(asked: &Asked, answered: Answered) -> Answered {
    let header = |name| asked.headers[name].to_str().expect("a header").to_owned();
    let (id, at) = (header(HEADER_ID), header(HEADER_TIMESTAMP));
    let secret: Secret = RESPONSE_SECRET.parse().expect("a secret");
    let signature = sign(&secret, &id, Instant(at.parse().expect("seconds")), &answered.body);
    answered.header(HEADER_ID, &id).header(HEADER_TIMESTAMP, &at).header(HEADER_SIGNATURE, &signature)
}
