//! A folder of a test, which goes away with it, also when the test fails.

use std::{
    ops::Deref,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

static NUMBERS: AtomicU64 = AtomicU64::new(0);

/// A folder that nobody else uses.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// A new one; the name is for whoever looks on.
    pub fn new(name: &str) -> Self {
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("placet-spec-{}-{number}-{name}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Deref for Folder {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl AsRef<Path> for Folder {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A server that is about to end may write a file while the others are removed.
        for _ in 0..5 {
            if std::fs::remove_dir_all(&self.0).is_ok() {
                return;
            }
        }
    }
}
