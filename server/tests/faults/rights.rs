//! What a row may do here, and whether it runs.

use std::{io::Write as _, path::Path, process::Command};

use tokio::sync::{Mutex, MutexGuard};

/// Rows measure themselves against time limits of servers: they run one after the other.
static ALONE: Mutex<()> = Mutex::const_new(());

/// Waits until no other row runs.
pub async fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().await
}

/// Whether the long rows run, too.
pub fn all() -> bool {
    std::env::var("PLACET_FAULTS").is_ok_and(|which| which == "all")
}

/// Whether a long row runs; says so if it does not.
pub fn is_asked_for(row: &str) -> bool {
    if !all() {
        skip(row, "it takes long, and PLACET_FAULTS is not `all`");
    }
    all()
}

/// Says why a row is not run. Not `eprintln`, which the test runner keeps to itself as long as tests succeed.
pub fn skip(row: &str, reason: &str) {
    writeln!(std::io::stderr(), "\nskipped: {row}: {reason}").expect("somebody listens");
}

/// Whether this process may do what only root may.
pub fn is_root() -> bool {
    output(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0")
}

/// The directory with PostgreSQL's own programs, the newest that there is.
pub fn postgres_programs() -> Option<std::path::PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let mut found: Vec<_> = versions.filter_map(|entry| Some(entry.ok()?.path())).collect();
    found.retain(|path| path.join("bin/initdb").exists());
    found.sort_by_key(|path| version(path));
    found.pop().map(|path| path.join("bin"))
}

/// What a command prints, if it succeeds.
pub fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Sends a signal to a process.
pub fn signal(name: &str, pid: u32) {
    let sent = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()), "{name} to {pid}");
}
