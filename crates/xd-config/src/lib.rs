//! Reads the configuration file: TOML, strict, every error with its place.
//!
//! One file configures all programs, so that what `xd scan --config` says of a message is what the gateway would have said.
//! Unknown keys, wrong values and contradictions are errors with file, line and column; nothing is silently replaced by a
//! default. `docs/gateway.md` lists every setting.
//!
//! # Example: what does a small gateway need to be told?
//! ```
//! use xd_config::{Config, NextHop};
//! use xd_core::RuleSource;
//!
//! let file = r#"
//! hostname = "mx.example.net"
//! [[listener]]
//! protocol = "smtp"
//! address = "127.0.0.1:2525"
//! [[domain]]
//! name = "example.com"
//! recipients = ["alice", "bob"]
//! next_hop = ["127.0.0.1:2600"]
//! "#;
//! let config = Config::parse(RuleSource::new("xd.toml", file))?;
//! let domain = config.domain("example.com").unwrap();
//! assert!(domain.recipients.contain("Alice") && !domain.recipients.contain("mallory"));
//! assert_eq!(domain.route.next_hops, ["127.0.0.1:2600".parse::<NextHop>().unwrap()]);
//!
//! let slip = Config::parse(RuleSource::new("xd.toml", "hostname = \"mx.example.net\"\ntreshold = 1\n")).unwrap_err();
//! assert!(slip.to_string().starts_with("xd.toml:2:1: unknown field `treshold`"));
//! # Ok::<(), xd_config::ConfigError>(())
//! ```
#![forbid(unsafe_code)]

mod check;
mod config;
pub mod control;
mod delta;
mod error;
mod gateway;
mod judging;
mod model;
mod source;
mod tables;
mod value;

pub use config::Config;
pub use delta::delta;
pub use error::ConfigError;
pub use gateway::{Archive, Client, DeliverySettings, Limits, Listener, ProtectedDomain, Route, Tls};
pub use model::{NO_MODEL, model};
pub use source::{read, read_directory};
pub use tables::{CapsuleLevel, OnEngineFailure, Protocol, Ptr, TlsPolicy};
pub use value::{Dns, Network, NextHop, PrivateAddresses, Recipients};
