//! The status of a running gateway, gathered from its parts.

use std::time::Duration;

use xd_config::control::{DestinationStatus, JournalStatus, Percentiles, SpoolStatus, Status};

use super::Answering;
use crate::delivery;

/// Destinations named; the busiest, where there are more.
const DESTINATIONS_MAX: usize = 1_000;

impl Answering {
    pub(super) fn status(&self) -> Status {
        let (gateway, server) = (&self.gateway, self.server.gauges());
        let journal = gateway.ledger().gauges();
        let (spool, delivery) = (gateway.spool().gauges(), gateway.delivery().status());
        let (accepted, refused) = gateway.tally().counts();
        let not_ready = gateway.not_ready();
        let mut destinations: Vec<_> = delivery.destinations.into_iter().map(destination).collect();
        destinations.sort_by(|a, b| b.waiting.cmp(&a.waiting).then_with(|| a.name.cmp(&b.name)));
        destinations.truncate(DESTINATIONS_MAX);
        Status {
            up_ms: ms(self.began.elapsed()),
            ready: not_ready.is_none(),
            not_ready,
            engine: gateway.world().engine().hash().to_string(),
            connections: server.connections as u64,
            connections_refused: server.refused,
            connections_exhausted: server.exhausted,
            content_bytes: server.content_octets as u64,
            pressed: server.pressed,
            accepted,
            refused,
            delivered: delivery.delivered,
            failed: delivery.failed,
            deferred: delivery.deferred,
            queued: spool.live_messages,
            held: delivery.held,
            answer: gateway.tally().answers(),
            delivery: Percentiles {
                p50_ms: fraction(delivery.latencies.p50),
                p95_ms: fraction(delivery.latencies.p95),
                p99_ms: fraction(delivery.latencies.p99),
            },
            destinations,
            spool: SpoolStatus {
                waiting: spool.waiting,
                oldest_waiting_ms: spool.oldest_waiting.map_or(0, ms),
                syncs: spool.commits,
                sync_failures: spool.sync_failures,
                bytes: spool.bytes,
                shortages: spool.shortages,
                short: spool.short.as_deref().map(str::to_owned),
                unreadable: spool.unreadable,
            },
            journal: JournalStatus {
                waiting: journal.waiting,
                lost: journal.lost,
                short: journal.short.as_deref().map(str::to_owned),
            },
        }
    }
}

fn destination(status: delivery::DestinationStatus) -> DestinationStatus {
    DestinationStatus {
        name: status.name,
        waiting: status.waiting,
        oldest_ms: ms(status.oldest),
        connections: status.connections,
        limit: status.limit,
        down_ms: status.down_for.map(ms),
        rate: status.rate,
        eta_ms: status.eta.map(ms),
        last_error: status.last_error,
    }
}

fn ms(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn fraction(span: Duration) -> f64 {
    span.as_secs_f64() * 1_000.0
}
