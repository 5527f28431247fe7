//! The server: everything that a request needs, behind one handle that is cheap to clone.

mod announced;
mod clients;
mod freshness;
mod people;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use serde_json::Value;
use tokio::sync::Notify;

use clients::KeptClient;
use freshness::Freshness;

use crate::{
    admission::{Admission, Door},
    cache::Cached,
    client::{SharedClient, certificate::Authorities, document::Documents},
    clock::Clock,
    config::{CachesConfig, Config, ConfigError, UiConfig},
    console::Doors,
    details::DetailsTypes,
    events::Receivers,
    generations::Generations,
    jwks::KeySets,
    keys::{Keys, Rotation},
    ledger::Ledger,
    limits::Limits,
    metrics::Metrics,
    outbound::Outbound,
    outcome::Fault,
    policy::{Policies, Surroundings},
    random::{self, Random},
    seal::{MasterKeys, RootKeys},
    store::{Kept, Store},
    token::KnownTokens,
    traces::Traces,
};

/// Where time, randomness and memory come from.
#[derive(Clone)]
pub struct Environment {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The random source.
    pub random: Arc<dyn Random>,
    /// The master keys.
    pub master: MasterKeys,
}

/// Why the server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is refused.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Something that it needs does not work.
    #[error(transparent)]
    Fault(#[from] Fault),
}

struct Inner {
    config: Config,
    environment: Environment,
    keys: Keys,
    root: RootKeys,
    configured: HashMap<String, SharedClient>,
    clients: Cached<String, KeptClient>,
    known_tokens: KnownTokens,
    traces: Traces,
    limits: Limits,
    admissions: [Arc<Admission>; 2],
    policies: Policies,
    ledger: Ledger,
    doors: Doors,
    details: Arc<DetailsTypes>,
    metrics: Arc<Metrics>,
    newest_revocation: AtomicI64,
    generations: Generations,
    freshness: Freshness,
    worker: String,
    to_deliver: Notify,
    receivers: Receivers,
    outbound: Outbound,
    key_sets: KeySets,
    documents: Documents,
    authorities: Authorities,
    discovery: Value,
}

/// The server; cheap to clone.
#[derive(Clone)]
pub struct Server(Arc<Inner>);

impl Server {
    /// Checks the configuration, loads or makes the keys, and is ready.
    pub fn start(
        config: Config,
        environment: Environment,
    ) -> impl Future<Output = Result<Self, StartError>> + Send {
        // On the heap: whoever starts a server should not carry all that is made on the way along.
        Box::pin(Self::make(config, environment))
    }

    async fn make(config: Config, environment: Environment) -> Result<Self, StartError> {
        config.check()?;
        environment.clock.never_before(environment.store.latest_time().await.map_err(Fault::from)?);
        let freshness = Freshness::new(environment.clock.now());
        let worker = random::id(&*environment.random, "wrk_")?;
        let rotation = Rotation {
            period: config.lifetimes.signing_key.into(),
            publish: config.lifetimes.signing_key_publish.into(),
            overlap: config.longest_token().into(),
            signing: config.signing_algorithms(),
        };
        let (keys, root) = Keys::load(
            environment.store.clone(),
            environment.master.clone(),
            environment.clock.clone(),
            environment.random.clone(),
            rotation,
        )
        .await?;
        for alg in config.signing_algs_in_use() {
            keys.signer(alg).await?;
        }
        let configured = clients::configured(&config, &root, &*environment.random)?;
        let newest_revocation = environment.store.revocation_number().await.map_err(Fault::from)?;
        let metrics = Arc::new(Metrics::default());
        let counting = (environment.clock.clone(), metrics.http().limits().clone());
        let limits = Limits::new(&config.limits, config.lifetimes.interaction, counting);
        let admissions = ["public", "apps"].map(|door| {
            let store = Arc::clone(&environment.store);
            Admission::new(&config.overload, move || store.load().is_enough(), metrics.http().under_way(door))
        });
        let details = Arc::new(DetailsTypes::new(&config)?);
        let around = Surroundings {
            clock: environment.clock.clone(),
            random: environment.random.clone(),
            root: root.clone(),
            metrics: metrics.clone(),
            details: details.clone(),
        };
        let policies = Policies::new(&config, around)?;
        let ledger = Ledger::new(&config.ledger, environment.clock.millis());
        let receivers = Receivers::new(&config)?;
        environment.store.subscribe(receivers.subscribers());
        environment.store.keep(Kept {
            events: config.events.keep.into(),
            undelivered: config.events.keep_undelivered.into(),
        });
        let outbound = Outbound::new(&config).await?;
        let authorities =
            Authorities::load(&config.mtls.ca_files).map_err(|e| Fault::new("mtls.ca_files", e))?;
        let mut discovery = placet_oauth::metadata::discovery(&config.discovery(&policies));
        if let Some(profile) = config.profile {
            profile.announce(&mut discovery);
        }
        let max_age = config.client_id_metadata.max_age;
        let rooms = config.caches;
        let (clock, random) = (environment.clock.clone(), environment.random.clone());
        let traces = Traces::new(&config.traces, (clock, random), metrics.traces().clone())?;
        environment.store.measure(metrics.store().clone());
        // Whoever counts something must not keep a store open that nobody uses any more.
        let (store, meter) = (Arc::downgrade(&environment.store), metrics.store().clone());
        metrics.watch(move || {
            if let Some(store) = store.upgrade() {
                meter.shows(store.load(), store.changes().missed());
            }
        });
        let caches = metrics.caches().clone();
        let of_size = |mib| (CachesConfig::bytes(mib), &caches);
        let key_sets = KeySets::new(outbound.clone(), environment.clock.clone(), of_size(rooms.key_sets));
        Ok(Self(Arc::new(Inner {
            clients: clients::cache(of_size(rooms.clients)),
            traces,
            known_tokens: KnownTokens::new(CachesConfig::bytes(rooms.tokens), &caches),
            config,
            environment,
            keys,
            root,
            configured,
            limits,
            admissions,
            policies,
            ledger,
            doors: Doors::default(),
            details,
            metrics,
            newest_revocation: AtomicI64::new(newest_revocation),
            generations: Generations::default(),
            freshness,
            worker,
            to_deliver: Notify::new(),
            receivers,
            key_sets,
            documents: Documents::new(outbound.clone(), max_age, of_size(rooms.documents)),
            outbound,
            authorities,
            discovery,
        })))
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// The issuer identifier.
    pub fn issuer(&self) -> &str {
        &self.0.config.issuer
    }

    /// The store.
    pub fn store(&self) -> &dyn Store {
        &*self.0.environment.store
    }

    /// The keys of the server.
    pub fn keys(&self) -> &Keys {
        &self.0.keys
    }

    /// The symmetric keys.
    pub fn root(&self) -> &RootKeys {
        &self.0.root
    }

    /// The random source.
    pub fn random(&self) -> &dyn Random {
        &*self.0.environment.random
    }

    /// Seconds since the epoch.
    pub fn now(&self) -> i64 {
        self.0.environment.clock.now()
    }

    /// Milliseconds since the epoch, for what is only shown.
    pub fn now_millis(&self) -> i64 {
        self.0.environment.clock.millis()
    }

    /// Whether the clock can be right.
    pub fn is_clock_believed(&self) -> bool {
        self.0.environment.clock.is_believed()
    }

    /// The client for requests to addresses that others name.
    pub fn outbound(&self) -> &Outbound {
        &self.0.outbound
    }

    /// Key sets of others.
    pub fn key_sets(&self) -> &KeySets {
        &self.0.key_sets
    }

    /// Who vouches for the certificates of clients.
    pub fn authorities(&self) -> &Authorities {
        &self.0.authorities
    }

    /// Takes changed authorities; what cannot be used is logged and changes nothing.
    pub fn refresh_authorities(&self) {
        match self.authorities().refresh() {
            Ok(false) => {}
            Ok(true) => tracing::info!("the authorities for clients changed"),
            Err(error) => tracing::error!(%error, "the authorities for clients stay as they were"),
        }
    }

    /// The policies.
    pub fn policies(&self) -> &Policies {
        &self.0.policies
    }

    /// The types of authorization details.
    pub fn details(&self) -> &DetailsTypes {
        &self.0.details
    }

    /// The counters.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Says that something was written that has to be delivered.
    pub fn deliver_soon(&self) {
        self.0.to_deliver.notify_one();
    }

    /// Told by [`deliver_soon`](Self::deliver_soon).
    pub(crate) fn to_deliver(&self) -> &Notify {
        &self.0.to_deliver
    }

    /// The number of the newest revocation of everything of a client that this process knows of. What is issued with an
    /// older one counts no more for the client of a later one: who knows too little issues too little, never too much.
    pub fn newest_revocation(&self) -> i64 {
        self.0.newest_revocation.load(Ordering::Acquire)
    }

    /// What this process knows of revocations of tokens that carry everything themselves.
    pub fn generations(&self) -> &Generations {
        &self.0.generations
    }

    /// What this process is called where only one of several does something.
    pub(crate) fn worker(&self) -> &str {
        &self.0.worker
    }

    /// The receivers of events.
    pub fn receivers(&self) -> &Receivers {
        &self.0.receivers
    }

    /// The rate limits.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// How much is done at once of what comes through this door.
    pub fn admission(&self, door: Door) -> &Arc<Admission> {
        let [public, apps] = &self.0.admissions;
        match door {
            Door::Public => public,
            Door::Apps => apps,
        }
    }

    /// The discovery document (RFC 8414, OpenID Connect Discovery).
    pub fn discovery(&self) -> &Value {
        &self.0.discovery
    }

    /// Traces of requests.
    pub fn traces(&self) -> &Traces {
        &self.0.traces
    }

    /// Opaque access tokens that were asked after before.
    pub fn known_tokens(&self) -> &KnownTokens {
        &self.0.known_tokens
    }

    /// The documents of clients that nobody registered.
    pub fn documents(&self) -> &Documents {
        &self.0.documents
    }

    /// The login app that browsers are sent to.
    pub fn redirect_ui(&self) -> Option<&UiConfig> {
        self.0.config.ui.iter().find(|ui| ui.front_door == crate::config::FrontDoor::Redirect)
    }

    /// The login app of this name.
    pub fn ui(&self, name: &str) -> Option<&UiConfig> {
        self.0.config.ui.iter().find(|ui| ui.name == name)
    }
}
