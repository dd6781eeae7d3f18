//! The gateway: accepts mail by SMTP and LMTP, judges it in the dialogue, makes it durable, and delivers it however long the next
//! server is away.
//!
//! ```text
//! client ──▶ server ──▶ session ──▶ gateway ──▶ spool ═══▶ 250
//!            sockets    dialogue    judges        │
//!                                                 └─▶ delivery ──▶ client ──▶ next hop
//! ```
//!
//! [`session`] and [`client`] are the two sides of SMTP and LMTP without sockets: bytes in, replies and events out. `server` and
//! `delivery` drive them. What judges is `xd-core`; what remembers is `xd-store`. The program `xd-smtpd` is `program::run`.
//!
//! Without the feature `gateway`, on by default, only the two dialogues are built, and neither tokio nor TLS.
#![forbid(unsafe_code)]

#[cfg(feature = "gateway")]
mod admin;
#[cfg(feature = "gateway")]
mod budget;
pub mod client;
#[cfg(feature = "gateway")]
mod control;
#[cfg(feature = "gateway")]
pub mod delivery;
#[cfg(feature = "gateway")]
mod demo;
#[cfg(feature = "gateway")]
mod gateway;
#[cfg(feature = "gateway")]
mod log;
#[cfg(feature = "gateway")]
pub mod program;
#[cfg(feature = "gateway")]
mod run;
#[cfg(feature = "gateway")]
pub mod server;
pub mod session;
