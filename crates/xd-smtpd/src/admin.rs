//! What is served by HTTP, reading only: metrics for collectors, health for supervisors, status for people.
//!
//! | path | answer |
//! |---|---|
//! | `/healthz` | 200 while the process runs |
//! | `/readyz` | 200 while mail is accepted, else 503 and why |
//! | `/metrics` | counters and gauges in the text format of OpenMetrics |
//! | `/status` | the same as `xd status --format jsonl` |
//!
//! A request must name an address, `localhost` or the host itself in `Host`: a page in somebody's browser that leads a name of its own
//! here learns nothing. No answer allows other origins.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use xd_config::control::Status;

mod metrics;
mod visits;

pub(crate) use visits::Visits;

/// Gives the status of now.
pub(crate) type StatusSource = Arc<dyn Fn() -> Status + Send + Sync>;
/// Says why mail is not accepted, if it is not.
pub(crate) type ReadySource = Arc<dyn Fn() -> Option<String> + Send + Sync>;

#[derive(Clone)]
struct Admin {
    status: StatusSource,
    not_ready: ReadySource,
    hostname: Arc<str>,
}

/// The routes of the admin port.
pub(crate) fn router(status: StatusSource, not_ready: ReadySource, hostname: &str) -> Router {
    let admin = Admin { status, not_ready, hostname: hostname.into() };
    Router::new()
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/status", get(status_json))
        .layer(middleware::from_fn_with_state(admin.clone(), check_host))
        .with_state(admin)
}

async fn check_host(State(admin): State<Admin>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if is_ours(host, &admin.hostname) {
        next.run(request).await
    } else {
        (StatusCode::MISDIRECTED_REQUEST, "this is not that host\n").into_response()
    }
}

/// Whether a `Host` field means us: an address, `localhost`, or our name, each with or without a port.
fn is_ours(host: &str, hostname: &str) -> bool {
    let is_port = |port: &str| port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split_once(']').is_some_and(|(name, port)| name.parse::<Ipv6Addr>().is_ok() && is_port(port));
    }
    let (name, port) = host.split_at(host.find(':').unwrap_or(host.len()));
    let is_name =
        name.parse::<Ipv4Addr>().is_ok() || name.eq_ignore_ascii_case("localhost") || name.eq_ignore_ascii_case(hostname);
    is_name && is_port(port)
}

async fn ready(State(admin): State<Admin>) -> Response {
    match (admin.not_ready)() {
        None => (StatusCode::OK, "ready\n").into_response(),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}

async fn metrics(State(admin): State<Admin>) -> Response {
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match metrics::encode(&(admin.status)()) {
        Ok(text) => ([(header::CONTENT_TYPE, content_type)], text).into_response(),
        // Writing to a string does not fail.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn status_json(State(admin): State<Admin>) -> Response {
    match serde_json::to_string(&(admin.status)()) {
        Ok(text) => ([(header::CONTENT_TYPE, "application/json")], text).into_response(),
        // Numbers and texts always have their JSON.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_names_are_answered() {
        for host in ["127.0.0.1:8025", "127.0.0.1", "[::1]:8025", "localhost:8025", "MX.example.net", "mx.example.net:80"] {
            assert!(is_ours(host, "mx.example.net"), "{host}");
        }
        for host in [
            "",
            "attacker.example",
            "attacker.example:8025",
            "127.0.0.1.attacker.example",
            "[attacker.example]",
            "[::1].attacker.example",
            "[127.0.0.1]attacker.example",
            "127.0.0.1:x",
            "localhost:80:80",
        ] {
            assert!(!is_ours(host, "mx.example.net"), "{host}");
        }
    }
}
