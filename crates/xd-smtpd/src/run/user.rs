//! Becoming another user once all ports are open.

use nix::unistd::{User, geteuid, initgroups, setgid, setuid};

use super::StartError;

/// Becomes this user, for good. Threads that run already become it too: the C library sees to that.
pub(super) fn become_user(name: &str) -> Result<(), StartError> {
    let failed = |why: String| StartError::User { user: name.to_owned(), why };
    let user = User::from_name(name).map_err(|error| failed(error.to_string()))?;
    let user = user.ok_or_else(|| failed("there is no such user".to_owned()))?;
    if user.uid == geteuid() {
        return Ok(());
    }
    let c_name = std::ffi::CString::new(name).map_err(|error| failed(error.to_string()))?;
    // Groups first: afterwards there is no right to change them.
    initgroups(&c_name, user.gid).map_err(|error| failed(format!("cannot take its groups: {error}")))?;
    setgid(user.gid).map_err(|error| failed(format!("cannot take its group: {error}")))?;
    setuid(user.uid).map_err(|error| failed(format!("cannot become it: {error}")))
}
