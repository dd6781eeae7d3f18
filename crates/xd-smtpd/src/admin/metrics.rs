//! The status as metrics.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode as encode_registry;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use xd_config::control::{DestinationStatus, Status};

/// The metrics of one status in the text format of OpenMetrics.
pub(super) fn encode(status: &Status) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("xd");
    registry.register_collector(Box::new(Snapshot(status.clone())));
    let mut text = String::new();
    encode_registry(&mut text, &registry)?;
    Ok(text)
}

#[derive(Debug)]
struct Snapshot(Status);

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let status = &self.0;
        let mut counter = |name: &str, help: &str, value: u64| {
            let metric = ConstCounter::new(value);
            metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
        };
        counter("messages_accepted", "Messages accepted", status.accepted)?;
        counter("messages_refused", "Messages refused after their content", status.refused)?;
        counter("connections_refused", "Connections refused by limits", status.connections_refused)?;
        counter("connections_exhausted", "Times that none could be accepted", status.connections_exhausted)?;
        counter("recipients_delivered", "Recipients delivered", status.delivered)?;
        counter("recipients_failed", "Recipients refused for good by next hops", status.failed)?;
        counter("recipients_deferred", "Answers of next hops that deferred", status.deferred)?;
        counter("spool_syncs", "Commits that reached the disk", status.spool.syncs)?;
        counter("spool_sync_failures", "Commits that failed", status.spool.sync_failures)?;
        counter("spool_shortages", "Commits put off since something was used up", status.spool.shortages)?;
        counter("spool_unreadable", "Messages that could not be read any more when their segment went", status.spool.unreadable)?;
        counter("journal_records_lost", "Records of the journal that were left out", status.journal.lost)?;
        let mut gauge = |name: &str, help: &str, unit: Option<&Unit>, value: f64| {
            let metric = ConstGauge::new(value);
            metric.encode(encoder.encode_descriptor(name, help, unit, metric.metric_type())?)
        };
        let seconds = |ms: u64| ms as f64 / 1_000.0;
        gauge("ready", "Whether mail is accepted", None, f64::from(u8::from(status.ready)))?;
        gauge("up", "How long the gateway has been running", Some(&Unit::Seconds), seconds(status.up_ms))?;
        gauge("connections", "Connections open", None, status.connections as f64)?;
        gauge("content_size", "Contents being received", Some(&Unit::Bytes), status.content_bytes as f64)?;
        gauge("pressed", "Whether time-outs are short for want of room", None, f64::from(u8::from(status.pressed)))?;
        gauge("queued_messages", "Messages in the spool", None, status.queued as f64)?;
        gauge("held_messages", "Messages of which something is held", None, status.held as f64)?;
        gauge("spool_waiting", "Commits that wait for the disk", None, status.spool.waiting as f64)?;
        let is_short = |short: &Option<String>| f64::from(u8::from(short.is_some()));
        gauge("spool_short", "Whether the spool waits for something that is used up", None, is_short(&status.spool.short))?;
        gauge("journal_short", "Whether the journal does", None, is_short(&status.journal.short))?;
        gauge("journal_waiting", "Records that wait for the disk", None, status.journal.waiting as f64)?;
        let oldest = seconds(status.spool.oldest_waiting_ms);
        gauge("spool_oldest_waiting", "How long the oldest of them has waited", Some(&Unit::Seconds), oldest)?;
        gauge("spool_size", "Bytes of the spool on disk", Some(&Unit::Bytes), status.spool.bytes as f64)?;
        for (name, help, times) in [
            ("answer_time", "From the end of content to its answer, of recent messages", status.answer),
            ("delivery_time", "From acceptance to delivery, of recent recipients", status.delivery),
        ] {
            let metric = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Gauge);
            let mut metric = metric?;
            for (quantile, ms) in [("0.5", times.p50_ms), ("0.95", times.p95_ms), ("0.99", times.p99_ms)] {
                let value = ConstGauge::new(ms / 1_000.0);
                value.encode(metric.encode_family(&[("quantile", quantile)])?)?;
            }
        }
        let mut by_destination = |name: &str, help: &str, unit: Option<&Unit>, value: fn(&DestinationStatus) -> f64| {
            let mut metric = encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?;
            for destination in &status.destinations {
                let value = ConstGauge::new(value(destination));
                value.encode(metric.encode_family(&[("destination", destination.name.as_str())])?)?;
            }
            Ok(())
        };
        by_destination("destination_waiting", "Messages that wait", None, |destination| destination.waiting as f64)?;
        let age: fn(&DestinationStatus) -> f64 = |destination| destination.oldest_ms as f64 / 1_000.0;
        by_destination("destination_oldest", "Age of the oldest of them", Some(&Unit::Seconds), age)?;
        let down: fn(&DestinationStatus) -> f64 = |destination| f64::from(u8::from(destination.down_ms.is_some()));
        by_destination("destination_down", "Whether it cannot be reached", None, down)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_have_names_types_and_an_end() {
        let destinations = vec![DestinationStatus { name: "192.0.2.1:25".to_owned(), waiting: 3, ..Default::default() }];
        let text = encode(&Status { accepted: 7, ready: true, destinations, ..Status::default() }).unwrap();
        for line in [
            "# TYPE xd_messages_accepted counter",
            "xd_messages_accepted_total 7",
            "xd_ready 1.0",
            "xd_answer_time_seconds{quantile=\"0.99\"} 0.0",
            "xd_destination_waiting{destination=\"192.0.2.1:25\"} 3.0",
            "# EOF",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
    }
}
