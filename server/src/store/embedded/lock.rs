//! A file has one owner: two processes would each trust what they remember of it.

use std::{
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use crate::store::{Result, StoreError};

/// The lock beside a database file, held until dropped. The system releases it when the process dies.
pub(super) struct FileLock {
    _file: File,
}

impl FileLock {
    pub(super) fn take(path: &Path) -> Result<Self> {
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let unavailable = |cause: &dyn std::fmt::Display| {
            StoreError::Unavailable(format!("cannot lock `{}`: {cause}", path.display()))
        };
        let file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(false)
            .mode(0o600)
            .open(&name)
            .map_err(|error| unavailable(&error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(unavailable(&"another process has it open")),
            Err(TryLockError::Error(error)) => Err(unavailable(&error)),
        }
    }
}
