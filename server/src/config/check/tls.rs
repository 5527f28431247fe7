//! Certificates of the listeners, and of clients.

use http::{HeaderName, header};
use placet_oauth::client::AuthMethod;
use url::Url;

use crate::{
    client::certificate::Authorities,
    config::{ClientCertificates, Config},
    seal::parse_hex,
    tls::{Settings, Tls},
};

/// Headers that mean something else.
const TAKEN: [HeaderName; 6] = [
    header::AUTHORIZATION,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::COOKIE,
    header::HOST,
    HeaderName::from_static("x-forwarded-for"),
];

impl Config {
    pub(super) fn check_tls(&self, wrong: &mut Vec<String>) {
        let (tls, mtls) = (&self.tls, &self.mtls);
        for (table, certificate, key) in [
            ("tls", &tls.certificate_file, &tls.key_file),
            ("tls.private", &tls.private.certificate_file, &tls.private.key_file),
            ("mtls", &mtls.certificate_file, &mtls.key_file),
        ] {
            if certificate.is_some() != key.is_some() {
                wrong.push(format!("[{table}] needs both certificate_file and key_file, or neither"));
            }
        }
        if tls.certificate_file.is_some() && !self.issuer.starts_with("https://") {
            wrong.push("[tls]: the public listener speaks TLS, so issuer must be an https URL".to_owned());
        }
        if tls.client_certificates == ClientCertificates::Optional && tls.certificate_file.is_none() {
            wrong.push("tls.client_certificates needs a certificate: only TLS carries them".to_owned());
        }
        self.check_mutual(wrong);
        self.check_pinned(wrong);
        self.check_proxy(wrong);
        self.check_certificates_of_clients(wrong);
        let mutual = mtls.listen.and_then(|_| Settings::mutual(self));
        let settings =
            [("tls", Settings::public(self)), ("mtls", mutual), ("tls.private", Settings::private(self))];
        for (table, settings) in settings {
            if let Some(Err(error)) = settings.map(Tls::load) {
                wrong.push(format!("[{table}]: {error}"));
            }
        }
        if let Err(error) = Authorities::load(&mtls.ca_files) {
            wrong.push(format!("mtls.ca_files: {error}"));
        }
        if !mtls.ca_files.is_empty() && !self.sees_client_certificates() {
            wrong.push(format!("mtls.ca_files does nothing: {NO_WAY}"));
        }
    }

    /// Certificates of login apps and admins.
    fn check_pinned(&self, wrong: &mut Vec<String>) {
        let pinned: Vec<_> = self.pinned_certificates().collect();
        if !pinned.is_empty() && self.tls.private.certificate_file.is_none() {
            wrong.push("certificate_sha256 needs [tls.private]: only TLS carries certificates".to_owned());
        }
        for (n, (whose, digest)) in pinned.iter().enumerate() {
            if parse_hex(digest).is_none() {
                wrong.push(format!("{whose}: certificate_sha256 must be 64 hexadecimal digits"));
            }
            let mut before = pinned.iter().take(n);
            if before.any(|(other, same)| other != whose && same.eq_ignore_ascii_case(digest)) {
                wrong.push(format!("{whose}: certificate_sha256 has a certificate of somebody else, too"));
            }
        }
    }

    /// What the metadata policy says of these clients is only that their method is not allowed.
    fn check_certificates_of_clients(&self, wrong: &mut Vec<String>) {
        let on = self.auth_methods();
        for client in &self.clients {
            let method = client.metadata.token_endpoint_auth_method;
            if let Some(method) = method.filter(|method| method.needs_certificate() && !on.contains(method)) {
                let authorities =
                    if method == AuthMethod::TlsClientAuth { "mtls.ca_files, and " } else { "" };
                wrong.push(format!(
                    "client `{}`: `{}` needs {authorities}one of tls.client_certificates, mtls.listen and \
                     mtls.proxy.header",
                    client.client_id,
                    method.as_str()
                ));
            }
        }
    }

    fn check_mutual(&self, wrong: &mut Vec<String>) {
        let mtls = &self.mtls;
        match &mtls.base_url {
            Some(base) => {
                if !is_base(base) {
                    wrong.push(format!(
                        "mtls.base_url `{base}` must be an https URL without path and slash at the end"
                    ));
                }
                if !self.sees_client_certificates() {
                    wrong.push(format!("mtls.base_url is of no use: {NO_WAY}"));
                }
            }
            None if mtls.listen.is_some() => {
                wrong.push("mtls.listen needs base_url: clients find it in discovery".to_owned());
            }
            None => {}
        }
        let Some(listen) = mtls.listen else {
            if mtls.certificate_file.is_some() {
                wrong.push("mtls.certificate_file does nothing without mtls.listen".to_owned());
            }
            return;
        };
        if listen.port() != 0 && [self.listen, self.private_listen].contains(&listen) {
            wrong.push("mtls.listen must be an address of its own".to_owned());
        }
        if Settings::mutual(self).is_none() {
            wrong
                .push("mtls.listen needs a certificate and its key, of its own or those of [tls]".to_owned());
        }
    }

    fn check_proxy(&self, wrong: &mut Vec<String>) {
        let proxy = &self.mtls.proxy;
        for (member, name) in [("header", &proxy.header), ("chain_header", &proxy.chain_header)] {
            let Some(name) = name else { continue };
            if HeaderName::try_from(name).ok().is_none_or(|name| TAKEN.contains(&name)) {
                wrong.push(format!("mtls.proxy.{member}: `{name}` cannot be the name of this header"));
            }
        }
        let Some(header) = &proxy.header else {
            if proxy.chain_header.is_some() {
                wrong.push("mtls.proxy.chain_header needs mtls.proxy.header".to_owned());
            }
            return;
        };
        if proxy.chain_header.as_ref().is_some_and(|chain| chain.eq_ignore_ascii_case(header)) {
            wrong.push("mtls.proxy: header and chain_header must differ".to_owned());
        }
        if self.trusted_proxies.is_empty() {
            wrong.push("mtls.proxy needs trusted_proxies: nobody else is believed".to_owned());
        }
    }
}

const NO_WAY: &str =
    "no certificate can arrive without tls.client_certificates, mtls.listen or mtls.proxy.header";

fn is_base(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        url.scheme() == "https"
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    }) && !text.ends_with('/')
}
