//! [`Edges`]: where the bins of a number end.

use mlops_core::{Error, Result};

use crate::stats::sorted;

/// The edges between the bins of a number: finite, increasing, at most [`Edges::MAX`].
///
/// `k` edges make `k + 1` bins. Bin `i` holds the values `edges[i - 1] ≤ value < edges[i]`. The first bin
/// has no lower edge and the last no upper one: fitted to a reference, they are what lies **below** and
/// **above** its range. (The largest finite number cannot have an edge above it: it counts as above.)
///
/// Fitting cuts the reference at its quantiles, so that bins hold about equally many values, wherever
/// outliers are. A value that alone holds more than a bin's share, an *atom* such as the zero of a
/// column that is mostly zero, gets a bin that begins with it and ends right after it, or, if there are
/// more such values than bins to spend, at the next value of the reference. Between two values of the
/// reference, an edge is the number with the fewest digits.
///
/// ```
/// use mlops_drift::profile::Edges;
///
/// # fn main() -> mlops_core::Result<()> {
/// let ages: Vec<f64> = (20..60).map(f64::from).collect();
/// let edges = Edges::fit(&ages, 4)?;
/// assert_eq!(edges.as_slice()[..4], [20.0, 30.0, 40.0, 50.0]);
/// assert_eq!([19.9, 20.0, 30.0, 59.0, 60.0].map(|age| edges.bin(age)), [0, 1, 2, 4, 5]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Edges(Box<[f64]>);

impl Edges {
    /// How many edges there can be.
    pub const MAX: usize = 256;

    /// Cuts the range of a sample into at most `bins` bins at its quantiles.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a sample with NaN or an infinity, naming its index; for no bins,
    /// or as many as [`Edges::MAX`]. An empty sample has no edges, and is no error.
    pub fn fit(sample: &[f64], bins: usize) -> Result<Self> {
        if let Some(index) = sample.iter().position(|value| !value.is_finite()) {
            return Err(Error::invalid("sample", format!("value {index} is {}", sample[index])));
        }
        Self::fit_sorted(&sorted(sample.to_vec()), bins)
    }

    /// As [`fit`](Self::fit), of values that are finite and in order.
    pub(crate) fn fit_sorted(sorted: &[f64], bins: usize) -> Result<Self> {
        if bins == 0 || bins >= Self::MAX {
            let reason = format!("{bins} is not from 1 to {}", Self::MAX - 1);
            return Err(Error::invalid("bins", reason));
        }
        let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else {
            return Ok(Self(Box::default()));
        };
        // Atoms cut bins short, so that there can be too many: then with a larger share for each.
        let mut shares = bins;
        let (mut edges, atoms) = loop {
            let (edges, atoms) = cut(sorted, shares);
            // One more is to come, above the range.
            if edges.len() <= bins {
                break (edges, atoms);
            }
            shares = (shares * 3 / 4).max(1);
        };
        let above = if last.next_up().is_finite() { last.next_up() } else { *last };
        edges.push(above);
        // An atom's bin ends right after it, if every one of them can have that.
        let mut closed: Vec<f64> = atoms.iter().map(|atom| atom.next_up()).collect();
        closed.retain(|edge| *edge < above);
        closed.extend(&edges);
        // Of 0 and -0, which are one value here, the one without a sign.
        closed.iter_mut().for_each(|edge| *edge += 0.0);
        closed.sort_unstable_by(f64::total_cmp);
        closed.dedup();
        if closed.len() <= bins + 1 {
            edges = closed;
        }
        edges.iter_mut().for_each(|edge| *edge += 0.0);
        edges.dedup();
        debug_assert!(edges.first() == Some(&(first + 0.0)));
        Ok(Self(edges.into()))
    }

    /// These edges, as they are.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] unless they are finite, increase, and are at most [`Edges::MAX`].
    pub fn from_values(values: impl Into<Box<[f64]>>) -> Result<Self> {
        let values = values.into();
        if values.len() > Self::MAX {
            let reason = format!("{} are more than {}", values.len(), Self::MAX);
            return Err(Error::invalid("edges", reason));
        }
        if let Some(index) = values.iter().position(|edge| !edge.is_finite()) {
            return Err(Error::invalid("edges", format!("edge {index} is {}", values[index])));
        }
        if let Some(index) = values.windows(2).position(|pair| pair[0] >= pair[1]) {
            let reason = format!("edge {} is not above the one before it", index + 1);
            return Err(Error::invalid("edges", reason));
        }
        Ok(Self(values))
    }

    /// The edges, in order.
    #[must_use]
    pub fn as_slice(&self) -> &[f64] {
        &self.0
    }

    /// How many bins they make: one more than they are.
    #[must_use]
    pub fn bins(&self) -> usize {
        self.0.len() + 1
    }

    /// The bin of a value. Values that are not finite have no bin: do not ask for theirs.
    #[must_use]
    pub fn bin(&self, value: f64) -> usize {
        // The standard library's search has no branches to mispredict.
        self.0.partition_point(|edge| *edge <= value)
    }

    /// What offsets in a bin are measured from: its lower edge; of the first, its upper one.
    #[must_use]
    pub fn anchor(&self, bin: usize) -> f64 {
        self.0.get(bin.saturating_sub(1)).copied().unwrap_or(0.0)
    }
}

/// The lower edges of bins that hold about the share of one in `bins` each, and the values that alone hold
/// more than that.
fn cut(sorted: &[f64], bins: usize) -> (Vec<f64>, Vec<f64>) {
    let rows = sorted.len();
    let share = rows.div_ceil(bins);
    let mut edges = Vec::with_capacity(bins + 1);
    let mut atoms = Vec::new();
    // How many rows there were, and at how many the next bin begins; both times `bins`.
    let (mut filled, mut due) = (0, 0);
    let mut previous = None;
    for run in sorted.chunk_by(|a, b| a == b) {
        let value = run[0];
        let is_atom = run.len() > share;
        let edge = match previous {
            // The first bin begins with the least value, that of an atom with the atom.
            None => Some(value),
            Some(_) if is_atom => Some(value),
            Some(previous) if filled >= due => Some(shortest_between(previous, value)),
            Some(_) => None,
        };
        if let Some(edge) = edge {
            edges.push(edge);
            // Behind a value that took more than was left of a bin, the next has at least half a share.
            due = (due + rows).max(filled + rows / 2);
        }
        if is_atom {
            atoms.push(value);
            due = filled;
        }
        if edges.len() > bins {
            // Too many already; the caller tries again with larger shares.
            break;
        }
        filled += run.len() * bins;
        previous = Some(value);
    }
    (edges, atoms)
}

/// The number in `(low, high]` that is written with the fewest digits.
fn shortest_between(low: f64, high: f64) -> f64 {
    let middle = low / 2.0 + high / 2.0;
    (0..17)
        .flat_map(|digits| [high, middle].map(|value| format!("{value:.digits$e}")))
        .filter_map(|text| text.parse::<f64>().ok())
        .find(|value| low < *value && *value <= high)
        .unwrap_or(high)
}
