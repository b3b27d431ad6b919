//! [`Table`]: what came of each load, by server.

use std::{fmt, time::Duration};

use crate::{
    load::{Outcome, Report},
    rounds::median,
};

/// What came of one load in one round.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Figures {
    /// Answers a second.
    pub rate: f64,
    /// Quantiles 0.5, 0.99 and 0.999 of latency, in milliseconds.
    pub latency: [f64; 3],
    /// The server's CPU time for an answer, in microseconds.
    pub cpu: f64,
    /// The server's resident memory, in MiB.
    pub resident: f64,
    /// Rows in a run, if the server tells.
    pub mean_batch: Option<f64>,
    /// The share of sound requests that were due, whose client stayed, and that were not answered.
    pub lost: f64,
}

impl Figures {
    pub(super) fn new(report: &Report, mean_batch: Option<f64>) -> Self {
        let milliseconds = |share| report.latency.quantile(share).as_secs_f64() * 1e3;
        let sound: u64 = report.sound.values().sum();
        let left = report.sound.get(&Outcome::Left).copied().unwrap_or(0);
        let lost = report.failed() + report.unfinished;
        let cpu = report.server_cpu_per_answer().unwrap_or(Duration::ZERO);
        let resident = report.server.map_or(0, |server| server.resident_bytes);
        Self {
            rate: report.throughput(),
            latency: [0.5, 0.99, 0.999].map(milliseconds),
            cpu: cpu.as_secs_f64() * 1e6,
            resident: resident as f64 / f64::from(1 << 20),
            mean_batch,
            lost: lost as f64 / (sound - left + report.unfinished).max(1) as f64,
        }
    }
}

/// What came of one load on one model, by server and round; ours is the first server.
#[derive(Debug, Clone)]
pub struct Table {
    title: String,
    rows: Vec<(&'static str, Vec<Figures>)>,
}

impl Table {
    /// An empty one.
    #[must_use]
    pub fn new(title: String) -> Self {
        Self { title, rows: Vec::new() }
    }

    /// Adds what a server did in the next round.
    pub fn add(&mut self, server: &'static str, figures: Figures) {
        match self.rows.iter_mut().find(|(name, _)| *name == server) {
            Some((_, rounds)) => rounds.push(figures),
            None => self.rows.push((server, vec![figures])),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n| {} | answers/s | ours is | p50 ms | p99 ms | p99.9 ms | CPU µs | RSS MiB | mean batch | lost |",
            self.title
        )?;
        writeln!(f, "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")?;
        // In the order of our list, whatever the round began with.
        let order = |name: &str| super::PEERS.iter().position(|peer| peer.name == name);
        let mut rows: Vec<_> = self.rows.iter().collect();
        rows.sort_by_key(|(name, _)| order(name));
        let ours = rows.first().filter(|(name, _)| *name == super::PEERS[0].name);
        for (server, rounds) in &rows {
            let of = |figure: fn(&Figures) -> f64| median(rounds.iter().map(figure).collect());
            let ratio = match ours {
                Some((name, ours)) if name != server => {
                    let pairs = ours.iter().zip(rounds.iter());
                    format!("{:.2}×", median(pairs.map(|(us, them)| us.rate / them.rate).collect()))
                }
                _ => String::new(),
            };
            let batches: Vec<f64> = rounds.iter().filter_map(|round| round.mean_batch).collect();
            let batch =
                if batches.is_empty() { "–".into() } else { format!("{:.1}", median(batches)) };
            writeln!(
                f,
                "| {server} | {:.0} | {ratio} | {:.2} | {:.2} | {:.2} | {:.0} | {:.0} | {batch} | {:.1} % |",
                of(|round| round.rate),
                of(|round| round.latency[0]),
                of(|round| round.latency[1]),
                of(|round| round.latency[2]),
                of(|round| round.cpu),
                of(|round| round.resident),
                of(|round| 100.0 * round.lost),
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(rate: f64) -> Figures {
        Figures {
            rate,
            latency: [1.0, 2.0, 3.0],
            cpu: 4.0,
            resident: 5.0,
            mean_batch: None,
            lost: 0.25,
        }
    }

    #[test]
    fn a_row_has_medians_and_the_median_of_ratios_in_the_same_round() {
        let mut table = Table::new("t".into());
        // Theirs doubles when ours does: the machine was twice as fast in the second round.
        for (ours, theirs) in [(300.0, 100.0), (800.0, 200.0), (100.0, 20.0)] {
            table.add("triton", figures(theirs));
            table.add("model_server", figures(ours));
        }
        let text = table.to_string();
        let rows: Vec<&str> = text.trim().lines().skip(2).collect();
        assert_eq!(
            rows,
            [
                "| model_server | 300 |  | 1.00 | 2.00 | 3.00 | 4 | 5 | – | 25.0 % |",
                "| triton | 100 | 4.00× | 1.00 | 2.00 | 3.00 | 4 | 5 | – | 25.0 % |",
            ]
        );
    }
}
