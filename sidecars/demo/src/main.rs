//! Runs the demo app.

use std::{error::Error, future::pending, time::Duration};

use clap::Parser;
use placet_demo::{Config, serve};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
};
use tracing_subscriber::EnvFilter;

/// How long open requests may take once the app is told to stop.
const GRACE: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = Config::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();

    let listener = TcpListener::bind(config.listen).await?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    println!("placet-demo listening on {} ({})", listener.local_addr()?, config.public_url);

    let (told, stop) = watch::channel(false);
    let (mut asked, mut waited) = (stop.clone(), stop);
    let serving = serve(&config, listener, async move {
        let _ = asked.wait_for(|stop| *stop).await;
    });
    let out_of_patience = async move {
        if waited.wait_for(|stop| *stop).await.is_err() {
            pending::<()>().await;
        }
        tokio::time::sleep(GRACE).await;
    };
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        told.send_replace(true);
    });
    tokio::select! {
        served = serving => served?,
        () = out_of_patience => {}
    }
    Ok(())
}
