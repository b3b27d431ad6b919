//! [`Arrivals`]: when requests are due.

use std::time::Duration;

use mlops_core::random::{RandomKey, RandomStream};

/// When requests are due.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Arrivals {
    /// Each of so many clients sends its next request when the last one is answered.
    Closed {
        /// Clients, each on its own connection.
        clients: usize,
    },
    /// Requests arrive by themselves, whether or not those before them are answered.
    Open {
        /// Requests a second.
        rate: f64,
        /// How they are spread.
        process: Process,
        /// Requests under way at most. One that is due while all connections are taken waits for
        /// one, and that wait is part of its latency.
        connections: usize,
    },
}

/// How arrivals are spread over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Process {
    /// As from many independent users: the gaps are exponential.
    Poisson,
    /// All gaps are equal.
    Constant,
}

impl Arrivals {
    /// Requests under way at most.
    #[must_use]
    pub fn connections(&self) -> usize {
        match *self {
            Self::Closed { clients } => clients,
            Self::Open { connections, .. } => connections,
        }
    }

    /// The share of one of `threads` threads.
    pub(super) fn share(self, thread: usize, threads: usize) -> Self {
        let part = |whole: usize| whole / threads + usize::from(thread < whole % threads);
        match self {
            Self::Closed { clients } => Self::Closed { clients: part(clients) },
            Self::Open { rate, process, connections } => {
                Self::Open { rate: rate / threads as f64, process, connections: part(connections) }
            }
        }
    }
}

/// The times, counted from the start, at which requests of an open loop are due.
#[derive(Debug)]
pub(super) struct Schedule {
    gap: f64,
    process: Process,
    random: RandomStream,
    seconds: f64,
}

impl Schedule {
    /// The schedule of one thread.
    pub(super) fn new(rate: f64, process: Process, key: &RandomKey, thread: usize) -> Self {
        let random = key.derive("arrivals").stream(thread as u64);
        Self { gap: 1.0 / rate, process, random, seconds: 0.0 }
    }

    /// Begins this share of a gap later, so that several threads take turns.
    pub(super) fn starting_at(mut self, share: f64) -> Self {
        self.seconds = share * self.gap;
        self
    }
}

impl Iterator for Schedule {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let due = self.seconds;
        self.seconds += match self.process {
            Process::Constant => self.gap,
            // The inverse of the exponential distribution function; 1 - u is never 0.
            Process::Poisson => -(1.0 - self.random.next_unit()).ln() * self.gap,
        };
        // A schedule ends where time does.
        Duration::try_from_secs_f64(due).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gaps(process: Process, rate: f64, count: usize) -> Vec<f64> {
        let schedule = Schedule::new(rate, process, &RandomKey::from_seed(11), 0);
        let times: Vec<f64> = schedule.take(count + 1).map(|due| due.as_secs_f64()).collect();
        times.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    #[test]
    fn constant_arrivals_are_a_gap_apart() {
        for gap in gaps(Process::Constant, 1000.0, 10_000) {
            assert!((gap - 1e-3).abs() < 1e-8, "{gap}");
        }
    }

    #[test]
    fn poisson_arrivals_are_exponentially_apart() {
        // Kolmogorov and Smirnov's statistic against the exponential distribution: at n = 20 000 its
        // 0.1 % point is 1.95 / sqrt(n) = 0.0138.
        let (rate, count) = (500.0, 20_000);
        let mut gaps = gaps(Process::Poisson, rate, count);
        let mean = gaps.iter().sum::<f64>() / count as f64;
        // The mean of n exponential gaps has a standard deviation of mean / sqrt(n); 4 of them.
        assert!((mean * rate - 1.0).abs() < 4.0 / (count as f64).sqrt(), "{mean}");
        gaps.sort_by(f64::total_cmp);
        let distance = gaps
            .iter()
            .enumerate()
            .map(|(rank, gap)| {
                let expected = 1.0 - (-gap * rate).exp();
                let (below, above) = (rank as f64 / count as f64, (rank + 1) as f64 / count as f64);
                (expected - below).abs().max((above - expected).abs())
            })
            .fold(0.0, f64::max);
        assert!(distance < 0.0138, "{distance}");
    }

    #[test]
    fn threads_share_the_clients_and_the_rate() {
        for threads in 1..5 {
            let arrivals =
                Arrivals::Open { rate: 900.0, process: Process::Poisson, connections: 10 };
            let shares: Vec<_> = (0..threads).map(|n| arrivals.share(n, threads)).collect();
            assert_eq!(shares.iter().map(Arrivals::connections).sum::<usize>(), 10);
            let rates: f64 = shares
                .iter()
                .map(|share| if let Arrivals::Open { rate, .. } = share { *rate } else { 0.0 })
                .sum();
            assert!((rates - 900.0).abs() < 1e-9);
        }
    }

    #[test]
    fn constant_arrivals_of_several_threads_take_turns() {
        let key = RandomKey::from_seed(1);
        let mut all: Vec<Duration> = (0..4_u8)
            .flat_map(|thread| {
                let schedule = Schedule::new(25.0, Process::Constant, &key, thread.into());
                schedule.starting_at(f64::from(thread) / 4.0).take(100)
            })
            .collect();
        all.sort_unstable();
        for pair in all.windows(2) {
            assert_eq!((pair[1] - pair[0]).as_micros().div_ceil(100), 100, "{pair:?}");
        }
    }
}
