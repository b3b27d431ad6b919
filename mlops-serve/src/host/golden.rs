//! [`GoldenCheck`]: known answers that a model must give before it serves.

use std::{sync::Arc, time::Duration};

use mlops_core::{
    Error, Result,
    half::{bf16, f16},
    inference::{CancelHandle, InferenceRequest, Predict},
    model::Sample,
    tensor::{DataType, Element, NamedTensors, Tensor},
};

/// Known answers that a model must give before it serves.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct GoldenCheck {
    /// What is asked, and what must come.
    pub samples: Arc<[Sample]>,
    /// How far a floating-point element may be off.
    pub tolerance: Tolerance,
    /// How long all answers together may take.
    pub timeout: Duration,
}

/// How far an element may be from the expected one: `absolute + relative × |expected|`.
///
/// Elements that are not floating point must be equal; NaN equals NaN only.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// In the element's own unit.
    pub absolute: f64,
    /// As a part of the expected element.
    pub relative: f64,
}

impl Default for Tolerance {
    /// 1e-5 and 1e-4: between engines and kernels of single precision.
    fn default() -> Self {
        Self { absolute: 1e-5, relative: 1e-4 }
    }
}

impl GoldenCheck {
    /// These samples, such as [those of a package](mlops_core::model::ModelPackage::samples), with the default tolerance and a minute's time.
    pub fn new(samples: impl IntoIterator<Item = Sample>) -> Self {
        Self {
            samples: samples.into_iter().collect(),
            tolerance: Tolerance::default(),
            timeout: Duration::from_secs(60),
        }
    }

    /// Sets how far a floating-point element may be off.
    #[must_use]
    pub fn with_tolerance(mut self, tolerance: Tolerance) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Sets how long all answers together may take.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Asks the model and compares. Needs tokio's time driver.
    ///
    /// # Errors
    /// [`Error::Refused`] for an answer that is not as expected, with the first element that is off;
    /// [`Error::DeadlineExceeded`] if it takes too long; what the model returned if it fails.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the request under way.
    pub async fn run(&self, model: &dyn Predict) -> Result<()> {
        self.run_until(model, &CancelHandle::new()).await
    }

    pub(super) async fn run_until(&self, model: &dyn Predict, cancel: &CancelHandle) -> Result<()> {
        let asked = async {
            for (index, sample) in self.samples.iter().enumerate() {
                if cancel.is_cancelled() {
                    return Err(Error::Cancelled);
                }
                let response = model.predict(InferenceRequest::new(sample.inputs.clone())).await?;
                if let Err(reason) = compare_all(&sample.outputs, &response.outputs, self.tolerance)
                {
                    let id = &model.descriptor().id;
                    let reason = format!("`{id}`, sample {index}: {reason}").into();
                    let reasons = Arc::new([reason]);
                    return Err(Error::Refused { what: "golden check", reasons });
                }
            }
            Ok(())
        };
        match tokio::time::timeout(self.timeout, asked).await {
            Ok(result) => result,
            Err(_elapsed) => Err(Error::DeadlineExceeded { elapsed: self.timeout }),
        }
    }
}

fn compare_all(
    expected: &NamedTensors,
    actual: &NamedTensors,
    tolerance: Tolerance,
) -> Result<(), String> {
    for (name, expected) in expected {
        let Some(actual) = actual.get(name) else {
            return Err(format!("output `{name}` is missing"));
        };
        compare(expected, actual, tolerance)
            .map_err(|reason| format!("output `{name}`: {reason}"))?;
    }
    Ok(())
}

fn compare(expected: &Tensor, actual: &Tensor, tolerance: Tolerance) -> Result<(), String> {
    let (wanted, got) = (expected.data_type(), actual.data_type());
    if wanted != got || expected.shape() != actual.shape() {
        return Err(format!(
            "expected {wanted}{:?}, got {got}{:?}",
            expected.shape(),
            actual.shape()
        ));
    }
    match (floats(expected), floats(actual)) {
        (Some(expected), Some(actual)) => {
            let mut elements = expected.iter().zip(&actual).enumerate();
            match elements.find(|(_, (expected, actual))| !tolerance.admits(**expected, **actual)) {
                None => Ok(()),
                Some((element, (expected, actual))) => Err(format!(
                    "element {element} is {actual}, expected {expected} within {}",
                    tolerance.of(*expected)
                )),
            }
        }
        _ if expected == actual => Ok(()),
        _ => Err("elements differ from the expected ones".into()),
    }
}

impl Tolerance {
    fn of(self, expected: f64) -> f64 {
        self.absolute + self.relative * expected.abs()
    }

    fn admits(self, expected: f64, actual: f64) -> bool {
        // Equal infinities have no difference to compare.
        expected == actual
            || (expected.is_nan() && actual.is_nan())
            || (expected.is_finite() && (expected - actual).abs() <= self.of(expected))
    }
}

/// The elements of a floating-point tensor; `None` for other types.
fn floats(tensor: &Tensor) -> Option<Vec<f64>> {
    fn of<T: Element>(tensor: &Tensor, convert: impl Fn(T) -> f64) -> Option<Vec<f64>> {
        let aligned = tensor.clone().into_aligned();
        Some(aligned.as_slice::<T>().ok()?.iter().map(|value| convert(*value)).collect())
    }
    match tensor.data_type() {
        DataType::F16 => of(tensor, f16::to_f64),
        DataType::Bf16 => of(tensor, bf16::to_f64),
        DataType::F32 => of(tensor, |value: f32| f64::from(value)),
        DataType::F64 => of(tensor, |value: f64| value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use mlops_core::ndarray::arr1;

    use super::*;

    #[test]
    fn elements_may_be_off_by_the_tolerance() {
        let tolerance = Tolerance { absolute: 0.5, relative: 0.1 };
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        for (expected, actual, admitted) in [
            (0.0, 0.5, true),
            (0.0, 0.51, false),
            (10.0, 11.5, true),
            (10.0, 8.4, false),
            (nan, nan, true),
            (nan, 0.0, false),
            (0.0, nan, false),
            (inf, inf, true),
            (inf, -inf, false),
            (inf, 1e300, false),
            (1e300, inf, false),
        ] {
            assert_eq!(tolerance.admits(expected, actual), admitted, "{expected} {actual}");
        }
    }

    #[test]
    fn the_first_element_that_is_off_is_named() {
        let expected = Tensor::from_array(arr1(&[1.0_f32, 2.0, 3.0]));
        let actual = Tensor::from_array(arr1(&[1.0_f32, 2.5, 0.0]));
        let reason = compare(&expected, &actual, Tolerance::default()).unwrap_err();
        assert!(reason.contains("element 1 is 2.5, expected 2"), "{reason}");
        let integers = |last| Tensor::from_array(arr1(&[1_i64, last]));
        assert!(compare(&integers(2), &integers(2), Tolerance::default()).is_ok());
        assert!(compare(&integers(2), &integers(3), Tolerance::default()).is_err());
        assert!(compare(&integers(2), &expected, Tolerance::default()).is_err());
    }
}
