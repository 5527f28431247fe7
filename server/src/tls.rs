//! TLS of the listeners: certificate and key from files that may change while the server runs.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use openssl::{
    error::ErrorStack,
    pkey::{PKey, Private},
    ssl::{
        AlpnError, SslAcceptor, SslAcceptorBuilder, SslContext, SslMethod, SslOptions, SslSessionCacheMode,
        SslVerifyMode, SslVersion, select_next_proto,
    },
    x509::X509,
};
use sha2::{Digest as _, Sha256};

use crate::config::{ClientCertificates, Config, TlsProfile};

/// The protocols that are spoken, best first (RFC 7301).
const PROTOCOLS: &[u8] = b"\x02h2\x08http/1.1";
/// All that FAPI allows in TLS 1.2 (FAPI 2.0 Security Profile section 5.2.2).
const FAPI_CIPHERS: &str = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:\
    ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";

/// Why a certificate, its key or authorities cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read `{0}`: {1}")]
    Unreadable(PathBuf, std::io::Error),
    /// A file does not hold what it should.
    #[error("`{0}` {1}")]
    Malformed(PathBuf, &'static str),
    /// The key is that of another certificate.
    #[error("the key in `{key}` is not that of the certificate in `{certificate}`")]
    Mismatch {
        /// File of the certificate.
        certificate: PathBuf,
        /// File of the key.
        key: PathBuf,
    },
    /// OpenSSL refuses the certificate or the key.
    #[error("`{0}`: {1}")]
    Refused(PathBuf, ErrorStack),
}

/// Where a certificate is, and what is done with it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// PEM file with the certificate and its chain.
    pub certificate_file: PathBuf,
    /// PEM file with its key.
    pub key_file: PathBuf,
    /// Versions and ciphers.
    pub profile: TlsProfile,
    /// Whether clients are asked for certificates.
    pub asks: bool,
}

impl Settings {
    /// Those of the public listener, if it speaks TLS.
    pub fn public(config: &Config) -> Option<Self> {
        let tls = &config.tls;
        let asks = tls.client_certificates == ClientCertificates::Optional;
        Self::of(config, (&tls.certificate_file, &tls.key_file), asks)
    }

    /// Those of the listener for clients with certificates.
    pub fn mutual(config: &Config) -> Option<Self> {
        let (own, shared) = (&config.mtls, &config.tls);
        let files = match &own.certificate_file {
            Some(_) => (&own.certificate_file, &own.key_file),
            None => (&shared.certificate_file, &shared.key_file),
        };
        Self::of(config, files, true)
    }

    /// Those of the private listener, if it speaks TLS.
    pub fn private(config: &Config) -> Option<Self> {
        let tls = &config.tls.private;
        let asks = config.pinned_certificates().next().is_some();
        Self::of(config, (&tls.certificate_file, &tls.key_file), asks)
    }

    fn of(config: &Config, files: (&Option<PathBuf>, &Option<PathBuf>), asks: bool) -> Option<Self> {
        let (certificate_file, key_file) = (files.0.clone()?, files.1.clone()?);
        Some(Self { certificate_file, key_file, profile: config.tls.profile, asks })
    }
}

/// TLS of a listener.
pub struct Tls {
    settings: Settings,
    /// Digest of the files that were looked at last, good or not.
    seen: Mutex<[u8; 32]>,
    context: ArcSwap<SslContext>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tls").field(&self.settings).finish()
    }
}

impl Tls {
    /// Reads certificate and key.
    pub fn load(settings: Settings) -> Result<Self, TlsError> {
        let files = Files::read(&settings)?;
        let context = files.context(&settings)?;
        let seen = Mutex::new(files.digest());
        Ok(Self { settings, seen, context: ArcSwap::from_pointee(context) })
    }

    /// What new connections use.
    pub fn context(&self) -> Arc<SslContext> {
        self.context.load_full()
    }

    /// Whether clients are asked for certificates.
    pub fn asks(&self) -> bool {
        self.settings.asks
    }

    /// Takes what is in the files for new connections, if it changed since they were looked at; says whether it did.
    /// What cannot be used changes nothing.
    pub fn refresh(&self) -> Result<bool, TlsError> {
        let files = Files::read(&self.settings)?;
        let digest = files.digest();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == digest {
            return Ok(false);
        }
        *seen = digest;
        self.context.store(Arc::new(files.context(&self.settings)?));
        Ok(true)
    }
}

struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Files {
    fn read(settings: &Settings) -> Result<Self, TlsError> {
        Ok(Self { certificate: read(&settings.certificate_file)?, key: read(&settings.key_file)? })
    }

    fn digest(&self) -> [u8; 32] {
        let parts = [Sha256::digest(&self.certificate), Sha256::digest(&self.key)];
        Sha256::digest(parts.concat()).into()
    }

    fn context(&self, settings: &Settings) -> Result<SslContext, TlsError> {
        let (file, key_file) = (&settings.certificate_file, &settings.key_file);
        let mut chain = certificates(file, &self.certificate)?.into_iter();
        let certificate = chain.next().ok_or_else(|| TlsError::Malformed(file.clone(), NO_CERTIFICATE))?;
        let key = private_key(key_file, &self.key)?;
        let refused = |error| TlsError::Refused(file.clone(), error);
        if !certificate.public_key().map_err(refused)?.public_eq(&key) {
            return Err(TlsError::Mismatch { certificate: file.clone(), key: key_file.clone() });
        }
        let mut acceptor = acceptor(settings).map_err(refused)?;
        acceptor.set_certificate(&certificate).map_err(refused)?;
        for link in chain {
            acceptor.add_extra_chain_cert(link).map_err(refused)?;
        }
        acceptor.set_private_key(&key).map_err(refused)?;
        Ok(acceptor.build().into_context())
    }
}

const NO_CERTIFICATE: &str = "holds no certificate in PEM";

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|error| TlsError::Unreadable(path.to_owned(), error))
}

/// The certificates in a PEM file, one at least.
pub fn read_certificates(path: &Path) -> Result<Vec<X509>, TlsError> {
    certificates(path, &read(path)?)
}

fn certificates(path: &Path, pem: &[u8]) -> Result<Vec<X509>, TlsError> {
    match X509::stack_from_pem(pem) {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(TlsError::Malformed(path.to_owned(), NO_CERTIFICATE)),
    }
}

/// A passphrase is never asked for: there is nobody at the terminal.
fn private_key(path: &Path, pem: &[u8]) -> Result<PKey<Private>, TlsError> {
    PKey::private_key_from_pem_callback(pem, |_| Ok(0)).map_err(|_| {
        TlsError::Malformed(path.to_owned(), "holds no private key in PEM that is not encrypted")
    })
}

fn acceptor(settings: &Settings) -> Result<SslAcceptorBuilder, ErrorStack> {
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
    acceptor.set_min_proto_version(Some(SslVersion::TLS1_2))?;
    if settings.profile == TlsProfile::Fapi {
        acceptor.set_cipher_list(FAPI_CIPHERS)?;
    }
    // The certificate that was shown at the beginning is that of the whole connection.
    acceptor.set_options(SslOptions::NO_RENEGOTIATION);
    acceptor.set_alpn_select_callback(|_, offered| {
        // Who speaks none of these takes this server for another one (RFC 7301 section 3.2).
        select_next_proto(PROTOCOLS, offered).ok_or(AlpnError::ALERT_FATAL)
    });
    if settings.asks {
        // Any certificate will do here, none as well: whether one counts depends on the client that comes with it (RFC
        // 8705 sections 2.1 and 2.2).
        acceptor.set_verify_callback(SslVerifyMode::PEER, |_, _| true);
        // A resumed session knows the certificate, and not what was sent along to link it to an authority.
        acceptor.set_session_cache_mode(SslSessionCacheMode::OFF);
        acceptor.set_options(SslOptions::NO_TICKET);
        acceptor.set_num_tickets(0)?;
    }
    acceptor.set_session_id_context(b"placet")?;
    Ok(acceptor)
}
