//! The command line of the mock.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    process::ExitCode,
};

use url::Url;

use crate::{BUILT_IN, DEVELOPMENT_TOKEN, Gallery, Mock, Settings};

/// Serve the interaction API with scripted scenarios, for those who write a login app.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// The page of your app to which a server sends browsers.
    #[arg(long, required_unless_present_any = ["list", "show"])]
    ui: Option<Url>,
    /// What to play: `all`, the name of a scenario, a file, or a folder of files. May be given again.
    #[arg(long = "scenario", value_name = "all|NAME|FILE.json|DIR", default_value = "all")]
    scenarios: Vec<String>,
    /// Where to listen.
    #[arg(long, default_value = "8081")]
    port: u16,
    /// On which address to listen; whoever reaches it can see everything.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    bind: IpAddr,
    /// Where browsers find the mock; http://localhost:PORT if it is not said.
    #[arg(long)]
    issuer: Option<String>,
    /// The bearer that your app sends; the one of `./run` if it is not said.
    #[arg(long, env = "PLACET_UI_TOKEN", hide_env_values = true, default_value = DEVELOPMENT_TOKEN, hide_default_value = true)]
    token: String,
    /// What your app may do beyond the ordinary, separated by commas.
    #[arg(long, value_delimiter = ',', default_value = "set_tokens,sessions,authorizations,report")]
    capabilities: Vec<String>,
    /// Your app has the headless front door: it opens interactions itself.
    #[arg(long)]
    headless: bool,
    /// List the scenarios, and do nothing else.
    #[arg(long)]
    list: bool,
    /// Print a scenario that comes with the mock, to begin one of your own with.
    #[arg(long, value_name = "NAME")]
    show: Option<String>,
}

type Error = Box<dyn std::error::Error + Send + Sync>;

impl Arguments {
    async fn run(self) -> Result<(), Error> {
        if let Some(name) = &self.show {
            let found = BUILT_IN.iter().find(|(known, _)| known == name);
            let (_, text) =
                found.ok_or_else(|| format!("there is no scenario `{name}` that comes with the mock"))?;
            print!("{text}");
            return Ok(());
        }
        if self.list {
            print!("{}", list(&Gallery::of(&self.scenarios)?));
            return Ok(());
        }
        let ui = self.ui.clone().ok_or("`--ui` is missing")?;
        let mock = Mock::bind(Settings {
            listen: SocketAddr::new(self.bind, self.port),
            ui: ui.clone(),
            issuer: self.issuer.map(|issuer| issuer.trim_end_matches('/').to_owned()),
            scenarios: self.scenarios,
            token: self.token.clone(),
            capabilities: self.capabilities,
            headless: self.headless,
        })
        .await?;
        let address = mock.address()?;
        println!("ready\n");
        println!("  open             {}", mock.issuer());
        println!("  interaction API  http://{address}/ui/v1");
        println!("  your app         {ui}");
        if self.token == DEVELOPMENT_TOKEN {
            println!("  bearer           {DEVELOPMENT_TOKEN}");
        }
        println!("\nCtrl-C stops it.");
        mock.run(stopped()).await;
        Ok(())
    }
}

/// The scenarios as a table.
fn list(gallery: &Gallery) -> String {
    use std::fmt::Write as _;
    let width = gallery.scenarios().iter().map(|scenario| scenario.name.len()).max().unwrap_or(0);
    gallery.groups().into_iter().fold(String::new(), |mut out, (group, scenarios)| {
        let gap = if out.is_empty() { "" } else { "\n" };
        let _ = writeln!(out, "{gap}{group}");
        for scenario in scenarios {
            let _ = writeln!(out, "  {:width$}  {}", scenario.name, scenario.title);
        }
        out
    })
}

/// Runs the command.
pub async fn main(arguments: Arguments) -> ExitCode {
    match arguments.run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("placet mock: {error}");
            ExitCode::FAILURE
        }
    }
}

/// SIGTERM, or SIGINT.
async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
