//! [`Shape`]: two distributions, as a picture shows them.

use serde::{Deserialize, Serialize};

use crate::{
    profile::{CategoricalProfile, FeatureProfile, NumericProfile},
    stats::Sample,
};

/// Bars of a picture of numbers, at most.
const BARS: usize = 30;
/// Categories that a picture has one by one.
const CATEGORIES: usize = 20;
/// The share of either side that a picture of numbers may leave out at each end, so that an outlier does
/// not flatten everything else.
const TAIL: f64 = 0.005;

/// Two distributions, as a picture shows them: shares of finite values, or of categories.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Shape {
    /// There are no values to show.
    Nothing,
    /// Numbers, in bars of equal width: as many whole numbers in each, if all are whole. Up to half a percent
    /// at each end may lie outside.
    Bars {
        /// Where the first bar begins.
        low: f64,
        /// Where the last bar ends.
        high: f64,
        /// The share of the reference in each bar.
        reference: Vec<f64>,
        /// The share of the current data in each bar.
        current: Vec<f64>,
    },
    /// Categories, or numbers of which there are few different ones.
    Categories {
        /// Their names, the most frequent first; numbers in order.
        names: Vec<String>,
        /// The share of the reference of each, and at the end of all others.
        reference: Vec<f64>,
        /// The share of the current data of each, and at the end of all others.
        current: Vec<f64>,
    },
}

impl Shape {
    /// Of two profiles that are counted in the same cells.
    pub(super) fn of_profiles(reference: &FeatureProfile, current: &FeatureProfile) -> Self {
        match (reference, current) {
            (FeatureProfile::Numeric(first), FeatureProfile::Numeric(second)) => {
                if first.is_discrete() {
                    return Self::of_values(first, second);
                }
                let sides = [first, second];
                let ranges = sides.map(|side| [side.quantile(TAIL), side.quantile(1.0 - TAIL)]);
                Self::bars(
                    Axis::over(ranges),
                    sides.map(|side| move |value| side.cdf(value).unwrap_or(0.0)),
                )
            }
            (FeatureProfile::Categorical(first), FeatureProfile::Categorical(second)) => {
                Self::of_categories(first, second)
            }
            _ => Self::Nothing,
        }
    }

    /// Of values; `None` for a side that has none.
    pub(super) fn of_samples(sides: [Option<&Sample>; 2]) -> Self {
        let quantile = |side: Option<&Sample>, p| side.and_then(|sample| sample.quantile(p).ok());
        let ranges = sides.map(|side| [quantile(side, TAIL), quantile(side, 1.0 - TAIL)]);
        let mut axis = Axis::over(ranges);
        if sides.iter().flatten().all(|sample| sample.values().iter().all(|it| it.fract() == 0.0)) {
            axis = axis.map(Axis::of_whole_numbers);
        }
        let below = sides.map(|side| {
            move |value: f64| {
                side.map_or(0.0, |sample| {
                    let values = sample.values();
                    values.partition_point(|each| *each < value) as f64 / values.len() as f64
                })
            }
        });
        Self::bars(axis, below)
    }

    fn bars(axis: Option<Axis>, below: [impl Fn(f64) -> f64; 2]) -> Self {
        let Some(axis) = axis else {
            return Self::Nothing;
        };
        let [reference, current] = below.map(|below| {
            let at: Vec<f64> = (0..=axis.bars).map(|bar| below(axis.edge(bar))).collect();
            at.windows(2).map(|pair| (pair[1] - pair[0]).max(0.0)).collect()
        });
        Self::Bars { low: axis.low, high: axis.high, reference, current }
    }

    /// Of numbers of which the reference has few different ones, in their order.
    fn of_values(reference: &NumericProfile, current: &NumericProfile) -> Self {
        let (x, y) = (reference.counts(), current.counts());
        let cells: Vec<usize> = (0..x.len()).filter(|bin| x[*bin] > 0).collect();
        let names = cells.iter().map(|bin| reference.edges().anchor(*bin).to_string()).collect();
        let [reference, current] = [x, y].map(|counts| {
            let total = counts.iter().sum::<u64>().max(1) as f64;
            let named: u64 = cells.iter().map(|cell| counts[*cell]).sum();
            let others = counts.iter().sum::<u64>() - named;
            let rows = cells.iter().map(|cell| counts[*cell]).chain([others]);
            rows.map(|rows| rows as f64 / total).collect()
        });
        Self::Categories { names, reference, current }
    }

    fn of_categories(reference: &CategoricalProfile, current: &CategoricalProfile) -> Self {
        let names = reference.categories().names().iter().map(|name| &**name);
        let (x, y) = (reference.counts(), current.counts());
        let cells = names.zip(x.iter().zip(y)).map(|(name, (x, y))| (name, [*x, *y])).collect();
        let others = [x, y].map(|counts| counts.last().copied().unwrap_or(0));
        Self::of_named(cells, others)
    }

    /// Of categories by their names, and all others.
    pub(super) fn of_named(mut cells: Vec<(&str, [u64; 2])>, mut others: [u64; 2]) -> Self {
        let total =
            [0, 1].map(|side| others[side] + cells.iter().map(|cell| cell.1[side]).sum::<u64>());
        let share = |rows: [u64; 2], side: usize| rows[side] as f64 / total[side].max(1) as f64;
        let largest = |rows: [u64; 2]| share(rows, 0).max(share(rows, 1));
        cells.sort_by(|(a, x), (b, y)| largest(*y).total_cmp(&largest(*x)).then(a.cmp(b)));
        for (_, rows) in cells.drain(CATEGORIES.min(cells.len())..) {
            others = [others[0] + rows[0], others[1] + rows[1]];
        }
        let [reference, current] = [0, 1].map(|side| {
            let named = cells.iter().map(|(_, rows)| share(*rows, side));
            named.chain([share(others, side)]).collect()
        });
        let names = cells.iter().map(|(name, _)| (*name).to_owned()).collect();
        Self::Categories { names, reference, current }
    }
}

/// Where the bars of a picture of numbers are.
#[derive(Debug, Clone, Copy)]
struct Axis {
    low: f64,
    high: f64,
    bars: usize,
}

impl Axis {
    /// Over the lowest and the highest value of both sides; `None` if there is none.
    fn over(ranges: [[Option<f64>; 2]; 2]) -> Option<Self> {
        // Between two values that are far enough apart, a quantile is none.
        let ends = |end: usize| {
            ranges.iter().filter_map(move |range| range[end].filter(|value| value.is_finite()))
        };
        let low = ends(0).reduce(f64::min)?;
        let high = ends(1).reduce(f64::max)?;
        // The last bar takes the highest value in, unless there is no higher number.
        let margin = if low == high { low.abs().max(1.0) * 1e-3 } else { 0.0 };
        let end = (high + margin).next_up().min(f64::MAX);
        let low = if low < end { low } else { low - margin };
        (low < end).then_some(Self { low, high: end, bars: BARS })
    }

    /// With as many whole numbers in each bar, so that none looks higher only because it has one more. Numbers too
    /// large for halves between them stay as they are.
    fn of_whole_numbers(self) -> Self {
        let (first, last) = (self.low.ceil(), self.high.floor());
        let numbers = last - first + 1.0;
        let width = (numbers / BARS as f64).ceil();
        let bars = (numbers / width).ceil();
        let low = first - 0.5;
        let high = low + bars * width;
        if numbers < 1.0 || low.abs().max(high.abs()) > 2_f64.powi(50) {
            return self;
        }
        Self { low, high, bars: bars as usize }
    }

    fn edge(&self, bar: usize) -> f64 {
        let share = bar as f64 / self.bars as f64;
        if bar == self.bars { self.high } else { self.low * (1.0 - share) + self.high * share }
    }
}
