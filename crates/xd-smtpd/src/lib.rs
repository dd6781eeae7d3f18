//! The gateway: accepts mail by SMTP and LMTP, judges it in the dialogue, makes it durable, and delivers it however long the next
//! server is away.
//!
//! ```text
//! client ──▶ server ──▶ session ──▶ gateway ──▶ spool ═══▶ 250
//!            sockets    dialogue    judges        │
//!                                                 └─▶ delivery ──▶ client ──▶ next hop
//! ```
//!
//! [`session`] and [`client`] are the two sides of SMTP and LMTP without sockets: bytes in, replies and events out. [`server`] and
//! [`delivery`] drive them. What judges is `xd-core`; what remembers is `xd-store`. The program `xd-smtpd` is [`program::run`].
#![forbid(unsafe_code)]

mod admin;
pub mod client;
mod control;
pub mod delivery;
mod demo;
mod gateway;
mod log;
pub mod program;
mod run;
pub mod server;
pub mod session;
