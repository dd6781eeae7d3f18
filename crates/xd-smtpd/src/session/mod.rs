//! The server's side of a dialogue in SMTP or LMTP: bytes in, replies and events out.
//!
//! RFC 5321, and RFC 1870 (SIZE), 1985 (ETRN), 2033 (LMTP), 2034 (ENHANCEDSTATUSCODES), 2920 (PIPELINING), 3030 (CHUNKING), 3207
//! (STARTTLS), 3461 (DSN), 4954 (AUTH), 6152 (8BITMIME), 6531 (SMTPUTF8); XCLIENT as Postfix documents it. Nothing here opens a
//! socket, reads a clock or knows a recipient: whoever drives a [`Session`] brings bytes and answers, and carries bytes away.
//!
//! # Example: how is a message taken?
//! ```
//! use std::sync::Arc;
//! use xd_smtpd::session::{ClientFacts, Event, Outcome, Protocol, Reply, Session, SessionOptions, StageDecision};
//!
//! let options = Arc::new(SessionOptions::new("mx.example.net", Protocol::Smtp));
//! let mut session = Session::new(options, ClientFacts::default());
//! let mut input = b"".as_slice();
//! let mut contents = Vec::new();
//! loop {
//!     input = &input[session.handle_input(input)..];
//!     match session.poll_event() {
//!         Some(Event::Stage) => session.handle_decision(StageDecision::Continue),
//!         Some(Event::Content(transaction)) => {
//!             contents.push(transaction.content);
//!             session.handle_outcome(Outcome::One(Reply::new(250, (0, 0), "kept")));
//!         }
//!         Some(event) => panic!("{event:?}"),
//!         // The greeting is out, all is answered: the client speaks.
//!         None if contents.is_empty() => {
//!             input = b"EHLO c\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n..\r\n.\r\n";
//!         }
//!         None => break,
//!     }
//! }
//! assert_eq!(contents, [b".\r\n"]);
//! assert!(session.poll_output().ends_with(b"\r\n250 2.0.0 kept\r\n"));
//! ```

mod answers;
mod command;
mod commands;
mod content;
mod dialogue;
mod event;
mod options;
mod parameters;
mod path;
pub mod rehearsal;
mod reply;
mod sasl;
mod xclient;

pub use dialogue::{Phase, Session};
pub use event::{
    Authentication, Body, Credentials, Event, MailParameters, Notify, Outcome, RcptParameters, RefusalRecord, Ret, Stage,
    StageDecision, StageQuestion, Transaction, Xclient,
};
pub use options::{ClientFacts, LineEndings, PathSyntax, Protocol, SessionLimits, SessionOptions};
pub use path::{DOMAIN_MAX, PATH_MAX, Path, PathError};
pub use reply::Reply;
