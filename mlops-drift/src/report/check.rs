//! Whether what was read agrees with itself, so that whatever renders it need not ask.

use crate::compare::{Comparison, Effect, FeatureComparison, FeatureSummary, Shape};

/// What a sum of shares may be beside one, by rounding.
const ROUNDING: f64 = 1e-6;

/// Says which feature is wrong, and how.
pub(super) fn comparison(comparison: &Comparison) -> Result<(), String> {
    comparison.options.check().map_err(|error| error.to_string())?;
    for feature in &comparison.features {
        check(feature).map_err(|reason| format!("feature `{}`: {reason}", feature.name))?;
    }
    Ok(())
}

fn check(feature: &FeatureComparison) -> Result<(), String> {
    for evidence in &feature.evidence {
        let Effect { value, threshold, .. } = evidence.effect;
        if !(threshold > 0.0 && threshold <= 1.0 && (0.0..=1.0 + ROUNDING).contains(&value)) {
            return Err(format!("an effect of {value} at a threshold of {threshold}"));
        }
        for p in [evidence.p_value, evidence.adjusted_p_value] {
            if !(0.0..=1.0).contains(&p) {
                return Err(format!("a p-value of {p}"));
            }
        }
    }
    summary(&feature.reference)?;
    summary(&feature.current)?;
    match &feature.shape {
        Shape::Nothing => Ok(()),
        Shape::Bars { low, high, reference, current } => {
            if low >= high {
                return Err(format!("a picture from {low} to {high}"));
            }
            let bars = reference.len().max(1);
            shares(reference, bars).and_then(|()| shares(current, bars))
        }
        Shape::Categories { names, reference, current } => {
            let bars = names.len() + 1;
            shares(reference, bars).and_then(|()| shares(current, bars))
        }
    }
}

fn summary(side: &FeatureSummary) -> Result<(), String> {
    let present = side.rows.checked_sub(side.nulls);
    match present.and_then(|present| present.checked_sub(side.not_finite)) {
        Some(_) => Ok(()),
        None => Err(format!(
            "{} rows of which {} are null and {} not finite",
            side.rows, side.nulls, side.not_finite
        )),
    }
}

fn shares(shares: &[f64], bars: usize) -> Result<(), String> {
    if shares.len() != bars {
        return Err(format!("a picture of {} bars in place of {bars}", shares.len()));
    }
    if shares.iter().any(|share| *share < 0.0) || shares.iter().sum::<f64>() > 1.0 + ROUNDING {
        return Err("a picture of more or less than all rows".to_owned());
    }
    Ok(())
}
