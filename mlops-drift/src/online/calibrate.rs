//! [`calibrate()`].

use mlops_core::{Error, Result, random::RandomKey};
use serde::{Deserialize, Serialize};

use super::{ChangeDetector, Signal, check_option};

/// What [`calibrate()`] aims at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CalibrateOptions {
    /// Values between false alarms, on average: from one alarm to the next, with what a detector
    /// learns after it.
    pub mean_time_between_false_alarms: f64,
    /// Alarms in a simulation: the standard error of the mean time is about one part in the square root
    /// of them. The simulation of a threshold takes the product of both figures in values, and about
    /// fifteen thresholds are tried.
    pub alarms: u32,
    /// What the simulation draws its values with.
    pub seed: u64,
}

impl Default for CalibrateOptions {
    /// One false alarm in 10 000 values, within about 5 %.
    fn default() -> Self {
        Self { mean_time_between_false_alarms: 10_000.0, alarms: 400, seed: 0 }
    }
}

impl CalibrateOptions {
    /// Sets [`mean_time_between_false_alarms`](Self::mean_time_between_false_alarms).
    #[must_use]
    pub fn with_mean_time_between_false_alarms(mut self, values: f64) -> Self {
        self.mean_time_between_false_alarms = values;
        self
    }

    /// Sets [`alarms`](Self::alarms).
    #[must_use]
    pub fn with_alarms(mut self, alarms: u32) -> Self {
        self.alarms = alarms;
        self
    }

    /// Sets [`seed`](Self::seed).
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}

/// What [`calibrate()`] found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Calibration {
    /// The threshold.
    pub threshold: f64,
    /// Values between false alarms with it, in the simulation; infinite if there was none.
    pub mean_time_between_false_alarms: f64,
    /// The standard error of that mean time, as a part of it: alarms come about as those of a Poisson
    /// process.
    pub relative_error: f64,
}

/// Finds the threshold with which a detector raises false alarms as rarely as asked for.
///
/// `build` makes the detector with a threshold between 0 and infinity, of which a larger one means
/// fewer alarms. Where small is rare, as for a probability `α`, let the threshold be `-ln(α)`. The
/// detector is shown values drawn from `reference`, each as probable as the other and independent of
/// those before (Efron's bootstrap), so that every alarm is a false one, with the same values for every
/// threshold. The result is the least threshold found with at least the mean time asked for, to three
/// digits.
///
/// A stream whose values depend on one another has more false alarms than that. Then calibrate on the
/// residuals of a forecast, and detect changes in these.
///
/// ```
/// use mlops_drift::online::{CalibrateOptions, KswinOptions, calibrate};
///
/// let reference: Vec<f64> = (0..500).map(|n| f64::from(n * n % 97)).collect();
/// let options = CalibrateOptions::default()
///     .with_mean_time_between_false_alarms(300.0)
///     .with_alarms(50);
/// let kswin = |alpha: f64| KswinOptions::default().with_sizes(40, 15).with_alpha(alpha).build();
/// let found = calibrate(&reference, &options, |threshold| kswin((-threshold).exp()))?;
/// let detector = kswin((-found.threshold).exp())?;
/// assert!(detector.options().alpha < 0.05);
/// # Ok::<(), mlops_core::Error>(())
/// ```
///
/// # Errors
/// [`Error::InvalidArgument`] if `reference` is empty or has a value that the detector ignores, the
/// mean time is not between 2 and 1e9, there are no `alarms` to count, or no threshold between 2^-20
/// and 2^20 has a mean time on either side of the one asked for, as with a constant `reference`.
/// Errors of `build`.
pub fn calibrate<D: ChangeDetector>(
    reference: &[f64],
    options: &CalibrateOptions,
    build: impl Fn(f64) -> Result<D>,
) -> Result<Calibration> {
    let target = options.mean_time_between_false_alarms;
    check_option("mean time between false alarms", target, 2.0..=1e9)?;
    check_option("alarms", options.alarms.into(), 1.0..)?;
    let key = RandomKey::from_seed(options.seed).derive("calibrate");
    let values = (target * f64::from(options.alarms)).ceil() as u64;
    let alarms = |threshold: f64| alarms(reference, values, key, build(threshold)?);
    let enough = u64::from(options.alarms);

    let (mut low, mut high) = bracket(|threshold| Ok(alarms(threshold)? <= enough))?;
    while high / low > 1.001 {
        let middle = (low * high).sqrt();
        *(if alarms(middle)? <= enough { &mut high } else { &mut low }) = middle;
    }
    let alarms = alarms(high)? as f64;
    Ok(Calibration {
        threshold: high,
        mean_time_between_false_alarms: values as f64 / alarms,
        relative_error: 1.0 / alarms.max(1.0).sqrt(),
    })
}

/// How often the detector raises an alarm in so many values drawn from the reference.
fn alarms(
    reference: &[f64],
    values: u64,
    key: RandomKey,
    mut detector: impl ChangeDetector,
) -> Result<u64> {
    if reference.is_empty() {
        return Err(Error::invalid("reference", "it is empty"));
    }
    let mut stream = key.stream(0);
    let mut alarms = 0;
    for _ in 0..values {
        let index = stream.next_below(reference.len() as u64) as usize;
        match detector.update(reference[index]) {
            Signal::Stable | Signal::Warning => {}
            Signal::Change => alarms += 1,
            Signal::Ignored => {
                let reason = format!("value {index} is {}, which is ignored", reference[index]);
                return Err(Error::invalid("reference", reason));
            }
        }
    }
    Ok(alarms)
}

/// Two thresholds, one a power of two and the other its double, of which only the second is enough.
fn bracket(is_enough: impl Fn(f64) -> Result<bool>) -> Result<(f64, f64)> {
    const FURTHEST: f64 = 1_048_576.0;
    let mut threshold = 1.0;
    if is_enough(threshold)? {
        while threshold > 1.0 / FURTHEST {
            threshold /= 2.0;
            if !is_enough(threshold)? {
                return Ok((threshold, 2.0 * threshold));
            }
        }
    } else {
        while threshold < FURTHEST {
            threshold *= 2.0;
            if is_enough(threshold)? {
                return Ok((threshold / 2.0, threshold));
            }
        }
    }
    Err(Error::invalid(
        "mean time between false alarms",
        "no threshold has it on this reference, which may be constant",
    ))
}

#[cfg(test)]
mod tests {
    use super::super::{CusumOptions, PageHinkleyOptions, Reference, Threshold};
    use super::*;

    fn skewed() -> Vec<f64> {
        let mut stream = RandomKey::from_seed(8).stream(0);
        (0..2000).map(|_| -(1.0 - stream.next_unit()).ln()).collect()
    }

    #[test]
    fn other_values_have_the_mean_time_asked_for() {
        // Waiting times are skewed: the threshold for normal values would alarm too often.
        let reference = skewed();
        let options = CalibrateOptions::default()
            .with_mean_time_between_false_alarms(300.0)
            .with_alarms(1000);
        let build = |threshold| {
            PageHinkleyOptions::default()
                .with_tolerance(0.5)
                .with_threshold(Threshold::Value(threshold))
                .build()
        };
        let found = calibrate(&reference, &options, build).unwrap();
        assert!((found.mean_time_between_false_alarms / 300.0 - 1.0).abs() < 0.02, "{found:?}");
        let key = RandomKey::from_seed(99);
        let count = alarms(&reference, 300_000, key, build(found.threshold).unwrap()).unwrap();
        assert!((900..=1100).contains(&count), "{count} {found:?}");
        let normal = Threshold::MeanTimeBetweenFalseAlarms(270.0);
        assert!(
            found.threshold > 1.05 * normal.resolve(0.5, super::super::Direction::Both).unwrap()
        );
    }

    #[test]
    fn refuses_what_has_no_answer() {
        let build = |threshold| {
            CusumOptions::default()
                .with_reference(Reference::Known { mean: 0.0, scale: 1.0 })
                .with_threshold(Threshold::Value(threshold))
                .build()
        };
        let options = CalibrateOptions::default().with_mean_time_between_false_alarms(50.0);
        calibrate(&[0.3, -0.8, 1.1], &options, build).unwrap();
        for reference in [&[][..], &[0.0; 10], &[0.0, f64::NAN, 2.0], &[1e300, 1.0]] {
            calibrate(reference, &options, build).unwrap_err();
        }
        for mean_time in [1.0, f64::NAN, 1e10] {
            let options = options.clone().with_mean_time_between_false_alarms(mean_time);
            calibrate(&[0.3, -0.8], &options, build).unwrap_err();
        }
        calibrate(&[0.3, -0.8], &options.with_alarms(0), build).unwrap_err();
    }
}
