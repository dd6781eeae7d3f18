//! Listeners, connections, and what protects them: drives [`sessions`](crate::session) over tokio.

mod front;

pub use front::{Front, Peer};
