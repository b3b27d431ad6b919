//! A classifier that tries to tell current rows from those of the reference.

use mlops_core::{
    Error, Result,
    random::RandomKey,
    stats::{Alternative, TestResult},
};
use ndarray::{Array2, ArrayView2, Axis, s};
use serde::{Deserialize, Serialize};

use super::{Standardizer, logistic::Logistic, rows};
use crate::stats::{Sample, mann_whitney};

/// What a classifier looks at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Terms {
    /// The columns: it finds shifts.
    #[default]
    Linear,
    /// The columns, their squares and the products of two: it finds changes of scale and of correlation
    /// too, and takes more rows to find a shift. For at most 61 columns.
    Quadratic,
}

/// How the classifier is trained and tested.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct DomainClassifierOptions {
    /// What it looks at; by default the columns.
    pub terms: Terms,
    /// Into how many parts the rows are divided, by default 10; at most as many as either sample has
    /// rows.
    pub folds: usize,
    /// How much weights are pulled to 0, see [`test()`]; by default 10, which costs nothing where there are many
    /// rows and helps where there are few.
    pub l2: f64,
    /// What rows are shuffled by.
    pub seed: u64,
}

impl Default for DomainClassifierOptions {
    fn default() -> Self {
        Self { terms: Terms::default(), folds: 10, l2: 10.0, seed: 0 }
    }
}

impl DomainClassifierOptions {
    /// Looking at these.
    #[must_use]
    pub fn with_terms(mut self, terms: Terms) -> Self {
        self.terms = terms;
        self
    }

    /// With so many parts.
    #[must_use]
    pub fn with_folds(mut self, folds: usize) -> Self {
        self.folds = folds;
        self
    }

    /// With this pull to 0.
    #[must_use]
    pub fn with_l2(mut self, l2: f64) -> Self {
        self.l2 = l2;
        self
    }

    /// With this seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}

/// What [`test()`] finds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DomainClassifier {
    /// The statistic is the area under the ROC curve, the effect itself: one half if rows cannot be told
    /// apart, 1 if they always can.
    pub test: TestResult,
    /// Of a classifier of all rows, those of the largest size first: a hint of what has changed. A
    /// positive weight says that the current rows have more of it.
    pub weights: Vec<Weight>,
}

/// How much a classifier leans on a term.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Weight {
    /// What it leans on.
    pub term: Term,
    /// The change of the log-odds that a row is current, for one deviation of the term.
    pub weight: f64,
}

/// Something that a classifier looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Term {
    /// The column of this index.
    Column(usize),
    /// The product of these two columns, each on the [`Standardizer`]'s scale; of one with itself, its
    /// square.
    Product(usize, usize),
}

/// The most terms: time grows with their cube.
const MAX_TERMS: usize = 2000;

/// Trains a classifier to tell current rows from those of the reference, and tests whether it can (Lopez-Paz
/// & Oquab 2017, "Revisiting classifier two-sample tests").
///
/// It is a logistic regression on columns that a [`Standardizer`] of all rows brings to one scale, and minimises
/// `Σ ln(1 + exp(-y (b + w·x))) + l2 |w|² / 2`. Rows are shuffled and divided into folds, each with its
/// share of both samples. The rows of a fold are ranked by a classifier that has seen the folds *before*
/// it, and only among themselves; `U`, of how many pairs of a current row and one of the reference
/// the current one is ranked higher, is added up over the folds.
///
/// The probability is that of the sum under chance, to one side
/// ([`mann_whitney::stratified`]). Given the folds before, which
/// rows of a fold are current is chance if nothing has changed, so the law of each fold's `U` is that of
/// ranks, whatever the classifier; that holds for two rows a fold. Classifiers that are trained on all
/// other folds, as is common, do not have it: each pair of folds is then seen from both sides, which
/// says the same thing twice. The variance of the sum is then twice that of ranks, so that a nominal 5 % is
/// about 12 %; judged by the right variance it finds no more.
///
/// # Errors
/// [`Error::InvalidArgument`] for samples of fewer than 2 rows, of different columns or none, with values that
/// are not finite or beyond 10^100; for fewer than 2 folds and an `l2` that is not positive.
/// [`Error::TooLarge`] for more than 2000 terms.
pub fn test(
    reference: ArrayView2<'_, f64>,
    current: ArrayView2<'_, f64>,
    options: &DomainClassifierOptions,
) -> Result<DomainClassifier> {
    if options.folds < 2 {
        return Err(Error::invalid("folds", format!("{}; at least 2 are needed", options.folds)));
    }
    if !(options.l2.is_finite() && options.l2 > 0.0) {
        let reason = format!("{} is not positive and finite", options.l2);
        return Err(Error::invalid("l2", reason));
    }
    let pooled = rows::pool(reference, current, 2)?;
    let terms = terms(pooled.ncols(), options.terms)?;
    let folds = Folds::new(reference.nrows(), current.nrows(), options);
    let values = values(pooled.select(Axis(0), &folds.order).view(), &terms)?;

    let mut pairs = Vec::new();
    for fold in folds.parts.iter().skip(1) {
        let before = values.slice(s![..fold.start, ..]);
        let model = Logistic::fit(before, &folds.labels[..fold.start], options.l2)?;
        let scores = model.scores(values.slice(s![fold.start..fold.end, ..])).to_vec();
        let (references, currents) = scores.split_at(fold.current - fold.start);
        pairs.push((
            Sample::from_slice("scores of current", currents)?,
            Sample::from_slice("scores of reference", references)?,
        ));
    }
    let ranks = mann_whitney::stratified(&pairs, Alternative::Greater);
    let all: f64 = pairs.iter().map(|(a, b)| a.len() as f64 * b.len() as f64).sum();
    let test = TestResult { statistic: ranks.statistic / all, p_value: ranks.p_value };

    let model = Logistic::fit(values.view(), &folds.labels, options.l2)?;
    let mut weights: Vec<_> = terms
        .into_iter()
        .zip(model.weights())
        .map(|(term, &weight)| Weight { term, weight })
        .collect();
    weights.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()));
    Ok(DomainClassifier { test, weights })
}

fn terms(columns: usize, terms: Terms) -> Result<Vec<Term>> {
    let products = match terms {
        Terms::Linear => 0,
        Terms::Quadratic => columns.saturating_mul(columns.saturating_add(1)) / 2,
    };
    let count = columns.saturating_add(products);
    if count > MAX_TERMS {
        return Err(Error::TooLarge {
            what: "domain classifier (terms)",
            actual: count as u64,
            limit: MAX_TERMS as u64,
        });
    }
    let mut made: Vec<_> = (0..columns).map(Term::Column).collect();
    if terms == Terms::Quadratic {
        made.extend((0..columns).flat_map(|i| (i..columns).map(move |j| Term::Product(i, j))));
    }
    Ok(made)
}

/// The terms of these rows, each on the scale of all rows.
fn values(rows: ArrayView2<'_, f64>, terms: &[Term]) -> Result<Array2<f64>> {
    let columns = Standardizer::fit(rows)?.apply(rows)?;
    if terms.len() == columns.ncols() {
        return Ok(columns);
    }
    let mut values = Array2::zeros((rows.nrows(), terms.len()));
    for (mut value, term) in values.columns_mut().into_iter().zip(terms) {
        match *term {
            Term::Column(i) => value.assign(&columns.column(i)),
            Term::Product(i, j) => value.assign(&(&columns.column(i) * &columns.column(j))),
        }
    }
    Standardizer::fit(values.view())?.apply(values.view())
}

/// Rows in the order of the folds, in each those of the reference first.
struct Folds {
    /// Indices of the pooled rows.
    order: Vec<usize>,
    /// Whether they are current.
    labels: Vec<bool>,
    parts: Vec<Fold>,
}

/// Places in that order.
struct Fold {
    start: usize,
    current: usize,
    end: usize,
}

impl Folds {
    fn new(references: usize, currents: usize, options: &DomainClassifierOptions) -> Self {
        let key = RandomKey::from_seed(options.seed);
        let first = rows::draw(references, references, key.derive("folds of the reference"));
        let second = rows::draw(currents, currents, key.derive("folds of current"));
        let count = options.folds.min(references).min(currents);
        let mut folds = Self { order: Vec::new(), labels: Vec::new(), parts: Vec::new() };
        for fold in 0..count {
            let share = |rows: usize| rows * fold / count..rows * (fold + 1) / count;
            let start = folds.order.len();
            folds.order.extend(&first[share(references)]);
            let current = folds.order.len();
            folds.order.extend(second[share(currents)].iter().map(|index| references + index));
            folds.labels.resize(current, false);
            folds.labels.resize(folds.order.len(), true);
            folds.parts.push(Fold { start, current, end: folds.order.len() });
        }
        folds
    }
}
