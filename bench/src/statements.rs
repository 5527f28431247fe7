//! How many statements a database ran, as PostgreSQL counts them itself (`pg_stat_statements`): what a server says of its own
//! work is not asked.

use tokio::process::Command;

use crate::wire::Broken;

/// Counts of one database of a cluster.
const COUNTS: &str = "SELECT coalesce(sum(calls) FILTER (WHERE NOT control), 0), coalesce(sum(calls) FILTER (WHERE control), 0) \
    FROM (SELECT calls, query ~* '^\\s*(begin|start|commit|rollback|end|set|discard)' AS control \
    FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = :'name') counted";

/// Where to ask.
#[derive(Clone)]
pub(crate) struct Database {
    /// The cluster, at a database that has the extension.
    pub url: String,
    /// The database whose statements are counted.
    pub name: String,
}

/// What a database ran.
#[derive(Clone, Copy, Default)]
pub(crate) struct Statements {
    /// That read or wrote something.
    pub working: u64,
    /// That began or ended a transaction.
    pub control: u64,
}

impl Statements {
    /// Those since then.
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            working: self.working.saturating_sub(before.working),
            control: self.control.saturating_sub(before.control),
        }
    }
}

impl Database {
    /// All since the counters began.
    pub(crate) async fn statements(&self) -> Result<Statements, Broken> {
        // A variable is only replaced in what comes from the input.
        let variable = format!("name={}", self.name);
        let text = ask(&["--variable", &variable, &self.url], COUNTS).await?;
        read(&text).ok_or_else(|| Broken::Answer("psql counts no statements".to_owned()))
    }

    /// Lets the database look at what is in its tables, as it does by itself after a minute: until then it plans as if they
    /// were empty.
    pub(crate) async fn settle(&self) -> Result<(), Broken> {
        ask(&["--dbname", &self.name], "VACUUM ANALYZE").await.map(drop)
    }
}

/// What `psql` answers.
async fn ask(arguments: &[&str], sql: &str) -> Result<String, Broken> {
    let mut psql = Command::new("psql");
    psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--field-separator= "])
        .args(arguments)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true);
    let mut child = psql.spawn().map_err(Broken::File)?;
    if let Some(mut input) = child.stdin.take() {
        tokio::io::AsyncWriteExt::write_all(&mut input, sql.as_bytes()).await.map_err(Broken::File)?;
    }
    let output = child.wait_with_output().await.map_err(Broken::File)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn read(text: &str) -> Option<Statements> {
    let (working, control) = text.trim().split_once(' ')?;
    Some(Statements { working: working.parse().ok()?, control: control.parse().ok()? })
}
