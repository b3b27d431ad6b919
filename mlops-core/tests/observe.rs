//! What observers see of predictions.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{future::poll_fn, sync::Arc, task::Poll};

use mlops_core::{
    Error,
    clock::SystemClock,
    inference::{InferenceRequest, ModelDescriptor, Predict, RequestContext},
    model::{ModelId, ModelName, ModelVersion},
    observe::{Interest, Observed, PredictionObserver, Sampled},
    random::RandomKey,
    signature::{Dim, ModelSignature, TensorSpec},
    tensor::{DataType, NamedTensors, Tensor},
    testing::{observe::RecordingObserver, predict::MockPredict},
};
use ndarray::array;

fn mock() -> Arc<dyn Predict> {
    let spec = |name| TensorSpec::new(name, DataType::F32, [Dim::Unknown]);
    let signature = ModelSignature { inputs: vec![spec("x")], outputs: vec![spec("y")] };
    let id = ModelId::new(ModelName::new("mock").unwrap(), ModelVersion::new(1));
    let descriptor = ModelDescriptor::new(Arc::new(id), Arc::new(signature), "mock");
    Arc::new(MockPredict::new(descriptor, |request| {
        Ok(NamedTensors::single("y", request.inputs.require("x")?.clone()))
    }))
}

fn observed(observer: &Arc<RecordingObserver>) -> Arc<dyn Predict> {
    let observer = Arc::<RecordingObserver>::clone(observer);
    Observed::wrap(mock(), vec![observer], Arc::new(SystemClock))
}

fn request(id: &str) -> InferenceRequest {
    let mut context = RequestContext::default();
    context.id = Some(id.into());
    InferenceRequest::new(NamedTensors::single("x", Tensor::from_array(array![1.0_f32])))
        .with_context(context)
}

#[test]
fn without_observers_nothing_is_wrapped() {
    let inner = mock();
    let wrapped = Observed::wrap(Arc::clone(&inner), vec![], Arc::new(SystemClock));
    assert!(Arc::ptr_eq(&inner, &wrapped));
}

#[tokio::test]
async fn answers_and_errors_are_seen() {
    let observer = Arc::new(RecordingObserver::new(Interest::Metadata));
    let predict = observed(&observer);
    assert_eq!(predict.to_string(), "Observed(MockPredict(mock/1))");
    predict.predict(request("a")).await.unwrap();
    predict.predict(InferenceRequest::default()).await.unwrap_err();
    let records = observer.take();
    assert_eq!(records.len(), 2);
    assert_eq!(records[0].id.as_deref(), Some("a"));
    assert!(records[0].inputs.is_none() && records[0].result.is_ok());
    assert!(matches!(records[1].result, Err(Error::InvalidTensor { .. })));
}

#[tokio::test]
async fn tensors_are_kept_for_who_asks() {
    let observer = Arc::new(RecordingObserver::new(Interest::Tensors));
    let request = request("a");
    let inputs = request.inputs.clone();
    observed(&observer).predict(request).await.unwrap();
    assert_eq!(observer.take()[0].inputs, Some(inputs));
}

#[tokio::test]
async fn a_caller_that_goes_away_is_seen_as_cancelled() {
    #[derive(Debug)]
    struct Never(ModelDescriptor);

    impl std::fmt::Display for Never {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("Never")
        }
    }

    #[async_trait::async_trait]
    impl Predict for Never {
        fn descriptor(&self) -> &ModelDescriptor {
            &self.0
        }

        async fn predict(
            &self,
            _: InferenceRequest,
        ) -> mlops_core::Result<mlops_core::inference::InferenceResponse> {
            std::future::pending().await
        }
    }

    let observer = Arc::new(RecordingObserver::new(Interest::Metadata));
    let never: Arc<dyn Predict> = Arc::new(Never(mock().descriptor().clone()));
    let shared = Arc::<RecordingObserver>::clone(&observer);
    let predict = Observed::wrap(never, vec![shared], Arc::new(SystemClock));
    let mut future = predict.predict(request("gone"));
    poll_fn(|context| {
        assert!(future.as_mut().poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
    assert!(observer.take().is_empty());
    drop(future);
    let records = observer.take();
    assert_eq!((records.len(), records[0].id.as_deref()), (1, Some("gone")));
    assert!(matches!(records[0].result, Err(Error::Cancelled)));
}

#[tokio::test]
async fn a_sample_is_its_share_and_repeatable() {
    let mut counts = Vec::new();
    for _ in 0..2 {
        let observer = Arc::new(RecordingObserver::new(Interest::Metadata));
        let inner = Arc::<RecordingObserver>::clone(&observer);
        let sampled = Sampled::new(inner, 0.25, RandomKey::from_seed(1)).unwrap();
        assert_eq!(sampled.interest(), Interest::Metadata);
        let predict = Observed::wrap(mock(), vec![Arc::new(sampled)], Arc::new(SystemClock));
        for number in 0..1000 {
            predict.predict(request(&number.to_string())).await.unwrap();
        }
        let ids: Vec<_> = observer.take().into_iter().map(|record| record.id).collect();
        counts.push(ids);
    }
    assert_eq!(counts[0], counts[1]);
    // 1000 draws at 0.25: mean 250, standard deviation 13.7; 5 sigma.
    assert!(counts[0].len().abs_diff(250) < 69, "{}", counts[0].len());
}

#[test]
fn a_share_outside_0_to_1_is_refused() {
    for share in [-0.1, 1.1, f64::NAN] {
        let observer = RecordingObserver::new(Interest::Metadata);
        assert!(Sampled::new(observer, share, RandomKey::from_seed(1)).is_err());
    }
}
