//! Attacks on the judgement: mail that is caught is changed in one way at a time, and judged again.
//!
//! The mail is that of the corpus's development part, which the models that come with xd never saw. What is appended is wanted mail of
//! the same part and the words that the model holds for wanted: more than a sender can know. [`list`] has the attacks.

mod letter;
mod list;
mod table;
mod words;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use xd_core::classify::{Family, Model};
use xd_core::{Engine, Limits, Message, Score, SpamClass, evidence, judge};

use crate::corpus::Corpus;
use crate::report::{Report, Shortfall};
use crate::shared::SharedData;
use crate::workspace::Workspace;
use letter::Letter;
use table::Outcome;
use words::Chance;

/// How a message is changed.
struct Attack {
    name: &'static str,
    /// None where the message offers nothing to change.
    make: fn(&Target, &Wanted) -> Option<Vec<u8>>,
    /// Of the messages of the tests, at most so many may turn clean.
    most: usize,
}

/// A caught message.
struct Target {
    number: usize,
    path: String,
    letter: Letter,
    score: Score,
    /// The words of its text that speak most for spam, the heaviest first.
    heavy: Vec<String>,
}

/// What wanted mail says.
#[derive(Default)]
struct Wanted {
    texts: Vec<String>,
    subjects: Vec<String>,
    /// The words that speak most for wanted mail, the heaviest first.
    words: Vec<String>,
}

/// What became of one message under one attack.
struct Tried {
    attack: usize,
    path: String,
    from: Score,
    to: Score,
    turned_clean: bool,
    /// From the first to the last byte that differs.
    bytes: usize,
}

/// The step of the tests, which tries every attack on a few messages.
pub(crate) const STEP: &str = "corpus: caught mail stays caught under attack";

/// How many messages the step of the tests tries.
const FEW: usize = 60;

/// Tries every attack on at most so many caught messages, or on all, and shows how many turn clean.
pub(crate) fn command(workspace: &Workspace, report: &mut Report, most: Option<usize>) {
    report.step("attacks", || {
        let shared = SharedData::locate(workspace)?;
        let corpus = Corpus::new(workspace);
        corpus.unpack(workspace, &shared)?;
        run(&corpus, most, true)
    });
}

/// Tries every attack on a few messages: no more may turn clean than are known to.
pub(crate) fn step(corpus: &Corpus) -> Result<String, Shortfall> {
    run(corpus, Some(FEW), false)
}

fn run(corpus: &Corpus, most: Option<usize>, all_told: bool) -> Result<String, Shortfall> {
    let engine = Engine::builtin().map_err(|errors| Shortfall::Failed(errors.to_string()))?;
    let model = engine.model().ok_or_else(|| Shortfall::Failed("the built-in engine has no model".to_owned()))?;
    let wanted = Wanted::read(&corpus.dev().join("ham"), model)?;
    let (targets, caught) = targets(corpus, &engine, model, most)?;
    let attacks = list::attacks();
    let tried = in_parallel(&targets, |target| {
        let each = attacks.iter().enumerate();
        each.filter_map(|(at, attack)| Some(tried(at, target, &(attack.make)(target, &wanted)?, &engine))).collect::<Vec<_>>()
    });
    let tried: Vec<Tried> = tried.into_iter().flatten().collect();
    let outcomes: Vec<Outcome> = attacks
        .iter()
        .enumerate()
        .map(|(at, attack)| Outcome::of(attack, &tried.iter().filter(|one| one.attack == at).collect::<Vec<_>>()))
        .collect();
    if all_told {
        println!("{}\n{}", table::write(&outcomes), table::cheapest(&attacks, &tried, 40));
    }
    // What is known is known of the messages of the tests; of others the table tells.
    let faults: Vec<String> = match all_told {
        true => Vec::new(),
        false => outcomes.iter().filter_map(Outcome::fault).collect(),
    };
    let note = format!("{} attacks on {} of {caught} caught messages", attacks.len(), targets.len());
    if targets.is_empty() {
        Err(Shortfall::Failed("no message was caught".to_owned()))
    } else if faults.is_empty() {
        Ok(note)
    } else {
        Err(Shortfall::Failed(format!("{note}; more turn clean than are known: {}", faults.join("; "))))
    }
}

/// The caught messages of the development part, spread evenly over it where they are more than wanted; and how many there are.
fn targets(corpus: &Corpus, engine: &Engine, model: &Model, most: Option<usize>) -> Result<(Vec<Target>, usize), Shortfall> {
    let mut paths = files(&corpus.dev().join("phish"))?;
    paths.extend(files(&corpus.dev().join("spam"))?);
    let numbered: Vec<(usize, PathBuf)> = paths.into_iter().enumerate().collect();
    let mut caught: Vec<Target> =
        in_parallel(&numbered, |(number, path)| target(*number, path, engine, model)).into_iter().flatten().collect();
    let all = caught.len();
    let most = most.unwrap_or(all).clamp(1, all.max(1));
    let mut at = 0;
    caught.retain(|_| {
        at += 1;
        // True for `most` of the numbers up to `all`, evenly spread.
        at * most / all != (at - 1) * most / all
    });
    Ok((caught, all))
}

fn target(number: usize, path: &Path, engine: &Engine, model: &Model) -> Option<Target> {
    let raw = fs::read(path).ok()?;
    let (score, class) = judged(engine, &raw);
    if class == SpamClass::Clean {
        return None;
    }
    let reasons = model.reasons(&Message::parse(&raw, &Limits::default()), 400);
    let heavy =
        reasons.into_iter().filter(|reason| reason.family == Family::Text && reason.weight > 0 && is_word(&reason.feature));
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Some(Target { number, path: name, letter: Letter::read(&raw)?, score, heavy: heavy.map(|reason| reason.feature).collect() })
}

fn is_word(feature: &str) -> bool {
    feature.len() >= 3 && feature.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn judged(engine: &Engine, raw: &[u8]) -> (Score, SpamClass) {
    let message = Message::parse(raw, &Limits::default());
    let (envelope, evidence) = evidence::derive(&message);
    let judgement = judge(engine, &envelope, &message, &evidence);
    let verdict = judgement.verdict();
    (verdict.score, verdict.spam_class)
}

fn tried(attack: usize, target: &Target, raw: &[u8], engine: &Engine) -> Tried {
    let (to, class) = judged(engine, raw);
    let was = target.letter.raw();
    let before = was.iter().zip(raw).take_while(|(a, b)| a == b).count();
    let rest = was.len().min(raw.len()) - before;
    let behind = was.iter().rev().zip(raw.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let bytes = was.len().max(raw.len()) - before - behind;
    Tried { attack, path: target.path.clone(), from: target.score, to, turned_clean: class == SpamClass::Clean, bytes }
}

impl Target {
    fn is_heavy(&self, word: &str, first: usize) -> bool {
        self.heavy.iter().take(first).any(|heavy| heavy == word)
    }

    /// The same numbers for the same message each time.
    fn chance(&self) -> Chance {
        Chance(self.number as u64 + 1)
    }

    /// The message with a page: its own, or one made of its plain text.
    fn page(&self) -> Option<Letter> {
        if self.letter.has_html() {
            return Some(self.letter.clone());
        }
        let text = &self.letter.main_text()?.content;
        let page = format!("<html><body>{}</body></html>", list::paragraphs(text));
        Letter::read(&self.letter.with_content(|_, eol| {
            let page: String = page.replace('\n', eol).bytes().map(char::from).collect();
            format!("Content-Type: text/html; charset=utf-8{eol}Content-Transfer-Encoding: 8bit{eol}{eol}{page}{eol}")
        }))
    }

    /// The first link to the web.
    fn link(&self) -> Option<String> {
        let raw = self.letter.raw();
        let message = Message::parse(raw, &Limits::default());
        message.links().iter().map(|link| link.url.clone()).find(|url| url.starts_with("http"))
    }
}

impl Wanted {
    /// Letters of some length; the words by what they weigh in all of them.
    fn read(directory: &Path, model: &Model) -> Result<Self, Shortfall> {
        const LETTERS: usize = 64;
        let paths = files(directory)?;
        let step = (paths.len() / (3 * LETTERS)).max(1);
        let mut wanted = Self::default();
        let mut weights: BTreeMap<String, i64> = BTreeMap::new();
        for path in paths.iter().step_by(step) {
            let raw = fs::read(path)?;
            for reason in model.reasons(&Message::parse(&raw, &Limits::default()), 100) {
                if reason.family == Family::Text && reason.weight < 0 && is_word(&reason.feature) {
                    *weights.entry(reason.feature).or_default() += reason.weight;
                }
            }
            let Some(letter) = Letter::read(&raw) else { continue };
            let Some(text) = letter.main_text().filter(|text| !text.is_html && (600..6_000).contains(&text.content.len())) else {
                continue;
            };
            if wanted.texts.len() < LETTERS {
                wanted.texts.push(text.content.clone());
                wanted.subjects.push(letter.field("subject").unwrap_or_default());
            }
        }
        let mut words: Vec<(String, i64)> = weights.into_iter().collect();
        words.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
        wanted.words = words.into_iter().map(|(word, _)| word).collect();
        if wanted.texts.is_empty() {
            return Err(Shortfall::Failed(format!("no wanted mail in {}", directory.display())));
        }
        Ok(wanted)
    }

    fn text(&self, to: &Target) -> &str {
        &self.texts[to.number % self.texts.len()]
    }

    fn subject(&self, to: &Target) -> &str {
        &self.subjects[to.number % self.subjects.len()]
    }

    fn many(&self, to: &Target, count: usize) -> String {
        let from = to.number;
        (from..from + count).map(|at| self.texts[at % self.texts.len()].clone() + "\n\n").collect()
    }

    fn heaviest(&self, count: usize) -> String {
        self.words.iter().take(count).map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

pub(crate) fn files(directory: &Path) -> Result<Vec<PathBuf>, Shortfall> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?;
    paths.sort();
    Ok(paths)
}

/// Works on items on all processors; results in the order of the items.
pub(crate) fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, R)>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some((at, item)) = Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, items.get(at)?)))
                {
                    let result = work(item);
                    done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}
