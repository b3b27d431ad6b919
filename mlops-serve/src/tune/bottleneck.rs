//! [`Bottleneck`].

use std::fmt;

use super::{
    options::TuneOptions,
    search,
    setting::{Measurement, Setting},
};

/// Sessions that are busy for less than this wait for requests.
const BUSY: f64 = 0.8;
/// Twice the threads must bring at least this much to be worth the name.
const GAIN: f64 = 1.15;

/// What keeps a model from answering more requests with its best setting.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Bottleneck {
    /// No setting stays within the bound.
    Latency {
        /// The one that came nearest.
        nearest: Measurement,
    },
    /// Sessions wait for requests: those of the best setting, or those that were tried beside them.
    Callers {
        /// The part of the time that they ran.
        busy: f64,
    },
    /// Every thread that there may be is in use and brings its share.
    Compute {
        /// How many.
        threads: usize,
    },
    /// More threads were tried and bring little: they wait for memory, for one another, or for cores that
    /// others use.
    Scaling {
        /// Threads of the best setting.
        threads: usize,
        /// Threads that were tried with the same batches.
        tried: usize,
        /// Throughput with those, as a multiple.
        gain: f64,
    },
    /// Larger batches would bring more, but the bound on latency is met only without them.
    Queue {
        /// Rows in a batch of the best setting.
        max_batch_size: usize,
    },
    /// Nothing was measured.
    Unknown,
}

/// What the measurements say.
pub(super) fn bottleneck(options: &TuneOptions, measured: &[Measurement]) -> Bottleneck {
    let Some(best) = search::best(options, measured) else {
        return match measured.iter().min_by_key(|it| it.p99) {
            Some(nearest) => Bottleneck::Latency { nearest: *nearest },
            None => Bottleneck::Unknown,
        };
    };
    if best.busy < BUSY {
        return Bottleneck::Callers { busy: best.busy };
    }
    let faster_but_late =
        |it: &&Measurement| it.p99 > options.max_p99 && it.throughput > best.throughput * GAIN;
    if measured.iter().any(|it| faster_but_late(&it)) {
        return Bottleneck::Queue { max_batch_size: best.setting.max_batch_size };
    }
    let Setting { max_batch_size, .. } = best.setting;
    let threads = best.setting.threads();
    let with_more: Vec<_> = measured
        .iter()
        .filter(|it| it.setting.max_batch_size == max_batch_size && it.setting.threads() > threads)
        .collect();
    if let Some(idle) = with_more.iter().find(|it| it.busy < BUSY) {
        return Bottleneck::Callers { busy: idle.busy };
    }
    // The most that more threads brought.
    let most = with_more.iter().max_by(|one, other| one.throughput.total_cmp(&other.throughput));
    if let Some(most) = most {
        let gain = most.throughput / best.throughput;
        return Bottleneck::Scaling { threads, tried: most.setting.threads(), gain };
    }
    // Half the threads did nearly as much: the last doubling already brought little.
    let half = measured
        .iter()
        .filter(|it| {
            it.setting.max_batch_size == max_batch_size && it.setting.threads() * 2 == threads
        })
        .max_by(|one, other| one.throughput.total_cmp(&other.throughput));
    match half {
        Some(half) if best.throughput < half.throughput * GAIN => Bottleneck::Scaling {
            threads: threads / 2,
            tried: threads,
            gain: best.throughput / half.throughput,
        },
        _ => Bottleneck::Compute { threads },
    }
}

impl fmt::Display for Bottleneck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latency { nearest } => write!(
                f,
                "no setting stays within the bound: the nearest is {} with a p99 of {:.1?}",
                nearest.setting, nearest.p99
            ),
            Self::Callers { busy } => write!(
                f,
                "too few callers, or too slow ones: sessions run {:.0} % of the time and wait for requests \
                 for the rest",
                busy * 100.0
            ),
            Self::Compute { threads } => {
                write!(f, "compute-bound: all {threads} threads are in use, and more would help")
            }
            Self::Scaling { threads, tried, gain } => write!(
                f,
                "more threads do not help: {tried} in place of {threads} bring {gain:.2} times the \
                 throughput; they wait for memory or for cores in use elsewhere"
            ),
            Self::Queue { max_batch_size } => write!(
                f,
                "queue-bound: other settings than batches of {max_batch_size} answer more requests, but \
                 too late for the bound on latency"
            ),
            Self::Unknown => f.write_str("nothing was measured"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{
        super::search::tests::{BIG, Paper},
        *,
    };

    fn found(paper: Paper, max_p99_ms: u64, max_threads: usize) -> Bottleneck {
        let options =
            TuneOptions::new(Duration::from_millis(max_p99_ms)).with_max_threads(max_threads);
        bottleneck(&options, &paper.search(&options))
    }

    #[test]
    fn it_is_told_from_what_was_measured() {
        assert_eq!(found(BIG, 1000, 8), Bottleneck::Compute { threads: 8 });
        assert_eq!(found(BIG, 1000, 1), Bottleneck::Compute { threads: 1 });
        let starved = found(Paper { lanes: 1.0, ..BIG }, 1000, 8);
        assert!(matches!(starved, Bottleneck::Scaling { threads: 1, tried: 2, .. }), "{starved}");
        let few = found(Paper { callers: 1.0, ..BIG }, 1000, 8);
        assert!(matches!(few, Bottleneck::Callers { busy } if busy < 0.6), "{few}");
        let late = found(BIG, 0, 8);
        assert!(matches!(late, Bottleneck::Latency { .. }), "{late}");
        let options = TuneOptions::new(Duration::from_millis(1));
        assert_eq!(bottleneck(&options, &[]), Bottleneck::Unknown);
    }

    #[test]
    fn idle_sessions_and_late_answers_are_told_apart() {
        let options = TuneOptions::new(Duration::from_millis(10));
        let one = Measurement {
            busy: 1.0,
            p99: Duration::from_millis(9),
            ..BIG.measure(Setting::new(1, 8, 1))
        };
        let idle = Measurement { busy: 0.5, ..one };
        assert_eq!(bottleneck(&options, &[idle]), Bottleneck::Callers { busy: 0.5 });
        let late = Measurement {
            setting: Setting::new(1, 16, 1),
            throughput: one.throughput * 1.5,
            p99: Duration::from_millis(11),
            ..one
        };
        assert_eq!(bottleneck(&options, &[one, late]), Bottleneck::Queue { max_batch_size: 8 });
        // Not much faster: no reason to blame the bound.
        let late = Measurement { throughput: one.throughput * 1.1, ..late };
        assert_eq!(bottleneck(&options, &[one, late]), Bottleneck::Compute { threads: 1 });
    }
}
