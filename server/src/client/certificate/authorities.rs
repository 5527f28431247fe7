//! Who vouches for the certificates of clients.

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use openssl::{
    error::ErrorStack,
    stack::Stack,
    x509::{
        X509, X509PurposeId, X509StoreContext, X509VerifyResult,
        store::{X509Store, X509StoreBuilder},
        verify::{X509VerifyFlags, X509VerifyParam},
    },
};

use super::ClientCertificate;
use crate::tls::{TlsError, read_certificates};

/// Certificates between that of a client and its authority, at most.
const MAX_DEPTH: i32 = 8;
/// What keys and signatures have to withstand: 112 bits, RSA with 2048 bits (`SSL_CTX_set_security_level`).
const SECURITY_LEVEL: i32 = 2;

/// The authorities for `tls_client_auth`, from files that may change while the server runs.
pub struct Authorities {
    files: Vec<PathBuf>,
    seen: Mutex<Vec<Vec<u8>>>,
    known: ArcSwap<Vec<X509>>,
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Authorities").field(&self.files).finish()
    }
}

impl Authorities {
    /// Reads the files.
    pub fn load(files: &[PathBuf]) -> Result<Self, TlsError> {
        let known = read(files)?;
        let seen = Mutex::new(encoded(&known));
        Ok(Self { files: files.to_vec(), seen, known: ArcSwap::from_pointee(known) })
    }

    /// Whether nobody can vouch for anybody.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Takes what is in the files, if it changed; says whether it did. What cannot be used changes nothing.
    pub fn refresh(&self) -> Result<bool, TlsError> {
        let known = read(&self.files)?;
        let encoded = encoded(&known);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == encoded {
            return Ok(false);
        }
        *seen = encoded;
        self.known.store(Arc::new(known));
        Ok(true)
    }

    /// Whether one of the authorities vouches, at this time, for the certificate as one of a client (RFC 5280 section
    /// 6, RFC 8705 section 2.1); else why not.
    pub fn vouch_for(
        &self,
        certificate: &ClientCertificate,
        now: i64,
    ) -> Result<Result<(), &'static str>, ErrorStack> {
        let store = self.store(now)?;
        let mut chain = Stack::new()?;
        for link in certificate.chain() {
            chain.push(link.clone())?;
        }
        let mut context = X509StoreContext::new()?;
        // What OpenSSL cannot make anything of does not hold.
        let (holds, result) = context.init(&store, certificate.x509(), &chain, |context| {
            Ok((context.verify_cert().unwrap_or(false), context.error()))
        })?;
        // OpenSSL leaves its reasons behind, and would take them for those of the next thing it does on this thread.
        drop(ErrorStack::get());
        let sound = holds && result == X509VerifyResult::OK;
        Ok(if sound { Ok(()) } else { Err(result.error_string()) })
    }

    /// A store is made for each look: the time is a part of it.
    fn store(&self, now: i64) -> Result<X509Store, ErrorStack> {
        let mut rules = X509VerifyParam::new()?;
        rules.set_time(now);
        rules.set_purpose(X509PurposeId::SSL_CLIENT)?;
        rules.set_depth(MAX_DEPTH);
        rules.set_auth_level(SECURITY_LEVEL);
        // Whoever is named vouches, whether or not somebody else vouches for it.
        rules.set_flags(X509VerifyFlags::PARTIAL_CHAIN)?;
        let mut store = X509StoreBuilder::new()?;
        for authority in self.known.load().iter() {
            store.add_cert(authority.clone())?;
        }
        store.set_param(&rules)?;
        Ok(store.build())
    }
}

fn read(files: &[PathBuf]) -> Result<Vec<X509>, TlsError> {
    let mut known = Vec::new();
    for file in files {
        known.extend(read_certificates(file)?);
    }
    Ok(known)
}

fn encoded(known: &[X509]) -> Vec<Vec<u8>> {
    known.iter().filter_map(|certificate| certificate.to_der().ok()).collect()
}
