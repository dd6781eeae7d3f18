//! Answers that are kept until their owners, or our limits, let them expire. Bounded in number and octets.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use xd_auth::{Answer, Question, Record};

/// Answers by question. Time comes in as an argument.
///
/// Failures are not kept: whoever failed may know by now, and what was lost says nothing. Equal questions that are asked at the
/// same time are one question anyway, and a recursive server keeps its own failures (RFC 9520).
#[derive(Debug)]
pub(crate) struct Cache {
    entries: BTreeMap<Question, Entry>,
    /// When entries end, the first of them first.
    ends: BTreeSet<(Instant, Question)>,
    octets: usize,
    most: usize,
}

#[derive(Debug)]
struct Entry {
    answer: Arc<Answer<Record>>,
    until: Instant,
    octets: usize,
}

impl Cache {
    /// Keeps at most so many answers.
    pub(crate) fn new(most: usize) -> Self {
        Self { entries: BTreeMap::new(), ends: BTreeSet::new(), octets: 0, most }
    }

    /// Keeps an answer for so many seconds, within the limits. Those that end first make room.
    pub(crate) fn put(&mut self, question: &Question, answer: &Arc<Answer<Record>>, ttl: u32, now: Instant) {
        let longest = match **answer {
            Answer::Found(_) => MAX_TTL,
            Answer::Absent(_) => MAX_NEGATIVE_TTL,
            Answer::Unknown(_) => return,
        };
        let ttl = Duration::from_secs(ttl.into()).min(longest);
        let octets = octets(question, answer);
        if ttl.is_zero() || self.most == 0 || octets > MAX_OCTETS {
            return;
        }
        self.remove(question);
        while self.entries.len() >= self.most || self.octets + octets > MAX_OCTETS {
            let Some((_, first)) = self.ends.first().cloned() else { break };
            self.remove(&first);
        }
        let until = now + ttl;
        self.ends.insert((until, question.clone()));
        self.octets += octets;
        self.entries.insert(question.clone(), Entry { answer: answer.clone(), until, octets });
    }

    /// The answer to a question, if it is kept and has not expired.
    pub(crate) fn find(&self, question: &Question, now: Instant) -> Option<Arc<Answer<Record>>> {
        self.entries.get(question).filter(|entry| now < entry.until).map(|entry| entry.answer.clone())
    }

    fn remove(&mut self, question: &Question) {
        if let Some(entry) = self.entries.remove(question) {
            self.ends.remove(&(entry.until, question.clone()));
            self.octets -= entry.octets;
        }
    }
}

/// What an entry holds in memory, roughly.
fn octets(question: &Question, answer: &Answer<Record>) -> usize {
    let of_record = |record: &Record| match record {
        Record::A(_) | Record::Aaaa(_) => 0,
        Record::Mx { host: name, .. } | Record::Ptr(name) => name.as_str().len(),
        Record::Tlsa { data, .. } => data.len(),
        Record::Txt(text) => text.len(),
    };
    let records = match answer {
        Answer::Found(records) => records.iter().map(|record| size_of::<Record>() + of_record(record)).sum(),
        Answer::Absent(_) | Answer::Unknown(_) => 0,
    };
    // The name stands in both tables.
    OVERHEAD + 2 * question.name.as_str().len() + records
}

/// What an entry takes beside names and records.
const OVERHEAD: usize = 200;
/// What all entries may take.
const MAX_OCTETS: usize = 32 << 20;
/// Answers are kept no longer than this, so that what operators change arrives.
const MAX_TTL: Duration = Duration::from_secs(3600);
/// Absences are kept no longer than this: what is new is asked for before it is there.
const MAX_NEGATIVE_TTL: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use xd_auth::{Absence, Name, RecordKind, Unknown};

    use super::*;

    fn question(number: usize) -> Question {
        Question::new(Name::parse(&format!("n{number}.example")).unwrap(), RecordKind::Txt)
    }

    fn text(octets: usize) -> Arc<Answer<Record>> {
        Arc::new(Answer::Found(vec![Record::Txt(vec![b'a'; octets].into())]))
    }

    #[test]
    fn limits_of_time_at_their_edges() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let absent = Arc::new(Answer::Absent(Absence::Name));
        let cases = [(text(1), 5, 5), (text(1), 9999, 3600), (absent.clone(), 5, 5), (absent, 9999, 300)];
        for (answer, ttl, kept) in cases {
            let mut cache = Cache::new(9);
            cache.put(&question(0), &answer, ttl, start);
            assert_eq!(cache.find(&question(0), after(kept) - Duration::from_millis(1)), Some(answer));
            assert_eq!(cache.find(&question(0), after(kept)), None);
        }
        let mut cache = Cache::new(9);
        cache.put(&question(0), &text(1), 0, start);
        cache.put(&question(1), &Arc::new(Answer::Unknown(Unknown::Timeout)), 99, start);
        assert!(cache.entries.is_empty());
    }

    #[test]
    fn memory_is_bounded() {
        let (start, mut cache) = (Instant::now(), Cache::new(1000));
        for number in 0..1000 {
            cache.put(&question(number), &text(64_000), 60, start);
        }
        assert!(cache.octets <= MAX_OCTETS && cache.entries.len() == cache.ends.len());
        assert!(cache.find(&question(999), start).is_some());
    }

    proptest! {
        /// Whatever is put and asked in whatever order: within its time an answer is the one that was put last, or is not kept.
        #[test]
        fn what_is_kept_is_what_was_said(steps in prop::collection::vec((0..6usize, 0..4u32, 1..9usize, 0..3u64), 1..60)) {
            let (mut now, mut cache, mut told) = (Instant::now(), Cache::new(4), BTreeMap::new());
            for (number, ttl, octets, wait) in steps {
                now += Duration::from_secs(wait);
                let answer = text(octets);
                match cache.find(&question(number), now) {
                    Some(kept) => {
                        let (said, until) = &told[&number];
                        prop_assert!(&kept == said && now < *until);
                    }
                    None => {
                        cache.put(&question(number), &answer, ttl, now);
                        told.insert(number, (answer, now + Duration::from_secs(ttl.into())));
                    }
                }
                prop_assert!(cache.entries.len() <= 4 && cache.ends.len() == cache.entries.len());
                prop_assert_eq!(cache.octets, cache.entries.values().map(|entry| entry.octets).sum::<usize>());
            }
        }
    }
}
