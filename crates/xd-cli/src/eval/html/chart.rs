//! Charts as SVG within the page: the ROC curve over a logarithmic axis, and how scores are spread.

use std::fmt::Write as _;

use xd_core::Score;

use crate::eval::figures::Counts;
use crate::eval::manifest::Kind;
use crate::eval::tally::{Record, Tally};
use crate::eval::{BINS, histogram};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 360.0;
/// Room for the labels left, and below.
const LEFT: f64 = 56.0;
const BELOW: f64 = 40.0;
const ABOVE: f64 = 12.0;
const RIGHT: f64 = 16.0;

/// The least false-positive rate that the axis shows; what lies below stands at its beginning.
const LEAST: f64 = 1e-4;

/// The recall at each false-positive rate; with the other judge's, where there is one.
pub(super) fn roc(tally: &Tally) -> String {
    let x = |rate: f64| LEFT + (rate.max(LEAST) / LEAST).log10() / (1.0 / LEAST).log10() * (WIDTH - LEFT - RIGHT);
    let y = |recall: f64| ABOVE + (1.0 - recall) * (HEIGHT - ABOVE - BELOW);
    let mut svg = begin("ROC curve: recall over the false-positive rate");
    for (rate, label) in [(1e-4, "≤ 0.01 %"), (1e-3, "0.1 %"), (5e-3, "0.5 %"), (1e-2, "1 %"), (1e-1, "10 %"), (1.0, "100 %")] {
        line(&mut svg, "grid", (x(rate), y(0.0)), (x(rate), y(1.0)));
        let anchor = if rate >= 1.0 { "end" } else { "middle" };
        label_at(&mut svg, anchor, (x(rate), HEIGHT - BELOW + 16.0), label);
    }
    for tenths in [0, 2, 4, 6, 8, 10] {
        let recall = f64::from(tenths) / 10.0;
        line(&mut svg, "grid", (x(LEAST), y(recall)), (x(1.0), y(recall)));
        label_at(&mut svg, "end", (LEFT - 6.0, y(recall) + 4.0), &format!("{} %", tenths * 10));
    }
    label_at(&mut svg, "middle", (WIDTH / 2.0, HEIGHT - 6.0), "false positives (logarithmic)");
    let curves = [
        ("second", curve(tally, |record| Some(record.other.as_ref()?.score))),
        ("first", curve(tally, |record| Some(record.judged.score))),
    ];
    for (class, curve) in curves {
        if curve.len() < 2 {
            continue;
        }
        let mut points = String::new();
        let mut before = 0.0;
        for (rate, recall) in curve {
            // A step: at the rate of the point, the recall rises.
            let _ = write!(points, "{:.1},{:.1} {:.1},{:.1} ", x(rate), y(before), x(rate), y(recall));
            before = recall;
        }
        let _ = writeln!(svg, "<polyline class=\"{class}\" points=\"{}\"/>", points.trim_end());
    }
    let total = tally.scores.total();
    for (class, threshold) in tally.thresholds {
        let flagged = tally.scores.at(threshold).flagged;
        if let (Some(rate), Some(recall)) = (share(flagged.ham, total.ham), share(flagged.spam, total.spam)) {
            let _ = writeln!(svg, "<circle class=\"mark\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\"/>", x(rate), y(recall));
            label_at(&mut svg, "start", (x(rate) + 8.0, y(recall) + 14.0), &format!("{} from {threshold}", class.as_str()));
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// How many ham and spam messages have which score, over the root of their numbers, so that few are still seen.
pub(super) fn scores(tally: &Tally) -> String {
    let bins = histogram(tally);
    let most = bins.iter().map(|(ham, spam)| *ham.max(spam)).max().unwrap_or(0).max(1);
    let width = (WIDTH - LEFT - RIGHT) / bins.len() as f64;
    let height = |count: u64| (count as f64 / most as f64).sqrt() * (HEIGHT - ABOVE - BELOW);
    let floor = HEIGHT - BELOW;
    let x = |halves: i64| LEFT + (halves - BINS.start()) as f64 * width;
    let mut svg = begin("How many messages have which score");
    for part in [1, 4, 16] {
        let count = most / part;
        line(&mut svg, "grid", (LEFT, floor - height(count)), (WIDTH - RIGHT, floor - height(count)));
        label_at(&mut svg, "end", (LEFT - 6.0, floor - height(count) + 4.0), &count.to_string());
    }
    for (halves, (ham, spam)) in BINS.zip(bins) {
        for (class, count, shift) in [("ham", ham, 0.0), ("spam", spam, width / 2.0)] {
            if count > 0 {
                let (left, top) = (x(halves) + shift, floor - height(count));
                let _ = writeln!(
                    svg,
                    "<rect class=\"{class}\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>{} from {}: {count}</title></rect>",
                    width / 2.0,
                    height(count),
                    class,
                    Score::from_hundredths(halves * 50)
                );
            }
        }
        if halves % 10 == 0 {
            label_at(&mut svg, "middle", (x(halves), floor + 16.0), &(halves / 2).to_string());
        }
    }
    for (_, threshold) in tally.thresholds {
        let at = LEFT + (threshold.hundredths() as f64 / 50.0 - *BINS.start() as f64) * width;
        if (LEFT..=WIDTH - RIGHT).contains(&at) {
            line(&mut svg, "threshold", (at, ABOVE), (at, floor));
        }
    }
    label_at(&mut svg, "middle", (WIDTH / 2.0, HEIGHT - 6.0), "score");
    svg.push_str("</svg>\n");
    svg
}

/// False-positive rate and recall at each score, from the highest down.
fn curve(tally: &Tally, score: impl Fn(&Record) -> Option<Score>) -> Vec<(f64, f64)> {
    let labelled = tally.records.iter().filter(|record| record.kind != Kind::Other);
    let mut ranked: Vec<(Score, bool)> =
        labelled.filter_map(|record| Some((score(record)?, record.kind == Kind::Spam))).collect();
    ranked.sort_by_key(|one| std::cmp::Reverse(one.0));
    let total = tally.scores.total();
    let mut seen = Counts::default();
    let mut points: Vec<(f64, f64)> = Vec::new();
    for equal in ranked.chunk_by(|a, b| a.0 == b.0) {
        equal.iter().for_each(|(_, is_spam)| seen.add(*is_spam));
        let (Some(rate), Some(recall)) = (share(seen.ham, total.ham), share(seen.spam, total.spam)) else { return Vec::new() };
        match points.last_mut() {
            Some(last) if last.0 == rate => last.1 = recall,
            _ => points.push((rate, recall)),
        }
    }
    points
}

fn share(part: u64, whole: u64) -> Option<f64> {
    // Counts of messages: far below what a double holds exactly.
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn begin(title: &str) -> String {
    format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" role=\"img\">\n<title>{title}</title>\n")
}

fn line(svg: &mut String, class: &str, from: (f64, f64), to: (f64, f64)) {
    let ((x1, y1), (x2, y2)) = (from, to);
    let _ = writeln!(svg, "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>");
}

fn label_at(svg: &mut String, anchor: &str, (x, y): (f64, f64), text: &str) {
    let _ = writeln!(svg, "<text text-anchor=\"{anchor}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>");
}
