//! What `placet check-config` refuses of TLS and of certificates.

use std::path::PathBuf;

use placet_server::config::{ClientCertificates, Config, ConfigError, UiConfig};
use serde_json::json;

use super::{certificates::Wanted, folder::Folder, helpers::configured};

/// Files of certificates that fit, and some that do not.
struct Files(Folder);

impl Files {
    fn new(name: &str) -> Self {
        let folder = Folder::new(name);
        let server = Wanted::server().self_signed();
        server.write(&folder, "server");
        Wanted::server().self_signed().write(&folder, "other");
        let cipher = openssl::symm::Cipher::aes_256_cbc();
        let encrypted = server.key.private_key_to_pem_pkcs8_passphrase(cipher, b"secret").unwrap();
        std::fs::write(folder.join("encrypted.key"), encrypted).unwrap();
        std::fs::write(folder.join("nothing.pem"), "nothing").unwrap();
        Self(folder)
    }

    #[allow(clippy::unnecessary_wraps, reason = "settings are optional")]
    fn path(&self, name: &str) -> Option<PathBuf> {
        Some(self.0.join(name))
    }

    fn server(&self) -> (Option<PathBuf>, Option<PathBuf>) {
        (self.path("server.pem"), self.path("server.key"))
    }
}

/// What is wrong with a configuration in production that nothing else is wrong with.
fn refused(change: impl FnOnce(&mut Config)) -> Vec<String> {
    let mut config = Config {
        issuer: "https://as.example".to_owned(),
        master_key_file: Some("master.key".into()),
        ..Config::default()
    };
    change(&mut config);
    match config.check() {
        Ok(()) => Vec::new(),
        Err(ConfigError::Refused(wrong)) => wrong,
        Err(other) => panic!("{other}"),
    }
}

fn says(wrong: &[String], part: &str) {
    assert!(wrong.iter().any(|line| line.contains(part)), "`{part}` is not in {wrong:#?}");
}

#[test]
fn sound_settings_are_accepted() {
    let files = Files::new("sound");
    let none: Vec<String> = Vec::new();
    assert_eq!(refused(|c| (c.tls.certificate_file, c.tls.key_file) = files.server()), none);
    let all = refused(|c| {
        (c.tls.certificate_file, c.tls.key_file) = files.server();
        (c.tls.private.certificate_file, c.tls.private.key_file) = files.server();
        (c.mtls.certificate_file, c.mtls.key_file) = files.server();
        c.mtls.listen = Some("127.0.0.1:8444".parse().unwrap());
        c.mtls.base_url = Some("https://mtls.as.example".to_owned());
        c.mtls.ca_files = files.path("server.pem").into_iter().collect();
        c.tls.client_certificates = ClientCertificates::Optional;
    });
    assert_eq!(all, none);
    let proxy = refused(|c| {
        c.trusted_proxies = vec!["10.0.0.1".parse().unwrap()];
        c.mtls.proxy.header = Some("Client-Cert".to_owned());
        c.mtls.proxy.chain_header = Some("Client-Cert-Chain".to_owned());
        c.mtls.base_url = Some("https://mtls.as.example".to_owned());
    });
    assert_eq!(proxy, none);
}

#[test]
fn a_certificate_without_its_key_and_files_that_cannot_be_used_are_refused() {
    let files = Files::new("files");
    let with = |certificate: Option<PathBuf>, key: Option<PathBuf>| {
        [
            refused(|c| (c.tls.certificate_file, c.tls.key_file) = (certificate.clone(), key.clone())),
            refused(|c| {
                (c.tls.private.certificate_file, c.tls.private.key_file) = (certificate.clone(), key.clone());
            }),
            refused(|c| {
                (c.mtls.certificate_file, c.mtls.key_file) = (certificate.clone(), key.clone());
                c.mtls.listen = Some("127.0.0.1:8444".parse().unwrap());
                c.mtls.base_url = Some("https://mtls.as.example".to_owned());
            }),
        ]
    };
    for (certificate, key, why) in [
        ("server.pem", "", "needs both"),
        ("", "server.key", "needs both"),
        ("server.pem", "other.key", "is not that of the certificate"),
        ("server.pem", "encrypted.key", "holds no private key in PEM that is not encrypted"),
        ("server.pem", "nothing.pem", "holds no private key"),
        ("nothing.pem", "server.key", "holds no certificate"),
        ("missing.pem", "server.key", "cannot read"),
        ("server.pem", "missing.key", "cannot read"),
    ] {
        let path = |name: &str| if name.is_empty() { None } else { files.path(name) };
        for wrong in with(path(certificate), path(key)) {
            says(&wrong, why);
            assert!(!wrong.concat().contains("BEGIN"), "no key is shown");
        }
    }
    says(
        &refused(|c| {
            (c.tls.certificate_file, c.tls.key_file) = files.server();
            c.tls.client_certificates = ClientCertificates::Optional;
            c.mtls.ca_files = vec![files.0.join("nothing.pem")];
        }),
        "mtls.ca_files: ",
    );
}

#[test]
fn what_is_unsafe_or_does_nothing_is_refused() {
    let files = Files::new("unsafe");
    says(&refused(|c| c.tls.client_certificates = ClientCertificates::Optional), "needs a certificate");
    says(
        &refused(|c| {
            c.development = true;
            c.issuer = "http://localhost:8080".to_owned();
            (c.tls.certificate_file, c.tls.key_file) = files.server();
        }),
        "issuer must be an https URL",
    );
    says(&refused(|c| c.mtls.ca_files = files.path("server.pem").into_iter().collect()), "does nothing");
    says(&refused(|c| (c.mtls.certificate_file, c.mtls.key_file) = files.server()), "does nothing");
    says(&refused(|c| c.mtls.base_url = Some("https://mtls.as.example".to_owned())), "is of no use");

    let listening = |change: &dyn Fn(&mut Config)| {
        refused(|c| {
            (c.tls.certificate_file, c.tls.key_file) = files.server();
            c.mtls.listen = Some("127.0.0.1:8444".parse().unwrap());
            c.mtls.base_url = Some("https://mtls.as.example".to_owned());
            change(c);
        })
    };
    assert!(listening(&|_| {}).is_empty());
    says(&listening(&|c| (c.tls.certificate_file, c.tls.key_file) = (None, None)), "needs a certificate");
    says(&listening(&|c| c.mtls.base_url = None), "needs base_url");
    says(&listening(&|c| c.mtls.listen = Some(c.listen)), "an address of its own");
    says(&listening(&|c| c.mtls.listen = Some(c.private_listen)), "an address of its own");
    for base in [
        "http://mtls.as.example",
        "https://mtls.as.example/",
        "https://mtls.as.example/x",
        "https://mtls.as.example?x",
        "https://user@mtls.as.example",
        "mtls.as.example",
        "",
    ] {
        says(&listening(&|c| c.mtls.base_url = Some(base.to_owned())), "mtls.base_url");
    }

    let proxied = |change: &dyn Fn(&mut Config)| {
        refused(|c| {
            c.trusted_proxies = vec!["10.0.0.1".parse().unwrap()];
            c.mtls.proxy.header = Some("Client-Cert".to_owned());
            change(c);
        })
    };
    says(&proxied(&|c| c.trusted_proxies.clear()), "needs trusted_proxies");
    for name in ["", "a b", "Authorization", "cookie", "X-Forwarded-For"] {
        says(&proxied(&|c| c.mtls.proxy.header = Some(name.to_owned())), "cannot be the name");
        says(&proxied(&|c| c.mtls.proxy.chain_header = Some(name.to_owned())), "cannot be the name");
    }
    says(&proxied(&|c| c.mtls.proxy.chain_header = Some("client-cert".to_owned())), "must differ");
    says(
        &proxied(&|c| {
            c.mtls.proxy.header = None;
            c.mtls.proxy.chain_header = Some("Client-Cert-Chain".to_owned());
        }),
        "needs mtls.proxy.header",
    );
}

#[test]
fn certificates_of_login_apps_and_admins_need_tls_and_an_owner_each() {
    let files = Files::new("pinned");
    let pinned = |change: &dyn Fn(&mut Config)| {
        refused(|c| {
            (c.tls.private.certificate_file, c.tls.private.key_file) = files.server();
            let named = |name: &str| UiConfig {
                name: name.to_owned(),
                login_uri: "https://login.example/".to_owned(),
                ..UiConfig::default()
            };
            c.ui = vec![
                UiConfig { certificate_sha256: vec!["ab".repeat(32), "cd".repeat(32)], ..named("one") },
                UiConfig { certificate_sha256: vec!["ef".repeat(32)], ..named("two") },
            ];
            change(c);
        })
    };
    assert!(pinned(&|_| {}).is_empty());
    let plain: &dyn Fn(&mut Config) =
        &|c| (c.tls.private.certificate_file, c.tls.private.key_file) = (None, None);
    says(&pinned(plain), "certificate_sha256 needs [tls.private]");
    says(&pinned(&|c| c.ui[1].certificate_sha256.clear()), "nobody can be it");
    says(&pinned(&|c| c.ui[1].certificate_sha256 = vec!["AB".repeat(32)]), "of somebody else");
    says(&pinned(&|c| c.ui[1].certificate_sha256 = vec!["AB:".repeat(32)]), "64 hexadecimal digits");
}

#[test]
fn clients_with_certificates_need_a_way_for_those_to_arrive() {
    let client = |method: &str| {
        let mut metadata = json!({
            "token_endpoint_auth_method": method, "grant_types": ["client_credentials"],
            "jwks_uri": "https://app.example/jwks",
        });
        if method == "tls_client_auth" {
            metadata["tls_client_auth_subject_dn"] = json!("CN=app");
        }
        let mut client = configured("app", &metadata);
        client.secret = None;
        client
    };
    for method in ["tls_client_auth", "self_signed_tls_client_auth"] {
        says(&refused(|c| c.clients.push(client(method))), &format!("`{method}` needs"));
    }
    let proxied = |method: &str| {
        refused(|c| {
            c.trusted_proxies = vec!["10.0.0.1".parse().unwrap()];
            c.mtls.proxy.header = Some("Client-Cert".to_owned());
            c.clients.push(client(method));
        })
    };
    assert!(proxied("self_signed_tls_client_auth").is_empty());
    says(&proxied("tls_client_auth"), "`tls_client_auth` needs mtls.ca_files");
}
