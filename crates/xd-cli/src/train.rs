//! `xd train`: a model of one's own, from messages whose labels are known.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use xd_core::classify::{Family, Features};
use xd_core::{Limits, Message};
use xd_train::{Example, Learner, Trained, train};

use crate::arguments::{Train, jobs_or_all};
use crate::aside::{Aside, Readers};
use crate::engine;
use crate::failure::{Failure, INTERRUPTED, UNREAD};
use crate::input::{Argument, Inputs};
use crate::messages::Messages;
use crate::output::Output;
use crate::progress::Progress;
use crate::stop;
use crate::terminal::Terminal;

/// Bytes of a file's name that name the model.
const NAME_BYTES: usize = 64;

/// Tags of inputs.
const HAM: usize = 0;
const SPAM: usize = 1;

/// Learns from all messages and writes the model.
pub(crate) fn run(arguments: &Train) -> Result<ExitCode, Failure> {
    let from = arguments.from.as_deref().map(engine::model).transpose()?.flatten().map(Arc::new);
    let message_bytes = crate::judging::config(None)?.message_bytes();
    let out = Aside::create(&arguments.out, Readers::Umask)?;
    stop::listen()?;
    let tagged = |paths: &[PathBuf], tag| paths.iter().map(move |path| Argument { path: path.clone(), tag }).collect::<Vec<_>>();
    let named = [tagged(&arguments.ham, HAM), tagged(&arguments.spam, SPAM)].concat();
    let paths: Vec<PathBuf> = named.iter().map(|argument| argument.path.clone()).collect();
    let messages =
        Messages::new(Inputs::new(named, message_bytes), jobs_or_all(arguments.jobs), Progress::of_files(true, &paths));
    let mut examples = Vec::new();
    let gaps = messages.each(example, |done, _| {
        examples.push(Example { is_spam: done.tag == SPAM, ..done.gave });
        ControlFlow::Continue(())
    });
    if stop::asked() {
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let learner = Learner { from, ..Learner::default() };
    let stem = arguments.out.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let name = if stem.is_empty() { "own" } else { &stem[..stem.floor_char_boundary(NAME_BYTES)] };
    let trained = train(&learner, &examples, name, "made by xd train").map_err(|error| Failure::operator(error.to_string()))?;
    out.finish(&trained.model.to_bytes())?;
    let mut output = Output::new(Terminal::of_output());
    output.lines(told(&trained))?;
    output.finish()?;
    Ok(if gaps.unread > 0 { ExitCode::from(UNREAD) } else { ExitCode::SUCCESS })
}

/// What is learned of a message. Those of one subject, numbers and `Re:` apart, are held out together, so that copies of one mailing do
/// not vouch for each other.
fn example(path: &str, bytes: &[u8]) -> Example {
    let features = Features::of(&Message::parse(bytes, &Limits::default()));
    let subject = features.places(Family::Subject);
    let group = if subject.is_empty() { path.to_owned() } else { format!("{subject:?}") };
    Example { features, is_spam: false, weight: 1.0, group }
}

fn told(trained: &Trained) -> String {
    let Trained { labels, measured, model, contradictions, .. } = trained;
    let [_, one, five, _] = measured.recall.map(|recall| recall * 100.0);
    let mut text = format!(
        "model {}: {} features of {} ham and {} spam\nheld out: AUC {:.4}, {one:.1} % of spam found at 0.1 % false positives, {five:.1} % at 0.5 %\n",
        model.name(),
        model.weights(),
        labels.ham,
        labels.spam,
        measured.auc,
    );
    if *contradictions > 0 {
        let are = if *contradictions == 1 { "message stands" } else { "messages stand" };
        text.push_str(&format!("{contradictions} {are} among both ham and spam\n"));
    }
    text
}
