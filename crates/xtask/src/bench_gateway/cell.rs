//! One measurement: so many messages, until the sink has all.

use std::thread::sleep;
use std::time::{Duration, Instant};

use super::load::Load;
use super::servers::{Server, Sink};
use crate::report::Shortfall;

/// How long nothing may arrive before a cell counts as failed.
const STALL: Duration = Duration::from_secs(30);

/// What a cell came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Figures {
    /// From the first connection until the sink has all.
    pub(super) per_second: f64,
    /// Of the server's processes, for each message.
    pub(super) cpu_ms: f64,
    /// Of all answers to a content, the one that 99 in 100 come before.
    pub(super) p99_ms: f64,
}

impl Load<'_> {
    pub(super) fn measure(&self, server: &Server, sink: &Sink) -> Result<Figures, Shortfall> {
        let (count, cpu) = (sink.count()?, server.cpu()?);
        let begin = Instant::now();
        let answers = self.send(server.port()).map_err(|error| Shortfall::Failed(format!("{}: {error}", server.name())))?;
        let (mut last, mut since) = (count, Instant::now());
        while last - count < self.messages as u64 {
            let now = sink.count()?;
            if now > last {
                (last, since) = (now, Instant::now());
            } else if since.elapsed() > STALL {
                return Err(Shortfall::Failed(format!("{}: {} of {} arrived", server.name(), last - count, self.messages)));
            }
            sleep(Duration::from_millis(5));
        }
        let took = begin.elapsed().as_secs_f64();
        // What is tidied up behind the last delivery is counted too.
        sleep(Duration::from_millis(300));
        let cpu_ms = (server.cpu()? - cpu) * 1_000.0 / self.messages as f64;
        let p99 = answers.get(answers.len() * 99 / 100).copied().unwrap_or_default();
        Ok(Figures { per_second: self.messages as f64 / took, cpu_ms, p99_ms: p99.as_secs_f64() * 1_000.0 })
    }
}

impl Figures {
    /// Each figure's median.
    pub(super) fn median(all: &[Self]) -> Self {
        let median = |figure: fn(&Self) -> f64| {
            let mut figures: Vec<f64> = all.iter().map(figure).collect();
            figures.sort_by(f64::total_cmp);
            figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
        };
        Self {
            per_second: median(|figures| figures.per_second),
            cpu_ms: median(|figures| figures.cpu_ms),
            p99_ms: median(|figures| figures.p99_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_of_each_figure() {
        let figures = |(per_second, cpu_ms)| Figures { per_second, cpu_ms, p99_ms: 0.0 };
        let all = [(1.0, 30.0), (3.0, 10.0), (2.0, 20.0)].map(figures);
        let median = Figures::median(&all);
        assert_eq!((median.per_second, median.cpu_ms), (2.0, 20.0));
    }
}
