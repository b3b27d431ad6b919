//! [`Kswin`].

use mlops_core::{
    Error, Result,
    random::{RandomKey, RandomStream},
};
use serde::{Deserialize, Serialize};

use super::{
    ChangeDetector, Compat, Signal, check_option, is_usable,
    kswin_distance::{Entry, Sizes, critical_distance, exact_p_value, largest_distance},
};

/// Kolmogorov–Smirnov windowing: finds any change of the distribution.
///
/// Of a window over the last values it compares the most recent with the older ones, by the two-sample
/// test of Kolmogorov and Smirnov: `D` is the largest difference between the shares of both that are at
/// most some value. There is a change when `D` has a p-value of at most `alpha`, as the exact test has
/// it for continuous values (so for values with ties it is less). The older values then leave the
/// window.
///
/// Source: Raab, Heusinger and Schleif (2020), "Reactive soft prototype computing for concept drift
/// streams", Neurocomputing 416, 340–351. They compare with a random subsample of the older values, of
/// the size of the recent ones; here it is all of them, which has more power and no randomness. A value
/// is inserted into a sorted window, and `D` read off it in one pass.
///
/// `alpha` is for one comparison, and there is one at every value: what matters is the mean time between
/// false alarms. It depends only on the options, for any continuous distribution; that of the default is
/// about 100 000 values. Find `alpha` for another by [`calibrate()`](super::calibrate()).
///
/// [`Compat::River`] subsamples, as river does (with another generator of random numbers; there is
/// nothing to choose if `window_size` is twice `recent_size`), asks for `D > 0.1` too, and empties the
/// window at the value after a change.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(into = "Snapshot", try_from = "Snapshot")]
pub struct Kswin {
    options: KswinOptions,
    /// The least significant distance.
    critical: i64,
    key: RandomKey,
    /// The window in a ring: the oldest value is at `oldest` once it is full.
    ring: Vec<f64>,
    oldest: usize,
    /// The window in the order of its values; empty until it is full.
    sorted: Vec<Entry>,
    /// Of the last comparison; `None` until the window is full.
    distance: Option<i64>,
    /// Values since the start, which choose the subsample.
    values: u64,
    changed: bool,
}

/// How a [`Kswin`] decides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct KswinOptions {
    /// The p-value of a change, at most.
    pub alpha: f64,
    /// Values in the window; at most 4096.
    pub window_size: u32,
    /// Values in its recent part; less than `window_size`.
    pub recent_size: u32,
    /// What chooses the subsamples of [`Compat::River`].
    pub seed: u64,
    /// Whose behaviour it has.
    pub compat: Compat,
}

impl Default for KswinOptions {
    fn default() -> Self {
        Self { alpha: 1e-4, window_size: 300, recent_size: 100, seed: 0, compat: Compat::None }
    }
}

impl KswinOptions {
    /// As river 0.23 has it, but for the subsamples.
    #[must_use]
    pub fn river() -> Self {
        Self {
            alpha: 0.005,
            window_size: 100,
            recent_size: 30,
            compat: Compat::River,
            ..Self::default()
        }
    }

    /// Sets [`alpha`](Self::alpha).
    #[must_use]
    pub fn with_alpha(mut self, alpha: f64) -> Self {
        self.alpha = alpha;
        self
    }

    /// Sets [`window_size`](Self::window_size) and [`recent_size`](Self::recent_size), in values.
    #[must_use]
    pub fn with_sizes(mut self, window: u32, recent: u32) -> Self {
        self.window_size = window;
        self.recent_size = recent;
        self
    }

    /// Sets [`seed`](Self::seed).
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets [`compat`](Self::compat).
    #[must_use]
    pub fn with_compat(mut self, compat: Compat) -> Self {
        self.compat = compat;
        self
    }

    /// The detector.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] unless `0 < recent_size < window_size <= 4096` and `0 < alpha < 1`; if
    /// no distance between so few values has a p-value of `alpha`; and if with [`Compat::River`] the
    /// older part is smaller than the recent one.
    pub fn build(self) -> Result<Kswin> {
        check_option("alpha", self.alpha, f64::MIN_POSITIVE..1.0)?;
        let (window, recent) = (self.window_size, self.recent_size);
        if recent == 0 || window <= recent || window > 4096 {
            return Err(Error::invalid(
                "window_size",
                format!("{window} is not more than recent_size ({recent} > 0), or over 4096"),
            ));
        }
        if self.compat == Compat::River && window < 2 * recent {
            let reason =
                format!("{window} has no {recent} older values beside {recent} recent ones");
            return Err(Error::invalid("window_size", reason));
        }
        let sizes = self.sizes();
        let critical = critical_distance(sizes, self.alpha).ok_or_else(|| {
            let reason = format!("no distance has a p-value of {} or less", self.alpha);
            Error::invalid("alpha", reason)
        })?;
        Ok(Kswin {
            critical,
            key: RandomKey::from_seed(self.seed).derive("kswin"),
            ring: Vec::with_capacity(window as usize),
            oldest: 0,
            sorted: Vec::with_capacity(window as usize),
            distance: None,
            values: 0,
            changed: false,
            options: self,
        })
    }

    /// How many recent values are compared with how many older ones.
    fn sizes(&self) -> Sizes {
        let recent = i64::from(self.recent_size);
        let older = match self.compat {
            Compat::None => i64::from(self.window_size) - recent,
            Compat::River => recent,
        };
        Sizes { recent, older }
    }
}

impl Kswin {
    /// The options it was built from.
    #[must_use]
    pub fn options(&self) -> &KswinOptions {
        &self.options
    }

    /// The statistic `D` of the last comparison; `None` as long as the window is not full.
    #[must_use]
    pub fn statistic(&self) -> Option<f64> {
        let sizes = self.options.sizes();
        self.distance.map(|distance| distance as f64 / (sizes.recent * sizes.older) as f64)
    }

    /// The p-value of the last comparison; `None` as long as the window is not full.
    ///
    /// Takes a time in proportion to the product of the sizes of both parts.
    #[must_use]
    pub fn p_value(&self) -> Option<f64> {
        self.distance.map(|distance| exact_p_value(self.options.sizes(), distance))
    }

    /// The values of the window, the oldest first.
    fn window(&self) -> impl Iterator<Item = f64> {
        let (newer, older) = self.ring.split_at(self.oldest);
        older.iter().chain(newer).copied()
    }

    fn window_size(&self) -> usize {
        self.options.window_size as usize
    }

    /// Takes a value into the ring, and into the sorted window once it is full.
    fn push(&mut self, value: f64) {
        if self.ring.len() < self.window_size() {
            self.ring.push(value);
            if self.ring.len() == self.window_size() {
                self.sort();
            }
            return;
        }
        // The oldest recent value becomes an older one.
        let recent = self.options.recent_size as usize;
        let newly_older =
            self.ring[(self.oldest + self.window_size() - recent) % self.window_size()];
        let leaving = std::mem::replace(&mut self.ring[self.oldest], value);
        self.oldest = (self.oldest + 1) % self.window_size();
        let newly_older = self.find(newly_older, true);
        self.sorted[newly_older].is_recent = false;
        let leaving = self.find(leaving, false);
        self.replace(leaving, Entry { value, is_recent: true });
    }

    fn sort(&mut self) {
        let older = self.window_size() - self.options.recent_size as usize;
        let entries = self.ring.iter().enumerate();
        self.sorted.clear();
        self.sorted
            .extend(entries.map(|(index, &value)| Entry { value, is_recent: index >= older }));
        self.sorted.sort_unstable_by(|a, b| a.value.total_cmp(&b.value));
    }

    /// Where such an entry is. Which of several that are equal does not matter.
    fn find(&self, value: f64, is_recent: bool) -> usize {
        let first = self.sorted.partition_point(|entry| entry.value < value);
        let among_equals =
            self.sorted[first..].iter().position(|entry| entry.is_recent == is_recent);
        first + among_equals.expect("every value of the ring is in the sorted window")
    }

    /// Replaces the entry at `leaving` by another, at the place of its value.
    fn replace(&mut self, leaving: usize, entry: Entry) {
        let place = self.sorted.partition_point(|other| other.value < entry.value);
        if place > leaving {
            self.sorted.copy_within(leaving + 1..place, leaving);
            self.sorted[place - 1] = entry;
        } else {
            self.sorted.copy_within(place..leaving, place + 1);
            self.sorted[place] = entry;
        }
    }

    /// The distance between a random choice of older values and the recent ones.
    fn subsampled_distance(&self) -> i64 {
        let sizes = self.options.sizes();
        let mut random = self.key.stream(self.values);
        let mut wanted = sizes.older as u64;
        let mut left = u64::from(self.options.window_size) - sizes.recent as u64;
        // Selection sampling (Knuth, "The Art of Computer Programming", §3.4.2, algorithm S).
        let mut choose = move |random: &mut RandomStream| {
            let chosen = random.next_below(left) < wanted;
            left -= 1;
            wanted -= u64::from(chosen);
            chosen
        };
        let chosen = self.sorted.iter().filter(|e| e.is_recent || choose(&mut random));
        largest_distance(chosen.copied(), sizes)
    }

    fn compare(&mut self) -> Signal {
        let sizes = self.options.sizes();
        let river = self.options.compat == Compat::River;
        let distance = if river {
            self.subsampled_distance()
        } else {
            largest_distance(self.sorted.iter().copied(), sizes)
        };
        self.distance = Some(distance);
        let far_enough = !river || distance as f64 / (sizes.recent * sizes.older) as f64 > 0.1;
        if distance < self.critical || !far_enough {
            return Signal::Stable;
        }
        self.changed = true;
        Signal::Change
    }

    /// What a change leaves of the window.
    fn begin_anew(&mut self) {
        if self.options.compat == Compat::River {
            return self.reset();
        }
        self.ring.rotate_left(self.oldest);
        self.ring.drain(..self.window_size() - self.options.recent_size as usize);
        self.oldest = 0;
        self.sorted.clear();
        self.distance = None;
        self.changed = false;
    }
}

impl ChangeDetector for Kswin {
    fn update(&mut self, value: f64) -> Signal {
        if !is_usable(value) {
            return Signal::Ignored;
        }
        if self.changed {
            self.begin_anew();
        }
        self.values = self.values.wrapping_add(1);
        // There is one zero.
        self.push(value + 0.0);
        if self.ring.len() < self.window_size() { Signal::Stable } else { self.compare() }
    }

    fn reset(&mut self) {
        self.ring.clear();
        self.sorted.clear();
        self.oldest = 0;
        self.distance = None;
        self.values = 0;
        self.changed = false;
    }
}

/// Where the ring begins does not matter.
impl PartialEq for Kswin {
    fn eq(&self, other: &Self) -> bool {
        let figures = |detector: &Self| (detector.distance, detector.values, detector.changed);
        self.options == other.options
            && figures(self) == figures(other)
            && self.window().eq(other.window())
    }
}

/// What a [`Kswin`] is written as: the rest follows from it.
#[derive(Serialize, Deserialize)]
#[serde(rename = "Kswin", deny_unknown_fields)]
struct Snapshot {
    options: KswinOptions,
    /// The oldest first.
    window: Vec<f64>,
    distance: Option<i64>,
    values: u64,
    changed: bool,
}

impl From<Kswin> for Snapshot {
    fn from(detector: Kswin) -> Self {
        Self {
            window: detector.window().collect(),
            options: detector.options,
            distance: detector.distance,
            values: detector.values,
            changed: detector.changed,
        }
    }
}

impl TryFrom<Snapshot> for Kswin {
    type Error = Error;

    fn try_from(read: Snapshot) -> Result<Self> {
        let mut detector = read.options.build()?;
        let full = detector.window_size();
        if read.window.len() > full || !read.window.iter().copied().all(is_usable) {
            let reason = format!("is not one of at most {full} finite values");
            return Err(Error::invalid("window", reason));
        }
        if read.distance.is_some() != (read.window.len() == full)
            || (read.changed && read.distance.is_none())
        {
            return Err(Error::invalid("window", "it is full just when it was compared"));
        }
        let Sizes { recent, older } = detector.options.sizes();
        if read.distance.is_some_and(|distance| !(0..=recent * older).contains(&distance)) {
            return Err(Error::invalid("distance", "it is more than all, or less than none"));
        }
        detector.values = read.values;
        detector.distance = read.distance;
        detector.changed = read.changed;
        read.window.into_iter().for_each(|value| detector.push(value + 0.0));
        Ok(detector)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_sorted_window_is_the_ring(
            values in prop::collection::vec((0..12_i32).prop_map(|n| f64::from(n) - 6.0), 10..80),
        ) {
            let options = KswinOptions::default().with_sizes(10, 4).with_alpha(0.01);
            let mut detector = options.build().unwrap();
            for value in values {
                detector.update(-value);
                if detector.ring.len() < 10 {
                    continue;
                }
                let mut window = detector.ring.clone();
                window.rotate_left(detector.oldest);
                let (older, recent) = window.split_at(6);
                let at_most = |part: &[f64], x: f64| {
                    part.iter().filter(|&&v| v <= x).count() as f64 / part.len() as f64
                };
                let differences = window.iter().map(|&x| (at_most(older, x) - at_most(recent, x)).abs());
                let largest = differences.fold(0.0, f64::max);
                prop_assert!((detector.statistic().unwrap() - largest).abs() < 1e-12);
                prop_assert!(detector.sorted.is_sorted_by(|a, b| a.value <= b.value));
            }
        }
    }

    #[test]
    fn a_wider_distribution_is_a_change() {
        let mut stream = RandomKey::from_seed(5).stream(0);
        let mut uniform = move |width: f64| width * (stream.next_unit() - 0.5);
        let options = KswinOptions::default().with_sizes(100, 30).with_alpha(1e-3);
        let mut detector = options.build().unwrap();
        (0..500).for_each(|_| assert_eq!(detector.update(uniform(1.0)), Signal::Stable));
        let change = (0..60).find(|_| detector.update(uniform(20.0)) == Signal::Change);
        assert!(change.is_some());
        assert!(detector.p_value().unwrap() <= 1e-3);
        assert_eq!(detector.update(0.0), Signal::Stable);
        assert_eq!((detector.ring.len(), detector.statistic()), (31, None));
    }

    #[test]
    fn its_memory_is_where_it_was() {
        for options in [KswinOptions::default().with_sizes(100, 30), KswinOptions::river()] {
            let mut detector = options.build().unwrap();
            let places = |detector: &Kswin| {
                let capacities = (detector.ring.capacity(), detector.sorted.capacity());
                (detector.ring.as_ptr(), detector.sorted.as_ptr(), capacities)
            };
            let before = places(&detector);
            let mut changes = 0;
            for n in 0..5000_u32 {
                let value = f64::from(n * n % 101) + f64::from(n / 500 % 2) * 60.0;
                changes += u32::from(detector.update(value) == Signal::Change);
            }
            assert!(changes > 5);
            assert_eq!(places(&detector), before);
        }
    }

    #[test]
    fn refuses_options_without_meaning() {
        let default = KswinOptions::default;
        for options in [
            default().with_alpha(0.0),
            default().with_alpha(f64::NAN),
            default().with_sizes(30, 30),
            default().with_sizes(30, 0),
            default().with_sizes(5000, 30),
            default().with_sizes(6, 3),
            KswinOptions::river().with_sizes(50, 30),
        ] {
            options.build().unwrap_err();
        }
    }

    #[test]
    fn what_cannot_be_a_detector_is_not_read() {
        let mut detector = KswinOptions::default().with_sizes(100, 30).build().unwrap();
        for n in 0..250 {
            detector.update(f64::from(n % 17));
        }
        let written = serde_json::to_value(&detector).unwrap();
        let read = |value| serde_json::from_value::<Kswin>(value);
        assert_eq!(read(written.clone()).unwrap(), detector);
        for (path, wrong) in [
            ("/options/recent_size", serde_json::json!(0)),
            ("/window", serde_json::json!(vec![0.0; 101])),
            ("/window", serde_json::json!([])),
            ("/window/5", serde_json::json!(1e300)),
        ] {
            let mut broken = written.clone();
            *broken.pointer_mut(path).unwrap() = wrong;
            read(broken).unwrap_err();
        }
    }
}
