//! The law of the squared distance of two means.

use mlops_core::{Error, Result, stats::chi_square};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

/// The law, in the limit, of `n m / (n + m) |x̄ - ȳ|²` for the means of `n` and `m` independent rows with
/// the same mean and covariance `Σ`: that of `Σ λ_i χ²_1`, with the eigenvalues of `Σ` as weights.
///
/// It is taken to be `a + b χ²_ν` with the same mean, variance and skewness (Hall 1983, Buckley &
/// Eagleson 1988): right to 6 % of a probability down to 0.01 and 11 % at 0.002, and too small by more further
/// out. The moments need no eigenvalues, only the traces of `Σ`, `Σ²` and `Σ³`, of which it holds estimates.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "[f64; 3]", into = "[f64; 3]")]
pub(super) struct MeanShiftLaw {
    traces: [f64; 3],
}

impl From<MeanShiftLaw> for [f64; 3] {
    fn from(law: MeanShiftLaw) -> Self {
        law.traces
    }
}

impl TryFrom<[f64; 3]> for MeanShiftLaw {
    type Error = Error;

    fn try_from(traces: [f64; 3]) -> Result<Self> {
        let [first, second, third] = traces;
        let rounding = 1.0 + 1e-9;
        let ordered = first >= 0.0
            && (0.0..=first * first * rounding).contains(&second)
            && second * second <= first * third * rounding
            && third <= second.powf(1.5) * rounding;
        if ordered && first.is_finite() {
            return Ok(Self { traces });
        }
        Err(Error::invalid("law", format!("no matrix has powers of the traces {traces:?}")))
    }
}

impl MeanShiftLaw {
    /// From the sample covariance of so many rows, at least 3.
    ///
    /// Powers of a sample's covariance have larger traces than those of the truth, the more so the more
    /// columns there are; their expectations for normal rows (Bai & Saranadasa 1996; Letac & Massam
    /// 2004) are solved for the truth. Of rows with heavier tails the estimates are too large, and so are the
    /// probabilities.
    pub(super) fn of_covariance(covariance: &Array2<f64>, rows: u64) -> Self {
        let columns = covariance.nrows() as f64;
        let dof = rows as f64 - 1.0;
        let squared = covariance.dot(covariance);
        let cube: f64 = squared.iter().zip(covariance).map(|(a, b)| a * b).sum();
        let first = covariance.diag().sum();
        let square = squared.diag().sum();
        let second = (square - first * first / dof) * dof * dof / ((dof - 1.0) * (dof + 2.0));
        let second = second.max(first * first / columns).min(first * first);
        let third = (dof * dof * cube - 3.0 * (dof + 1.0) * first * second - first.powi(3))
            / (dof * dof + 3.0 * dof + 4.0);
        // No eigenvalues have other traces (Cauchy & Schwarz, and norms of different orders).
        let least = if first > 0.0 { second * second / first } else { 0.0 };
        let third = third.min(second.powf(1.5)).max(least);
        Self { traces: [first, second, third] }
    }

    /// The mean.
    pub(super) fn mean(&self) -> f64 {
        self.traces[0]
    }

    /// The probability of at least this value. Where nothing varies it is 1 up to the mean and 0 beyond.
    pub(super) fn p_value(&self, value: f64) -> f64 {
        let [mean, second, _] = self.traces;
        if second <= 0.0 {
            return if value <= mean { 1.0 } else { 0.0 };
        }
        let dof = self.dof();
        let x = dof + (value - mean) / (2.0 * second).sqrt() * (2.0 * dof).sqrt();
        chi_square::sf(x.max(0.0), dof)
    }

    /// The value that has the probability `p` of being reached.
    pub(super) fn threshold(&self, p: f64) -> f64 {
        let [mean, second, _] = self.traces;
        let dof = self.dof();
        let x = chi_square::quantile(1.0 - p, dof);
        mean + (x - dof) / (2.0 * dof).sqrt() * (2.0 * second).sqrt()
    }

    /// With the skewness of the weighted sum, `√8 tr(Σ³) / tr(Σ²)^1.5`; at least 1.
    fn dof(&self) -> f64 {
        let [_, second, third] = self.traces;
        if third > 0.0 { (second / third) * (second / third) * second } else { 1.0 }
    }
}

#[cfg(test)]
mod tests {
    use mlops_core::{random::RandomKey, stats::normal};
    use ndarray::array;

    use super::*;
    use crate::multivariate::Moments;

    #[test]
    fn equal_weights_are_chi_square() {
        // Of infinitely many rows the traces are those of the matrix.
        let law = MeanShiftLaw::of_covariance(&(Array2::eye(5) * 2.0), 1 << 50);
        for value in [0.5, 4.0, 10.0, 40.0, 100.0] {
            let expected = chi_square::sf(value / 2.0, 5.0);
            assert!((law.p_value(value) / expected - 1.0).abs() < 1e-9, "{value}");
            assert!((law.threshold(expected) / value - 1.0).abs() < 1e-9, "{value}");
        }
        assert_eq!(law.mean(), 10.0);
    }

    #[test]
    fn unequal_weights_are_those_of_imhof() {
        let golden: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/multivariate/golden.json")).unwrap();
        let laws = golden["laws"].as_array().unwrap();
        assert_eq!(laws.len(), 20);
        for law in laws {
            let eigenvalues = law["eigenvalues"].as_array().unwrap();
            let trace = |power| eigenvalues.iter().map(|w| w.as_f64().unwrap().powi(power)).sum();
            let found = MeanShiftLaw { traces: [trace(1), trace(2), trace(3)] }
                .p_value(law["value"].as_f64().unwrap());
            let expected = law["p_value"].as_f64().unwrap();
            let error = if expected > 0.01 { 0.06 } else { 0.11 };
            assert!((found / expected - 1.0).abs() < error, "{law} {found}");
        }
    }

    #[test]
    fn few_rows_tell_the_traces_of_the_truth() {
        const COLUMNS: usize = 30;
        const ROUNDS: usize = 300;
        let deviation = |column: usize| 0.9_f64.powi(column as i32);
        let mut random = RandomKey::from_seed(1).stream(0);
        let mut found = [0.0; 3];
        let mut naive = 0.0;
        for _ in 0..ROUNDS {
            let rows = Array2::from_shape_fn((25, COLUMNS), |(_, column)| {
                deviation(column) * normal::quantile(random.next_unit().max(1e-17))
            });
            let mut moments = Moments::new(COLUMNS);
            moments.observe_rows(rows.view()).unwrap();
            let covariance = moments.covariance().unwrap();
            let law = MeanShiftLaw::of_covariance(&covariance, 25);
            naive += covariance.map(|value| value * value).sum() / ROUNDS as f64;
            found.iter_mut().zip(law.traces).for_each(|(sum, trace)| *sum += trace / ROUNDS as f64);
        }
        let truth =
            |power| (0..COLUMNS).map(|column| deviation(column).powi(2 * power)).sum::<f64>();
        assert!(naive > 1.4 * truth(2), "{naive} {}", truth(2));
        for (found, power) in found.into_iter().zip(1..) {
            assert!((found / truth(power) - 1.0).abs() < 0.05, "{power}: {found} {}", truth(power));
        }
    }

    #[test]
    fn nothing_varies() {
        let law = MeanShiftLaw::of_covariance(&array![[0.0]], 10);
        assert_eq!((law.p_value(0.0), law.p_value(1e-9)), (1.0, 0.0));
        assert_eq!(law.threshold(0.05), 0.0);
    }
}
