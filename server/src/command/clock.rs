//! The latest time that servers of a store have seen.

use clap::Subcommand;
use placet_server::{
    clock::{Clock as _, SystemClock},
    outcome::Fault,
    server::StartError,
    store::Store,
};

#[derive(Subcommand)]
pub(super) enum ClockCommand {
    /// Print it, and what this machine's clock shows, in seconds since 1970.
    Show,
    /// Forget it, after servers ran with a clock that was ahead, and were stopped: those that start then believe their own
    /// clocks. What that time has ended stays so.
    Forget,
}

pub(super) async fn run(store: &dyn Store, command: &ClockCommand) -> Result<(), StartError> {
    if matches!(command, ClockCommand::Forget) {
        store.forget_time().await.map_err(Fault::from)?;
    }
    match store.latest_time().await.map_err(Fault::from)? {
        0 => println!("no time is known"),
        seen => println!("servers have seen {seen}"),
    }
    println!("this machine shows {}", SystemClock::default().now());
    Ok(())
}
