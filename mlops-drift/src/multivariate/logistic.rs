//! Logistic regression.

use mlops_core::Result;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s};

use super::cholesky::Cholesky;

/// `P(y = 1 | x) = 1 / (1 + exp(-(b + w·x)))`.
#[derive(Debug, Clone)]
pub(super) struct Logistic {
    intercept: f64,
    weights: Array1<f64>,
}

/// Newton's steps at most; from zero to the last digit it takes about six.
const MAX_STEPS: usize = 50;

impl Logistic {
    /// Minimises `Σ ln(1 + exp(-y (b + w·x))) + l2 |w|² / 2` with `y` = ±1, by Newton's method (iteratively
    /// reweighted least squares; Hastie, Tibshirani & Friedman 2009, section 4.4.1), with steps halved while
    /// they do not lead down. The problem is convex, and strictly so for a positive `l2`.
    pub(super) fn fit(rows: ArrayView2<'_, f64>, labels: &[bool], l2: f64) -> Result<Self> {
        let columns = rows.ncols();
        let mut model = Self { intercept: 0.0, weights: Array1::zeros(columns) };
        let mut loss = model.loss(rows, labels, l2);
        for _ in 0..MAX_STEPS {
            let step = model.step(rows, labels, l2)?;
            let size = step.iter().map(|value| value.abs()).fold(0.0, f64::max);
            let mut share = 1.0;
            let mut next = model.moved(&step, share);
            let mut next_loss = next.loss(rows, labels, l2);
            // Up to rounding: at the minimum no step leads down.
            while next_loss > loss + 1e-12 * loss.abs() && share > 1e-6 {
                share /= 2.0;
                next = model.moved(&step, share);
                next_loss = next.loss(rows, labels, l2);
            }
            (model, loss) = (next, next_loss);
            if size <= 1e-9 {
                break;
            }
        }
        Ok(model)
    }

    /// `b + w·x` of each row.
    pub(super) fn scores(&self, rows: ArrayView2<'_, f64>) -> Array1<f64> {
        rows.dot(&self.weights) + self.intercept
    }

    /// One for each column.
    pub(super) fn weights(&self) -> ArrayView1<'_, f64> {
        self.weights.view()
    }

    fn moved(&self, step: &Array1<f64>, share: f64) -> Self {
        let columns = self.weights.len();
        Self {
            intercept: self.intercept - share * step[columns],
            weights: &self.weights - &(&step.slice(s![..columns]) * share),
        }
    }

    fn loss(&self, rows: ArrayView2<'_, f64>, labels: &[bool], l2: f64) -> f64 {
        let scores = self.scores(rows);
        let losses = scores.iter().zip(labels).map(|(score, label)| {
            let against = if *label { -score } else { *score };
            against.max(0.0) + (-against.abs()).exp().ln_1p()
        });
        losses.sum::<f64>() + 0.5 * l2 * self.weights.dot(&self.weights)
    }

    /// The inverse of the second derivatives times the first: of the weights, then of the intercept.
    fn step(&self, rows: ArrayView2<'_, f64>, labels: &[bool], l2: f64) -> Result<Array1<f64>> {
        let columns = rows.ncols();
        let probabilities = self.scores(rows).mapv_into(|score| 1.0 / (1.0 + (-score).exp()));
        let errors: Array1<f64> = probabilities
            .iter()
            .zip(labels)
            .map(|(p, label)| p - f64::from(u8::from(*label)))
            .collect();
        // Of a row that is certain the weight is 0, but not of all.
        let weights = probabilities.mapv(|p| (p * (1.0 - p)).max(1e-12));
        let weighted = &rows * &weights.view().insert_axis(Axis(1));

        let mut second = Array2::zeros((columns + 1, columns + 1));
        second.slice_mut(s![..columns, ..columns]).assign(&rows.t().dot(&weighted));
        second.diag_mut().map_inplace(|value| *value += l2);
        let sums = weighted.sum_axis(Axis(0));
        second.slice_mut(s![columns, ..columns]).assign(&sums);
        // The intercept is not pulled.
        second[[columns, columns]] = weights.sum();
        let mut first = Array1::zeros(columns + 1);
        first.slice_mut(s![..columns]).assign(&(rows.t().dot(&errors) + &self.weights * l2));
        first[columns] = errors.sum();

        let factor = Cholesky::new("second derivatives", second)?;
        factor.solve(&mut first.view_mut().insert_axis(Axis(1)));
        Ok(first)
    }
}
