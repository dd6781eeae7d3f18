//! Passwords: a file of argon2 hashes, checked a few at a time, and closed to clients that guess.
//!
//! Each line of the file is `name:hash`, the hash in PHC form as the `argon2` tools print it with `-e`
//! (`$argon2id$v=19$m=19456,t=2,p=1$salt$hash`). Blank lines and lines that begin with `#` are passed over.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordVerifier as _};
use tokio::sync::Semaphore;

use super::network::counted;
use crate::session::{Authentication, Credentials};

/// Who may authenticate, and who tried in vain.
#[derive(Debug)]
pub struct Passwords {
    path: PathBuf,
    hashes: RwLock<Arc<HashMap<Box<str>, Arc<str>>>>,
    failures: Mutex<Failures>,
    checks: Semaphore,
}

/// Why a password file cannot be used: it points at the operator. The complete set.
#[derive(Debug, thiserror::Error)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum PasswordError {
    /// It cannot be read.
    #[error("password file {0} cannot be read: {1}")]
    Read(PathBuf, std::io::Error),
    /// A line is not what it must be.
    #[error("{0}:{1}: {2}")]
    Line(PathBuf, usize, &'static str),
}

type Failures = HashMap<Key, Count>;

/// Whose failures are counted.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Key {
    Client(IpAddr),
    User(Box<str>),
}

#[derive(Debug)]
struct Count {
    failures: u32,
    since: Instant,
}

/// Hashes computed at once: each takes tens of MiB and of milliseconds, and mail must go on meanwhile.
const CHECKS: usize = 2;
/// How long a check waits for its turn.
const CHECK_WAIT: Duration = Duration::from_secs(10);
/// Failures of a client, then of a name from anywhere, after which no further password is looked at. Names bear more: who knows
/// a name must not be able to lock its owner out with a few lines.
const CLIENT_FAILURES_MAX: u32 = 10;
const USER_FAILURES_MAX: u32 = 100;
/// How long failures count, from the first of them.
const FAILURES_LAST: Duration = Duration::from_secs(15 * 60);
/// Clients and names remembered; beyond, those whose time is over are forgotten, then all.
const REMEMBERED_MAX: usize = 100_000;
/// Memory and passes that a hash may ask for: 256 MiB and 16.
const MEMORY_KIB_MAX: u32 = 256 << 10;
const PASSES_MAX: u32 = 16;
/// What the password of a name that does not exist is compared with, so that it takes as long. The parameters are those that
/// OWASP recommends; the hash is of no password.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5$QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY";

impl Passwords {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, a line is not `name:hash`, a name stands twice, or a hash is none or asks for too much.
    pub fn load(path: impl Into<PathBuf>) -> Result<Self, PasswordError> {
        let path = path.into();
        let hashes = RwLock::new(Arc::new(read(&path)?));
        Ok(Self { path, hashes, failures: Mutex::default(), checks: Semaphore::new(CHECKS) })
    }

    /// Reads the file again.
    ///
    /// # Errors
    /// As [`load`](Self::load); then what was read before stays in use.
    pub fn reload(&self) -> Result<(), PasswordError> {
        let hashes = Arc::new(read(&self.path)?);
        *self.hashes.write().unwrap_or_else(PoisonError::into_inner) = hashes;
        Ok(())
    }

    /// Checks a password. Of a trusted client no failures are counted.
    pub async fn check(&self, credentials: Credentials, client: IpAddr, trusted: bool) -> Authentication {
        let Credentials { user, authorization, password } = credentials;
        let keys = [Key::Client(counted(client)), Key::User(user.as_str().into())];
        if !trusted && self.is_locked(&keys, Instant::now()) {
            return Authentication::Unavailable;
        }
        // Nobody may act as another.
        let own = authorization.is_empty() || authorization == user;
        let hashes = Arc::clone(&self.hashes.read().unwrap_or_else(PoisonError::into_inner));
        let known = hashes.get(user.as_str()).cloned();
        let Ok(Ok(_turn)) = tokio::time::timeout(CHECK_WAIT, self.checks.acquire()).await else {
            return Authentication::Unavailable;
        };
        let hash = known.clone().unwrap_or_else(|| NOBODY.into());
        let matches = tokio::task::spawn_blocking(move || verify(&hash, &password)).await;
        match matches {
            Ok(true) if own && known.is_some() => Authentication::Accepted(user.into()),
            Ok(_) => {
                if !trusted {
                    self.count(keys, Instant::now());
                }
                Authentication::Refused
            }
            Err(_) => Authentication::Unavailable,
        }
    }

    fn is_locked(&self, keys: &[Key; 2], now: Instant) -> bool {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let locked = |key: &Key, max| failures.get(key).is_some_and(|count| count.failures >= max && count.lasts(now));
        locked(&keys[0], CLIENT_FAILURES_MAX) || locked(&keys[1], USER_FAILURES_MAX)
    }

    fn count(&self, keys: [Key; 2], now: Instant) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= REMEMBERED_MAX {
            failures.retain(|_, count| count.lasts(now));
            if failures.len() >= REMEMBERED_MAX {
                failures.clear();
            }
        }
        for key in keys {
            let count = failures.entry(key).or_insert(Count { failures: 0, since: now });
            if !count.lasts(now) {
                *count = Count { failures: 0, since: now };
            }
            count.failures = count.failures.saturating_add(1);
        }
    }
}

impl Count {
    fn lasts(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) < FAILURES_LAST
    }
}

fn read(path: &Path) -> Result<HashMap<Box<str>, Arc<str>>, PasswordError> {
    let text = std::fs::read_to_string(path).map_err(|error| PasswordError::Read(path.to_owned(), error))?;
    let mut hashes = HashMap::new();
    for (index, line) in text.lines().enumerate() {
        let wrong = |why| PasswordError::Line(path.to_owned(), index + 1, why);
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, hash) = line.split_once(':').ok_or_else(|| wrong("a line is name:hash"))?;
        if name.is_empty() {
            return Err(wrong("the name is missing"));
        }
        check_hash(hash).map_err(wrong)?;
        if hashes.insert(name.into(), hash.into()).is_some() {
            return Err(wrong("the name stands twice"));
        }
    }
    Ok(hashes)
}

fn check_hash(hash: &str) -> Result<(), &'static str> {
    let hash = PasswordHash::new(hash).map_err(|_| "the hash is not in PHC form: $argon2id$v=19$m=...,t=...,p=...$salt$hash")?;
    let parameters = argon2::Params::try_from(&hash).map_err(|_| "the hash is not of argon2")?;
    if !matches!(hash.algorithm.as_str(), "argon2d" | "argon2i" | "argon2id") || hash.hash.is_none() {
        return Err("the hash is not of argon2");
    }
    if parameters.m_cost() > MEMORY_KIB_MAX || parameters.t_cost() > PASSES_MAX {
        return Err("the hash asks for more than 256 MiB or 16 passes");
    }
    Ok(())
}

fn verify(hash: &str, password: &[u8]) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| Argon2::default().verify_password(password, &hash).is_ok())
}
