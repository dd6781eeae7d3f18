//! The models that come with xd, and the scores of the rules beside them: trained, fitted, and measured by cross-validation.

mod brands;
mod compare;
mod fit;
mod hand_set;
mod labelled;
mod learners;
mod rule_files;
mod scores;
mod table;
mod together;

use std::collections::BTreeMap;
use std::fs;

use xd_core::{Engine, Score};
use xd_train::{Example, Learner, Trained, cross_validate, train};

use crate::corpus::Corpus;
use crate::report::{Report, Shortfall};
use crate::shared::SharedData;
use crate::workspace::Workspace;
use labelled::Labelled;
use together::Logits;

/// A model that comes with xd.
struct Shipped {
    name: &'static str,
    about: &'static str,
    /// Sources it does not learn from.
    without: &'static [&'static str],
}

impl Shipped {
    fn learns_of(&self, one: &Labelled) -> bool {
        !self.without.contains(&one.source.as_str())
    }
}

const SHIPPED: [Shipped; 2] = [
    Shipped {
        name: "default",
        about: "Trained on the SpamAssassin public corpus, public mailing-list archives, everyday mail (receipts, notices, newsletters, bounces), \
                and phishing_pot by rf-peixoto (https://github.com/rf-peixoto/phishing_pot), which is licensed CC BY-NC 4.0: not for commercial use.",
        without: &[],
    },
    Shipped {
        name: "permissive",
        about: "Trained on the SpamAssassin public corpus, public mailing-list archives and everyday mail (receipts, notices, newsletters, \
                bounces); without sources that forbid commercial use, so without phishing mail.",
        without: &["phishing_pot"],
    },
];

/// Trains the models and writes them to where the core takes them from.
pub(crate) fn train_models(workspace: &Workspace, report: &mut Report) {
    let mut labelled = Vec::new();
    if !report.step("labelled mail", || read(workspace).map(|read| said(&mut labelled, read))) {
        return;
    }
    for shipped in &SHIPPED {
        report.step(&format!("model {}", shipped.name), || {
            let examples: Vec<Example> =
                labelled.iter().filter(|one| one.is_train && shipped.learns_of(one)).map(|one| one.example.clone()).collect();
            let trained = train(&Learner::default(), &examples, shipped.name, shipped.about)
                .map_err(|error| Shortfall::Failed(error.to_string()))?;
            let path = workspace.path(format!("crates/xd-core/models/{}.xdm", shipped.name));
            let bytes = trained.model.to_bytes();
            fs::write(&path, &bytes)?;
            Ok(told(&trained, bytes.len()))
        });
    }
}

/// Fits the scores of rules and writes them into the rule files; or says whether the files have them.
pub(crate) fn fit_scores(workspace: &Workspace, report: &mut Report, is_check: bool) {
    let mut labelled = Vec::new();
    if !report.step("labelled mail", || read(workspace).map(|read| said(&mut labelled, read))) {
        return;
    }
    report.step("scores", || {
        let engine = builtin()?;
        let start = hand_set::start(workspace, &engine, &labelled)?;
        let logits: Logits = std::array::from_fn(|model| held_out(&labelled, &SHIPPED[model]));
        let (fitted, _) = together::fitted(&labelled, &logits, &start, |_| true);
        let all = engine.rules().rules().iter().zip(&fitted.of_rules);
        let now: BTreeMap<&str, String> =
            all.map(|(rule, &score)| (rule.id(), Score::from_hundredths(i64::from(score)).to_string())).collect();
        let changed: Vec<String> = engine
            .rules()
            .rules()
            .iter()
            .filter(|rule| now[rule.id()] != rule.score().to_string())
            .map(|rule| format!("{} {} {}", rule.id(), rule.score(), now[rule.id()]))
            .collect();
        if is_check && !changed.is_empty() {
            return Err(Shortfall::Failed(format!(
                "{} scores are not those fitted (rule, is, fitted): {}",
                changed.len(),
                changed.join(", ")
            )));
        }
        if !is_check {
            hand_set::write(workspace, &engine)?;
            for source in engine.sources() {
                fs::write(
                    workspace.path(format!("crates/xd-core/rules/{}", source.name)),
                    rule_files::with_scores(&source.text, &now),
                )?;
            }
        }
        let free = start.bounds.iter().filter(|bounds| bounds.least < bounds.most).count();
        Ok(format!("{} rules, {free} of them free to move; {} scores changed", now.len(), changed.len()))
    });
}

/// Says how well rules and models do on messages whose clusters, or whose sources, they never saw.
pub(crate) fn cross_validate_models(workspace: &Workspace, report: &mut Report, by_source: bool) {
    let mut labelled = Vec::new();
    if !report.step("labelled mail", || read(workspace).map(|read| said(&mut labelled, read))) {
        return;
    }
    let logits: Logits = std::array::from_fn(|model| held_out(&labelled, &SHIPPED[model]));
    report.step("rules and models", || {
        let start = hand_set::start(workspace, &builtin()?, &labelled)?;
        let judged = together::cross_fitted(&labelled, &logits, &start);
        for ((shipped, logits), both) in SHIPPED.iter().zip(&logits).zip(&judged.both) {
            print!("{}", table::write(shipped.name, &labelled, logits, &judged.rules, both));
        }
        if by_source {
            print!("{}", table::sources(&labelled, &logits, &judged, &start));
        }
        Ok(format!("{} messages", labelled.len()))
    });
}

/// Says how other ways to learn, and fewer features, do beside what ships.
pub(crate) fn compare_learners(workspace: &Workspace, report: &mut Report) {
    report.step("learners", || {
        let labelled = read(workspace)?;
        print!("{}", compare::table(&labelled));
        Ok(format!("{} messages", labelled.len()))
    });
}

/// Says how much phishing mail is lost when brands are missing from the table of brands.
pub(crate) fn without_brands(workspace: &Workspace, report: &mut Report) {
    report.step("brands", || {
        let (labelled, engine) = (read(workspace)?, builtin()?);
        let logits: Logits = std::array::from_fn(|model| held_out(&labelled, &SHIPPED[model]));
        let judged = together::cross_fitted(&labelled, &logits, &hand_set::start(workspace, &engine, &labelled)?);
        brands::check(&engine, &labelled, &judged)
    });
}

fn builtin() -> Result<Engine, Shortfall> {
    Ok(Engine::builtin().map_err(|errors| Shortfall::Failed(errors.to_string()))?.with_model(None))
}

fn read(workspace: &Workspace) -> Result<Vec<Labelled>, Shortfall> {
    let shared = SharedData::locate(workspace)?;
    let corpus = Corpus::new(workspace);
    corpus.unpack(workspace, &shared)?;
    labelled::read(&shared, &corpus, &builtin()?)
}

fn said(all: &mut Vec<Labelled>, read: Vec<Labelled>) -> String {
    *all = read;
    format!("{} messages", all.len())
}

/// The logit of every message by models that saw none of its cluster; those of sources that a model leaves out, too.
fn held_out(labelled: &[Labelled], shipped: &Shipped) -> Vec<f32> {
    let mut examples: Vec<Example> = labelled.iter().map(|one| one.example.clone()).collect();
    for (example, one) in examples.iter_mut().zip(labelled) {
        if !shipped.learns_of(one) {
            example.weight = 0.0;
        }
    }
    cross_validate(&Learner::default(), &examples)
}

fn told(trained: &Trained, bytes: usize) -> String {
    let Trained { measured, labels, model, contradictions, .. } = trained;
    let [_, one, five, _] = measured.recall;
    format!(
        "{} ham, {} spam, {contradictions} in both; {} weights, {bytes} bytes; held out: AUC {:.4}, recall {:.1} % at 0.1 %, {:.1} % at 0.5 %",
        labels.ham,
        labels.spam,
        model.weights(),
        measured.auc,
        one * 100.0,
        five * 100.0
    )
}
