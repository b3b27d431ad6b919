//! [`Agreement`].

use mlops_core::{
    Error, Result,
    stats::{Interval, normal},
};
use serde::{Deserialize, Serialize};

/// Categories at most.
const MAX_CATEGORIES: usize = 64;

/// Whether a judge and people agree, on what both have put into one of some categories; yes and no are two.
///
/// Raters who say "yes" nearly always agree nearly always, without knowing anything. Cohen's kappa takes off what
/// they would agree on by chance: `κ = (p_o - p_e) / (1 - p_e)`, where `p_o` is the share they agree on and `p_e`
/// the share they would with the same habits, independently (Cohen 1960, "A coefficient of agreement for nominal
/// scales"). Its standard error is that of Fleiss, Cohen and Everitt (1969).
///
/// ```
/// use mlops_drift::generative::Agreement;
///
/// # fn main() -> mlops_core::Result<()> {
/// let mut agreement = Agreement::new(2)?;
/// for (judge, person, times) in [(1, 1, 40), (0, 0, 30), (1, 0, 20), (0, 1, 10)] {
///     for _ in 0..times {
///         agreement.observe(judge, person)?;
///     }
/// }
/// let kappa = agreement.kappa(0.95)?.expect("both say yes and no");
/// assert!((kappa.kappa - 0.4).abs() < 1e-12);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Vec<u64>>", into = "Vec<Vec<u64>>")]
pub struct Agreement {
    categories: usize,
    /// Rows by what the judge said, columns by what people did.
    counts: Vec<u64>,
}

/// What [`Agreement`] says.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Kappa {
    /// Cohen's kappa: 1 where they always agree, 0 where they agree as chance would, below that where they
    /// disagree.
    pub kappa: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// `kappa ± z · standard_error`.
    pub interval: Interval,
    /// The share that they agree on.
    pub observed: f64,
    /// The share that they would agree on by chance.
    pub expected: f64,
}

impl Agreement {
    /// Of so many categories, from 2 to 64.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for any other number of them.
    pub fn new(categories: usize) -> Result<Self> {
        if !(2..=MAX_CATEGORIES).contains(&categories) {
            let reason = format!("{categories} are not from 2 to {MAX_CATEGORIES}");
            return Err(Error::invalid("categories", reason));
        }
        Ok(Self { categories, counts: vec![0; categories * categories] })
    }

    /// Takes in what the judge and a person said of the same exchange: places among the categories.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a place that is not one.
    pub fn observe(&mut self, judge: usize, person: usize) -> Result<()> {
        let categories = self.categories;
        for (who, said) in [("judge", judge), ("person", person)] {
            if said >= categories {
                let reason = format!("the {who}'s, {said}, is not one of {categories}");
                return Err(Error::invalid("category", reason));
            }
        }
        let cell = &mut self.counts[judge * categories + person];
        *cell = cell.saturating_add(1);
        Ok(())
    }

    /// Adds what another one has seen.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if it has another number of categories.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        if self.categories != other.categories {
            let reason =
                format!("{} in one and {} in the other", self.categories, other.categories);
            return Err(Error::invalid("categories", reason));
        }
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine = mine.saturating_add(*theirs);
        }
        Ok(())
    }

    /// Exchanges seen.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// How often the judge said this category, and how often people did: `None` for a category that is none,
    /// or before the first exchange. Where the shares differ, the judge is biased.
    #[must_use]
    pub fn shares(&self, category: usize) -> Option<(f64, f64)> {
        let count = self.count() as f64;
        if category >= self.categories || count == 0.0 {
            return None;
        }
        let (judge, people) = self.margins();
        Some((judge[category] / count, people[category] / count))
    }

    /// Cohen's kappa, with an interval of this confidence. `None` before the first exchange, and if both have
    /// always said the same one category: then chance alone has them agree.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a confidence that is not between 0 and 1.
    pub fn kappa(&self, confidence: f64) -> Result<Option<Kappa>> {
        if !(confidence > 0.0 && confidence < 1.0) {
            let reason = format!("{confidence} is not between 0 and 1");
            return Err(Error::invalid("confidence", reason));
        }
        let (count, k) = (self.count() as f64, self.categories);
        let (judge, people) = self.margins();
        let [judge, people] = [judge, people]
            .map(|margin| margin.iter().map(|rows| rows / count).collect::<Vec<_>>());
        let share = |judge: usize, person: usize| self.counts[judge * k + person] as f64 / count;
        let observed: f64 = (0..k).map(|category| share(category, category)).sum();
        let expected: f64 = judge.iter().zip(&people).map(|(judge, people)| judge * people).sum();
        let apart = 1.0 - expected;
        // Of nothing, NaN.
        if apart <= 0.0 || apart.is_nan() {
            return Ok(None);
        }
        let kappa = (observed - expected) / apart;
        let rest = 1.0 - kappa;
        let mut spread = 0.0;
        for row in 0..k {
            for column in 0..k {
                let term = if row == column {
                    1.0 - (judge[row] + people[row]) * rest
                } else {
                    (people[row] + judge[column]) * rest
                };
                spread += share(row, column) * term * term;
            }
        }
        spread -= (kappa - expected * rest).powi(2);
        let standard_error = (spread.max(0.0) / count).sqrt() / apart;
        let half = -normal::quantile((1.0 - confidence) / 2.0) * standard_error;
        let interval = Interval { low: kappa - half, high: kappa + half };
        Ok(Some(Kappa { kappa, standard_error, interval, observed, expected }))
    }

    /// Rows of each category, by the judge and by people.
    fn margins(&self) -> (Vec<f64>, Vec<f64>) {
        let k = self.categories;
        let judge = self.counts.chunks(k).map(|row| row.iter().map(|rows| *rows as f64).sum());
        let people = (0..k).map(|column| {
            self.counts.iter().skip(column).step_by(k).map(|rows| *rows as f64).sum()
        });
        (judge.collect(), people.collect())
    }
}

impl TryFrom<Vec<Vec<u64>>> for Agreement {
    type Error = Error;

    fn try_from(rows: Vec<Vec<u64>>) -> Result<Self> {
        let mut agreement = Self::new(rows.len())?;
        if let Some(row) = rows.iter().find(|row| row.len() != rows.len()) {
            let reason = format!("a row of {} in a table of {}", row.len(), rows.len());
            return Err(Error::invalid("agreement", reason));
        }
        agreement.counts = rows.into_iter().flatten().collect();
        Ok(agreement)
    }
}

impl From<Agreement> for Vec<Vec<u64>> {
    fn from(agreement: Agreement) -> Self {
        agreement.counts.chunks(agreement.categories).map(<[u64]>::to_vec).collect()
    }
}
