//! Keeps what is kept in memory fresh: hears of what other processes changed, and finds out whether something was missed.
//!
//! Hearing is quick, asking is certain. A process that hears nothing finds out within a [`BEAT`] what it missed, and one that
//! cannot even ask serves nothing of what it kept.

use std::time::Duration;

use tokio::{sync::watch, time};

use crate::{
    server::Server,
    store::{BEAT, Result},
};

/// So long after hearing ended it is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// Runs until the stop.
pub async fn run(server: Server, mut stopped: watch::Receiver<bool>) {
    tokio::select! {
        () = ask(&server) => {}
        () = hear(&server) => {}
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
}

async fn ask(server: &Server) {
    let (mut beat, mut told) = (time::interval(BEAT), Told::default());
    beat.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        let asked = server.store().catch_up(server.now()).await;
        told.tell(&asked, "whether something was missed is not known: nothing that was kept is served");
    }
}

async fn hear(server: &Server) {
    let mut told = Told::default();
    loop {
        let ended = server.store().hear().await;
        told.tell(&ended, "what other processes change is not heard of: it is found out by asking");
        time::sleep(PAUSE).await;
    }
}

/// Trouble is logged when it begins, not each second.
#[derive(Default)]
struct Told(bool);

impl Told {
    fn tell(&mut self, outcome: &Result<()>, trouble: &str) {
        if let Err(error) = outcome
            && !self.0
        {
            tracing::warn!(%error, "{trouble}");
        }
        self.0 = outcome.is_err();
    }
}
