//! How many connections the descriptors of the process are for.

use serde_json::{Value, json};

use crate::delivery::DeliveryOptions;
use crate::server::ServerSettings;

/// Descriptors for what is neither a client nor a delivery: segments, sockets of our own, name servers.
const DESCRIPTORS_ELSEWHERE: u64 = 256;

/// Takes care that connections do not need more descriptors than the process may have: without one, a segment cannot be begun, nor a message
/// read. Says so where less is done than was asked for.
pub(super) fn fit(server: &mut ServerSettings, delivery: &mut DeliveryOptions) -> Option<Value> {
    let most = rustix::process::getrlimit(rustix::process::Resource::Nofile).current?;
    share(most, server, delivery)
}

fn share(most: u64, server: &mut ServerSettings, delivery: &mut DeliveryOptions) -> Option<Value> {
    let count = |part: u64| usize::try_from(part).unwrap_or(usize::MAX);
    let deliveries = delivery.resources.connections.min(count(most / 4));
    let clients = count(most - most / 4 - DESCRIPTORS_ELSEWHERE.min(most / 4));
    let clients = clients.saturating_add(count(most / 4) - deliveries);
    let wanted = (server.connections, delivery.resources.connections);
    server.descriptors = clients;
    // Our own find room when strangers have taken theirs.
    server.connections = server.connections.min(clients - clients / 8);
    delivery.resources.connections = deliveries;
    let fits = wanted == (server.connections, deliveries);
    (!fits).then(|| json!({ "descriptors": most, "connections": server.connections, "deliveries": deliveries }))
}

#[cfg(test)]
mod tests {
    use xd_config::Config;
    use xd_core::RuleSource;

    use super::super::settings::{delivery, server};
    use super::*;

    #[test]
    fn connections_fit_the_descriptors_there_are() {
        let config = Config::parse(RuleSource::new("xd.toml", "dns = \"off\"")).unwrap();
        for (most, fits) in [(64, false), (1_024, false), (12_000, false), (65_536, true), (u64::MAX, true)] {
            let (mut server, mut delivery) = (server(&config).unwrap(), delivery(&config).unwrap());
            assert_eq!(share(most, &mut server, &mut delivery).is_none(), fits, "{most}");
            let elsewhere = most - (server.descriptors as u64).min(most) - delivery.resources.connections as u64;
            assert!(elsewhere >= DESCRIPTORS_ELSEWHERE.min(most / 4), "{most}: {elsewhere}");
            assert!(server.connections <= server.descriptors && delivery.resources.connections > 0);
        }
    }
}
