//! The contracts of `InferenceSession`, and of `Predict` for batchers over `tract`.

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use mlops_core::{
    inference::{InferenceSession, Predict, SessionFactory},
    model::ModelId,
    testing::{Build, predict, sample_inputs, session},
};
use mlops_serve::{
    batch::{Batcher, BatcherOptions, Placement},
    session::tract::{OptimizationLevel, TractOptions, TractSessionFactory},
};

use crate::{MODELS, digits, path};

struct Model(PathBuf, OptimizationLevel);

#[async_trait]
impl Build<session::Subject> for Model {
    type Guard = ();

    async fn build(&self) -> (session::Subject, ()) {
        let options = TractOptions::default().with_optimization(self.1);
        let session = TractSessionFactory::from_file(&self.0, options).open().unwrap();
        let samples =
            (0..2).map(|seed| sample_inputs(session.signature(), 3, seed).unwrap()).collect();
        (session::Subject { session, samples, tolerance: 1e-5 }, ())
    }
}

#[tokio::test]
async fn real_models_conform() {
    for level in [OptimizationLevel::All, OptimizationLevel::None] {
        // A product of all rows with all rows is not batchable, whatever its signature says.
        let names = MODELS.into_iter().filter(|name| *name != "unnamed");
        let files = names.map(|name| path(&format!("{name}.onnx")));
        for file in files.chain([digits()]) {
            // Made to divide by the sum of the batch.
            let broken: &[u32] = if file.ends_with("mixed_rows.onnx") { &[9] } else { &[] };
            let name = file.display().to_string();
            let report = session::test_all(&Model(file, level)).await;
            assert_eq!(report.broken_lines(), broken, "{name}, {level:?}:\n{report}");
        }
    }
}

struct Batched(PathBuf, Placement);

#[async_trait]
impl Build<predict::Subject> for Batched {
    type Guard = ();

    async fn build(&self) -> (predict::Subject, ()) {
        let id = ModelId::new("edge".parse().unwrap(), "1".parse().unwrap());
        let factory = TractSessionFactory::from_file(&self.0, TractOptions::default());
        let options = BatcherOptions::default().with_max_batch_size(8).with_placement(self.1);
        let batcher = Batcher::start(id, factory, options).unwrap();
        assert_eq!(&*batcher.descriptor().platform, "tract_onnx");
        let samples = (0..4)
            .map(|n| sample_inputs(&batcher.descriptor().signature, n + 1, n as u64).unwrap())
            .collect();
        (predict::Subject { predict: Arc::new(batcher), samples, tolerance: 1e-5 }, ())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batchers_conform() {
    for file in [path("row_sum.onnx"), path("two_inputs.onnx"), digits()] {
        for placement in [Placement::Thread, Placement::CallerRuns] {
            let name = file.display().to_string();
            let report = predict::test_all(&Batched(file.clone(), placement)).await;
            assert!(report.failed.is_empty(), "{name}, {placement:?}:\n{report}");
        }
    }
}
