//! Listeners, connections, and what protects them: drives [`sessions`](crate::session) over tokio.
//!
//! A [`Front`] decides and takes messages; everything before that is here: TLS, PROXY and XCLIENT from named peers, passwords,
//! limits and time-outs, the budget of memory, the orderly end.

mod clients;
mod connection;
mod front;
mod guesses;
mod network;
mod passwords;
mod proxy;
mod running;
mod settings;
mod stream;
mod timeouts;
mod tls;

pub use crate::budget::ContentBudget;
pub use clients::ClientLimits;
pub use front::{Front, Peer};
pub use passwords::{PasswordError, Passwords};
pub use running::{Listeners, Server, ServerError, ServerGauges};
pub use settings::{ListenerSettings, ServerSettings, SettingsError};
pub use timeouts::Timeouts;
pub use tls::{CertificateError, Certificates};
