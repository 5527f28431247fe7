//! Two servers behind a proxy, set up as docs/operations.md says; one is stopped under load.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use super::{
    caller::Caller,
    cluster::Cluster,
    ledger::Load,
    rights::{all, alone, is_root, output, skip},
    server::{Site, free_port},
};

/// A running nginx.
struct Nginx {
    child: Child,
    folder: PathBuf,
}

/// The settings that the documentation tells people to use, for these servers.
fn documented(port: u16, servers: [u16; 2]) -> String {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operations.md");
    let page = fs::read_to_string(page).expect("the page is there");
    let block = page.split("```nginx").nth(1).and_then(|rest| rest.split("```").next());
    let block = block.expect("it has a block for nginx");
    for named in ["127.0.0.1:8380", "127.0.0.1:8480", "listen 443 ssl;"] {
        assert!(block.contains(named), "{named}");
    }
    // No certificate here: what nginx does towards the servers is the same.
    block
        .replace("127.0.0.1:8380", &format!("127.0.0.1:{}", servers[0]))
        .replace("127.0.0.1:8480", &format!("127.0.0.1:{}", servers[1]))
        .replace("listen 443 ssl;", &format!("listen 127.0.0.1:{port};"))
}

impl Nginx {
    fn start(port: u16, servers: [u16; 2]) -> Self {
        let folder = std::env::temp_dir().join(format!("placet-nginx-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).expect("a folder");
        let user = if is_root() { "user root;" } else { "" };
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|what| format!("{what}_temp_path {}/{what};\n", folder.display()))
            .collect::<Vec<_>>()
            .concat();
        let settings = format!(
            "{user}\ndaemon off;\npid {0}/pid;\nerror_log {0}/error.log;\nworker_processes 1;\n\
             events {{ worker_connections 512; }}\nhttp {{\naccess_log off;\n{temporary}{1}}}\n",
            folder.display(),
            documented(port, servers)
        );
        let file = folder.join("nginx.conf");
        fs::write(&file, settings).expect("its settings");
        let mut command = Command::new("nginx");
        command.arg("-p").arg(&folder).arg("-c").arg(&file).arg("-e").arg(folder.join("error.log"));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Self { child: child.expect("nginx starts"), folder }
    }

    fn said(&self) -> String {
        fs::read_to_string(self.folder.join("error.log")).unwrap_or_default()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its workers end with it only if it is asked.
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails_while_one_of_two_servers_behind_the_documented_proxy_is_stopped() {
    let row = "two servers behind nginx";
    let _alone = alone().await;
    if output(Command::new("nginx").arg("-v")).is_none() {
        return skip(row, "nginx is not installed");
    }
    let Some(cluster) = Cluster::start(row, &[]) else { return };
    let site = Site::new(Some(cluster.url()));
    let (mut one, two) = (site.server().await, site.server().await);
    let ports = one.ports;
    let port = free_port();
    let nginx = Nginx::start(port, [one.ports.0, two.ports.0]);
    let through = Caller::new(format!("http://127.0.0.1:{port}"), two.caller.private.clone());
    while through.get(&format!("{}/jwks", through.public)).await.success().is_none() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let load = Load::start(std::slice::from_ref(&through), 12);
    for round in 0..if all() { 3 } else { 1 } {
        load.more(60).await;
        one.signal("TERM");
        load.more(60).await;
        assert!(one.ended().await, "it ends well");
        load.more(20).await;
        if round < 2 && all() {
            one = site.server_at(ports.0, ports.1).await;
            // So long the proxy leaves one alone that did not answer.
            tokio::time::sleep(Duration::from_secs(11)).await;
        }
    }
    assert_eq!(load.troubles(), 0, "nobody noticed: {}", nginx.said());
    load.end().await.settle(std::slice::from_ref(&through)).await;
}
