//! [`Ridge`]: a linear model of the loss.

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{Features, LossModel, linear_system};

/// Ridge regression (Hoerl & Kennard 1970) on standardised features: the weights that minimise
/// `Σ (loss - prediction)² + penalty · Σ weight²`, the mean loss not being penalised. It is
/// `make_pipeline(StandardScaler(), Ridge(alpha=penalty))` of scikit-learn.
///
/// A feature that is constant in the reference has no weight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, try_from = "Unchecked")]
pub struct Ridge {
    /// The loss where every feature is at its mean.
    intercept: f64,
    means: Vec<f64>,
    /// Of a feature as it is, not standardised.
    weights: Vec<f64>,
}

/// How a [`Ridge`] is fitted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RidgeOptions {
    /// How much weights cost; 0 is least squares, which needs features that are not combinations of one
    /// another.
    pub penalty: f64,
}

impl Default for RidgeOptions {
    /// A penalty of 1, as in scikit-learn: nothing beside some hundred rows, but it holds features apart that
    /// say the same.
    fn default() -> Self {
        Self { penalty: 1.0 }
    }
}

impl RidgeOptions {
    /// Sets [`penalty`](Self::penalty).
    #[must_use]
    pub fn with_penalty(mut self, penalty: f64) -> Self {
        self.penalty = penalty;
        self
    }
}

impl LossModel for Ridge {
    type Options = RidgeOptions;

    fn fit(features: Features<'_>, losses: &[f64], options: &RidgeOptions) -> Result<Self> {
        let penalty = options.penalty;
        if !(penalty.is_finite() && penalty >= 0.0) {
            return Err(Error::invalid("penalty", format!("{penalty} is not a number from 0 on")));
        }
        let (rows, columns) = (features.rows(), features.columns());
        if losses.len() != rows {
            return Err(Error::invalid("losses", format!("{} for {rows} rows", losses.len())));
        }
        if let Some(row) = losses.iter().position(|loss| !loss.is_finite()) {
            return Err(Error::invalid("losses", format!("that of row {row} is {}", losses[row])));
        }
        let intercept = mean(losses.iter().copied());
        let column = |n: usize| features.iter().map(move |row| row[n]);
        let means: Vec<f64> = (0..columns).map(|n| mean(column(n))).collect();
        let scales: Vec<f64> = (0..columns).map(|n| scale(column(n), means[n])).collect();
        if let Some(n) = scales.iter().position(|scale| !scale.is_finite()) {
            let reason = format!("the squares of column {n} are more than a double holds");
            return Err(Error::invalid("features", reason));
        }
        let used: Vec<usize> = (0..columns).filter(|n| scales[*n] > 0.0).collect();
        let mut gram = vec![0.0; used.len() * used.len()];
        let mut weights = vec![0.0; used.len()];
        let mut standard = vec![0.0; used.len()];
        for (row, loss) in features.iter().zip(losses) {
            for (value, n) in standard.iter_mut().zip(&used) {
                *value = (row[*n] - means[*n]) / scales[*n];
            }
            for (n, value) in standard.iter().enumerate() {
                let sums = &mut gram[n * used.len()..][..=n];
                sums.iter_mut().zip(&standard).for_each(|(sum, other)| *sum += value * other);
                weights[n] += value * (loss - intercept);
            }
        }
        for n in 0..used.len() {
            gram[n * used.len() + n] += penalty;
        }
        linear_system::solve(&mut gram, &mut weights).map_err(|n| {
            let reason = format!("column {} is a combination of those before it", used[n]);
            Error::invalid("features", reason)
        })?;
        let mut raw = vec![0.0; columns];
        for (weight, n) in weights.into_iter().zip(used) {
            raw[n] = weight / scales[n];
        }
        let model = Self { intercept, means, weights: raw };
        if model.weights.iter().chain([&intercept]).any(|value| !value.is_finite()) {
            let reason = "their weights are more than a double holds";
            return Err(Error::invalid("features", reason));
        }
        Ok(model)
    }

    fn predict(&self, features: Features<'_>) -> Result<Vec<f64>> {
        if features.columns() != self.weights.len() {
            let reason = format!("{} columns, not {}", features.columns(), self.weights.len());
            return Err(Error::invalid("features", reason));
        }
        let of_row = |row: &[f64]| {
            let terms = row.iter().zip(&self.means).zip(&self.weights);
            self.intercept
                + terms.map(|((value, mean), weight)| (value - mean) * weight).sum::<f64>()
        };
        let losses: Vec<f64> = features.iter().map(of_row).collect();
        match losses.iter().position(|loss| !loss.is_finite()) {
            Some(row) => {
                Err(Error::invalid("features", format!("row {row} has a loss beyond a double")))
            }
            None => Ok(losses),
        }
    }
}

/// The mean of at least one value, with a second pass that mends the first.
fn mean(values: impl ExactSizeIterator<Item = f64> + Clone) -> f64 {
    let count = values.len() as f64;
    let about = values.clone().map(|value| value / count).sum::<f64>();
    about + values.map(|value| (value - about) / count).sum::<f64>()
}

/// The standard deviation about the mean, of all values; 0 if they are equal.
fn scale(values: impl ExactSizeIterator<Item = f64> + Clone, mean: f64) -> f64 {
    let count = values.len() as f64;
    let mut others = values.clone();
    let first = others.next();
    if others.all(|value| Some(value) == first) {
        return 0.0;
    }
    values.map(|value| (value - mean).powi(2) / count).sum::<f64>().sqrt()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    intercept: f64,
    means: Vec<f64>,
    weights: Vec<f64>,
}

impl TryFrom<Unchecked> for Ridge {
    type Error = Error;

    fn try_from(Unchecked { intercept, means, weights }: Unchecked) -> Result<Self> {
        let is_finite = means.iter().chain(&weights).chain([&intercept]).all(|f| f.is_finite());
        if means.len() != weights.len() || !is_finite {
            let reason = format!("{} means, {} weights", means.len(), weights.len());
            return Err(Error::invalid("linear model", reason));
        }
        Ok(Self { intercept, means, weights })
    }
}
