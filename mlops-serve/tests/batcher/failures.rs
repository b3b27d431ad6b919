//! Bad requests, and sessions, factories and observers that fail.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use mlops_core::{
    Error,
    inference::{InferenceRequest, InferenceSession, Predict, SessionFactory},
    signature::{Dim, ModelSignature, TensorSpec},
    tensor::{DataType, NamedTensors, Tensor},
    testing::session::MockSession,
};
use mlops_serve::batch::{BatchObserver, BatchRecord, Batcher, Placement};
use ndarray::{Array2, array};

use crate::support::{
    builder, held, id, options, request, rows, send, squeamish, start, until_queued, value,
};

#[tokio::test]
async fn bad_requests_reach_no_session_and_harm_no_neighbour() {
    for placement in [Placement::Thread, Placement::CallerRuns] {
        let session = MockSession::identity(4);
        let log = session.log();
        let batcher = start(&session, options(placement));
        let too_wide = NamedTensors::single("x", Tensor::from_array(Array2::<f32>::zeros((1, 5))));
        for (inputs, code) in [
            (NamedTensors::new(), "invalid_tensor"),
            (too_wide, "invalid_tensor"),
            (rows(9, 0.0), "too_large"),
        ] {
            let good = send(&batcher, request(2, 7.0));
            let error = batcher.predict(InferenceRequest::new(inputs)).await.unwrap_err();
            assert_eq!(error.code(), code, "{error}");
            assert_eq!(value(&good.await.unwrap().unwrap()), 7.0);
        }
        assert_eq!(log.runs().iter().sum::<usize>(), 6);
    }
}

#[tokio::test]
async fn inputs_must_have_the_same_number_of_rows() {
    let spec = |name| TensorSpec::new(name, DataType::F32, [Dim::Unknown]);
    let signature = ModelSignature { inputs: vec![spec("a"), spec("b")], outputs: vec![spec("y")] };
    let session = MockSession::new(signature, |inputs| {
        Ok(NamedTensors::single("y", inputs.require("a")?.clone()))
    });
    let batcher = start(&session, options(Placement::Thread));
    let mut inputs = NamedTensors::single("a", Tensor::from_array(array![1.0_f32, 2.0]));
    inputs.insert("b", Tensor::from_array(array![1.0_f32])).unwrap();
    let error = batcher.predict(InferenceRequest::new(inputs)).await.unwrap_err();
    assert!(matches!(&error, Error::InvalidTensor { tensor, .. } if &**tensor == "b"), "{error}");
}

#[tokio::test]
async fn poison_is_found_wherever_it_is_in_a_large_batch() {
    for at in 0..32 {
        let options = options(Placement::Thread).with_max_batch_size(32);
        let (batcher, log, first) = held(squeamish(), options).await;
        let value_of = |n: usize| if n == at { -1.0 } else { n as f32 };
        let answers: Vec<_> = (0..32).map(|n| send(&batcher, request(1, value_of(n)))).collect();
        until_queued(&batcher, 32).await;
        log.open_gate();
        first.await.unwrap().unwrap();
        for (n, answer) in answers.into_iter().enumerate() {
            match answer.await.unwrap() {
                Ok(response) => assert_eq!(value(&response), value_of(n)),
                Err(error) => assert!(n == at, "{n} of {at}: {error}"),
            }
        }
        // The batch, then two runs for each of five halvings.
        assert_eq!(log.runs()[1..].len(), 1 + 2 * 5);
    }
}

#[tokio::test]
async fn one_poisonous_request_fails_alone() {
    for (poison, message) in [(-1.0, "negative"), (f32::INFINITY, "infinity")] {
        let (batcher, log, first) = held(squeamish(), options(Placement::Thread)).await;
        let values = [1.0, 2.0, poison, 4.0];
        let answers: Vec<_> = values.map(|value| send(&batcher, request(1, value))).into();
        until_queued(&batcher, 4).await;
        log.open_gate();
        first.await.unwrap().unwrap();
        for (expected, answer) in values.into_iter().zip(answers) {
            match answer.await.unwrap() {
                Ok(response) => assert_eq!(value(&response), expected),
                Err(error) => {
                    assert_eq!(expected, poison);
                    assert!(error.report().contains(message), "{}", error.report());
                }
            }
        }
        // Halves, then the halves of the half that fails.
        assert_eq!(log.runs(), [1, 4, 2, 2, 1, 1]);
    }
}

#[tokio::test]
async fn a_panic_is_answered_where_callers_run() {
    let batcher = start(&squeamish(), options(Placement::CallerRuns));
    let error = batcher.predict(request(1, f32::INFINITY)).await.unwrap_err();
    assert!(error.report().contains("infinity"), "{}", error.report());
    assert_eq!(value(&batcher.predict(request(1, 1.0)).await.unwrap()), 1.0);
}

/// Panics at the first batch, against its contract.
#[derive(Debug, Default)]
struct Clumsy(AtomicUsize);

impl BatchObserver for Clumsy {
    fn observe(&self, _: &BatchRecord<'_>) {
        assert!(self.0.fetch_add(1, Ordering::SeqCst) > 0, "clumsy");
    }
}

#[tokio::test]
async fn a_panicking_observer_loses_one_batch_and_no_session() {
    for placement in [Placement::Thread, Placement::CallerRuns] {
        let observer = Arc::new(Clumsy::default());
        let builder = builder(&MockSession::identity(4), options(placement));
        let batcher = builder.observer(observer).start().unwrap();
        let error = batcher.predict(request(1, 1.0)).await.unwrap_err();
        assert!(matches!(error, Error::Backend { backend: "batcher", .. }), "{error}");
        assert_eq!(value(&batcher.predict(request(1, 2.0)).await.unwrap()), 2.0);
        batcher.shutdown(Duration::from_secs(10)).await.unwrap();
    }
}

#[test]
fn a_factory_that_panics_on_a_thread_is_an_error_not_a_hang() {
    #[derive(Debug)]
    struct Once(AtomicUsize);

    impl SessionFactory for Once {
        fn open(&self) -> mlops_core::Result<Box<dyn InferenceSession>> {
            assert!(self.0.fetch_add(1, Ordering::SeqCst) == 0, "a second session");
            Ok(Box::new(MockSession::identity(4)))
        }
    }

    let options = options(Placement::Thread).with_instances(2);
    let error = Batcher::start(id(), Once(AtomicUsize::new(0)), options).unwrap_err();
    assert!(matches!(error, Error::Backend { backend: "session factory", .. }), "{error}");
}

#[tokio::test]
async fn outputs_with_other_rows_are_handed_to_nobody() {
    let identity = MockSession::identity(4);
    let session = MockSession::new(identity.signature().as_ref().clone(), |inputs| {
        let x = inputs.require("x")?;
        Ok(NamedTensors::single("y", x.rows(0..x.shape()[0].min(1))?))
    });
    let batcher = start(&session, options(Placement::Thread));
    assert_eq!(value(&batcher.predict(request(1, 1.0)).await.unwrap()), 1.0);
    let error = batcher.predict(request(2, 1.0)).await.unwrap_err();
    assert!(matches!(error, Error::Unsupported { what: "batching", .. }), "{error}");
    assert!(error.to_string().contains("`y`"), "{error}");
}
