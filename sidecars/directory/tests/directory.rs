//! The directory sidecar through its front door: signed requests over HTTP.

use std::{path::PathBuf, process::Stdio, time::Duration};

use placet_directory::{DirectoryPolicy, config::Config, source::Source};
use placet_sdk::{
    policy::{Secret, Settings, serve},
    signature::sign,
};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    process::{Child, Command},
};

const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("placet-directory-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A served directory.
struct Sidecar {
    url: String,
    http: reqwest::Client,
}

impl Sidecar {
    async fn start(config: &str) -> Self {
        let config: Config = toml::from_str(config).unwrap();
        let source = Source::open(&config.source).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let settings = Settings::new(&url, SECRET.parse::<Secret>().unwrap()).unwrap();
        let policy = DirectoryPolicy::new(source, config.cache_seconds);
        tokio::spawn(serve(policy).listener(settings, listener, std::future::pending()));
        Self { url, http: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    async fn ask(&self, id: &str, section: Value) -> (u16, Value) {
        let document: Value = self
            .http
            .get(format!("{}/.well-known/placet-policy", self.url))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        #[allow(clippy::disallowed_methods, reason = "the sidecar under test has the system clock")]
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let mut request = json!({
            "protocol": "1.0", "id": id, "time": "2026-11-23T10:05:00Z", "deadline": "2026-11-23T10:05:01Z",
            "mode": "enforce", "attempt": 1, "issuer": "https://as.example",
            "chain": { "policy": "directory", "position": 1, "of": 1 },
            "request": { "endpoint": "userinfo" }, "proposal": {}, "limits": {},
        });
        request.as_object_mut().unwrap().extend(section.as_object().unwrap().clone());
        let body = request.to_string();
        let secret: Secret = SECRET.parse().unwrap();
        let signature = sign(&secret, id, placet_sdk::Instant(i64::try_from(now).unwrap()), body.as_bytes());
        let response = self
            .http
            .post(document["decision_endpoint"].as_str().unwrap())
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", now.to_string())
            .header("webhook-signature", signature)
            .header("placet-timeout-ms", "2000")
            .body(body)
            .send()
            .await
            .unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or(Value::Null))
    }

    async fn claims(&self, id: &str, sub: &str, names: &[&str], locales: &[&str]) -> (u16, Value) {
        let requested: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
        self.ask(
            id,
            json!({
                "type": "claims.source",
                "subject": { "sub": sub, "type": "user", "source": "authorization" },
                "claims": { "target": "userinfo", "requested": requested, "locales": locales },
                "proposal": { "claims": {} },
                "limits": { "claims": { "names": names, "max_bytes": 16384 } },
            }),
        )
        .await
    }

    async fn hint(&self, id: &str, hint: &str) -> (u16, Value) {
        self.ask(
            id,
            json!({
                "type": "ciba.request",
                "ciba": { "hint": { "kind": "login_hint", "value": hint }, "delivery": "poll" },
                "proposal": { "ciba": { "expires_in": 300, "interval": 5 } },
                "limits": { "ciba": { "sub": "settable", "max_expires_in": 300, "min_interval": 5 } },
            }),
        )
        .await
    }
}

const TABLE: &str = r#"
[[user]]
username = "alice"
sub = "usr_1"
password = "$argon2id$not-read"

[user.claims]
name = "Alice Adams"
"name#de" = "Alice Adams (de)"
email = "alice@example.com"
email_verified = true
"#;

fn users(path: &std::path::Path) -> String {
    format!("cache_seconds = 30\n[source]\nkind = \"users\"\npath = \"{}\"\n", path.display())
}

#[tokio::test]
async fn claims_of_the_user_table_are_told_in_the_languages_that_are_asked_for() {
    let folder = Folder::new("claims");
    let sidecar = Sidecar::start(&users(&folder.write("users.toml", TABLE))).await;
    let (status, answer) = sidecar.claims("dec_1", "usr_1", &["name", "email"], &["de-AT"]).await;
    assert_eq!((status, &answer["decision"]), (200, &json!("allow")), "{answer}");
    let expected = json!({
        "name": "Alice Adams", "name#de": "Alice Adams (de)", "email": "alice@example.com",
    });
    assert_eq!(answer["set"]["claims"], expected);
    assert_eq!(answer["cache"]["max_age"], 30);
    let (_, plain) = sidecar.claims("dec_2", "usr_1", &["name"], &[]).await;
    assert_eq!(plain["set"]["claims"], json!({ "name": "Alice Adams" }));
}

#[tokio::test]
async fn an_unknown_user_has_no_claims() {
    let folder = Folder::new("unknown");
    let sidecar = Sidecar::start(&users(&folder.write("users.toml", TABLE))).await;
    let (status, answer) = sidecar.claims("dec_1", "usr_2", &["name"], &[]).await;
    assert_eq!((status, &answer["decision"]), (200, &json!("allow")));
    assert!(answer["set"].is_null(), "{answer}");
}

#[tokio::test]
async fn a_changed_table_is_seen_and_a_broken_one_is_not_used() {
    let folder = Folder::new("changed");
    let path = folder.write("users.toml", TABLE);
    let sidecar = Sidecar::start(&users(&path)).await;
    folder.write("users.toml", &TABLE.replace("Alice Adams\"", "Alice A.\""));
    let (_, answer) = sidecar.claims("dec_1", "usr_1", &["name"], &[]).await;
    assert_eq!(answer["set"]["claims"]["name"], "Alice A.");
    folder.write("users.toml", "[[user]]\nusername = 7\n");
    let (status, answer) = sidecar.claims("dec_2", "usr_1", &["name"], &[]).await;
    assert_eq!((status, &answer["set"]["claims"]["name"]), (200, &json!("Alice A.")));
}

#[tokio::test]
async fn a_login_hint_means_a_user_name_or_an_email_address() {
    let folder = Folder::new("hint");
    let sidecar = Sidecar::start(&users(&folder.write("users.toml", TABLE))).await;
    for (id, hint) in [("dec_1", "ALICE"), ("dec_2", "alice@example.com")] {
        let (_, answer) = sidecar.hint(id, hint).await;
        assert_eq!(answer["set"]["ciba"]["sub"], "usr_1", "{hint}: {answer}");
    }
    let (_, answer) = sidecar.hint("dec_3", "mallory").await;
    assert_eq!(answer["error"]["code"], "unknown_user_id");
}

/// An LDAP server of its own, ended with it.
struct Slapd {
    child: Child,
    port: u16,
    folder: Folder,
}

const ENTRIES: &str = "dn: dc=example,dc=com
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: cn=reader,dc=example,dc=com
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: reader-password

dn: uid=alice,dc=example,dc=com
objectClass: inetOrgPerson
uid: alice
cn: Alice Adams
cn;lang-de: Alice Adams (de)
sn: Adams
mail: alice@example.com
employeeType: admin
employeeType: staff

dn: uid=bob,dc=example,dc=com
objectClass: inetOrgPerson
uid: bob
cn: Bob
sn: B
mail: shared@example.com

dn: uid=dave,dc=example,dc=com
objectClass: inetOrgPerson
uid: dave
uid: d.smith
cn: Dave
sn: D
mail: dave@example.com

dn: uid=carol,dc=example,dc=com
objectClass: inetOrgPerson
uid: carol
cn: Carol
sn: C
mail: shared@example.com
";

impl Slapd {
    async fn start(name: &str) -> Self {
        let folder = Folder::new(name);
        let data = folder.0.join("data");
        std::fs::create_dir(&data).unwrap();
        let schema = "/etc/ldap/schema";
        let config = folder.write(
            "slapd.conf",
            &format!(
                "include {schema}/core.schema\ninclude {schema}/cosine.schema\n\
                 include {schema}/inetorgperson.schema\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\n\
                 pidfile {0}/pid\nargsfile {0}/args\ndatabase mdb\nmaxsize 16777216\n\
                 suffix \"dc=example,dc=com\"\nrootdn \"cn=root,dc=example,dc=com\"\nrootpw root\n\
                 directory {1}\naccess to attrs=userPassword by anonymous auth\n\
                 access to * by dn=\"cn=reader,dc=example,dc=com\" read\n",
                folder.0.display(),
                data.display()
            ),
        );
        let entries = folder.write("entries.ldif", ENTRIES);
        let added = Command::new("/usr/sbin/slapadd")
            .args(["-f".as_ref(), config.as_os_str(), "-l".as_ref(), entries.as_os_str()])
            .output()
            .await
            .unwrap();
        assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let child = Command::new("/usr/sbin/slapd")
            .args(["-d", "0", "-h", &format!("ldap://127.0.0.1:{port}/"), "-f"])
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        for _ in 0..200 {
            if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return Self { child, port, folder };
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("slapd does not answer");
    }

    fn config(&self) -> String {
        let password = self.folder.write("password", "reader-password\n");
        format!(
            "[source]\nkind = \"ldap\"\nurl = \"ldap://127.0.0.1:{}\"\n\
             bind_dn = \"cn=reader,dc=example,dc=com\"\nbind_password_file = \"{}\"\n\
             base = \"dc=example,dc=com\"\nsub_attribute = \"uid\"\nhint_attributes = [\"uid\", \"mail\"]\n\
             object_class = \"inetOrgPerson\"\nlists = [\"groups\"]\nalways_true = [\"email_verified\"]\n\
             timeout_ms = 2000\n[source.claims]\nname = \"cn\"\n\"name#de\" = \"cn;lang-de\"\n\
             email = \"mail\"\ngroups = \"employeeType\"\n",
            self.port,
            password.display()
        )
    }
}

#[tokio::test]
async fn claims_come_from_an_ldap_directory() {
    let slapd = Slapd::start("ldap").await;
    let sidecar = Sidecar::start(&slapd.config()).await;
    let names = ["name", "email", "email_verified", "groups"];
    let (status, answer) = sidecar.claims("dec_1", "alice", &names, &["de"]).await;
    assert_eq!(status, 200, "{answer}");
    let claims = &answer["set"]["claims"];
    assert_eq!((&claims["email"], &claims["email_verified"]), (&json!("alice@example.com"), &json!(true)));
    assert_eq!(claims["name#de"], "Alice Adams (de)");
    let mut groups: Vec<&str> =
        claims["groups"].as_array().unwrap().iter().map(|g| g.as_str().unwrap()).collect();
    groups.sort_unstable();
    assert_eq!(groups, ["admin", "staff"]);
    let (_, sly) = sidecar.claims("dec_2", "*", &names, &[]).await;
    assert!(sly["set"].is_null(), "a subject is no pattern: {sly}");
    let (_, answer) = sidecar.hint("dec_3", "alice@example.com").await;
    assert_eq!(answer["set"]["ciba"]["sub"], "alice");
    let (_, two) = sidecar.hint("dec_4", "shared@example.com").await;
    assert_eq!(two["error"]["code"], "unknown_user_id", "who could be two is nobody");
}

#[tokio::test]
async fn nobody_is_told_the_claims_of_a_subject_that_the_directory_takes_for_the_same() {
    let slapd = Slapd::start("exact").await;
    let sidecar = Sidecar::start(&slapd.config()).await;
    for (at, sub) in ["ALICE", "Alice", " alice", "alice ", "d.Smith"].into_iter().enumerate() {
        let (status, answer) = sidecar.claims(&format!("dec_{at}"), sub, &["name", "email"], &[]).await;
        assert_eq!((status, &answer["decision"]), (200, &json!("allow")), "`{sub}`: {answer}");
        assert!(answer["set"].is_null(), "`{sub}`: {answer}");
    }
    let (_, named) = sidecar.claims("dec_named", "d.smith", &["email"], &[]).await;
    assert_eq!(named["set"]["claims"]["email"], "dave@example.com", "an entry may have several names");
    let (_, two) = sidecar.hint("dec_two", "dave@example.com").await;
    assert_eq!(two["error"]["code"], "unknown_user_id", "an entry with several subjects could mean any");
}

#[tokio::test]
async fn looks_share_the_connection_and_waiting_for_it_has_an_end() {
    let slapd = Slapd::start("shared").await;
    let sidecar = Sidecar::start(&slapd.config()).await;
    let asked: Vec<String> = (0..30).map(|n| format!("dec_{n}")).collect();
    let answers = asked.iter().map(|id| sidecar.claims(id, "alice", &["email"], &[]));
    for (status, answer) in futures_util::future::join_all(answers).await {
        assert_eq!((status, &answer["set"]["claims"]["email"]), (200, &json!("alice@example.com")));
    }
    // It takes connections and says nothing: those who wait for the first one are told in time, too.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let here = |port: u16| format!("127.0.0.1:{port}");
    let config = slapd.config().replace(&here(slapd.port), &here(silent.local_addr().unwrap().port()));
    let sidecar = Sidecar::start(&config.replace("timeout_ms = 2000", "timeout_ms = 200")).await;
    let asked: Vec<String> = (0..8).map(|n| format!("dec_silent{n}")).collect();
    let answers = asked.iter().map(|id| sidecar.claims(id, "alice", &["email"], &[]));
    let answers =
        tokio::time::timeout(Duration::from_secs(20), futures_util::future::join_all(answers)).await;
    assert!(answers.unwrap().iter().all(|(status, _)| *status == 503));
}

#[tokio::test]
async fn a_directory_that_does_not_answer_is_a_failure_and_it_comes_back_by_itself() {
    let mut slapd = Slapd::start("gone").await;
    let sidecar = Sidecar::start(&slapd.config()).await;
    assert_eq!(sidecar.claims("dec_1", "alice", &["email"], &[]).await.0, 200);
    slapd.child.kill().await.unwrap();
    let (status, answer) = sidecar.claims("dec_2", "alice", &["email"], &[]).await;
    assert_eq!((status, &answer["code"]), (503, &json!("unavailable")));
    slapd.child = Command::new("/usr/sbin/slapd")
        .args(["-d", "0", "-h", &format!("ldap://127.0.0.1:{}/", slapd.port), "-f"])
        .arg(slapd.folder.0.join("slapd.conf"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    for attempt in 0..100 {
        if sidecar.claims(&format!("dec_again{attempt}"), "alice", &["email"], &[]).await.0 == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the sidecar does not find its directory again");
}

#[test]
fn a_connection_that_others_could_read_is_refused() {
    let folder = Folder::new("plain");
    let password = folder.write("password", "x");
    let text = format!(
        "[source]\nkind = \"ldap\"\nurl = \"ldap://directory.example\"\nbind_dn = \"cn=x\"\n\
         bind_password_file = \"{}\"\nbase = \"dc=x\"\nsub_attribute = \"uid\"\n[source.claims]\n",
        password.display()
    );
    let config: Config = toml::from_str(&text).unwrap();
    assert!(Source::open(&config.source).unwrap_err().to_string().contains("ldaps"));
}
