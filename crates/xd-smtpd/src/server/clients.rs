//! What each client does: connections open, connections and messages a minute.
//!
//! Clients are counted by address, those of IPv6 by their /64. Trusted clients are not counted at all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::network::counted;

/// How much one client may do. The limits bound what a client costs, not what it may send: a large provider sends from many
/// addresses, and who runs into a limit comes again.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClientLimits {
    /// Connections open at once. Default 50, as Postfix has.
    pub connections: u32,
    /// Connections begun a minute. Default 600.
    pub connections_per_minute: u32,
    /// Messages begun a minute. Default 3,000.
    pub messages_per_minute: u32,
}

/// All clients that were seen lately. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub(super) struct Clients(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    clients: HashMap<IpAddr, Client>,
    /// Clients at which those long gone are looked for.
    sweep_at: usize,
}

#[derive(Debug)]
struct Client {
    open: u32,
    minute: Instant,
    connections: u32,
    messages: u32,
}

/// A connection that is counted; no longer when dropped.
#[derive(Debug)]
pub(super) struct Admission {
    clients: Clients,
    address: IpAddr,
}

/// Which limit a client ran into. The complete set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Excess {
    Connections,
    ConnectionRate,
}

const WINDOW: Duration = Duration::from_secs(60);
/// Clients that may be remembered before those long gone are looked for.
const SWEEP_MIN: usize = 1_024;

impl Default for ClientLimits {
    fn default() -> Self {
        Self { connections: 50, connections_per_minute: 600, messages_per_minute: 3_000 }
    }
}

impl Clients {
    /// Counts a connection.
    pub(super) fn admit(&self, address: IpAddr, limits: &ClientLimits, now: Instant) -> Result<Admission, Excess> {
        let address = counted(address);
        self.with(address, now, |client| {
            if client.connections >= limits.connections_per_minute {
                return Err(Excess::ConnectionRate);
            }
            client.connections += 1;
            if client.open >= limits.connections {
                return Err(Excess::Connections);
            }
            client.open += 1;
            Ok(())
        })?;
        Ok(Admission { clients: self.clone(), address })
    }

    fn with<T>(&self, address: IpAddr, now: Instant, act: impl FnOnce(&mut Client) -> T) -> T {
        // A panic elsewhere leaves counts that are still counts.
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if table.clients.len() >= table.sweep_at.max(SWEEP_MIN) {
            table.clients.retain(|_, client| client.open > 0 || now.saturating_duration_since(client.minute) < WINDOW);
            // Twice what is left: each client is looked at twice at most, whatever their number.
            table.sweep_at = table.clients.len() * 2;
        }
        let client = table.clients.entry(address).or_insert(Client { open: 0, minute: now, connections: 0, messages: 0 });
        if now.saturating_duration_since(client.minute) >= WINDOW {
            *client = Client { open: client.open, minute: now, connections: 0, messages: 0 };
        }
        act(client)
    }
}

impl Admission {
    /// Counts a message; `false` where the client began too many.
    pub(super) fn message(&self, limits: &ClientLimits, now: Instant) -> bool {
        self.clients.with(self.address, now, |client| {
            let within = client.messages < limits.messages_per_minute;
            client.messages += u32::from(within);
            within
        })
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut table = self.clients.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = table.clients.get_mut(&self.address) {
            client.open = client.open.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: ClientLimits = ClientLimits { connections: 2, connections_per_minute: 3, messages_per_minute: 1 };

    #[test]
    fn connections_are_counted_while_they_are_open() {
        let (clients, now) = (Clients::default(), Instant::now());
        let address = "192.0.2.1".parse().unwrap();
        let first = clients.admit(address, &LIMITS, now).unwrap();
        let second = clients.admit(address, &LIMITS, now).unwrap();
        assert_eq!(clients.admit(address, &LIMITS, now).unwrap_err(), Excess::Connections);
        drop(first);
        assert_eq!(clients.admit(address, &LIMITS, now).unwrap_err(), Excess::ConnectionRate);
        assert!(clients.admit("192.0.2.2".parse().unwrap(), &LIMITS, now).is_ok());
        assert!(clients.admit(address, &LIMITS, now + WINDOW).is_ok());
        drop(second);
    }

    #[test]
    fn messages_are_counted_by_the_minute() {
        let (clients, now) = (Clients::default(), Instant::now());
        let admission = clients.admit("2001:db8::1".parse().unwrap(), &LIMITS, now).unwrap();
        let neighbour = clients.admit("2001:db8::2".parse().unwrap(), &LIMITS, now).unwrap();
        assert!(admission.message(&LIMITS, now));
        assert!(!neighbour.message(&LIMITS, now));
        assert!(neighbour.message(&LIMITS, now + WINDOW));
    }

    #[test]
    fn clients_long_gone_are_forgotten() {
        let (clients, now) = (Clients::default(), Instant::now());
        for number in 0..10_000_u32 {
            drop(clients.admit(IpAddr::from(number.to_be_bytes()), &LIMITS, now + WINDOW * number));
        }
        assert!(clients.0.lock().unwrap().clients.len() <= SWEEP_MIN);
    }
}
