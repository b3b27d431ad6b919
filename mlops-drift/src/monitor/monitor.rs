//! [`Monitor`]: counts predictions as they are answered.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crossbeam_utils::CachePadded;
use mlops_core::{
    Error, Result,
    observe::{Interest, PredictionObserver, PredictionRecord},
    timestamp::Timestamp,
};
use thread_local::ThreadLocal;

use super::{
    ContinuousComparison, FeatureMap, MonitorLosses, MonitorOptions, Reference, WindowProfile,
    buffer::Buffer,
    continuous::SequentialTests,
    mean_shift,
    pane::Pane,
    ring::WindowRing,
    shard::{Collected, Shard},
    window::Panes,
};
use crate::{
    alert::Reading,
    compare::{CompareOptions, Comparison, compare},
    profile::{Profile, Value},
};

/// Counts the predictions of a model, as they are answered, into windows that compare with a reference.
///
/// Give it to `Observed` as a [`PredictionObserver`], or rows to [`observe_row`](Self::observe_row), from any
/// threads; [`check`](Self::check) it now and then, every second or every minute, on one. It starts
/// no thread and reads no clock ([`MonitorWorker`](super::MonitorWorker) does, for hosts that want one).
///
/// It is for one model. Where a router chooses among several, give each variant a monitor of its own.
///
/// Each thread counts into memory of its own: no lock is taken, no thread waits for another, and after a
/// thread's first prediction nothing is allocated (but for rows that are out of order by more than a
/// window's step). Nothing is lost but what is too late, too early or too much, and that is
/// [counted](Self::losses). Requests of a few rows are put together and counted 32 rows at a time, which
/// takes half the time. Memory: a feature takes 16 bytes a bin, or 2 KB and 8 bytes a category, four times
/// for each thread and once for each pane of a window; each thread has room for 128 rows besides.
///
/// ```
/// use std::time::Duration;
/// use mlops_core::timestamp::Timestamp;
/// use mlops_drift::{
///     monitor::{FeatureMap, Monitor, MonitorOptions, Window},
///     profile::{Column, Origin, Profile, ProfileOptions, Value},
/// };
///
/// # fn main() -> mlops_core::Result<()> {
/// let ages = [20.0, 30.0, 40.0, 50.0];
/// let origin = Origin::new("customers", Timestamp::EPOCH);
/// let reference = Profile::fit(&[("age", Column::numeric(&ages))], origin, &ProfileOptions::default())?;
/// let options = MonitorOptions::default().with_window(Window::tumbling(Duration::from_secs(60)));
/// let monitor = Monitor::new(&reference, FeatureMap::nowhere(&reference), &options)?;
///
/// let second = |second: i64| Timestamp::from_micros(second * 1_000_000);
/// monitor.observe_row(&[Value::Number(35.0)], second(3))?;
/// monitor.observe_row(&[Value::Number(45.0)], second(75))?;
/// let windows = monitor.collect(second(75));
/// assert_eq!(windows.len(), 1);
/// assert_eq!((windows[0].start(), windows[0].end()), (second(0), second(60)));
/// assert_eq!(windows[0].profile().rows(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Monitor {
    reference: Reference,
    map: Arc<FeatureMap>,
    panes: Panes,
    compare: CompareOptions,
    /// The reference's edges and categories, without its rows.
    empty: Arc<Profile>,
    shards: ThreadLocal<CachePadded<Shard>>,
    collector: Mutex<Collector>,
}

/// What has been collected of the shards.
#[derive(Debug)]
struct Collector {
    ring: WindowRing,
    /// Everything since the start.
    total: Pane,
    /// Made by the first look.
    tests: Option<SequentialTests>,
}

/// A window that was closed, and what it says.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CheckedWindow {
    /// What was counted.
    pub window: WindowProfile,
    /// How it compares with the reference.
    pub comparison: Comparison,
    /// What alert rules judge: of the comparison, and the plain rule's [`mean_shift`](super::mean_shift).
    pub readings: Vec<Reading>,
}

impl Monitor {
    /// A monitor of the features of a reference.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the map was made for other features or kinds of them, an option is out of
    /// its range, or windows are longer than the seasons of the reference.
    pub fn new(
        reference: impl Into<Reference>,
        map: FeatureMap,
        options: &MonitorOptions,
    ) -> Result<Self> {
        let reference = reference.into();
        let like = reference.profile(Timestamp::EPOCH);
        map.check_features(like)?;
        let panes = options.window.panes()?;
        if let Reference::Seasonal(seasonal) = &reference {
            seasonal.season().check_window(&options.window)?;
        }
        options.compare.check()?;
        let pane = Pane::new(like);
        let ring = WindowRing::new(panes, options.lateness, options.max_delay, pane.clone());
        Ok(Self {
            map: Arc::new(map),
            panes,
            compare: options.compare,
            empty: Arc::new(like.empty_like()),
            shards: ThreadLocal::new(),
            collector: Mutex::new(Collector { ring, total: pane, tests: None }),
            reference,
        })
    }

    /// Counts one row: a value for each feature, in the order of the reference.
    ///
    /// # Errors
    /// As [`Profile::observe_row`]; nothing is counted then.
    pub fn observe_row(&self, values: &[Value<'_>], at: Timestamp) -> Result<()> {
        let mut taken = self.shard().take();
        let buffer = taken.buffer();
        match buffer.pane(self.panes.index(at)) {
            Some(pane) => {
                pane.profile.observe_row(values)?;
                pane.see(at);
            }
            None => {
                self.empty.check_row(values)?;
                buffer.drop_rows(1);
            }
        }
        Ok(())
    }

    /// Gathers what the threads have counted, and returns the windows that are complete now, the oldest first.
    ///
    /// `now` is the time by the clock that rows are stamped with: [`Clock::wall`](mlops_core::clock::Clock::wall)
    /// for predictions, the stream's own time where rows of the past are played back. A row that another
    /// thread is counting at this moment is gathered the next time.
    pub fn collect(&self, now: Timestamp) -> Vec<WindowProfile> {
        let mut collector = self.collector();
        let Collector { ring, total, .. } = &mut *collector;
        for shard in &self.shards {
            shard.collect(|collected| match collected {
                Collected::Pane(index, pane) => {
                    if !pane.is_empty() && ring.add(index, pane, now) {
                        total.merge(pane);
                    }
                }
                Collected::Dropped(rows) => {
                    ring.losses.dropped_rows = ring.losses.dropped_rows.saturating_add(rows);
                }
            });
        }
        ring.close(now)
    }

    /// [Collects](Self::collect), and compares the windows that are complete now with the reference.
    ///
    /// # Errors
    /// None that is known.
    pub fn check(&self, now: Timestamp) -> Result<Vec<CheckedWindow>> {
        self.collect(now).into_iter().map(|window| self.compare(window)).collect()
    }

    /// Compares a window with the reference, of its own season if that has any.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if it is of another monitor.
    pub fn compare(&self, window: WindowProfile) -> Result<CheckedWindow> {
        let length = window.end().saturating_since(window.start());
        let reference = self.reference.profile(window.start().saturating_add(length / 2));
        let comparison = compare(reference, window.profile(), &self.compare)?;
        let mut readings = comparison.readings();
        readings.extend(mean_shift::readings(reference, window.profile()));
        Ok(CheckedWindow { window, comparison, readings })
    }

    /// What has changed since the start, as of the last collection: by tests that may be looked at any time,
    /// after each collection or each night, without more false alarms than one look has.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a seasonal reference: what came since the start is of many seasons.
    pub fn look(&self) -> Result<ContinuousComparison> {
        let Reference::Fixed(reference) = &self.reference else {
            let reason = "what came since the start is of many seasons";
            return Err(Error::invalid("reference", reason));
        };
        let mut collector = self.collector();
        let Collector { total, tests, .. } = &mut *collector;
        let tests = match tests {
            Some(tests) => tests,
            None => tests.insert(SequentialTests::new(reference)?),
        };
        tests.look(reference, &total.profile, &self.compare)
    }

    /// What was counted since the start, as of the last collection.
    #[must_use]
    pub fn since_start(&self) -> Profile {
        self.collector().total.profile.clone()
    }

    /// Begins anew what [`look`](Self::look) sees: after a change that is known, such as a new version of the model.
    /// Windows go on.
    pub fn reset(&self) {
        let mut collector = self.collector();
        collector.total.clear();
        collector.tests = None;
    }

    /// What could not be counted into a window, as of the last collection.
    #[must_use]
    pub fn losses(&self) -> MonitorLosses {
        self.collector().ring.losses
    }

    /// Rows that were collected and are in no window yet.
    #[must_use]
    pub fn open_rows(&self) -> u64 {
        self.collector().ring.open_rows()
    }

    /// Which feature is where.
    #[must_use]
    pub fn feature_map(&self) -> &FeatureMap {
        &self.map
    }

    fn shard(&self) -> &Shard {
        self.shards.get_or(|| CachePadded::new(Shard::new(|| Buffer::new(&self.empty, &self.map))))
    }

    fn collector(&self) -> MutexGuard<'_, Collector> {
        // Counts are whole between any two panes: a panic elsewhere does not make them wrong.
        self.collector.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PredictionObserver for Monitor {
    fn interest(&self) -> Interest {
        if self.map.inputs.is_empty() { Interest::Metadata } else { Interest::Tensors }
    }

    fn observe(&self, record: &PredictionRecord<'_>) {
        self.shard().take().buffer().count(self.panes.index(record.at), record);
    }
}
