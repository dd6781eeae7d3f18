//! Judging one message that came over the wire: from what the dialogue said to a disposition for each recipient.

use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};

use xd_auth::{Answers as Told, Progress};
use xd_config::{CapsuleLevel, Config, ConfigError};
use xd_core::capsule::{Capsule, Level, Recording, RecordingError, judge_recorded};
use xd_core::classify::DeltaModel;
use xd_core::evidence::{Evidence, Inquiry, Operator, Settings, SpfResult};
use xd_core::report::{HeaderLine, header_fields};
use xd_core::routing::{Actions, Answers, Disposition, Takeable, route};
use xd_core::{
    Class, Engine, Envelope, ForwardPath, Judgement, Known, Limits, Message, Notice, ReversePath, RuleErrors, Stripped,
    Stripping, Timestamp, Unknown, judge,
};
use xd_lookup::signature::KeyStore;
use xd_lookup::{ClientNames, Resolver, Rounds, RoundsOptions};

use super::effort::Effort;

/// Everything that judging needs, made once from one configuration.
#[derive(Debug)]
pub(super) struct Judge {
    engine: Engine,
    settings: Settings,
    operator: Operator,
    /// What was learned, where it is consulted.
    delta: Option<DeltaModel>,
    actions: Actions,
    notice: Notice,
    recording: Option<Recording>,
    limits: Limits,
}

/// Why a configuration cannot judge.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JudgeError {
    /// The operator's configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The operator's capsules.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// The operator's rules.
    #[error("{0}")]
    Rules(RuleErrors),
}

/// What the dialogue told of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dialogue<'d> {
    pub(super) client: Option<IpAddr>,
    pub(super) ehlo: &'d str,
    pub(super) reverse_path: &'d str,
    pub(super) forward_paths: &'d [&'d str],
    pub(super) tls: Option<&'d str>,
    pub(super) authenticated: Option<&'d str>,
    pub(super) answers: Answers,
    pub(super) now: Timestamp,
}

/// What judging came to.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    pub(super) class: Class,
    pub(super) score: String,
    pub(super) engine: String,
    /// In the order of the forward-paths.
    pub(super) dispositions: Vec<Disposition>,
    /// The verdict as header fields.
    pub(super) fields: Vec<HeaderLine>,
    /// Whether the next hop is asked to encrypt it.
    pub(super) encrypt: bool,
    /// The files that are taken out, where they are.
    pub(super) stripped: Option<Stripped>,
    /// What the verdict follows from, encoded.
    pub(super) capsule: Option<Vec<u8>>,
    /// What people search for in the journal.
    pub(super) subject: String,
    /// The field `Authentication-Results`, where its sender was checked.
    pub(super) results: Option<String>,
    /// Whether the client may use the domain of the reverse-path (SPF): whoever that is gets reports.
    pub(super) spf_passed: bool,
    /// Questions that were not asked, since enough was known.
    pub(super) spared: usize,
}

/// Whom to ask about the sender of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asking<'a> {
    pub(super) resolver: &'a Resolver,
    pub(super) keys: &'a KeyStore,
    /// Our name in `Authentication-Results`, where we have one: no other host has it (RFC 8601 §2.5).
    pub(super) authserv_id: Option<&'a str>,
}

/// How content begins on which judging fails, so that tests can see what follows.
#[cfg(test)]
pub(super) const FAILS: &[u8] = b"X-Judging: fails\r\n";

/// How content begins of which tests want recipients to have settings of their own.
#[cfg(test)]
pub(super) const EACH: &[u8] = b"X-Judging: each\r\n";

/// Judging itself failed: nothing is known of the message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct EngineFailure;

impl Judge {
    pub(super) fn try_new(config: &Config) -> Result<Self, JudgeError> {
        let engine = config.engine()?.map_err(JudgeError::Rules)?;
        let settings = config.settings(&engine)?;
        let level = match config.capsule_level() {
            CapsuleLevel::Causes => Some(Level::Causes),
            CapsuleLevel::Content => Some(Level::Content),
            CapsuleLevel::Facts => Some(Level::Facts),
            CapsuleLevel::Off => None,
        };
        let recording = match (level, config.pseudonym_key()?) {
            (None, _) => None,
            (Some(level), None) => Some(Recording::new(level)),
            (Some(level), Some(key)) => Some(Recording::pseudonymous(level, key)?),
        };
        let (operator, actions, notice) = (config.operator(), config.actions(), config.notice());
        let delta = config.delta()?.as_ref().map(DeltaModel::of);
        Ok(Self { engine, settings, operator, delta, actions, notice, recording, limits: Limits::default() })
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Judges a message. A fault of ours in it costs this message its verdict, not all others the process. Where there is somebody to
    /// ask, what can still change the verdict is asked first.
    pub(super) async fn judge(
        &self,
        dialogue: Dialogue<'_>,
        names: ClientNames,
        (content, sha256): (&[u8], [u8; 32]),
        asking: Option<Asking<'_>>,
        effort: &Effort<'_>,
    ) -> Result<Judged, EngineFailure> {
        let envelope = effort.spend(|| dialogue.envelope()).await.ok_or(EngineFailure)?;
        let names_are_asked = !matches!(names.reverse, Known::Unknown(Unknown::NotAsked));
        let evidence = self.evidence(dialogue.now, names);
        #[cfg(test)]
        let evidence = if content.starts_with(EACH) { each_of_their_own(evidence) } else { evidence };
        let read = || {
            #[cfg(test)]
            assert!(!content.starts_with(FAILS), "as the test wants it");
            let message = Message::parse(content, &self.limits);
            let learned = self.delta.as_ref().map(|delta| delta.consult(&message));
            (message, learned)
        };
        let (message, learned) = effort.spend(read).await.ok_or(EngineFailure)?;
        let evidence = Evidence { learned, ..evidence };
        let Some(Asking { resolver, keys, authserv_id }) = asking else {
            let judge = || {
                let (judgement, capsule) = match &self.recording {
                    None => (judge(&self.engine, &envelope, &message, &evidence), None),
                    Some(recording) => {
                        let (judgement, capsule) =
                            judge_recorded(&self.engine, &envelope, &message, &evidence, sha256, recording);
                        (judgement, Some(capsule))
                    }
                };
                self.judged(&dialogue, &message, &judgement, capsule)
            };
            return effort.spend(judge).await.ok_or(EngineFailure);
        };
        let begin = || {
            let inquiry = Inquiry::new(&self.engine, &envelope, &message, evidence);
            let mut inquiry = if names_are_asked { inquiry } else { inquiry.without_names() };
            let progress = inquiry.progress_until(&Told::default(), is_decided);
            (inquiry, progress)
        };
        let (mut inquiry, progress) = effort.spend(begin).await.ok_or(EngineFailure)?;
        let mut rounds = Rounds::new(resolver.clone(), RoundsOptions::default());
        let evidence = match progress {
            Progress::Done(evidence) => evidence,
            Progress::Wants(_) => {
                // What changed is looked at again, which costs little; a fault of ours in it must not end the connection.
                let again = |answers: &Told| match catch_unwind(AssertUnwindSafe(|| inquiry.progress_until(answers, is_decided)))
                {
                    Ok(Progress::Wants(wanted)) => Progress::Wants(wanted),
                    Ok(Progress::Done(evidence)) => Progress::Done(Some(evidence)),
                    Err(_) => Progress::Done(None),
                };
                rounds.run(keys, again).await.ok().flatten().ok_or(EngineFailure)?
            }
        };
        let answers = rounds.into_answers();
        let finish = || {
            let (judgement, capsule) = match &self.recording {
                None => (inquiry.judge(&evidence), None),
                Some(recording) => {
                    let (judgement, capsule) = inquiry.judge_recorded(&evidence, sha256, recording);
                    (judgement, Some(capsule))
                }
            };
            let mut judged = self.judged(&dialogue, &message, &judgement, capsule);
            judged.spared = inquiry.spared();
            judged.spf_passed = evidence.spf == Known::Found(SpfResult::Pass);
            let results = inquiry.sender_results(&answers);
            judged.results = authserv_id.map(|name| results.field(name, &envelope, &evidence).to_field());
            judged
        };
        effort.spend(finish).await.ok_or(EngineFailure)
    }

    /// What is known before anybody is asked.
    fn evidence(&self, now: Timestamp, names: ClientNames) -> Evidence {
        Evidence {
            now: Known::Found(now),
            // No engine is configured: there is nothing that could have found something.
            antivirus: Known::Absent,
            reverse_names: names.reverse,
            confirmed_name: names.confirmed,
            operator: self.operator.clone(),
            settings: self.settings.clone(),
            ..Evidence::default()
        }
    }

    fn judged(
        &self,
        dialogue: &Dialogue<'_>,
        message: &Message<'_>,
        judgement: &Judgement<'_>,
        capsule: Option<Capsule>,
    ) -> Judged {
        let classes = judgement.verdicts().iter().map(|verdict| verdict.class);
        let stripping = match self.actions.may_strip() {
            true => message.strip(self.actions.stripped(), &self.notice),
            false => Stripping::Nothing,
        };
        let dispositions = route(&self.actions, message.signs(), Takeable::from(&stripping), classes, dialogue.answers);
        let encrypt = judgement.verdicts().iter().any(|verdict| self.actions.asks_for_encryption(verdict.class, message.signs()));
        let verdict = judgement.verdict();
        // All recipients get the same content: it tells the verdict of the first that is to be told one.
        let tagged = dispositions.iter().position(Disposition::tells_verdict);
        let told = tagged.and_then(|place| judgement.verdicts().get(place)).unwrap_or(verdict);
        Judged {
            class: verdict.class,
            score: verdict.score.to_string(),
            engine: judgement.engine.to_string(),
            fields: header_fields(told, judgement.engine),
            encrypt,
            stripped: stripping.done().filter(|_| dispositions.contains(&Disposition::Strip)),
            dispositions,
            // One that could not be read again is not kept.
            capsule: capsule.and_then(|capsule| capsule.encode().ok()),
            subject: message.subject().unwrap_or_default().to_owned(),
            results: None,
            spf_passed: false,
            spared: 0,
        }
    }
}

/// Whether nothing that is still open can change what becomes of the message for anybody.
fn is_decided(judgement: &Judgement<'_>) -> bool {
    judgement.verdicts().iter().all(|verdict| verdict.decided)
}

/// Alice is strict, postmaster bears much.
#[cfg(test)]
fn each_of_their_own(mut evidence: Evidence) -> Evidence {
    for (recipient, spam, surespam) in [("alice@example.com", 200, 400), ("postmaster@example.com", 5_000, 9_000)] {
        let points = xd_core::Score::from_hundredths;
        let thresholds = xd_core::evidence::Thresholds::try_new(points(spam), points(surespam)).unwrap();
        evidence.recipient_settings.insert(recipient.to_owned(), Settings { thresholds, ..evidence.settings.clone() });
    }
    evidence
}

impl Dialogue<'_> {
    fn envelope(&self) -> Envelope {
        let absent_or = |value: Option<&str>| value.map_or(Known::Absent, |value| Known::Found(value.to_owned()));
        Envelope {
            // A client that the peer in between does not know has an address all the same.
            client_address: self.client.map_or_else(Known::default, |client| Known::Found(client.to_canonical())),
            ehlo: xd_core::Host::parse(self.ehlo).map_or(Known::Absent, Known::Found),
            reverse_path: Known::Found(ReversePath::parse(self.reverse_path)),
            forward_paths: self.forward_paths.iter().copied().map(ForwardPath::parse).collect(),
            tls: absent_or(self.tls),
            authenticated_identity: absent_or(self.authenticated),
        }
    }
}

#[cfg(test)]
mod tests {
    use xd_core::RuleSource;
    use xd_core::classify::{Delta, Features, Label};

    use super::*;

    #[tokio::test]
    async fn what_was_learned_is_consulted() {
        let content = b"From: a@example.com\r\nSubject: minutes of the garden club\r\n\r\nas agreed last week\r\n";
        let mut delta = Delta::default();
        let features = Features::of(&Message::parse(content, &Limits::default()));
        delta.learn([1; 32], Label::Spam, Timestamp::from_unix(0), &features);
        let file = std::env::temp_dir().join(format!("xd-learned-{}.xdl", std::process::id()));
        std::fs::write(&file, delta.to_bytes()).unwrap();
        let config = Config::parse(RuleSource::new("xd.toml", format!("[rules]\nmodel = \"none\"\ndelta = {file:?}\n"))).unwrap();
        let judge = Judge::try_new(&config).unwrap();
        std::fs::remove_file(&file).unwrap();
        let dialogue = Dialogue {
            client: None,
            ehlo: "mail.example.org",
            reverse_path: "a@example.com",
            forward_paths: &["alice@example.com"],
            tls: None,
            authenticated: None,
            answers: Answers::One,
            now: Timestamp::from_unix(0),
        };
        let turns = tokio::sync::Semaphore::new(1);
        let effort = Effort::of(content.len(), &turns);
        let judged = judge.judge(dialogue, ClientNames::default(), (content, [1; 32]), None, &effort).await.unwrap();
        let capsule = Capsule::decode(&judged.capsule.unwrap()).unwrap();
        let learned = capsule.evidence().learned.unwrap();
        assert_eq!((learned.points.to_string().as_str(), learned.spam), ("1.00", 1));
        assert!(Judge::try_new(&config).is_err(), "the file is gone");
    }
}
