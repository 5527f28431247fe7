//! The program as `bench/run` calls it, with the bare handler as the server. Nothing here looks at how fast anything is.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Output},
    time::Duration,
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_placet-bench");

/// A bare handler that ends with the test.
struct Bare {
    process: Child,
    address: SocketAddr,
}

impl Bare {
    fn start() -> Self {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let process = Command::new(PROGRAM).args(["bare", "--listen", &address.to_string()]).spawn().unwrap();
        let bare = Self { process, address };
        for _ in 0..3000 {
            if TcpStream::connect(address).is_ok() {
                return bare;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the bare handler does not listen");
    }

    /// Loads it with a few requests, as the bare handler and as a server.
    fn load(&self, more: &[&str]) -> Output {
        let (address, pid) = (self.address.to_string(), self.process.id().to_string());
        let mut command = Command::new(PROGRAM);
        command.args(["load", "--check", "--bare", &address, "--bare-pid", &pid, "--public", &address]);
        command
            .args(["--connections", "2", "--warm-up", "0", "--seconds", "60", "--requests", "8"])
            .args(more);
        command.output().unwrap()
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn right_answers_pass() {
    let output = Bare::start().load(&["bare-plain", "bare-signed"]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("\n2 passed, 0 failed\n"), "{}", said(&output));
}

#[test]
fn wrong_answers_are_no_fast_ones() {
    let output = Bare::start().load(&["keys"]);
    assert!(!output.status.success(), "there is no key set: {}", said(&output));
    assert!(said(&output).contains("404"), "{}", said(&output));
    assert!(said(&output).contains("\n0 passed, 1 failed\n"), "{}", said(&output));
}

#[test]
fn of_an_option_that_is_there_twice_the_last_counts() {
    let output = Bare::start().load(&["bare-plain", "--requests", "5"]);
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn results_become_a_page() {
    let folder = std::env::temp_dir().join(format!("placet-bench-page-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("results.jsonl");
    let json = file.to_str().unwrap();
    let loaded = Bare::start().load(&["bare-plain", "--json", json]);
    let page = Command::new(PROGRAM).args(["report", json]).output().unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(loaded.status.success(), "{}", said(&loaded));
    assert!(said(&page).contains("| bare-plain | bare |"), "{}", said(&page));
}
