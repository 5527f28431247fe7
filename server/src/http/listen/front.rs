//! What stands before the routes of each listener.

use std::sync::Arc;

use super::{peers::Peers, proxy::Proxies};
use crate::{
    config::{Config, ConnectionsConfig},
    tls::{Settings, Tls, TlsError},
};

/// What stands before the routes of a listener.
#[derive(Clone, Debug)]
pub struct Front {
    pub(super) proxies: Arc<Proxies>,
    pub(super) tls: Option<Arc<Tls>>,
    pub(super) peers: Arc<Peers>,
    pub(super) connections: ConnectionsConfig,
}

/// What stands before the routes of all listeners.
#[derive(Clone, Debug)]
pub struct Fronts {
    /// Of the public one.
    pub public: Front,
    /// Of the one for clients with certificates, if it is there.
    pub mutual: Option<Front>,
    /// Of the private one.
    pub private: Front,
}

impl Fronts {
    /// Reads the certificates of the listeners.
    pub fn load(config: &Config) -> Result<Self, TlsError> {
        let proxies = Arc::new(Proxies::of(config));
        // No proxy speaks for the certificates of login apps and admins: what is near may write any header.
        let alone = Arc::new(Proxies::without_certificates(config));
        let connections = config.connections;
        let load = |proxies: &Arc<Proxies>, settings: Option<Settings>| -> Result<Front, TlsError> {
            let tls = settings.map(Tls::load).transpose()?.map(Arc::new);
            let peers = Peers::new(connections.max_per_address);
            Ok(Front { proxies: Arc::clone(proxies), tls, peers, connections })
        };
        // A login app has one address and many users.
        let private = Front { peers: Peers::new(0), ..load(&alone, Settings::private(config))? };
        let mutual = config.mtls.listen.map(|_| load(&proxies, Settings::mutual(config))).transpose()?;
        Ok(Self { public: load(&proxies, Settings::public(config))?, mutual, private })
    }

    /// Takes changed certificates for new connections; what cannot be used is logged and changes nothing.
    pub fn refresh(&self) {
        let fronts = [Some(&self.public), self.mutual.as_ref(), Some(&self.private)];
        for tls in fronts.into_iter().flatten().filter_map(|front| front.tls.as_ref()) {
            match tls.refresh() {
                Ok(false) => {}
                Ok(true) => tracing::info!(?tls, "new connections use a new certificate"),
                Err(error) => tracing::error!(%error, "the certificate stays as it was"),
            }
        }
    }
}
