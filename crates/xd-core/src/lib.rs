//! Judges mail as a pure function.
#![forbid(unsafe_code)]

mod address;
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
pub mod rules;
mod score;
mod timestamp;
mod truth;
mod verdict;

pub use address::{ForwardPath, Mailbox, ReversePath};
pub use defect::{Defect, Defects};
pub use domain::{Domain, DomainError, Host};
pub use engine::{Engine, EngineHash, SEMANTICS};
pub use envelope::Envelope;
pub use evidence::{Evidence, Operator, Settings, SpamClass, Thresholds, ThresholdsError};
pub use html::HtmlFacts;
pub use judge::{Judgement, judge};
pub use known::{Known, Unknown};
pub use limits::Limits;
pub use link::{Link, LinkOrigin, LinkTrick, LinkTricks};
pub use message::{Message, View, normalize};
pub use rules::{RuleError, RuleErrors, RuleSource};
pub use score::{Score, ScoreError};
pub use timestamp::Timestamp;
pub use truth::Truth;
pub use verdict::{Class, Finding, OpenFinding, Proof, Verdict};
