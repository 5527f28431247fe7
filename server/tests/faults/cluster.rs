//! A PostgreSQL of its own: restarted, killed, promoted, and thrown away.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
};

use super::rights::{is_root, output, postgres_programs, signal, skip};

static NUMBERS: AtomicU64 = AtomicU64::new(0);

/// A running PostgreSQL with a socket and no port.
pub struct Cluster {
    programs: PathBuf,
    /// Short, since the name of a socket must be.
    dir: PathBuf,
    as_postgres: bool,
}

impl Cluster {
    /// A new one with these settings; none, and the reason said, where there is no PostgreSQL.
    pub fn start(row: &str, settings: &[&str]) -> Option<Self> {
        let Some(programs) = postgres_programs() else {
            skip(row, "PostgreSQL is not installed");
            return None;
        };
        let as_postgres = is_root();
        if as_postgres && output(Command::new("runuser").args(["-u", "postgres", "--", "true"])).is_none() {
            skip(row, "this is root, and there is no user postgres to run PostgreSQL");
            return None;
        }
        let cluster = Self::at(programs, as_postgres);
        let data = cluster.data();
        let data = data.to_str().expect("a plain path");
        cluster.run("initdb", &["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale"]);
        let mut lines = format!(
            "listen_addresses = ''\nunix_socket_directories = '{}'\nmax_connections = 100\n",
            cluster.dir.display()
        );
        for setting in settings {
            lines.push_str(setting);
            lines.push('\n');
        }
        cluster.configure(&lines);
        cluster.go();
        Some(cluster)
    }

    fn at(programs: PathBuf, as_postgres: bool) -> Self {
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let dir = PathBuf::from(format!("/tmp/placet-faults-{}-{number}", std::process::id()));
        fs::create_dir(&dir).expect("a folder for PostgreSQL");
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).expect("its rights");
        if as_postgres {
            let owned = output(Command::new("chown").arg("postgres").arg(&dir));
            owned.expect("root can give a folder away");
        }
        Self { programs, dir, as_postgres }
    }

    /// A standby that follows this one by streaming under this name, and has confirmed what this one acknowledges from now
    /// on.
    pub fn standby(&self, name: &str) -> Self {
        let standby = Self::at(self.programs.clone(), self.as_postgres);
        let (host, data) = (self.dir.to_str().expect("plain"), standby.data());
        let data = data.to_str().expect("plain");
        standby.run(
            "pg_basebackup",
            &["-h", host, "-U", "postgres", "-D", data, "-R", "-X", "stream", "-c", "fast"],
        );
        standby.configure(&format!(
            "unix_socket_directories = '{}'\nsynchronous_standby_names = ''\n\
             primary_conninfo = 'host={host} user=postgres application_name={name}'\n",
            standby.dir.display(),
        ));
        standby.go();
        standby
    }

    /// Adds settings, which are read at the next start.
    pub fn configure(&self, lines: &str) {
        use std::io::Write as _;
        let file = fs::OpenOptions::new().append(true).open(self.data().join("postgresql.auto.conf"));
        file.and_then(|mut file| file.write_all(lines.as_bytes())).expect("its settings can be written");
    }

    fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// How to reach it.
    pub fn url(&self) -> String {
        format!("postgres://postgres@{}/postgres", escaped(&self.dir))
    }

    /// How to reach this one or another one, whichever can be written to.
    pub fn url_with(&self, other: &Self) -> String {
        let (one, other) = (escaped(&self.dir), escaped(&other.dir));
        format!("postgres://postgres@{one},{other}/postgres?target_session_attrs=read-write")
    }

    /// Starts it, and waits until it answers.
    pub fn go(&self) {
        let (data, log) = (self.data(), self.dir.join("log"));
        let (data, log) = (data.to_str().expect("plain"), log.to_str().expect("plain"));
        self.run("pg_ctl", &["-D", data, "-l", log, "-w", "-t", "60", "start"]);
    }

    /// Stops it as `pg_ctl` names the ways: `smart`, `fast`, `immediate`.
    pub fn stop(&self, mode: &str) {
        let data = self.data();
        self.run("pg_ctl", &["-D", data.to_str().expect("plain"), "-m", mode, "-w", "stop"]);
    }

    /// Makes a standby the primary.
    pub fn promote(&self) {
        let data = self.data();
        self.run("pg_ctl", &["-D", data.to_str().expect("plain"), "-w", "-t", "60", "promote"]);
    }

    /// Kills all its processes as the death of its machine would: none says goodbye.
    pub fn kill(&self) {
        self.signal_all("KILL");
        // Where nobody takes note of the end of orphans, PostgreSQL would take its dead self for alive.
        fs::remove_file(self.data().join("postmaster.pid")).expect("it was there");
    }

    /// The parent first: it must not learn of what happens to its children.
    fn signal_all(&self, name: &str) {
        let pid = fs::read_to_string(self.data().join("postmaster.pid")).expect("it runs");
        let pid: u32 = pid.lines().next().and_then(|line| line.parse().ok()).expect("a process id");
        let children = output(Command::new("pgrep").args(["-P", &pid.to_string()])).unwrap_or_default();
        signal(name, pid);
        for child in children.lines() {
            // One that noticed the death of its parent is gone already.
            let _ = Command::new("kill").args([&format!("-{name}"), child]).stderr(Stdio::null()).status();
        }
    }

    /// Stops all its processes where they are: connections stay open, and nothing answers.
    pub fn freeze(&self) {
        self.signal_all("STOP");
    }

    /// Lets them go on.
    pub fn thaw(&self) {
        self.signal_all("CONT");
    }

    /// A connection that knows nothing of stores.
    pub async fn client(&self) -> tokio_postgres::Client {
        let connected = tokio_postgres::connect(&self.url(), tokio_postgres::NoTls).await;
        let (client, connection) = connected.expect("the database answers");
        tokio::spawn(connection);
        client
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let path = self.programs.join(program);
        let mut command = if self.as_postgres {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        // What it starts must not keep our pipes open: a file, not a pipe.
        let said = std::env::temp_dir().join(format!("placet-faults-{}-{program}", std::process::id()));
        let file = fs::File::create(&said).expect("a file for what it says");
        let errors = file.try_clone().expect("the same file");
        command.args(arguments).current_dir("/").stdin(Stdio::null()).stdout(file).stderr(errors);
        let status = command.status().unwrap_or_else(|error| panic!("{program}: {error}"));
        let text = fs::read_to_string(&said).unwrap_or_default();
        let _ = fs::remove_file(&said);
        let log = fs::read_to_string(self.dir.join("log")).unwrap_or_default();
        assert!(status.success(), "{program} {arguments:?}: {text}\n{log}");
    }
}

fn escaped(path: &Path) -> String {
    path.to_str().expect("a plain path").replace('/', "%2F")
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let pid = fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
        if let Some(pid) = pid.lines().next().and_then(|line| line.parse::<u32>().ok()) {
            // As `pg_ctl stop -m immediate` does.
            let _ = Command::new("kill").args(["-QUIT", &pid.to_string()]).stderr(Stdio::null()).status();
            for _ in 0..100 {
                if !self.data().join("postmaster.pid").exists() {
                    break;
                }
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}
