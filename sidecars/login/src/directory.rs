//! The user directory: a small TOML file.
//!
//! The file is read again when it changes, so that `placet-login user …` works beside a running server. Changes
//! are written to a new file that replaces the old one: a crash leaves the old or the new, never half of one.

mod development;
mod user;

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::SystemTime,
};

use serde::{Deserialize, Serialize};

use crate::vault::Vault;

pub(crate) use self::user::{StoredHash, StoredTotp, User};

/// Why the directory cannot be used, or not be changed so.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DirectoryError {
    /// Another user has that name or that email address.
    #[error("`{0}` is taken")]
    Taken(String),
    /// No such user.
    #[error("there is no user `{0}`")]
    Unknown(String),
    /// The user has a second factor already.
    #[error("the user has a second factor already")]
    Enrolled,
    /// The code was used before, or is of another secret than the one that counts now.
    #[error("the code was used before")]
    Used,
    /// The file cannot be read or written.
    #[error("the user directory `{path}` cannot be used: {source}")]
    File {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not a user directory.
    #[error("the user directory is not valid: {0}")]
    Invalid(String),
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Users {
    #[serde(default, rename = "user")]
    users: Vec<User>,
}

#[derive(Default)]
struct Index {
    users: Vec<Arc<User>>,
    /// Usernames and email addresses, in lower case.
    by_name: HashMap<String, usize>,
    by_sub: HashMap<String, usize>,
    version: Option<Version>,
}

/// Tells one state of the file from the next; the clock of a file system is too coarse alone.
type Version = (SystemTime, u64, u64);

/// The user directory.
pub(crate) struct Directory {
    path: PathBuf,
    index: RwLock<Index>,
}

impl Directory {
    /// Opens the directory.
    pub(crate) fn open(path: &Path) -> Result<Self, DirectoryError> {
        let directory = Self { path: path.to_owned(), index: RwLock::default() };
        directory.load()?;
        Ok(directory)
    }

    /// Opens the directory; creates it with the development users where it does not exist.
    pub(crate) fn open_for_development(path: &Path, vault: &Vault) -> Result<Self, DirectoryError> {
        let directory = Self { path: path.to_owned(), index: RwLock::default() };
        if !path.exists() {
            directory.write(&Users { users: development::users(vault) })?;
        }
        directory.load()?;
        Ok(directory)
    }

    /// Opens the directory, or makes an empty one.
    pub(crate) fn open_or_create(path: &Path) -> Result<Self, DirectoryError> {
        let directory = Self { path: path.to_owned(), index: RwLock::default() };
        if !path.exists() {
            directory.write(&Users::default())?;
        }
        directory.load()?;
        Ok(directory)
    }

    /// The user with that username or email address.
    pub(crate) fn by_name(&self, name: &str) -> Option<Arc<User>> {
        self.refresh();
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        index.by_name.get(&normal(name)).map(|at| Arc::clone(&index.users[*at]))
    }

    /// The user with that subject.
    pub(crate) fn by_sub(&self, sub: &str) -> Option<Arc<User>> {
        self.refresh();
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        index.by_sub.get(sub).map(|at| Arc::clone(&index.users[*at]))
    }

    /// All users.
    pub(crate) fn all(&self) -> Vec<Arc<User>> {
        self.index.read().unwrap_or_else(PoisonError::into_inner).users.clone()
    }

    /// Adds a user. Blocks on the disk.
    pub(crate) fn add(&self, user: User) -> Result<(), DirectoryError> {
        self.change(|users| {
            for name in user.names() {
                if users.iter().any(|other| other.names().any(|known| known == name)) {
                    return Err(DirectoryError::Taken(name));
                }
            }
            if users.iter().any(|other| other.sub == user.sub) {
                return Err(DirectoryError::Taken(user.sub));
            }
            users.push(user);
            Ok(())
        })
    }

    /// Replaces a user's password. Blocks on the disk.
    pub(crate) fn set_password(&self, name: &str, password: StoredHash) -> Result<(), DirectoryError> {
        let wanted = normal(name);
        self.change(|users| {
            let user = users
                .iter_mut()
                .find(|user| normal(&user.username) == wanted)
                .ok_or_else(|| DirectoryError::Unknown(name.to_owned()))?;
            user.password = password;
            Ok(())
        })
    }

    /// Gives a user a second factor, unless there is one: a password alone must not replace it. Blocks on the disk.
    pub(crate) fn enrol(&self, sub: &str, totp: StoredTotp) -> Result<(), DirectoryError> {
        self.change(|users| {
            let user = by_sub(users, sub)?;
            if user.totp.is_some() {
                return Err(DirectoryError::Enrolled);
            }
            user.totp = Some(totp);
            Ok(())
        })
    }

    /// Takes a user's second factor away. Blocks on the disk.
    pub(crate) fn remove_totp(&self, name: &str) -> Result<(), DirectoryError> {
        let sub = self.by_name(name).ok_or_else(|| DirectoryError::Unknown(name.to_owned()))?.sub.clone();
        self.change(|users| {
            by_sub(users, &sub)?.totp = None;
            Ok(())
        })
    }

    /// Uses a code up: that of a time step which is later than any that was used before (RFC 6238 section 5.2). `secret`
    /// is the sealed one that the code was held against. Blocks on the disk.
    pub(crate) fn use_code(&self, sub: &str, (secret, step): (&str, u64)) -> Result<(), DirectoryError> {
        self.change(|users| {
            let totp = by_sub(users, sub)?.totp.as_mut().ok_or(DirectoryError::Used)?;
            if totp.secret() != secret || !totp.use_up(step) {
                return Err(DirectoryError::Used);
            }
            Ok(())
        })
    }

    /// One change at a time, also between processes, on what the file says now.
    fn change(
        &self,
        change: impl FnOnce(&mut Vec<User>) -> Result<(), DirectoryError>,
    ) -> Result<(), DirectoryError> {
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(self.beside("lock"))
            .and_then(|file| file.lock().map(|()| file))
            .map_err(|e| self.failed(e))?;
        let mut file = self.read()?;
        change(&mut file.users)?;
        self.write(&file)?;
        self.load()?;
        drop(lock);
        Ok(())
    }

    fn refresh(&self) {
        let on_disk = self.version();
        let known = self.index.read().unwrap_or_else(PoisonError::into_inner).version;
        if on_disk.is_some() && on_disk != known {
            // A file that is broken for the moment does not take the users away.
            if let Err(error) = self.load() {
                tracing::error!(%error, "the changed user directory is not used");
            }
        }
    }

    fn load(&self) -> Result<(), DirectoryError> {
        // Asked first: what changes after it is noticed by the next look.
        let version = self.version();
        let file = self.read()?;
        let mut index = Index { version, ..Index::default() };
        for (at, user) in file.users.into_iter().enumerate() {
            for name in user.names() {
                if index.by_name.insert(name.clone(), at).is_some_and(|other| other != at) {
                    return Err(DirectoryError::Invalid(format!("two users are called `{name}`")));
                }
            }
            if index.by_sub.insert(user.sub.clone(), at).is_some() {
                return Err(DirectoryError::Invalid(format!("two users have the subject `{}`", user.sub)));
            }
            index.users.push(Arc::new(user));
        }
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = index;
        Ok(())
    }

    fn version(&self) -> Option<Version> {
        let file = fs::metadata(&self.path).ok()?;
        Some((file.modified().ok()?, file.ino(), file.len()))
    }

    fn read(&self) -> Result<Users, DirectoryError> {
        let text = fs::read_to_string(&self.path).map_err(|e| self.failed(e))?;
        // The message of the parser would quote the file, and with it a hash.
        toml::from_str(&text).map_err(|e| DirectoryError::Invalid(e.message().to_owned()))
    }

    fn write(&self, users: &Users) -> Result<(), DirectoryError> {
        let text = toml::to_string(users).map_err(|e| DirectoryError::Invalid(e.to_string()))?;
        let fresh = self.beside("new");
        let written = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&fresh)
            .and_then(|mut file| {
                file.write_all(b"# Users of placet-login; change them with `placet-login user`.\n\n")?;
                file.write_all(text.as_bytes())?;
                file.sync_all()
            })
            .and_then(|()| fs::rename(&fresh, &self.path))
            .and_then(|()| match self.path.parent() {
                Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
                _ => File::open(".")?.sync_all(),
            });
        written.map_err(|e| self.failed(e))
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".");
        name.push(suffix);
        name.into()
    }

    fn failed(&self, source: io::Error) -> DirectoryError {
        DirectoryError::File { path: self.path.clone(), source }
    }
}

fn by_sub<'a>(users: &'a mut [User], sub: &str) -> Result<&'a mut User, DirectoryError> {
    users.iter_mut().find(|user| user.sub == sub).ok_or_else(|| DirectoryError::Unknown(sub.to_owned()))
}

/// The form in which names are compared.
pub(crate) fn normal(name: &str) -> String {
    name.trim().to_lowercase()
}

#[cfg(test)]
mod tests;
