//! What systemd is told: ready, reloading, stopping (`sd_notify`, `Type=notify`).

use std::os::unix::net::UnixDatagram;

/// Tells the supervisor, if there is one that wants to know.
pub(crate) fn tell(state: &str) {
    let Some(socket) = std::env::var_os("NOTIFY_SOCKET") else { return };
    // A supervisor that does not listen is not waited for. Abstract sockets (`@…`) are those of containers, which have files too.
    let _ = UnixDatagram::unbound().and_then(|datagram| datagram.send_to(state.as_bytes(), socket));
}
