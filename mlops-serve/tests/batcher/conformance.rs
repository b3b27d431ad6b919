//! Both placements, over mock and over real sessions, keep the contract of `Predict`.

use std::sync::Arc;

use async_trait::async_trait;
use mlops_core::{
    inference::Predict,
    testing::{Build, predict, sample_inputs, session::MockSession},
};
use mlops_serve::batch::{Batcher, Placement};

use crate::support::{id, options, rows, start};

struct Mock(Placement);

#[async_trait]
impl Build<predict::Subject> for Mock {
    type Guard = ();

    async fn build(&self) -> (predict::Subject, ()) {
        let session = MockSession::identity(4);
        let samples = (0..3).map(|n| rows(n + 1, n as f32)).collect();
        (
            predict::Subject { predict: start(&session, options(self.0)), samples, tolerance: 0.0 },
            (),
        )
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_placements_conform() {
    predict::test_all(&Mock(Placement::Thread)).await.assert_passed();
    predict::test_all(&Mock(Placement::CallerRuns)).await.assert_passed();
}

#[tokio::test]
async fn both_placements_conform_on_one_thread() {
    predict::test_all(&Mock(Placement::Thread)).await.assert_passed();
    predict::test_all(&Mock(Placement::CallerRuns)).await.assert_passed();
}

#[cfg(feature = "onnxruntime")]
struct Real(&'static str, Placement);

#[cfg(feature = "onnxruntime")]
#[async_trait]
impl Build<predict::Subject> for Real {
    type Guard = ();

    async fn build(&self) -> (predict::Subject, ()) {
        let batcher =
            Batcher::start(id(), crate::fixture::factory(self.0), options(self.1)).unwrap();
        let samples = (0..4)
            .map(|n| sample_inputs(&batcher.descriptor().signature, n + 1, n as u64).unwrap())
            .collect();
        (predict::Subject { predict: Arc::new(batcher), samples, tolerance: 1e-6 }, ())
    }
}

#[cfg(feature = "onnxruntime")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batchers_of_real_models_conform() {
    for model in ["row_sum.onnx", "two_inputs.onnx", "identity_bytes.onnx"] {
        for placement in [Placement::Thread, Placement::CallerRuns] {
            let report = predict::test_all(&Real(model, placement)).await;
            assert!(report.failed.is_empty(), "{model}, {placement:?}:\n{report}");
        }
    }
}
