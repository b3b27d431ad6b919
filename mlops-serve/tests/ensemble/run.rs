//! What happens on the way through the steps.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use mlops_core::{
    Error,
    inference::{InferenceRequest, ModelDescriptor, Predict, RequestContext},
    signature::ModelSignature,
    tensor::{DataType, NamedTensors, Tensor},
    testing::{predict::MockPredict, session::MockSession},
};
use mlops_serve::ensemble::{Ensemble, Step, Transform};
use ndarray::Array2;
use parking_lot::Mutex;

use crate::{bytes, halve, id, inline, spec, stack};

#[tokio::test]
async fn values_flow_from_step_to_step() {
    let stack = stack(&MockSession::identity(4));
    let response = stack.predict(InferenceRequest::new(bytes(2, 6))).await.unwrap();
    let outputs = &response.outputs;
    assert_eq!(outputs.require("whole").unwrap().as_slice::<i64>().unwrap(), [3; 8]);
    assert_eq!(outputs.require("total").unwrap().as_slice::<f32>().unwrap(), [12.0; 2]);
    assert_eq!((response.timings.rows, response.timings.batch_rows), (2, 2));
    assert_eq!(response.served_by, stack.descriptor().id);
}

/// A model that remembers requests and answers with zeros of `x`, and twice that.
fn witness() -> (Arc<dyn Predict>, Arc<Mutex<Vec<InferenceRequest>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let signature = ModelSignature {
        inputs: vec![spec("x", DataType::F32)],
        outputs: vec![spec("y", DataType::F32), spec("twice", DataType::F32)],
    };
    let descriptor = ModelDescriptor::new(Arc::new(id("witness")), Arc::new(signature), "mock");
    let model = MockPredict::new(descriptor.with_max_batch_size(4), move |request| {
        log.lock().push(request.clone());
        let x = request.inputs.require("x")?;
        let mut outputs = NamedTensors::single("y", x.clone());
        outputs.insert("twice", x.clone())?;
        Ok(outputs)
    });
    (Arc::new(model), seen)
}

#[tokio::test]
async fn context_and_deadline_reach_every_step() {
    let ((first, first_seen), (second, second_seen)) = (witness(), witness());
    let ensemble = Ensemble::builder(id("e"))
        .step(Step::new(first).map_output("y", "middle").map_output("twice", "unused"))
        .step(Step::new(second).map_input("x", "middle"))
        .build()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(3600);
    let mut context = RequestContext::default();
    context.id = Some("r1".into());
    context.priority = 3;
    context.trace_parent = Some("00-trace".into());
    let x = Tensor::from_array(Array2::<f32>::zeros((1, 4)));
    let request = InferenceRequest::new(NamedTensors::single("x", x))
        .with_deadline(deadline)
        .with_context(context)
        .with_requested_outputs(["twice"]);
    let response = ensemble.predict(request).await.unwrap();
    assert_eq!(response.outputs.len(), 1);
    for (seen, asked) in [(first_seen, "y"), (second_seen, "twice")] {
        let seen = seen.lock();
        let [request] = &seen[..] else { panic!("{seen:?}") };
        assert_eq!(request.deadline, Some(deadline));
        // Only what is needed is asked for.
        assert_eq!(request.requested_outputs().unwrap(), [Arc::from(asked)]);
        let context = request.context.as_ref().unwrap();
        assert_eq!(context.id.as_deref(), Some("r1"));
        assert_eq!((context.priority, context.trace_parent.as_deref()), (3, Some("00-trace")));
    }
}

#[tokio::test]
async fn a_deadline_that_passes_on_the_way_stops_the_rest() {
    let (second, seen) = witness();
    let deadline = Instant::now() + Duration::from_millis(5);
    // Runs until the deadline has passed.
    let slow = Transform::array(
        spec("x", DataType::F32),
        spec("slow", DataType::F32),
        move |x: ndarray::ArrayViewD<'_, f32>| {
            while Instant::now() <= deadline {}
            Ok(x.to_owned())
        },
    );
    let ensemble = Ensemble::builder(id("e"))
        .step(Step::new(inline("slow", slow.unwrap())))
        .step(Step::new(second).map_input("x", "slow"))
        .build()
        .unwrap();
    let x = Tensor::from_array(Array2::<f32>::zeros((1, 4)));
    let request = InferenceRequest::new(NamedTensors::single("x", x)).with_deadline(deadline);
    let error = ensemble.predict(request).await.unwrap_err();
    assert!(matches!(error, Error::DeadlineExceeded { .. }), "{error}");
    assert!(seen.lock().is_empty());
}

#[tokio::test]
async fn a_transform_that_breaks_its_word_is_at_fault_not_the_request() {
    let of = |output, function: fn(&NamedTensors) -> mlops_core::Result<NamedTensors>| {
        let signature =
            ModelSignature { inputs: vec![spec("bytes", DataType::U8)], outputs: vec![output] };
        inline("broken", Transform::new(signature, function).unwrap())
    };
    let whole = || spec("y", DataType::U8);
    let cases = [
        (of(whole(), |_| Ok(NamedTensors::new())), "got nothing"),
        (of(whole(), |inputs| Ok(inputs.clone())), "`bytes`"),
        (
            of(whole(), |inputs| {
                Ok(NamedTensors::single("y", inputs.require("bytes")?.rows(0..1)?))
            }),
            "2 rows were taken, but `y` has 1",
        ),
        (of(whole(), |_| panic!("out of tea")), "it panicked: out of tea"),
    ];
    for (model, reason) in cases {
        let error = model.predict(InferenceRequest::new(bytes(2, 1))).await.unwrap_err();
        assert_eq!(error.code(), "backend", "{}", error.report());
        assert!(error.report().contains(reason), "{}", error.report());
    }
    // Its own error is its own word.
    let refuses = of(whole(), |_| Err(Error::invalid("image", "too dark")));
    let error = refuses.predict(InferenceRequest::new(bytes(1, 1))).await.unwrap_err();
    assert_eq!(error.to_string(), "invalid image: too dark");
}

#[tokio::test]
async fn dropping_an_ensemble_drops_the_step_under_way() {
    let session = MockSession::identity(4);
    let log = session.log();
    let stack = Arc::new(stack(&session));
    log.close_gate();
    let running = tokio::spawn({
        let stack = Arc::clone(&stack);
        async move { stack.predict(InferenceRequest::new(bytes(1, 2))).await }
    });
    let held = Arc::clone(&log);
    tokio::task::spawn_blocking(move || held.until_held(1)).await.unwrap();
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    log.open_gate();
    stack.predict(InferenceRequest::new(bytes(1, 2))).await.unwrap();
}

#[tokio::test]
async fn one_step_is_the_model_under_another_name() {
    let step = Step::new(inline("halve", halve())).map_output("halves", "result");
    let ensemble = Ensemble::builder(id("alias")).step(step).build().unwrap();
    let response = ensemble.predict(InferenceRequest::new(bytes(1, 1))).await.unwrap();
    assert_eq!(response.outputs.require("result").unwrap().as_slice::<f32>().unwrap(), [0.5; 4]);
}
