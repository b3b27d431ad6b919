//! A load that fails leaves what served as it was.

use std::{sync::Arc, time::Duration};

use mlops_core::{
    Error, Result,
    inference::CancelHandle,
    model::{ModelId, Sample},
    tensor::{NamedTensors, Tensor},
    testing::session::MockSession,
};
use mlops_serve::batch::{Batcher, Placement};
use mlops_serve::host::{
    GoldenCheck, LoadedModel, LoaderFn, ModelLoader, ModelState, ModelUpdate, Models, ServedModel,
    SignatureChange, Tolerance,
};
use ndarray::Array2;

use crate::support::{
    ask, batcher, eventually, failing, host, id, id_of, is_gone, load, loader, ready, session,
    states, swap, version,
};

/// One row of `x`, and the `y` that must come.
fn sample(x: f32, y: f32) -> Sample {
    let tensor = |value| Tensor::from_array(Array2::from_elem((1, 1), value));
    Sample {
        inputs: NamedTensors::single("x", tensor(x)),
        outputs: NamedTensors::single("y", tensor(y)),
    }
}

/// Loads this session and has it checked.
fn checked(session: MockSession, check: GoldenCheck) -> LoaderFn {
    LoaderFn::new(move |id, _| {
        let batcher = batcher(id, &session, Placement::Thread)?;
        let served = ServedModel::new(Arc::<Batcher>::clone(&batcher));
        Ok(LoadedModel::new(served)
            .with_batcher(Arc::clone(&batcher))
            .with_golden_check(batcher, check.clone()))
    })
}

#[tokio::test]
async fn whatever_is_wrong_with_a_new_version_the_old_one_serves_on() {
    let host = host();
    swap(&host, 1).await.unwrap();
    let other_signature = MockSession::identity(3);
    let wrong_answers = session(2);
    let broken = session(2);
    broken.log().fail_next(Error::backend("mock", "broken"));
    let logs =
        [&other_signature, &wrong_answers, &broken].map(|session| Arc::downgrade(&session.log()));
    let check = || GoldenCheck::new([sample(0.0, 2.0), sample(1.0, 30.0)]);
    type IsExpected = fn(&Error) -> bool;
    let loaders: [(LoaderFn, IsExpected); 8] = [
        (failing(Error::corrupt("model", "m.onnx", "half a file")), |error| {
            matches!(error, Error::Corrupt { .. })
        }),
        (LoaderFn::new(|_, _| panic!("a loader may be wrong")), |error| {
            error.report().contains("panicked")
        }),
        (LoaderFn::new(move |id, _| load(id, &other_signature)), |error| {
            matches!(error, Error::Refused { what: "signature change", .. })
        }),
        (checked(wrong_answers, check()), |error| {
            let text = error.to_string();
            matches!(error, Error::Refused { what: "golden check", .. })
                && text.contains("m/2")
                && text.contains("sample 1")
                && text.contains("is 3, expected 30")
        }),
        (checked(broken, check()), |error| error.report().contains("broken")),
        (checked(session(2), check().with_timeout(Duration::ZERO)), |error| {
            // The first sample may be answered before anybody looks at the time.
            matches!(error, Error::DeadlineExceeded { .. } | Error::Refused { .. })
        }),
        (LoaderFn::new(|_, _| load(&id_of("other", 2), &session(2))), |error| {
            matches!(error, Error::InvalidArgument { what: "model loader", .. })
        }),
        (loader().with_device("gpu:7"), |error| {
            error.to_string().contains("`gpu:7` is not one of: cpu")
        }),
    ];
    for (case, (loader, expected)) in loaders.into_iter().enumerate() {
        let error = host.update(ModelUpdate::swap(id(2), loader)).await.unwrap_err();
        assert!(expected(&error), "case {case}: {error}");
        assert_eq!(ask(&host, None).await.unwrap(), 1.0);
        assert_eq!(states(&host), ready(&[1]), "case {case}");
        assert!(host.find("m", Some(version(2))).unwrap_err().is_not_found());
        let status = host.status("m").unwrap();
        assert!(status.loading.is_empty() && status.draining.is_empty(), "case {case}");
        assert!(status.last_failure.is_some(), "case {case}");
    }
    for log in logs {
        eventually("a refused model lives on", || is_gone(&log)).await;
    }
    let error = host.update(ModelUpdate::new("m".parse().unwrap())).await.unwrap_err();
    assert!(matches!(error, Error::InvalidArgument { what: "model update", .. }), "{error}");

    swap(&host, 2).await.unwrap();
    assert!(host.status("m").unwrap().last_failure.is_none());
}

#[tokio::test]
async fn right_answers_within_the_tolerance_pass() {
    let host = host();
    let tolerance = Tolerance { absolute: 0.1, relative: 0.0 };
    let check = GoldenCheck::new([sample(0.0, 1.05), sample(1.0, 1.95)]).with_tolerance(tolerance);
    let exact = Tolerance { absolute: 0.0, relative: 0.0 };
    let strict = check.clone().with_tolerance(exact);
    let error =
        host.update(ModelUpdate::swap(id(1), checked(session(1), strict))).await.unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error}");
    host.update(ModelUpdate::swap(id(1), checked(session(1), check))).await.unwrap();
    assert_eq!(ask(&host, None).await.unwrap(), 1.0);
}

#[tokio::test]
async fn a_signature_may_change_if_the_caller_says_so() {
    let host = host();
    swap(&host, 1).await.unwrap();
    let wide = MockSession::identity(3);
    let loader = Arc::new(LoaderFn::new(move |id, _| load(id, &wide)));
    let update = ModelUpdate::swap(id(2), Arc::clone(&loader));
    assert!(host.update(update.clone()).await.is_err());
    host.update(update.with_signature(SignatureChange::Allow)).await.unwrap();
    assert_eq!(states(&host).last().unwrap(), &(2, ModelState::Ready));
}

#[derive(Debug)]
struct NoEstimate;

impl ModelLoader for NoEstimate {
    fn device(&self) -> &str {
        "cpu"
    }

    fn memory_bytes(&self) -> Result<u64> {
        Err(Error::not_found("file", "m.onnx"))
    }

    fn load(&self, _: &ModelId, _: &CancelHandle) -> Result<LoadedModel> {
        panic!("it must not come to this")
    }
}

#[tokio::test]
async fn what_panics_when_a_model_is_gone_does_not_keep_it() {
    let host = host();
    let loader = LoaderFn::new(|id, _| {
        let panics = || panic!("what is called back may be wrong");
        Ok(load(id, &session(1))?.with_on_gone(panics))
    });
    host.update(ModelUpdate::swap(id(1), loader.with_memory_bytes(7))).await.unwrap();
    host.unload("m", None).await.unwrap();
    assert_eq!(states(&host), [(1, ModelState::Unloaded)]);
    assert_eq!(host.memory()["cpu"].used_bytes, 0);
}

#[tokio::test]
async fn a_loader_without_an_estimate_does_not_load() {
    let error = host().update(ModelUpdate::swap(id(1), NoEstimate)).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
}
