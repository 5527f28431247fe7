//! Where everything is that is measured.

use std::{net::SocketAddr, path::Path};

use openssl::ssl::SslConnector;

use crate::{
    target::Target,
    wire::{self, Broken, Wire},
};

/// The server, or servers, under load, and what stands beside them.
pub(crate) struct Place {
    /// Base URL of the server.
    pub issuer: String,
    /// Listeners that the issuer's host stands for: one for each replica.
    pub public: Vec<SocketAddr>,
    /// Their private listeners, in the same order.
    pub private: Vec<SocketAddr>,
    /// The bare handler.
    pub bare: SocketAddr,
    /// The listener that asks for certificates.
    pub mutual: Option<Mutual>,
    /// A server of somebody else, instead of all these.
    pub target: Option<Target>,
}

/// A listener that asks for certificates, and how to connect to it.
pub(crate) struct Mutual {
    address: SocketAddr,
    connector: SslConnector,
}

impl Mutual {
    /// With the certificates in a folder.
    pub(crate) fn new(address: SocketAddr, folder: &Path) -> Result<Self, Broken> {
        Ok(Self { address, connector: wire::certified(folder)? })
    }

    /// A connection to it.
    pub(crate) fn wire(&self) -> Wire {
        Wire::new(self.address, &self.address.to_string()).secured(self.connector.clone())
    }
}

impl Place {
    /// What stands in `Host`.
    pub(crate) fn host(&self) -> &str {
        self.issuer.split_once("://").map_or(&self.issuer, |(_, host)| host)
    }

    /// A connection to the public listener of the replica that the worker with this number has.
    pub(crate) fn public(&self, number: usize) -> Wire {
        Wire::new(self.public[number % self.public.len()], self.host())
    }

    /// A connection to the private listener of the same.
    pub(crate) fn private(&self, number: usize) -> Wire {
        let address = self.private[number % self.private.len()];
        Wire::new(address, &address.to_string())
    }
}
