//! How many connections each peer has.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::limits::Network;

/// The peers of a listener: as many as it has connections at most.
#[derive(Debug)]
pub(super) struct Peers {
    most: u32,
    counts: Mutex<HashMap<Network, u32>>,
}

/// One connection of a peer, until it is dropped.
#[derive(Debug)]
pub(super) struct Counted(Option<(Arc<Peers>, Network)>);

impl Peers {
    /// Each has so many at most; 0 is no limit.
    pub(super) fn new(most: u32) -> Arc<Self> {
        Arc::new(Self { most, counts: Mutex::default() })
    }

    /// Counts a connection; none if the peer has as many as it may have.
    pub(super) fn admit(self: &Arc<Self>, peer: IpAddr) -> Option<Counted> {
        if self.most == 0 {
            return Some(Counted(None));
        }
        let network = Network::of(peer);
        let mut counts = self.lock();
        let count = counts.entry(network).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Counted(Some((Arc::clone(self), network))))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Network, u32>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let Some((peers, network)) = self.0.take() else { return };
        let mut counts = peers.lock();
        if let Some(count) = counts.get_mut(&network) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_has_so_many_at_most_and_one_that_has_none_is_forgotten() {
        let peers = Peers::new(2);
        let [a, b]: [IpAddr; 2] = ["2001:db8::1", "2001:db8::2"].map(|text| text.parse().unwrap());
        let first = peers.admit(a).unwrap();
        let second = peers.admit(b).unwrap();
        assert!(peers.admit(a).is_none());
        let other = peers.admit("192.0.2.1".parse().unwrap()).unwrap();
        drop(first);
        let again = peers.admit(a).unwrap();
        drop((second, other, again));
        assert!(peers.lock().is_empty());
        let unlimited = Peers::new(0);
        let all: Vec<_> = (0..1_000).map(|_| unlimited.admit(a).unwrap()).collect();
        assert_eq!(all.len(), 1_000);
        assert!(unlimited.lock().is_empty());
    }
}
