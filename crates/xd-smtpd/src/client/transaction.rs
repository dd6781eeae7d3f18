//! A transaction under way: which of its commands wait, and what is known of each recipient.

use std::collections::VecDeque;

use super::content::Stuffing;
use super::dialogue::Token;
use super::{Answer, Fault, RecipientResult, Reply, Stage};

/// What a reply answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Expected {
    Greeting,
    Ehlo,
    Helo,
    StartTls,
    Mail,
    Rcpt(usize),
    Data,
    /// The reply to the content; of LMTP, for this recipient.
    Content(usize),
    /// The reply to an empty content that was sent for nobody.
    Nothing,
    Rset,
    Quit,
}

#[derive(Debug)]
pub(super) struct Transaction {
    pub(super) token: Token,
    /// The commands that wait for the reply to the one before: without pipelining.
    pub(super) waiting: VecDeque<(Expected, String)>,
    /// For each recipient, what is known; none while it may still be delivered.
    pub(super) results: Vec<Option<RecipientResult>>,
    /// Whether anything of it was answered.
    pub(super) answered: bool,
    pub(super) content: Content,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Content {
    /// DATA was not accepted yet.
    Not,
    /// It is being sent.
    Open(Stuffing),
    /// Its end was sent.
    Ended,
}

impl Transaction {
    pub(super) fn answer(&mut self, index: usize, stage: Stage, reply: Reply) {
        if let Some(result @ None) = self.results.get_mut(index) {
            *result = Some(RecipientResult { stage, answer: Answer::Reply(reply) });
        }
    }

    pub(super) fn answer_all(&mut self, stage: Stage, reply: &Reply) {
        for result in self.results.iter_mut().filter(|result| result.is_none()) {
            *result = Some(RecipientResult { stage, answer: Answer::Reply(reply.clone()) });
        }
    }

    /// What a fault means for recipients that were not answered.
    pub(super) fn lost(&self, fault: &Fault) -> Answer {
        match (self.content, self.answered) {
            (Content::Ended, _) => Answer::Unanswered(fault.clone()),
            (_, true) => Answer::Interrupted(fault.clone()),
            (_, false) => Answer::Untried,
        }
    }
}
