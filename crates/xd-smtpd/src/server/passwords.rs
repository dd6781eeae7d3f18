//! Passwords: a file of argon2 hashes, checked a few at a time, and closed to clients that guess.
//!
//! Each line of the file is `name:hash`, the hash in PHC form as the `argon2` tools print it with `-e`
//! (`$argon2id$v=19$m=19456,t=2,p=1$salt$hash`). Blank lines and lines that begin with `#` are passed over.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordVerifier as _};
use tokio::sync::Semaphore;

use super::guesses::Guesses;
use super::network::counted;
use crate::session::{Authentication, Credentials};

/// Who may authenticate, and who tried in vain.
#[derive(Debug)]
pub struct Passwords {
    hashes: Arc<HashMap<Box<str>, Arc<str>>>,
    /// What the password of a name that does not exist is compared with, so that it takes as long.
    nobody: Arc<str>,
    guard: Arc<Guard>,
}

/// What outlasts a change of the file.
#[derive(Debug)]
struct Guard {
    guesses: Mutex<Guesses>,
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

/// Hashes computed at once: each takes tens of MiB and of milliseconds, and mail must go on meanwhile.
const CHECKS: usize = 2;
/// How long a check waits for its turn.
const CHECK_WAIT: Duration = Duration::from_secs(10);
/// Memory and passes that a hash may ask for: 256 MiB and 16.
const MEMORY_KIB_MAX: u32 = 256 << 10;
const PASSES_MAX: u32 = 16;
/// A hash of no password, for a file without names. The parameters are those that OWASP recommends.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5$QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY";

impl Passwords {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, a line is not `name:hash`, a name stands twice, or a hash is none or asks for too much.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, PasswordError> {
        let (hashes, first) = read(path.as_ref())?;
        let guard = Arc::new(Guard { guesses: Mutex::default(), checks: Semaphore::new(CHECKS) });
        Ok(Self { hashes: Arc::new(hashes), nobody: first.unwrap_or_else(|| NOBODY.into()), guard })
    }

    /// The same names and hashes, with what `former` remembers of those who tried in vain.
    pub(super) fn remembering(&self, former: &Self) -> Self {
        Self { hashes: Arc::clone(&self.hashes), nobody: Arc::clone(&self.nobody), guard: Arc::clone(&former.guard) }
    }

    /// Checks a password. Of a trusted client no failures are counted; where the address is that of nobody, none are held against it.
    pub async fn check(&self, credentials: Credentials, client: IpAddr, trusted: bool) -> Authentication {
        let Credentials { user, authorization, password } = credentials;
        let client = Some(client).filter(|client| !client.is_unspecified()).map(counted);
        let may_try = || {
            let (now, guesses) = (Instant::now(), self.guesses());
            trusted
                || match client {
                    Some(client) => guesses.may_try(client, &user, now),
                    None => guesses.may_anyone_try(&user, now),
                }
        };
        if !may_try() {
            return Authentication::Unavailable;
        }
        // Nobody may act as another.
        let own = authorization.is_empty() || authorization == user;
        let known = self.hashes.get(user.as_str()).cloned();
        let Ok(Ok(_turn)) = tokio::time::timeout(CHECK_WAIT, self.guard.checks.acquire()).await else {
            return Authentication::Unavailable;
        };
        // Others from there may have failed while this waited for its turn.
        if !may_try() {
            return Authentication::Unavailable;
        }
        let hash = Arc::clone(known.as_ref().unwrap_or(&self.nobody));
        let matches = tokio::task::spawn_blocking(move || verify(&hash, &password)).await;
        match matches {
            Ok(true) if own && known.is_some() => {
                if let Some(client) = client {
                    self.guesses().succeeded(client, &user, Instant::now());
                }
                Authentication::Accepted(user.into())
            }
            Ok(_) => {
                if !trusted {
                    self.guesses().failed(client, &user, Instant::now());
                }
                Authentication::Refused
            }
            Err(_) => Authentication::Unavailable,
        }
    }

    fn guesses(&self) -> MutexGuard<'_, Guesses> {
        // A panic elsewhere leaves counts that are still counts.
        self.guard.guesses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hashes by name, and that of the first name: all are likely to have been made alike.
type Hashes = (HashMap<Box<str>, Arc<str>>, Option<Arc<str>>);

fn read(path: &Path) -> Result<Hashes, PasswordError> {
    let text = std::fs::read_to_string(path).map_err(|error| PasswordError::Read(path.to_owned(), error))?;
    let (mut hashes, mut first) = (HashMap::new(), None);
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
        let hash: Arc<str> = hash.into();
        first.get_or_insert_with(|| Arc::clone(&hash));
        if hashes.insert(name.into(), hash).is_some() {
            return Err(wrong("the name stands twice"));
        }
    }
    Ok((hashes, first))
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
