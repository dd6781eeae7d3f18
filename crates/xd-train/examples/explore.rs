use std::collections::BTreeMap;
use xd_core::classify::{Family, Features};
use xd_core::{Limits, Message};
use xd_train::{Example, Learner, measure};

struct Sample { example: Example, label: String, source: String, cluster: String, everyday: bool, synthetic: bool, path: String, rules: f32 }

fn load() -> Vec<Sample> {
    let mut out = Vec::new();
    let engine = xd_core::Engine::builtin().unwrap();
    for (manifest, everyday) in [("/work/shared/corpus/manifest.tsv", false), ("/work/shared/corpus/everyday-manifest.tsv", true)] {
        let text = std::fs::read_to_string(manifest).unwrap();
        let mut lines = text.lines();
        let names: Vec<&str> = lines.next().unwrap().split('\t').collect();
        let col = |name: &str| names.iter().position(|n| *n == name);
        let (cp, cl, cs) = (col("path").unwrap(), col("label").unwrap(), col("source").unwrap());
        let cc = col("cluster").or(col("family")).unwrap();
        let csyn = col("synthetic");
        for line in lines {
            let f: Vec<&str> = line.split('\t').collect();
            let side = f[cp].split('/').next().unwrap();
            let root = if everyday { format!("/tmp/corpus/everyday-{side}") } else { format!("/tmp/corpus/{side}") };
            let path = format!("{root}/{}", f[cp]);
            let Ok(bytes) = std::fs::read(&path) else { panic!("{path}") };
            let message = Message::parse(&bytes, &Limits::default());
            let features = Features::of(&message);
            let (envelope, evidence) = xd_core::evidence::derive(&message);
            let rules = xd_core::judge(&engine, &envelope, &message, &evidence).verdict().score.hundredths() as f32 / 100.0;
            let label = f[cl].to_owned();
            out.push(Sample { example: Example { features, is_spam: matches!(f[cl], "spam" | "phish"), weight: 1.0 }, label, source: f[cs].to_owned(), cluster: format!("{}", f[cc]), everyday, synthetic: csyn.is_some_and(|c| f[c] == "yes"), path, rules });
        }
    }
    out
}

fn fold(cluster: &str, folds: u64) -> u64 {
    let mut h = 0xcbf2_9ce4_8422_2325_u64;
    for b in cluster.bytes() { h = (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3); }
    (h >> 20) % folds
}

fn report(name: &str, samples: &[Sample], scores: &[f32]) {
    let pick = |want: &dyn Fn(&Sample) -> bool| -> Vec<f32> { samples.iter().zip(scores).filter(|(s, v)| want(s) && v.is_finite()).map(|(_, v)| *v).collect() };
    let ham = pick(&|s| s.label == "ham");
    let spam = pick(&|s| s.example.is_spam);
    let phish = pick(&|s| s.label == "phish");
    let m = measure(&ham, &spam);
    let p = measure(&ham, &phish);
    let at = m.thresholds[1];
    let over = |want: &dyn Fn(&Sample) -> bool, t: f32| { let v = pick(want); let n = v.iter().filter(|x| **x >= t).count(); format!("{n}/{}", v.len()) };
    println!("{name}: auc {:.4} recall 0/{:.3} .1/{:.3} .5/{:.3} 1/{:.3}; phish .1/{:.3} .5/{:.3}; at .1: everyday {} real {} dsn {} | at .5: everyday {} real {} dsn {}",
        m.auc, m.recall[0], m.recall[1], m.recall[2], m.recall[3], p.recall[1], p.recall[2],
        over(&|s| s.everyday && s.label == "ham", at), over(&|s| s.everyday && s.label == "ham" && !s.synthetic, at), over(&|s| s.label == "dsn", at),
        over(&|s| s.everyday && s.label == "ham", m.thresholds[2]), over(&|s| s.everyday && s.label == "ham" && !s.synthetic, m.thresholds[2]), over(&|s| s.label == "dsn", m.thresholds[2]));
}

fn cross(samples: &[Sample], learner: &Learner, train: &dyn Fn(&Sample) -> bool, weight: &dyn Fn(&Sample) -> f32) -> Vec<f32> {
    const FOLDS: u64 = 5;
    let mut scores = vec![f32::NAN; samples.len()];
    let examples: Vec<Example> = samples.iter().map(|s| Example { weight: weight(s), ..s.example.clone() }).collect();
    for f in 0..FOLDS {
        let with: Vec<&Example> = samples.iter().zip(&examples).filter(|(s, _)| fold(&s.cluster, FOLDS) != f && s.label != "dsn_" && train(s)).map(|(_, e)| e).collect();
        let w = learner.learn(&with);
        for (i, s) in samples.iter().enumerate().filter(|(_, s)| fold(&s.cluster, FOLDS) == f) { scores[i] = w.logit(&s.example.features); }
    }
    scores
}

fn loso(samples: &[Sample], learner: &Learner, scores: &[f32], weight: &dyn Fn(&Sample) -> f32) {
    let ham: Vec<f32> = samples.iter().zip(scores).filter(|(s, _)| s.label == "ham").map(|(_, v)| *v).collect();
    let spam: Vec<f32> = samples.iter().zip(scores).filter(|(s, _)| s.example.is_spam).map(|(_, v)| *v).collect();
    let t = measure(&ham, &spam).thresholds[2];
    let mut sources: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for s in samples { *sources.entry((&s.source, if s.example.is_spam { "spam" } else { "ham" })).or_default() += 1; }
    let names: std::collections::BTreeSet<&str> = sources.iter().filter(|((s, k), n)| **n >= 25 && (*k == "spam" || matches!(*s, "sa_easy_ham" | "sa_hard_ham" | "hand_lang" | "hand_notice" | "list_openbmc"))).map(|((s, _), _)| *s).collect();
    let examples: Vec<Example> = samples.iter().map(|s| Example { weight: weight(s), ..s.example.clone() }).collect();
    let mut misses = Vec::new();
    for name in names {
        let with: Vec<&Example> = samples.iter().zip(&examples).filter(|(s, _)| s.source != name && s.label != "dsn_").map(|(_, e)| e).collect();
        let w = learner.learn(&with);
        let (mut h, mut hf, mut sp, mut sm) = (0, 0, 0, 0);
        for s in samples.iter().filter(|s| s.source == name) {
            let v = w.logit(&s.example.features);
            if s.example.is_spam { sp += 1; sm += usize::from(v < t); } else { h += 1; hf += usize::from(v >= t); }
        }
        if sp > 0 { misses.push(sm as f64 / sp as f64); }
        print!("  {name} {hf}/{h} {sm}/{sp};");
    }
    misses.sort_by(f64::total_cmp);
    println!("  median miss {:.3} threshold {t:.2}", misses[misses.len() / 2]);
}

fn main() {
    let start = std::time::Instant::now();
    let samples = load();
    println!("{} samples in {:?}", samples.len(), start.elapsed());
    for family in Family::ALL { println!("{} {:.1}", family.as_str(), samples.iter().map(|s| s.example.features.places(family).len()).sum::<usize>() as f64 / samples.len() as f64); }
    let base = Learner { passes: 8, rate: 0.3, decay: 0.0, floor: [64, 8, 4, 16, 16, 16, 8], gain: [2.0; 7], least: 2, dropout: 0.0 };
    let one = |s: &Sample| if s.everyday { 3.0 } else { 1.0 };
    let args: Vec<String> = std::env::args().skip(1).collect();
    let mode = args.first().map_or("base", |a| a.as_str());
    let all = |_: &Sample| true;
    let perm = |s: &Sample| s.source != "phishing_pot";
    match mode {
        "base" => {
            let t = std::time::Instant::now();
            let scores = cross(&samples, &base, &all, &one);
            println!("took {:?}", t.elapsed());
            report("base", &samples, &scores);
            report("permissive", &samples, &cross(&samples, &base, &perm, &one));
            for f in 0..7 {
                let mut l = base; l.gain[f] = 0.0;
                report(&format!("without {}", Family::ALL[f].as_str()), &samples, &cross(&samples, &l, &all, &one));
                report(&format!("   permissive without {}", Family::ALL[f].as_str()), &samples, &cross(&samples, &l, &perm, &one));
            }
        }
        "sweep" => {
            for (name, l) in [
                ("rate .1", Learner { rate: 0.1, ..base }), ("rate 1", Learner { rate: 1.0, ..base }),
                ("decay 1e-3", Learner { decay: 1e-3, ..base }), ("decay 1e-2", Learner { decay: 1e-2, ..base }),
                ("passes 20", Learner { passes: 20, ..base }), ("least 3", Learner { least: 3, ..base }), ("least 1", Learner { least: 1, ..base }),
                ("dropout .3", Learner { dropout: 0.3, ..base }), ("dropout .5", Learner { dropout: 0.5, passes: 12, ..base }),
                ("gain 1", Learner { gain: [1.0; 7], ..base }), ("gain 4", Learner { gain: [4.0; 7], ..base }),
            ] {
                report(name, &samples, &cross(&samples, &l, &all, &one));
                report(&format!("   permissive {name}"), &samples, &cross(&samples, &l, &perm, &one));
            }
        }
        "loso" => {
            let scores = cross(&samples, &base, &all, &one);
            report("base", &samples, &scores);
            loso(&samples, &base, &scores, &one);
        }
        "tune" => {
            for spec in &args[1..] {
                let mut l = base;
                for item in spec.split(',') {
                    let (k, v) = item.split_once('=').unwrap();
                    let v: f32 = v.parse().unwrap();
                    match k {
                        "rate" => l.rate = v, "decay" => l.decay = v, "drop" => l.dropout = v, "passes" => l.passes = v as usize, "least" => l.least = v as u32,
                        _ => { let f = Family::ALL.iter().position(|f| f.as_str().starts_with(k)).unwrap(); l.gain[f] = v; }
                    }
                }
                let scores = cross(&samples, &l, &all, &one);
                report(spec, &samples, &scores);
                report("   permissive", &samples, &cross(&samples, &l, &perm, &one));
                loso(&samples, &l, &scores, &one);
            }
        }
        "joint" => {
            let l = Learner { gain: [2.0, 2.0, 2.0, 1.0, 2.0, 2.0, 2.0], ..base };
            for (what, train) in [("default", &all as &dyn Fn(&Sample) -> bool), ("permissive", &perm)] {
                let scores = cross(&samples, &l, train, &one);
                report(what, &samples, &scores);
                let rules: Vec<f32> = samples.iter().map(|s| s.rules).collect();
                report("rules", &samples, &rules);
                for alpha in [0.1_f32, 0.2, 0.4, 0.7, 1.0, 1.5] {
                    let sum: Vec<f32> = samples.iter().zip(&scores).map(|(s, v)| v + alpha * s.rules).collect();
                    report(&format!("   + {alpha} rules"), &samples, &sum);
                }
                let sum: Vec<f32> = samples.iter().zip(&scores).map(|(s, v)| v + 0.4 * s.rules).collect();
                let mut top: Vec<(f32, f32, &Sample)> = samples.iter().zip(&sum).zip(&scores).filter(|((s, _), _)| s.label == "ham").map(|((s, v), m)| (*v, *m, s)).collect();
                top.sort_by(|a, b| b.0.total_cmp(&a.0));
                for (v, m, s) in top.iter().take(25) { println!("   {v:.2} model {m:.2} rules {:.2} {} {}", s.rules, s.source, s.path); }
                let mut low: Vec<(f32, f32, &Sample)> = samples.iter().zip(&sum).zip(&scores).filter(|((s, _), _)| s.example.is_spam).map(|((s, v), m)| (*v, *m, s)).collect();
                low.sort_by(|a, b| a.0.total_cmp(&b.0));
                for (v, m, s) in low.iter().take(25) { println!("   {v:.2} model {m:.2} rules {:.2} {} {}", s.rules, s.source, s.path); }
            }
        }
        "weights" => {
            let l = Learner { gain: [2.0, 2.0, 2.0, 1.0, 2.0, 2.0, 2.0], ..base };
            for (everyday, hard, ham) in [(3.0, 1.0, 1.0), (3.0, 3.0, 1.0), (3.0, 6.0, 1.0), (5.0, 5.0, 1.0), (3.0, 3.0, 2.0), (6.0, 6.0, 3.0)] {
                for l in [l, Learner { dropout: 0.3, passes: 12, ..l }] {
                    let weight = |s: &Sample| if s.everyday { everyday } else if matches!(&*s.source, "sa_hard_ham" | "unspy_newsletters") { hard } else if s.label == "ham" { ham } else { 1.0 };
                    for (what, train) in [("default", &all as &dyn Fn(&Sample) -> bool), ("permissive", &perm)] {
                        let scores = cross(&samples, &l, train, &weight);
                        let sum: Vec<f32> = samples.iter().zip(&scores).map(|(s, v)| v + 0.2 * s.rules).collect();
                        report(&format!("{what} {everyday} {hard} {ham} {}", l.dropout), &samples, &sum);
                    }
                }
            }
        }
        "points" => {
            let l = Learner { gain: [2.0, 2.0, 2.0, 1.0, 2.0, 2.0, 2.0], ..base };
            let weight = |s: &Sample| if s.everyday || matches!(&*s.source, "sa_hard_ham" | "unspy_newsletters") { 3.0 } else if s.label == "ham" { 2.0 } else { 1.0 };
            for (what, train) in [("default", &all as &dyn Fn(&Sample) -> bool), ("permissive", &perm)] {
                let scores = cross(&samples, &l, train, &weight);
                let mut q = scores.clone(); q.sort_by(f32::total_cmp); println!("{what} logits {:?}", [0, 10, 50, 100].map(|p| q[(q.len() - 1) * p / 100]));
                for slope in [1.0_f32, 2.0, 3.0] { for at in [0.5_f32, 1.5, 2.5] { for lo in [-3.0_f32, -6.0] { for hi in [7.0_f32, 9.0] { for damp in [0.5_f32, 1.0] {
                    let total: Vec<f32> = samples.iter().zip(&scores).map(|(s, v)| damp * s.rules + (5.0 + slope * (v - at)).clamp(lo, hi)).collect();
                    let frac = |want: &dyn Fn(&Sample) -> bool, t: f32| { let (mut n, mut all) = (0, 0); for (s, v) in samples.iter().zip(&total) { if want(s) { all += 1; n += usize::from(*v >= t); } } (n, all) };
                    let (a, b) = frac(&|s| s.example.is_spam, 5.0); let (c, d) = frac(&|s| s.label == "ham" && !s.everyday, 5.0); let (e, _) = frac(&|s| s.label == "ham" && s.everyday, 5.0);
                    let (r, _) = frac(&|s| s.label == "ham" && s.everyday && !s.synthetic, 5.0); let (x, _) = frac(&|s| s.label == "dsn", 5.0);
                    let (y, _) = frac(&|s| s.label == "ham", 10.0); let (z, _) = frac(&|s| s.example.is_spam, 10.0); let (ph, pn) = frac(&|s| s.label == "phish", 5.0);
                    println!("{what} slope {slope} at {at} lo {lo} hi {hi} damp {damp}: recall {:.3} phish {:.3} ham {c} = {:.2} % everyday {e} real {r} dsn {x} | sure ham {y} spam {:.3}", a as f32 / b as f32, ph as f32 / pn as f32, 100.0 * c as f32 / d as f32, z as f32 / b as f32);
                } } } } }
            }
        }
        _ => {}
    }
}
