//! Who may enter the console for operators: links that are good once, and the sessions that they began.
//!
//! Both live in the memory of the process that printed the link, as digests (docs/decisions/0024). A session has the roles of
//! the admin who asked for its link, as the configuration gives them now.

use std::sync::{Mutex, MutexGuard, PoisonError};

use placet_oauth::id::Secret;

use crate::{outcome::Fault, random, server::Server, store::Digest};

/// How long a link waits to be opened, in seconds.
pub const LINK_LIFE: i64 = 120;
/// A session ends when it was not used for so many seconds.
pub const IDLE: i64 = 30 * 60;
/// A session ends after so many seconds in any case.
pub const LONGEST: i64 = 8 * 60 * 60;
/// So many links wait at once, and so many sessions last: the oldest give way.
const LINKS: usize = 32;
const SESSIONS: usize = 64;

const LINK: &str = "console link";
const SESSION: &str = "console session";
const FORM: &str = "console form";

/// The links and sessions of this process.
#[derive(Debug, Default)]
pub struct Doors(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    links: Vec<Link>,
    sessions: Vec<Session>,
}

#[derive(Debug)]
struct Link {
    digest: Digest,
    admin: String,
    until: i64,
}

#[derive(Debug)]
struct Session {
    digest: Digest,
    admin: String,
    until: i64,
    idle_until: i64,
}

impl Doors {
    fn lock(&self, now: i64) -> MutexGuard<'_, Open> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.links.retain(|link| now < link.until);
        open.sessions.retain(|session| now < session.until.min(session.idle_until));
        open
    }
}

/// A link for this admin, good once and soon.
pub fn link(server: &Server, admin: &str) -> Result<Secret, Fault> {
    let secret = random::secret(server.random())?;
    let now = server.now();
    let link =
        Link { digest: server.root().digest(LINK, &secret), admin: admin.to_owned(), until: now + LINK_LIFE };
    let mut open = server.doors().lock(now);
    make_room(&mut open.links, LINKS);
    open.links.push(link);
    Ok(secret)
}

/// Uses a link up. Gives whose it was, and the secret of the session that begins; none if it is no link, or none any more.
pub fn enter(server: &Server, link: &Secret) -> Result<Option<(String, Secret)>, Fault> {
    let secret = random::secret(server.random())?;
    let (now, digest) = (server.now(), server.root().digest(LINK, link));
    let mut open = server.doors().lock(now);
    let Some(at) = open.links.iter().position(|known| known.digest == digest) else { return Ok(None) };
    let Link { admin, .. } = open.links.swap_remove(at);
    make_room(&mut open.sessions, SESSIONS);
    open.sessions.push(Session {
        digest: server.root().digest(SESSION, &secret),
        admin: admin.clone(),
        until: now + LONGEST,
        idle_until: now + IDLE,
    });
    Ok(Some((admin, secret)))
}

/// The name of the admin whose session this is; it was used just now.
pub fn admin_of(server: &Server, secret: &Secret) -> Option<String> {
    let (now, digest) = (server.now(), server.root().digest(SESSION, secret));
    let mut open = server.doors().lock(now);
    let session = open.sessions.iter_mut().find(|session| session.digest == digest)?;
    session.idle_until = now + IDLE;
    Some(session.admin.clone())
}

/// Ends a session.
pub fn leave(server: &Server, secret: &Secret) {
    let digest = server.root().digest(SESSION, secret);
    server.doors().lock(server.now()).sessions.retain(|session| session.digest != digest);
}

/// What forms of a session carry: pages of others cannot know it.
pub fn form_token(server: &Server, secret: &Secret) -> Digest {
    server.root().digest(FORM, secret)
}

fn make_room<T>(all: &mut Vec<T>, most: usize) {
    while all.len() >= most {
        all.remove(0);
    }
}
