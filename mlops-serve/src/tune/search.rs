//! Which setting to try next, and which is best: hill climbing over powers of two.

use std::cmp::Ordering;

use super::{
    options::TuneOptions,
    setting::{Measurement, Setting},
};

/// Throughputs closer than this are taken to be the same: two measurements of one setting are no closer.
const NOISE: f64 = 1.03;

/// Where the search starts: one session of one thread, with batches that are neither small nor large.
fn start(options: &TuneOptions) -> Setting {
    Setting::new(1, options.max_batch_size.min(8), 1)
}

/// The setting to try after these; `None` once none beside the best is better, or there were enough.
pub(super) fn next(options: &TuneOptions, measured: &[Measurement]) -> Option<Setting> {
    if measured.len() >= options.max_settings {
        return None;
    }
    let Some(best) = leader(options, measured) else {
        return Some(start(options));
    };
    let known = |setting: &Setting| measured.iter().any(|known| known.setting == *setting);
    neighbours(options, best.setting).find(|setting| !known(setting))
}

/// The best of those within the bound.
pub(super) fn best<'a>(
    options: &TuneOptions,
    measured: &'a [Measurement],
) -> Option<&'a Measurement> {
    leader(options, measured).filter(|best| best.p99 <= options.max_p99)
}

/// The best so far, whether or not within the bound.
fn leader<'a>(options: &TuneOptions, measured: &'a [Measurement]) -> Option<&'a Measurement> {
    measured.iter().reduce(|best, other| {
        if compare(options, other, best) == Ordering::Greater { other } else { best }
    })
}

/// Within the bound, more throughput is better; beyond it, less latency. Of two alike, the one that takes
/// fewer threads is better, then the one with the smaller batches.
fn compare(options: &TuneOptions, one: &Measurement, other: &Measurement) -> Ordering {
    let within = |measured: &Measurement| measured.p99 <= options.max_p99;
    match (within(one), within(other)) {
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => other.p99.cmp(&one.p99),
        (true, true) if one.throughput > other.throughput * NOISE => Ordering::Greater,
        (true, true) if other.throughput > one.throughput * NOISE => Ordering::Less,
        (true, true) => {
            let cost = |it: &Measurement| (it.setting.threads(), it.setting.max_batch_size);
            cost(other).cmp(&cost(one))
        }
    }
}

/// One step away in each direction, what promises most first. The last two move threads between and
/// within sessions, which no other step can once all are in use.
fn neighbours(options: &TuneOptions, from: Setting) -> impl Iterator<Item = Setting> {
    let Setting { instances: i, max_batch_size: b, intra_threads: t } = from;
    // The largest size need not be a power of two.
    let larger = (b * 2).min(options.max_batch_size);
    [
        Setting::new(i, larger, t),
        Setting::new(i * 2, b, t),
        Setting::new(i, b, t * 2),
        Setting::new(i, b / 2, t),
        Setting::new(i / 2, b, t),
        Setting::new(i, b, t / 2),
        Setting::new(i * 2, b, t / 2),
        Setting::new(i / 2, b, t * 2),
    ]
    .into_iter()
    .filter(move |setting| options.allow(setting) && *setting != from)
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use super::*;

    /// A machine on paper. A run takes `fixed + rows × per_row / speed-up` µs.
    #[derive(Debug, Clone, Copy)]
    pub(in crate::tune) struct Paper {
        pub(in crate::tune) fixed: f64,
        pub(in crate::tune) per_row: f64,
        /// The part of a row's work that threads share (Amdahl).
        pub(in crate::tune) parallel: f64,
        /// Threads that can work at once before they wait for memory.
        pub(in crate::tune) lanes: f64,
        pub(in crate::tune) callers: f64,
    }

    impl Paper {
        pub(in crate::tune) fn measure(&self, setting: Setting) -> Measurement {
            let (instances, threads) = (setting.instances as f64, setting.intra_threads as f64);
            let rows = (self.callers / instances).clamp(1.0, setting.max_batch_size as f64);
            let speed_up = 1.0 / (1.0 - self.parallel + self.parallel / threads);
            let crowded = (instances * threads / self.lanes).max(1.0);
            let run = (self.fixed + rows * self.per_row / speed_up) * crowded;
            let able = instances * rows / run * 1e6;
            let throughput = able.min(self.callers / run * 1e6);
            let latency = (self.callers / throughput * 1e6).max(run);
            Measurement {
                setting,
                throughput,
                p50: Duration::from_secs_f64(latency / 1e6),
                p99: Duration::from_secs_f64(latency * 1.2 / 1e6),
                cpu: Some(throughput / able * (instances * threads / 8.0).min(1.0)),
                mean_batch: rows,
                busy: throughput / able,
            }
        }

        pub(in crate::tune) fn search(&self, options: &TuneOptions) -> Vec<Measurement> {
            let mut measured = Vec::new();
            while let Some(setting) = next(options, &measured) {
                assert!(options.allow(&setting), "{setting}");
                assert!(measured.iter().all(|it: &Measurement| it.setting != setting), "{setting}");
                measured.push(self.measure(setting));
            }
            measured
        }
    }

    pub(in crate::tune) const BIG: Paper =
        Paper { fixed: 500.0, per_row: 80.0, parallel: 0.0, lanes: 8.0, callers: 64.0 };

    fn options(max_p99_ms: u64) -> TuneOptions {
        TuneOptions::new(Duration::from_millis(max_p99_ms)).with_max_threads(8)
    }

    /// Every setting of the grid, by brute force.
    fn all(options: &TuneOptions, paper: &Paper) -> Vec<Measurement> {
        let powers = || (0..10).map(|power| 1_usize << power);
        let settings = powers().flat_map(|instances| {
            powers().flat_map(move |batch| {
                powers().map(move |threads| Setting::new(instances, batch, threads))
            })
        });
        settings.filter(|it| options.allow(it)).map(|it| paper.measure(it)).collect()
    }

    #[test]
    fn it_finds_what_trying_everything_finds() {
        let papers = [
            ("threads of a session do not help: more sessions", BIG),
            ("work is divided well: either will do", Paper { parallel: 0.95, ..BIG }),
            ("memory feeds two threads", Paper { lanes: 2.0, ..BIG }),
            ("a run costs the same whatever its size", Paper { per_row: 1.0, ..BIG }),
            ("a run costs nothing by itself", Paper { fixed: 1.0, ..BIG }),
            ("one caller", Paper { callers: 1.0, parallel: 0.9, ..BIG }),
        ];
        for bound in [2, 10, 1000] {
            let options = options(bound);
            for (what, paper) in papers {
                let (found, all) = (paper.search(&options), all(&options, &paper));
                assert!(found.len() < all.len(), "{what}: it tried all {}", all.len());
                match (best(&options, &found), best(&options, &all)) {
                    (Some(found), Some(all)) => assert!(
                        found.throughput * NOISE * NOISE >= all.throughput,
                        "{what} in {bound} ms: {found:?}, but {all:?}"
                    ),
                    (found, all) => assert_eq!(found, all, "{what} in {bound} ms"),
                }
            }
        }
    }

    #[test]
    fn nothing_is_best_if_nothing_is_within_the_bound() {
        let options = TuneOptions::new(Duration::from_micros(10)).with_max_threads(8);
        let found = BIG.search(&options);
        assert_eq!(best(&options, &found), None);
        assert!(found.len() > 1);
    }

    #[test]
    fn of_two_alike_the_cheaper_is_better() {
        let options = options(1000);
        let one = BIG.measure(Setting::new(1, 8, 1));
        for (dearer, factor, best_is_dearer) in [
            (Setting::new(2, 8, 1), 1.02, false),
            (Setting::new(2, 8, 1), 1.04, true),
            (Setting::new(1, 16, 1), 1.02, false),
        ] {
            let other = Measurement { setting: dearer, throughput: one.throughput * factor, ..one };
            for measured in [[one, other], [other, one]] {
                let best = best(&options, &measured).unwrap();
                assert_eq!(best.setting == dearer, best_is_dearer, "{dearer} × {factor}");
            }
        }
    }

    #[test]
    fn it_stops_after_so_many_settings() {
        let options = options(1000).with_limits(3, Duration::from_secs(1));
        assert_eq!(BIG.search(&options).len(), 3);
    }
}
