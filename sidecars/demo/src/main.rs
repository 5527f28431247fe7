//! Runs the demo app.

use std::{
    error::Error,
    io::{IsTerminal, stderr},
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use placet_demo::{Config, Demo};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};
use tracing_subscriber::EnvFilter;

/// How long open requests may take once the app is told to stop.
const GRACE: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> ExitCode {
    let config = Config::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let ansi = stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(ansi).with_writer(stderr).init();
    match run(&config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(config: &Config) -> Result<(), Box<dyn Error>> {
    let demo = Demo::new(config)?;
    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(|error| format!("`{}` cannot be listened on: {error}", config.listen))?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    println!("placet-demo listening on {} ({})", listener.local_addr()?, config.public_url);

    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(demo.serve(listener, async move {
        let _ = stopped.await;
    }));
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    drop(stop);
    if tokio::time::timeout(GRACE, serving).await.is_err() {
        tracing::warn!("stopped with requests open");
    }
    Ok(())
}
