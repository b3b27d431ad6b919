//! Real models in the real ONNX Runtime: from a registry through a swap to the answer.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use mlops_core::{
    Error,
    inference::{InferenceRequest, InferenceSession, Predict, RunOptions, SessionFactory},
    model::{FileRole, ModelName, ModelPackage, PackageBuilder, Sample},
    registry::{ModelRegistry, RegisterOptions, SetAlias},
    tensor::NamedTensors,
    testing::{approx_eq, registry::MemoryRegistry, sample_inputs},
};
use mlops_serve::{
    WarmUp,
    batch::{Batcher, BatcherOptions},
    host::{
        FollowerOptions, GoldenCheck, LoadedModel, LoaderFn, ModelHost, ModelLoader, ModelUpdate,
        Models, RegistryFollower, ServedModel,
    },
    session::onnxruntime::{OnnxSessionFactory, SessionOptions},
};

use crate::{
    fixture,
    support::{GRACE, host, id},
};

const MODEL: &str = "two_inputs.onnx";

/// Inputs of the model, and what a session of its own answers.
fn samples() -> Vec<Sample> {
    let mut session = fixture::factory(MODEL).open().unwrap();
    let samples = (0..3).map(|seed| {
        let inputs = sample_inputs(session.signature(), 2, seed).unwrap();
        let outputs = session.run(&inputs, &RunOptions::default()).unwrap();
        Sample { inputs, outputs }
    });
    samples.collect()
}

/// Loads sessions of `factory`, warms them up and checks them with the samples.
fn loader(factory: OnnxSessionFactory, samples: Vec<Sample>) -> LoaderFn {
    LoaderFn::new(move |id, _| {
        let inputs: Vec<NamedTensors> =
            samples.iter().map(|sample| sample.inputs.clone()).collect();
        let batcher = Batcher::builder(id.clone(), factory.clone(), BatcherOptions::default())
            .warm_up(WarmUp::Samples(inputs.into()))
            .start()?;
        let batcher = Arc::new(batcher);
        let served = ServedModel::new(Arc::<Batcher>::clone(&batcher));
        Ok(LoadedModel::new(served)
            .with_batcher(Arc::clone(&batcher))
            .with_golden_check(batcher, GoldenCheck::new(samples.clone())))
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_sessions_are_swapped_under_load() {
    let (host, samples) = (host(), samples());
    let swap = |number| {
        let loader = loader(fixture::factory(MODEL), samples.clone());
        host.update(ModelUpdate::swap(id(number), loader))
    };
    swap(1).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = samples
        .iter()
        .cloned()
        .map(|sample| {
            let (host, stop) = (Arc::clone(&host), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut answered = 0;
                while !stop.load(Ordering::Relaxed) {
                    let model = host.find("m", None).unwrap();
                    let request = InferenceRequest::new(sample.inputs.clone());
                    let response = model.predict.predict(request).await.unwrap();
                    assert!(approx_eq(&response.outputs, &sample.outputs, 1e-6));
                    answered += 1;
                    tokio::task::yield_now().await;
                }
                answered
            })
        })
        .collect();
    for number in 2..=20 {
        swap(number).await.unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        assert!(caller.await.unwrap() > 0);
    }
    host.shutdown(GRACE).await.unwrap();
}

struct Published {
    registry: Arc<MemoryRegistry>,
    name: ModelName,
}

impl Published {
    /// Registers this file of `tests/models`, with samples of what it should be, and makes the alias stand
    /// for it.
    async fn promote(&self, file: &str) {
        let directory = tempfile::tempdir().unwrap();
        let signature = fixture::factory(MODEL).open().unwrap().signature().as_ref().clone();
        let mut package = PackageBuilder::new(signature).file(
            FileRole::Model,
            "model.onnx".parse().unwrap(),
            fixture::model(file),
        );
        for (number, sample) in samples().iter().enumerate() {
            let path = format!("samples/{number}.safetensors");
            let source = directory.path().join(number.to_string());
            std::fs::write(&source, sample.to_safetensors().unwrap()).unwrap();
            package = package.file(FileRole::Samples, path.parse().unwrap(), source);
        }
        let package = package.build(directory.path().join("package")).unwrap();
        let options = RegisterOptions::default();
        let registered = self.registry.register(&self.name, &package, &options).await.unwrap();
        let (alias, change) = ("champion".parse().unwrap(), SetAlias::default());
        let version = Some(registered.id.version);
        self.registry.set_alias(&self.name, &alias, version, &change).await.unwrap();
    }
}

async fn answers(host: &ModelHost, sample: &Sample) -> u64 {
    let model = host.find("m", None).unwrap();
    let request = InferenceRequest::new(sample.inputs.clone());
    let response = model.predict.predict(request).await.unwrap();
    assert!(approx_eq(&response.outputs, &sample.outputs, 1e-6));
    response.served_by.version.get()
}

#[tokio::test]
async fn packages_of_a_registry_are_served_if_they_are_what_they_should_be() {
    let (host, samples) = (host(), samples());
    let published = Published { registry: Arc::default(), name: "m".parse().unwrap() };
    let directory = tempfile::tempdir().unwrap();
    let options =
        FollowerOptions::new("m".parse().unwrap(), "champion".parse().unwrap(), directory.path());
    let load = |package: &ModelPackage| -> mlops_core::Result<Arc<dyn ModelLoader>> {
        let runtime = fixture::runtime();
        let factory =
            OnnxSessionFactory::from_package(&runtime, package, SessionOptions::default())?;
        Ok(Arc::new(loader(factory, package.samples()?)))
    };
    let registry: Arc<dyn ModelRegistry> = Arc::<MemoryRegistry>::clone(&published.registry);
    let mut follower = RegistryFollower::open(Arc::clone(&host), registry, options, load).unwrap();

    published.promote(MODEL).await;
    follower.step().await.unwrap();
    assert_eq!(answers(&host, &samples[0]).await, 1);
    // Not a model; then one of other inputs, which its own samples already refute.
    for wrong in ["truncated.onnx", "row_sum.onnx"] {
        published.promote(wrong).await;
        let (error, _) = follower.step().await.unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. } | Error::InvalidTensor { .. }), "{error}");
        assert_eq!(answers(&host, &samples[0]).await, 1);
    }
    published.promote(MODEL).await;
    follower.step().await.unwrap();
    assert_eq!(answers(&host, &samples[1]).await, 4);
    host.shutdown(GRACE).await.unwrap();
}
