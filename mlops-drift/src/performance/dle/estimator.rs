//! [`Dle`]: how far predictions are off, before anybody knows the truth.

use mlops_core::{Error, Result, stats::normal};
use serde::{Deserialize, Serialize};

use super::{Features, LossModel, Ridge};
use crate::performance::{Concern, Estimate, Validity, ValidityOptions};

/// Direct loss estimation of a regressor (NannyML's DLE): a second model learns from a reference how far
/// predictions are off where, and says it of rows whose truth is not known.
///
/// It learns the size and the square of the error from a row's features and its prediction. The estimate
/// holds as long as only the inputs drift, within what the reference had; see [`Validity`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, try_from = "Unchecked<M>")]
#[serde(bound(deserialize = "M: LossModel + Deserialize<'de>"))]
pub struct Dle<M = Ridge> {
    size: Loss<M>,
    square: Loss<M>,
    /// Of the prediction and each feature of the reference: the least and the greatest value.
    ranges: Vec<(f64, f64)>,
    options: ValidityOptions,
}

/// What [`Dle`] expects of rows whose truth is not known.
///
/// The errors are those of what labels will show: losses scatter about what features say of them, and what
/// features say was learned from a sample. The first is a regression of the squared residuals of models
/// that have not seen the row; the second a jackknife over the tenths of the reference that those models
/// were fitted without (Efron & Stein 1981).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DleEstimate {
    /// How many rows there are.
    pub rows: u64,
    /// Whether the figures may be believed: look here first.
    pub validity: Validity,
    /// The mean size of the error.
    pub mean_absolute_error: Estimate,
    /// The mean square of the error.
    pub mean_squared_error: Estimate,
    /// The square root of that; its error by the delta method.
    pub root_mean_squared_error: Estimate,
    /// The share of rows whose prediction or one of whose features lies outside the reference.
    pub outside: f64,
}

/// What a few labels say about estimates of such rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LossCheck {
    /// Labelled rows.
    pub rows: u64,
    /// The mean absolute error that they show.
    pub realised: f64,
    /// And the one that was estimated of them.
    pub estimated: Estimate,
    /// How far apart they are, as a share of the larger: from 0 to 1.
    pub drift: f64,
    /// How probable a difference as large is if the estimate is right, by the normal distribution.
    pub p_value: f64,
    /// Whether estimates of such rows are valid.
    pub validity: Validity,
}

/// In how many parts the reference is divided: row by row, in turn.
const FOLDS: usize = 10;
/// Fewer rows leave a fold nothing to say.
const LEAST_ROWS: usize = 3 * FOLDS;

impl<M: LossModel> Dle<M> {
    /// Learns from a reference where predictions of what turned out to be `actual` were off.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if there are not as many rows of features as predictions and outcomes,
    /// fewer than 30, one that is not finite, or the model cannot be fitted.
    pub fn fit(
        features: Features<'_>,
        predicted: &[f64],
        actual: &[f64],
        options: &M::Options,
    ) -> Result<Self> {
        let inputs = inputs(features, predicted)?;
        let sizes = sizes(predicted, actual)?;
        if sizes.len() < LEAST_ROWS {
            let reason = format!("{} rows are less than {LEAST_ROWS}", sizes.len());
            return Err(Error::invalid("reference of an estimate", reason));
        }
        let columns = features.columns() + 1;
        let inputs = Features::new(&inputs, columns)?;
        let squares: Vec<f64> = sizes.iter().map(|size| size * size).collect();
        let mut ranges = vec![(f64::INFINITY, f64::NEG_INFINITY); columns];
        for row in inputs.iter() {
            for ((low, high), value) in ranges.iter_mut().zip(row) {
                *low = low.min(*value);
                *high = high.max(*value);
            }
        }
        Ok(Self {
            size: Loss::fit(inputs, &sizes, options)?,
            square: Loss::fit(inputs, &squares, options)?,
            ranges,
            options: ValidityOptions::default(),
        })
    }

    /// Sets when an estimate is doubted.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if options are out of their range.
    pub fn with_validity(self, options: ValidityOptions) -> Result<Self> {
        options.check()?;
        Ok(Self { options, ..self })
    }

    /// What to expect of rows with these features and predictions.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if there are not as many rows of features as predictions, a prediction is
    /// not finite, or there are other columns than in the reference.
    pub fn estimate(&self, features: Features<'_>, predicted: &[f64]) -> Result<DleEstimate> {
        if features.columns() + 1 != self.ranges.len() {
            let reason = format!("{} columns, not {}", features.columns(), self.ranges.len() - 1);
            return Err(Error::invalid("features", reason));
        }
        let inputs = inputs(features, predicted)?;
        let inputs = Features::new(&inputs, self.ranges.len())?;
        let is_outside = |row: &[f64]| {
            row.iter().zip(&self.ranges).any(|(value, (low, high))| value < low || value > high)
        };
        let outside = inputs.iter().filter(|row| is_outside(row)).count() as f64;
        let outside = outside / inputs.rows() as f64;
        let mut validity =
            self.options.outside(outside, Concern::OutsideReference { share: outside });
        let [size, square] = [self.size.estimate(inputs)?, self.square.estimate(inputs)?];
        for Estimate { value, .. } in [size, square] {
            if value < 0.0 {
                let reason = Concern::NegativeLoss { mean: value };
                validity = Validity::Invalid { reason }.and(validity);
            }
        }
        let [size, square] =
            [size, square].map(|estimate| Estimate { value: estimate.value.max(0.0), ..estimate });
        let root = square.value.sqrt();
        let root_error = if root > 0.0 { square.standard_error / (2.0 * root) } else { 0.0 };
        Ok(DleEstimate {
            rows: inputs.rows() as u64,
            validity,
            mean_absolute_error: size,
            mean_squared_error: square,
            root_mean_squared_error: Estimate { value: root, standard_error: root_error },
            outside,
        })
    }

    /// Whether losses are still what features say, from rows whose truth is known by now: if not, estimates
    /// of rows like these are not valid.
    ///
    /// # Errors
    /// As [`estimate`](Self::estimate), and if there are not as many outcomes, or one is not finite.
    pub fn check(
        &self,
        features: Features<'_>,
        predicted: &[f64],
        actual: &[f64],
    ) -> Result<LossCheck> {
        let estimated = self.estimate(features, predicted)?.mean_absolute_error;
        let sizes = sizes(predicted, actual)?;
        let realised = sizes.iter().sum::<f64>() / sizes.len() as f64;
        let difference = (realised - estimated.value).abs();
        let (drift, p_value) = if difference == 0.0 {
            (0.0, 1.0)
        } else {
            // Where the estimate has no error, this is infinite: no difference is chance.
            let z = difference / estimated.standard_error;
            (difference / realised.max(estimated.value), normal::two_sided(z))
        };
        let reason = Concern::LossDrift { drift, p_value };
        let validity = self.options.labels(drift, self.options.max_loss_drift, p_value, reason);
        let rows = sizes.len() as u64;
        Ok(LossCheck { rows, realised, estimated, drift, p_value, validity })
    }
}

impl DleEstimate {
    /// The estimate with one more verdict, such as that of a check with labels: the worse of both counts.
    #[must_use]
    pub fn and(self, validity: &Validity) -> Self {
        Self { validity: self.validity.and(validity.clone()), ..self }
    }
}

/// One kind of loss: its model, how it scatters about it, and models that each have not seen one fold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Loss<M> {
    mean: M,
    variance: M,
    without: Vec<M>,
}

impl<M: LossModel> Loss<M> {
    fn fit(features: Features<'_>, losses: &[f64], options: &M::Options) -> Result<Self> {
        let columns = features.columns();
        let mut residuals = vec![0.0; losses.len()];
        let mut without = Vec::with_capacity(FOLDS);
        for fold in 0..FOLDS {
            let is_in = |row: usize| row % FOLDS == fold;
            let part = |of_fold: bool| -> (Vec<f64>, Vec<f64>) {
                let rows = || {
                    (0..losses.len())
                        .zip(features.iter())
                        .filter(move |(n, _)| is_in(*n) == of_fold)
                };
                (
                    rows().flat_map(|(_, row)| row).copied().collect(),
                    rows().map(|(n, _)| losses[n]).collect(),
                )
            };
            let (seen, its_losses) = part(false);
            let (unseen, _) = part(true);
            let model = M::fit(Features::new(&seen, columns)?, &its_losses, options)?;
            let predicted = model.predict(Features::new(&unseen, columns)?)?;
            for (n, predicted) in predicted.into_iter().enumerate() {
                let row = fold + n * FOLDS;
                residuals[row] = (losses[row] - predicted).powi(2);
            }
            without.push(model);
        }
        Ok(Self {
            mean: M::fit(features, losses, options)?,
            variance: M::fit(features, &residuals, options)?,
            without,
        })
    }

    /// The mean loss of these rows.
    fn estimate(&self, features: Features<'_>) -> Result<Estimate> {
        let rows = features.rows() as f64;
        let mean = |model: &M| {
            Ok::<_, Error>(model.predict(features)?.iter().map(|loss| loss / rows).sum::<f64>())
        };
        // Where the model of the variance has left where it makes sense, so has that of the loss.
        let scatter = mean(&self.variance)?.max(0.0) / rows;
        let without = self.without.iter().map(mean).collect::<Result<Vec<_>>>()?;
        let count = without.len().max(1) as f64;
        let middle = without.iter().sum::<f64>() / count;
        let spread: f64 = without.iter().map(|value| (value - middle).powi(2)).sum();
        let estimate = Estimate::new(mean(&self.mean)?, scatter + spread * (count - 1.0) / count);
        if !(estimate.value.is_finite() && estimate.standard_error.is_finite()) {
            let reason = "their losses are too far apart for a double";
            return Err(Error::invalid("features", reason));
        }
        Ok(estimate)
    }
}

/// Rows of the prediction and the features.
fn inputs(features: Features<'_>, predicted: &[f64]) -> Result<Vec<f64>> {
    if features.rows() != predicted.len() {
        let reason = format!("{} rows and {} predictions", features.rows(), predicted.len());
        return Err(Error::invalid("features", reason));
    }
    if let Some(row) = predicted.iter().position(|value| !value.is_finite()) {
        return Err(Error::invalid(
            "predictions",
            format!("that of row {row} is {}", predicted[row]),
        ));
    }
    let mut inputs = Vec::with_capacity(predicted.len() * (features.columns() + 1));
    for (row, predicted) in features.iter().zip(predicted) {
        inputs.push(*predicted);
        inputs.extend_from_slice(row);
    }
    Ok(inputs)
}

/// How far predictions are off.
fn sizes(predicted: &[f64], actual: &[f64]) -> Result<Vec<f64>> {
    if predicted.len() != actual.len() {
        let reason = format!("{} for {} predictions", actual.len(), predicted.len());
        return Err(Error::invalid("outcomes", reason));
    }
    if let Some(row) = actual.iter().position(|value| !value.is_finite()) {
        return Err(Error::invalid("outcomes", format!("that of row {row} is {}", actual[row])));
    }
    let sizes: Vec<f64> = predicted.iter().zip(actual).map(|(p, a)| (p - a).abs()).collect();
    match sizes.iter().position(|size| !(size * size).is_finite()) {
        Some(row) => {
            Err(Error::invalid("outcomes", format!("row {row} is off by more than a double holds")))
        }
        None => Ok(sizes),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked<M> {
    size: Loss<M>,
    square: Loss<M>,
    ranges: Vec<(f64, f64)>,
    options: ValidityOptions,
}

impl<M: LossModel> TryFrom<Unchecked<M>> for Dle<M> {
    type Error = Error;

    fn try_from(read: Unchecked<M>) -> Result<Self> {
        let Unchecked { size, square, ranges, options } = read;
        let invalid = |reason: String| Err(Error::invalid("reference of an estimate", reason));
        // One is that of the predictions.
        if !(2..=Features::MAX_COLUMNS).contains(&ranges.len()) {
            return invalid(format!("{} ranges", ranges.len()));
        }
        if let Some((low, high)) =
            ranges.iter().find(|(low, high)| !(low <= high && low.is_finite() && high.is_finite()))
        {
            return invalid(format!("a range from {low} to {high}"));
        }
        if [&size, &square].iter().any(|loss| loss.without.len() != FOLDS) {
            return invalid(format!("it has not been left out {FOLDS} times"));
        }
        Self { size, square, ranges, options: ValidityOptions::default() }.with_validity(options)
    }
}
