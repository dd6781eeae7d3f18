//! Judges mail as a pure function: parse, gather evidence, find, score, explain.
//!
//! ```text
//! bytes ─▶ Message ─▶ Evidence ─▶ [Finding] ─▶ Verdict
//! ```
//!
//! Each arrow is a plain value. Nothing here reads a file, a socket, a clock or the environment, draws a random number,
//! starts a thread or prints: what is needed from outside is asked for ([`evidence::Inquiry`]) and comes in as
//! [`Evidence`]; the same engine, message and evidence give the same verdict on any processor, forever.
//!
//! # Example: the whole road
//! ```
//! use xd_core::{Engine, Known, Limits, Message, Unknown, View, evidence, judge, report};
//!
//! // An engine is rules, compiled and checked, named by a hash. The rules that come with xd:
//! let engine = Engine::builtin()?;
//!
//! // Any bytes are a message; what is wrong with them is recorded.
//! let raw = b"Received: from mail.example.net (mail.example.net [192.0.2.7])\r\n\
//!     \tby mx.example.com with ESMTP id 1; Sun, 22 Nov 2026 01:00:00 +0000\r\n\
//!     From: \"Accounts\" <accounts@example.net>\r\nTo: bob@example.com\r\n\
//!     Date: Sun, 22 Nov 2026 01:00:00 +0000\r\nMessage-ID: <1@example.net>\r\n\
//!     Subject: Lunch\r\n\r\nShall we say one o'clock?\r\n";
//! let message = Message::parse(raw, &Limits::default());
//! assert_eq!(message.view(View::Plain).normal(), "shall we say one o'clock?");
//! assert!(message.defects().is_empty());
//!
//! // Facts about the world: here only what the trace field tells. The rest is unknown, which is not the same as absent.
//! let (envelope, evidence) = evidence::derive(&message);
//! assert_eq!(envelope.client_address, Known::Found("192.0.2.7".parse().unwrap()));
//! assert_eq!(evidence.spf, Known::Unknown(Unknown::NotAsked));
//!
//! // A verdict is a sum, and says how far what is unknown could still move it.
//! let judgement = judge(&engine, &envelope, &message, &evidence);
//! let verdict = judgement.verdict();
//! assert_eq!(verdict.class.as_str(), "clean");
//! assert!(verdict.low <= verdict.score && verdict.score <= verdict.high);
//! for field in report::header_fields(verdict, judgement.engine) {
//!     print!("{}", field.to_field());
//! }
//! # Ok::<(), xd_core::RuleErrors>(())
//! ```
#![forbid(unsafe_code)]

mod address;
pub mod capsule;
pub mod classify;
mod defect;
mod domain;
mod engine;
mod envelope;
pub mod evidence;
mod html;
mod judge;
mod known;
mod limits;
mod link;
pub mod lookalike;
pub mod message;
pub mod report;
pub mod routing;
pub mod rules;
pub mod schedule;
mod score;
mod timestamp;
mod truth;
mod verdict;

pub use address::{ForwardPath, Mailbox, ReversePath};
pub use defect::{Defect, Defects};
pub use domain::{Domain, DomainError, Host};
pub use engine::{Engine, EngineHash, EngineHashError, SEMANTICS};
pub use envelope::Envelope;
pub use evidence::{Evidence, Operator, Settings, SpamClass, Thresholds, ThresholdsError};
pub use html::HtmlFacts;
pub use judge::{Judgement, judge};
pub use known::Known;
pub use limits::Limits;
pub use link::{Link, LinkOrigin, LinkTrick, LinkTricks};
pub use message::{Message, Notice, Stripped, Stripping, View, normalize};
pub use rules::{RuleError, RuleErrors, RuleSource};
pub use score::{Score, ScoreError};
pub use timestamp::Timestamp;
pub use truth::Truth;
pub use verdict::{Class, Finding, OpenFinding, Proof, Verdict};
pub use xd_auth::Unknown;
pub use xd_container::{Sign, Signs};

/// The examples of the README compile and run.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct ReadmeExamples;
