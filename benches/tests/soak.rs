//! The soak in small counts: the same code as `cargo xtask soak`.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod fixture;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use benches::soak::{Soak, SoakHost, SoakReport};
use mlops_core::{
    Error,
    inference::{InferenceSession, SessionFactory},
    ndarray::Array2,
    signature::ModelSignature,
    tensor::{NamedTensors, Tensor},
    testing::session::{MockFactory, MockSession},
};
use mlops_serve::batch::{BatcherOptions, Placement};

use crate::fixture::digits;

fn mock() -> Arc<dyn SessionFactory> {
    Arc::new(MockFactory::new(MockSession::identity(8)))
}

#[test]
fn nothing_is_lost_when_models_are_swapped_under_load() {
    for (factory, placement) in [
        (digits(), Placement::Auto),
        (digits(), Placement::Thread),
        (mock(), Placement::CallerRuns),
    ] {
        let options = BatcherOptions::default().with_placement(placement);
        let host = Arc::new(SoakHost::start(factory, options).unwrap());
        let report = Soak::new(50_000, 20).run(&host).unwrap();
        report.check().unwrap();
        assert_eq!((report.requests, report.swaps, report.resident.len()), (50_000, 20, 20));
        assert!(report.versions.len() > 10, "the swaps were not under load: {report}");
        assert!(report.growth().is_finite());
    }
}

/// What a soak says of a model that computes like this.
fn soak_of(
    compute: impl Fn(&NamedTensors, u64) -> mlops_core::Result<NamedTensors> + Send + Sync + 'static,
) -> SoakReport {
    let identity = MockSession::identity(8);
    let signature = ModelSignature::clone(identity.signature());
    let runs = AtomicU64::new(0);
    let session = MockSession::new(signature, move |inputs| {
        compute(inputs, runs.fetch_add(1, Ordering::Relaxed))
    });
    let factory = Arc::new(MockFactory::new(session));
    let options = BatcherOptions::default().with_placement(Placement::Thread);
    let host = Arc::new(SoakHost::start(factory, options).unwrap());
    Soak::new(5_000, 2).run(&host).unwrap()
}

fn echo(inputs: &NamedTensors) -> mlops_core::Result<NamedTensors> {
    Ok(NamedTensors::single("y", inputs.require("x")?.clone()))
}

#[test]
fn rows_mixed_up_are_caught() {
    let report = soak_of(|inputs, _| {
        let tensor = inputs.require("x")?;
        let mut rows: Vec<_> = tensor.as_slice::<f32>()?.to_vec();
        // Each row of a batch gets its neighbour's answer.
        rows.rotate_left(8);
        let turned = Array2::from_shape_vec((rows.len() / 8, 8), rows).expect("whole rows");
        Ok(NamedTensors::single("y", Tensor::from_array(turned)))
    });
    assert!(report.wrong > 0 && report.check().is_err(), "{report}");
}

#[test]
fn requests_that_fail_are_caught() {
    let report = soak_of(|inputs, run| {
        // After the requests that are asked one by one; warm-up is of zeros and succeeds.
        let is_warm_up = inputs.require("x")?.as_slice::<f32>()?.iter().all(|x| *x == 0.0);
        if run > 300 && !is_warm_up { Err(Error::Cancelled) } else { echo(inputs) }
    });
    assert!(!report.failed.is_empty() && report.check().is_err(), "{report}");
    soak_of(|inputs, _| echo(inputs)).check().unwrap();
}

#[test]
fn a_soak_without_anything_to_do_is_refused() {
    let host = Arc::new(SoakHost::start(mock(), BatcherOptions::default()).unwrap());
    assert!(Soak::new(5, 5).run(&host).is_err());
    assert!(Soak::new(5, 0).run(&host).is_err());
}
