//! A disk that is full.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    ledger::Load,
    rights::{alone, is_root, output, skip},
    server::Site,
};

/// A small disk, mounted for as long as this is there.
struct Disk(PathBuf);

impl Disk {
    /// One in memory; none, and the reason said, where that is not allowed.
    fn mounted(row: &str, at: &Path) -> Option<Self> {
        if !is_root() {
            skip(row, "only root can mount a small disk");
            return None;
        }
        fs::create_dir(at).expect("a folder");
        let mut mount = Command::new("mount");
        if output(mount.args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"]).arg(at)).is_none() {
            skip(row, "this machine lets nobody mount");
            return None;
        }
        Some(Self(at.to_owned()))
    }

    /// Writes until nothing more fits.
    fn fill(&self) {
        use std::io::Write as _;
        let mut file = fs::File::create(self.0.join("filler")).expect("a file");
        // First much at a time, then the last bytes.
        for size in [1 << 16, 1 << 12, 1] {
            let block = vec![0_u8; size];
            while file.write_all(&block).is_ok() {}
        }
    }

    fn make_room(&self) {
        fs::remove_file(self.0.join("filler")).expect("it is there");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_costs_nothing_acknowledged_and_is_nobodys_fault() {
    let _alone = alone().await;
    let site = Site::new(None);
    let Some(disk) = Disk::mounted("a full disk", &site.data()) else { return };
    let mut server = site.server().await;
    let load = Load::start(std::slice::from_ref(&server.caller), 8);
    load.more(40).await;
    disk.fill();
    let before = load.troubles();
    for _ in 0..1_200 {
        if load.troubles() > before + 40 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(load.troubles() > before + 40, "nothing can be stored");
    let keys = server.caller.get(&format!("{}/jwks", server.caller.public)).await;
    assert!(keys.success().is_some());
    disk.make_room();
    load.more(40).await;
    // Also what was acknowledged in between survives a kill.
    let ledger = load.end().await;
    let (public, private) = server.ports;
    server.kill();
    let server = site.server_at(public, private).await;
    ledger.settle(std::slice::from_ref(&server.caller)).await;
    drop(server);
}
