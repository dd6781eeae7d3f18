//! Fits rule scores to labelled mail beside the points of models, so that one threshold means the same for the sum of both.
//!
//! What is made as small as possible is a sum over messages: how far each lies on the wrong side of the threshold where spam begins, softly (the logistic
//! loss), in each situation in which rules judge: beside one model, beside the other, alone. Wanted mail counts several times, and again where it comes near to
//! being surely spam. Leaving the score that a fit starts from costs something too, so a rule that holds for little mail stays near it.
//!
//! One score moves at a time, by the one step among a few that gains most, until no step of any rule gains. There is no chance and no rate in it, and all
//! scores are multiples of [`GRID`] throughout: nothing is rounded afterwards. Bounds keep each score's sign.

use super::scores::Scores;

/// In how many situations rules judge.
pub(super) const SITUATIONS: usize = 3;

/// A message as the fit sees it.
#[derive(Clone, Debug)]
pub(super) struct Case<'a> {
    /// The rules that hold.
    pub(super) held: &'a [usize],
    /// What models give beside them, in hundredths.
    pub(super) beside: [i32; SITUATIONS],
    pub(super) is_spam: bool,
    /// How much it counts; 1 is usual.
    pub(super) weight: f64,
}

/// What a fit goes by.
#[derive(Clone, Debug)]
pub(super) struct Aim {
    /// How much each situation counts.
    pub(super) situations: [f64; SITUATIONS],
    /// Over how many hundredths a message goes from one side of a threshold to the other.
    pub(super) softness: f64,
    /// What wanted mail counts beyond the second threshold, compared with the first.
    pub(super) sure: f64,
    /// What it costs to leave the score that a fit starts from, by a point.
    pub(super) hold: f64,
}

/// The least and most that a rule may give, in hundredths.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Bounds {
    pub(super) least: i32,
    pub(super) most: i32,
}

/// The thresholds, in hundredths.
const SPAM: i32 = 500;
const SURE: i32 = 1_000;
/// Scores are multiples of so many hundredths.
pub(super) const GRID: i32 = 10;
/// Steps that are tried, in hundredths: far ones first, since near ones alone stop at the first hollow.
const STEPS: [i32; 6] = [-100, 100, -30, 30, -10, 10];
/// Rounds over all rules, at most.
const ROUNDS: usize = 200;

/// Fits scores to cases, from where they start.
pub(super) fn fit(start: &Scores, bounds: &[Bounds], cases: &[Case<'_>], aim: &Aim) -> Scores {
    let mut scores = start.clone();
    for (score, bounds) in scores.of_rules.iter_mut().zip(bounds) {
        *score = (*score).clamp(bounds.least, bounds.most);
    }
    let loss = Loss::new(aim);
    let mut where_held = vec![Vec::new(); scores.of_rules.len()];
    for (index, case) in cases.iter().enumerate() {
        for &rule in case.held {
            where_held[rule].push(index);
        }
    }
    let mut sums: Vec<i32> = cases.iter().map(|case| scores.sum(case.held)).collect();
    for _ in 0..ROUNDS {
        let mut moved = false;
        for (rule, held) in where_held.iter().enumerate() {
            let (now, Bounds { least, most }) = (scores.of_rules[rule], bounds[rule]);
            if least == most || held.is_empty() {
                continue;
            }
            let cost = |scores: &mut Scores, to: i32| {
                scores.of_rules[rule] = to;
                let away = f64::from(to - start.of_rules[rule]) / 100.0;
                let of_case =
                    |&index: &usize| loss.of(&cases[index], scores.sum(cases[index].held)) - loss.of(&cases[index], sums[index]);
                aim.hold * away * away + held.iter().map(of_case).sum::<f64>()
            };
            let mut best = (cost(&mut scores, now), now);
            for to in STEPS.map(|step| (now + step).clamp(least, most)) {
                let tried = cost(&mut scores, to);
                if tried < best.0 - LEAST_GAIN {
                    best = (tried, to);
                }
            }
            scores.of_rules[rule] = best.1;
            if best.1 != now {
                moved = true;
                for &index in held {
                    sums[index] = scores.sum(cases[index].held);
                }
            }
        }
        if !moved {
            break;
        }
    }
    scores
}

/// Less than this is no gain; without it, sums that differ by rounding would move scores back and forth.
const LEAST_GAIN: f64 = 1e-9;

/// What a score costs, by tables.
#[derive(Debug)]
struct Loss {
    situations: [f64; SITUATIONS],
    ham: Vec<f64>,
    spam: Vec<f64>,
}

/// The scores that tables hold; beyond, the nearest stands.
const LOWEST: i32 = -2_000;
const HIGHEST: i32 = 6_000;

impl Loss {
    fn new(aim: &Aim) -> Self {
        let soft = |over: i32| (f64::from(over) / aim.softness).exp().ln_1p();
        let scores = || LOWEST..=HIGHEST;
        let ham = |score: i32| soft(score - SPAM) + aim.sure * soft(score - SURE);
        Self {
            situations: aim.situations,
            ham: scores().map(ham).collect(),
            spam: scores().map(|score| soft(SPAM - score)).collect(),
        }
    }

    fn of(&self, case: &Case<'_>, rules: i32) -> f64 {
        let table = if case.is_spam { &self.spam } else { &self.ham };
        let cost = |beside: i32| table[((beside + rules).clamp(LOWEST, HIGHEST) - LOWEST) as usize];
        case.weight * self.situations.iter().zip(case.beside).map(|(share, beside)| share * cost(beside)).sum::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AIM: Aim = Aim { situations: [1.0, 0.0, 0.0], softness: 100.0, sure: 1.0, hold: 0.1 };
    const WIDE: Bounds = Bounds { least: 10, most: 900 };

    fn scores(of_rules: &[i32]) -> Scores {
        Scores { of_rules: of_rules.to_vec(), groups: vec![None; of_rules.len()], caps: Vec::new() }
    }

    fn cases<'a>(held: &'a [usize], beside: i32, is_spam: bool, count: usize) -> Vec<Case<'a>> {
        vec![Case { held, beside: [beside, 0, 0], is_spam, weight: 1.0 }; count]
    }

    #[test]
    fn a_rule_of_spam_rises_and_one_of_wanted_mail_falls() {
        let cases = [cases(&[0], 200, true, 50), cases(&[1], 200, false, 50)].concat();
        let fitted = fit(&scores(&[200, 200]), &[WIDE; 2], &cases, &AIM).of_rules;
        assert!(fitted[0] > 400 && fitted[1] < 100, "{fitted:?}");
        assert!(fitted.iter().all(|score| score % GRID == 0));
    }

    #[test]
    fn what_the_model_says_already_is_not_said_again() {
        let with = |beside| {
            fit(&scores(&[300]), &[WIDE], &[cases(&[0], beside, true, 30), cases(&[0], beside, false, 3)].concat(), &AIM).of_rules
                [0]
        };
        assert!(with(700) < with(200));
    }

    #[test]
    fn bounds_hold_and_what_may_not_move_stays() {
        let bounds = [Bounds { least: 100, most: 250 }, Bounds { least: 330, most: 330 }];
        let cases = [cases(&[0, 1], 0, true, 500)].concat();
        assert_eq!(fit(&scores(&[200, 330]), &bounds, &cases, &AIM).of_rules, [250, 330]);
    }

    #[test]
    fn a_rule_without_mail_keeps_its_score() {
        assert_eq!(fit(&scores(&[200]), &[WIDE], &[], &AIM).of_rules, [200]);
    }
}
