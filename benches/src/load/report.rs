//! [`Report`]: what came of a load test.

use std::{collections::BTreeMap, time::Duration};

use super::{Latencies, Usage};

/// What came of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It was answered with outputs.
    Answered,
    /// It was answered with an error, of this HTTP status.
    Refused(u16),
    /// The connection broke.
    Broken,
    /// The client went away, as it was meant to.
    Left,
}

/// What came of the requests that were due in the measured window.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Report {
    /// How long was measured, warm-up left out.
    pub window: Duration,
    /// Requests due in the window. Each is in exactly one of `sound`, `poison` and `unfinished`.
    pub due: u64,
    /// What came of those that the model can answer.
    pub sound: BTreeMap<Outcome, u64>,
    /// What came of those that it cannot.
    pub poison: BTreeMap<Outcome, u64>,
    /// Those that had no answer when the test ended, or had not even been sent.
    pub unfinished: u64,
    /// Answers with outputs that arrived in the window, to whatever request.
    pub answers: u64,
    /// From when a request was due to its answer. Of sound requests that were answered, and of
    /// unfinished ones until the end of the test: what they had waited at the least.
    pub latency: Latencies,
    /// From when a request was due until it was sent: for want of a free connection, or of a
    /// generator that keeps up.
    pub start_delay: Latencies,
    /// What this process used in the window.
    pub client: Usage,
    /// What the server's processes used in the window.
    pub server: Option<Usage>,
}

impl Report {
    /// Answers a second.
    #[must_use]
    pub fn throughput(&self) -> f64 {
        self.answers as f64 / self.window.as_secs_f64()
    }

    /// The server's CPU time for each answer.
    #[must_use]
    pub fn server_cpu_per_answer(&self) -> Option<Duration> {
        per(self.server?.cpu, self.answers)
    }

    /// This process's CPU time for each answer.
    #[must_use]
    pub fn client_cpu_per_answer(&self) -> Option<Duration> {
        per(self.client.cpu, self.answers)
    }

    /// Sound requests that were sent and not answered with outputs, clients that left aside.
    #[must_use]
    pub fn failed(&self) -> u64 {
        let failed = |(outcome, _): &(&Outcome, &u64)| {
            matches!(outcome, Outcome::Refused(_) | Outcome::Broken)
        };
        self.sound.iter().filter(failed).map(|(_, count)| count).sum()
    }

    /// Adds what another thread measured in the same window.
    pub(super) fn merge(&mut self, other: &Self) {
        self.due += other.due;
        self.unfinished += other.unfinished;
        self.answers += other.answers;
        self.latency.merge(&other.latency);
        self.start_delay.merge(&other.start_delay);
        for (outcomes, others) in
            [(&mut self.sound, &other.sound), (&mut self.poison, &other.poison)]
        {
            for (outcome, count) in others {
                *outcomes.entry(*outcome).or_default() += count;
            }
        }
    }
}

fn per(time: Duration, answers: u64) -> Option<Duration> {
    (answers > 0).then(|| Duration::from_secs_f64(time.as_secs_f64() / answers as f64))
}
