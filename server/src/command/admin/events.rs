//! Receivers of events, and deliveries.

use clap::Subcommand;
use placet_sdk::admin::{DeliveryEntry, DeliveryQuery, EventReceiverChange, EventReceiverState};

use super::{
    Connection, Done,
    accounts::pages,
    output::{object, show, table, word},
};

#[derive(Subcommand)]
pub(in crate::command) enum ReceiversCommand {
    /// List the receivers, with what waits for each.
    List,
    /// Show a receiver.
    Show {
        /// Its name.
        name: String,
    },
    /// Deliver nothing to a receiver; what happens waits for it.
    Pause {
        /// Its name.
        name: String,
    },
    /// Deliver to a receiver again.
    Resume {
        /// Its name.
        name: String,
    },
    /// Attempt everything again that was given up for a receiver.
    Redeliver {
        /// Its name.
        name: String,
    },
}

#[derive(Subcommand)]
pub(in crate::command) enum DeliveriesCommand {
    /// List what waits to be delivered.
    List {
        /// What was given up instead.
        #[arg(long)]
        dead: bool,
        /// Of this kind.
        #[arg(long)]
        kind: Option<String>,
        /// To this destination; `receiver:` and a name for a receiver of events.
        #[arg(long)]
        destination: Option<String>,
    },
    /// Show a delivery.
    Show {
        /// Its id, `dlv_…`.
        id: String,
    },
    /// Attempt a delivery again, at once.
    Redeliver {
        /// Its id, `dlv_…`.
        id: String,
    },
    /// Forget a delivery.
    Drop {
        /// Its id, `dlv_…`.
        id: String,
    },
}

pub(super) async fn receivers(at: &Connection, command: ReceiversCommand) -> Done {
    let admin = at.client()?;
    let found = match command {
        ReceiversCommand::List => {
            let found = admin.event_receivers().await?.items;
            return show(at.json, &found, || states(&found));
        }
        ReceiversCommand::Redeliver { name } => {
            let again = admin.redeliver_events(&name).await?;
            return show(at.json, &again, || println!("{} deliveries are attempted again", again.count));
        }
        ReceiversCommand::Show { name } => admin.event_receiver(&name).await?,
        ReceiversCommand::Pause { name } => {
            admin.change_event_receiver(&name, EventReceiverChange { paused: true }).await?
        }
        ReceiversCommand::Resume { name } => {
            admin.change_event_receiver(&name, EventReceiverChange { paused: false }).await?
        }
    };
    show(at.json, &found, || states(std::slice::from_ref(&found)))
}

pub(super) async fn deliveries(at: &Connection, command: DeliveriesCommand) -> Done {
    let admin = at.client()?;
    match command {
        DeliveriesCommand::List { dead, kind, destination } => {
            let found = pages(async |cursor| {
                let query =
                    DeliveryQuery { dead, kind: kind.clone(), destination: destination.clone(), cursor };
                admin.deliveries(&query).await
            })
            .await?;
            show(at.json, &found, || entries(&found))
        }
        DeliveriesCommand::Show { id } => object(&admin.delivery(&id).await?),
        DeliveriesCommand::Redeliver { id } => Ok(admin.redeliver(&id).await?),
        DeliveriesCommand::Drop { id } => Ok(admin.drop_delivery(&id).await?),
    }
}

fn states(found: &[EventReceiverState]) {
    let rows = found.iter().map(|receiver| {
        let state = match (receiver.paused, receiver.full) {
            (true, _) => "paused",
            (false, true) => "full",
            (false, false) => "told",
        };
        let (pending, dead) = (receiver.pending.to_string(), receiver.dead.to_string());
        [receiver.name.clone(), state.to_owned(), pending, word(&receiver.oldest), dead, receiver.url.clone()]
    });
    table::print(["RECEIVER", "STATE", "WAITING", "SINCE", "GIVEN UP", "URL"], &rows.collect::<Vec<_>>());
}

fn entries(found: &[DeliveryEntry]) {
    let rows = found.iter().map(|delivery| {
        let what = delivery.event_type.clone().unwrap_or_else(|| delivery.kind.clone());
        let when = if delivery.dead { word(&delivery.dead_at) } else { word(&delivery.next_at) };
        let (attempts, reason) = (delivery.attempts.to_string(), word(&delivery.reason));
        [delivery.id.clone(), what, delivery.destination.clone(), attempts, when, reason]
    });
    let when = if found.iter().any(|delivery| delivery.dead) { "GIVEN UP" } else { "NEXT" };
    table::print(["DELIVERY", "WHAT", "TO", "ATTEMPTS", when, "LAST FAILURE"], &rows.collect::<Vec<_>>());
}
