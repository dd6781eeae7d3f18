//! What systemd is told: ready, reloading, stopping (`sd_notify`, `Type=notify`).

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Tells the supervisor, if there is one that wants to know.
pub(crate) fn tell(state: &str) {
    let Some(socket) = std::env::var_os("NOTIFY_SOCKET") else { return };
    // A supervisor that does not listen is not waited for.
    let _ = tell_at(&socket, state);
}

fn tell_at(socket: &OsStr, state: &str) -> io::Result<usize> {
    let address = match socket.as_bytes().strip_prefix(b"@") {
        // A name of the abstract namespace, as supervisors of containers give.
        Some(name) => abstract_name(name)?,
        None => SocketAddr::from_pathname(socket)?,
    };
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address)
}

#[cfg(target_os = "linux")]
fn abstract_name(name: &[u8]) -> io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt;

    SocketAddr::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn abstract_name(_: &[u8]) -> io::Result<SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn abstract_names_are_reached() {
        let name = format!("xd-supervisor-{}", std::process::id());
        let supervisor = UnixDatagram::bind_addr(&abstract_name(name.as_bytes()).unwrap()).unwrap();
        tell_at(OsStr::new(&format!("@{name}")), "READY=1").unwrap();
        let mut heard = [0; 16];
        assert_eq!(supervisor.recv(&mut heard).unwrap(), 7);
        assert_eq!(&heard[..7], b"READY=1");
    }
}
