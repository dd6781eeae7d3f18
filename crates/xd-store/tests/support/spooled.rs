//! A spool on a simulated disk beside a model of it: what was acknowledged, and what may or may not have come about.

use std::collections::BTreeMap;
use std::sync::mpsc::channel;
use std::time::Duration;

use xd_store::simulated::Disk;
use xd_store::{
    Acceptance, BodyType, CommitError, Content, Done, HoldReason, Mark, Notify, QueueId, QueuedMessage, RecipientState, Ret,
    Spool, SpoolMessage, SpoolOptions, SpoolRecipient, SpoolRecovery,
};

pub const DIRECTORY: &str = "/var/spool/xd";

/// Small segments, so that they roll and go.
pub fn options() -> SpoolOptions {
    SpoolOptions { roll_bytes: 3_000, slack_bytes: 2_000, reserve_bytes: 0, closing: Duration::ZERO, ..SpoolOptions::default() }
}

/// What is known of a message that was handed over.
#[derive(Clone, Debug)]
pub struct Known {
    pub message: SpoolMessage,
    pub content: Vec<u8>,
    pub acknowledged: bool,
    /// For each recipient, the states it may be in after a crash now.
    pub may: Vec<Vec<RecipientState>>,
}

#[derive(Clone, Debug, Default)]
pub struct Model(pub BTreeMap<QueueId, Known>);

impl Model {
    /// Accepts a message of so many bytes; whether it was acknowledged.
    pub fn accept(&mut self, spool: &Spool<Disk>, bytes: usize, recipients: usize) -> bool {
        let id = spool.next_id();
        let content = content(id, bytes);
        let message = message(id, content.len(), recipients);
        let may = message.recipients.iter().map(|recipient| vec![recipient.state]).collect();
        let known = Known { message: message.clone(), content: content.clone(), acknowledged: false, may };
        assert!(self.0.insert(id, known).is_none(), "a name was given twice");
        let told = accept(spool, message, content);
        self.0.get_mut(&id).unwrap().acknowledged = told.is_ok();
        told.is_ok()
    }

    /// Marks a recipient of the message that comes at this place among all; whether it was acknowledged.
    pub fn mark(&mut self, spool: &Spool<Disk>, which: usize, recipient: usize, state: RecipientState) -> bool {
        let open: Vec<QueueId> = self.open().collect();
        let Some(id) = open.get(which % open.len().max(1)).copied() else { return spool.is_broken().is_none() };
        let known = self.0.get_mut(&id).unwrap();
        let index = recipient % known.may.len();
        let told = mark(spool, id, vec![Mark::Recipient { index: index as u32, state }]);
        let may = &mut known.may[index];
        if may.iter().any(RecipientState::is_done) && may.len() == 1 {
            return told.is_ok();
        }
        match told {
            Ok(()) => *may = vec![state],
            Err(_) => may.push(state),
        }
        told.is_ok()
    }

    /// Messages that the spool must still have.
    pub fn open(&self) -> impl Iterator<Item = QueueId> {
        let open = |known: &Known| known.acknowledged && known.may.iter().flatten().any(|state| !state.is_done());
        self.0.iter().filter(move |(_, known)| open(known)).map(|(id, _)| *id)
    }

    /// The same where the disk did not write things out of their order.
    pub fn check_orderly(&mut self, spool: &Spool<Disk>, recovery: &SpoolRecovery) {
        assert_eq!((recovery.damages.len(), recovery.missing, recovery.torn.len()), (0, 0, 0), "{recovery:?}");
        self.check(spool, recovery);
    }

    /// Checks a spool that was opened after a crash, and takes what is there for all there is.
    pub fn check(&mut self, spool: &Spool<Disk>, recovery: &SpoolRecovery) {
        let found: BTreeMap<QueueId, QueuedMessage> =
            spool.messages().map(Result::unwrap).map(|queued| (queued.message.id, queued)).collect();
        assert_eq!(found.len() as u64, recovery.live);
        for (id, known) in &self.0 {
            let may_be_gone = known.may.iter().all(|states| states.iter().any(RecipientState::is_done));
            assert!(found.contains_key(id) || !known.acknowledged || may_be_gone, "{id} is lost");
        }
        let mut now = BTreeMap::new();
        for (id, queued) in found {
            assert!(self.0.contains_key(&id), "nothing appears that was not handed over");
            let mut known = self.0.get(&id).unwrap().clone();
            assert_eq!(spool.read_content(id).unwrap().read_all().unwrap(), known.content, "{id}");
            for ((recipient, may), state) in
                known.message.recipients.iter_mut().zip(&mut known.may).zip(&queued.message.recipients)
            {
                assert!(may.contains(&state.state), "{id}: {may:?}, {state:?}");
                *may = vec![state.state];
                recipient.state = state.state;
            }
            assert_eq!(queued.message, known.message);
            known.acknowledged = true;
            now.insert(id, known);
        }
        self.0 = now;
    }
}

pub fn open(disk: &Disk) -> (Spool<Disk>, SpoolRecovery) {
    Spool::open(disk, DIRECTORY, options()).unwrap()
}

pub fn accept(spool: &Spool<Disk>, message: SpoolMessage, content: Vec<u8>) -> Result<(), CommitError> {
    let (done, told) = channel();
    spool.accept(Acceptance { message, content: Content::from(content) }, move |result| done.send(result).unwrap());
    told.recv().unwrap()
}

pub fn mark(spool: &Spool<Disk>, id: QueueId, marks: Vec<Mark>) -> Result<(), CommitError> {
    let (done, told) = channel();
    // Whoever asked may be gone.
    spool.mark(id, marks, move |result| drop(done.send(result)));
    told.recv_timeout(PATIENCE).unwrap_or(Err(CommitError::Closed))
}

/// How long a mark is waited for: on a full disk it waits until there is room again.
const PATIENCE: Duration = Duration::from_secs(1);

/// Content with all that is escaped in it, different for each message.
pub fn content(id: QueueId, bytes: usize) -> Vec<u8> {
    let line = [b"Subject: \xfe\xfd\xfe\xfc ".as_slice(), id.to_string().as_bytes(), b"\r\n"].concat();
    line.into_iter().cycle().take(bytes).collect()
}

pub fn message(id: QueueId, bytes: usize, recipients: usize) -> SpoolMessage {
    let recipient = |number: usize| SpoolRecipient {
        forward_path: format!("bob{number}@example.com"),
        orcpt: (number % 2 == 1).then(|| "rfc822;bob@example.com".to_owned()),
        notify: if number == 0 { Notify::DEFAULT } else { Notify::SUCCESS | Notify::DELAY },
        state: match number % 3 {
            2 => RecipientState::Held { reason: HoldReason::Quarantine, since: 1_000_000_000_000 },
            _ => RecipientState::Waiting,
        },
    };
    SpoolMessage {
        id,
        arrived: 1_800_000_000_000,
        reverse_path: "alice@example.net".to_owned(),
        recipients: (0..recipients).map(recipient).collect(),
        ret: Some(Ret::Headers),
        envid: Some("QQ314159".to_owned()),
        body: BodyType::EightBitMime,
        smtputf8: true,
        bytes: bytes as u64,
        sha256_received: [0xfe; 32],
        sha256_spooled: [0xfd; 32],
        actions: vec!["add X-XD-Class".to_owned()],
        client: Some([192, 0, 2, 1].into()),
        ehlo: "mx.example.net".to_owned(),
        authenticated: None,
        tls: Some("TLSv1.3".to_owned()),
        may_report: true,
        class: "ham".to_owned(),
        score: "0.3".to_owned(),
        engine: "d0dbcd96".to_owned(),
        archive: false,
    }
}

pub const DELIVERED: RecipientState = RecipientState::Done(Done::Delivered);
