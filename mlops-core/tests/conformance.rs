//! This crate's own implementations pass the suites, and broken specimens fail exactly the lines
//! they break: a suite that cannot fail proves nothing.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    fmt,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use mlops_core::{
    Error, Result,
    clock::{Clock, Seen, Signal, SystemClock},
    inference::{
        Affinity, InferenceRequest, InferenceResponse, InferenceSession, ModelDescriptor, Predict,
        RunOptions,
    },
    model::{Alias, ModelId, ModelName, ModelPackage, ModelVersion, Stage},
    registry::{
        AliasBinding, ModelRegistry, Page, Paged, RegisterOptions, RegisteredVersion, SetAlias,
    },
    signature::ModelSignature,
    tensor::{NamedTensors, Tensor},
    testing::{
        Build,
        clock::{self, ManualClock},
        predict::{self, MockPredict},
        registry::{self, MemoryRegistry},
        sample_inputs,
        session::{self, MockSession},
    },
    timestamp::Timestamp,
};

fn samples(signature: &ModelSignature) -> Vec<NamedTensors> {
    (0..2).map(|seed| sample_inputs(signature, 3, seed).unwrap()).collect()
}

struct Specimen<T>(T);

// ---- registry

#[async_trait]
impl Build<Arc<dyn ModelRegistry>> for Specimen<fn() -> Arc<dyn ModelRegistry>> {
    type Guard = ();

    async fn build(&self) -> (Arc<dyn ModelRegistry>, ()) {
        ((self.0)(), ())
    }
}

#[tokio::test]
async fn the_memory_registry_conforms() {
    let builder =
        Specimen::<fn() -> Arc<dyn ModelRegistry>>(|| Arc::new(MemoryRegistry::default()));
    registry::test_all(&builder).await.assert_passed();
}

/// What a broken registry does wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
enum RegistryDefect {
    /// Line 5: the oldest version first.
    ListsBackwards,
    /// Line 6: revisions that do not grow.
    ForgetsRevisions,
    /// Line 7: sets whatever was expected.
    NeverCompares,
    /// Line 8: aliases of versions that are not there. Line 4 with it, where the model is not.
    TakesAnyVersion,
    /// Line 10: deletes what an alias stands for.
    DeletesTheChampion,
}

#[derive(Debug)]
struct FaultyRegistry {
    inner: MemoryRegistry,
    defect: RegistryDefect,
}

impl fmt::Display for FaultyRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Faulty({})", self.inner)
    }
}

#[async_trait]
impl ModelRegistry for FaultyRegistry {
    async fn register(
        &self,
        name: &ModelName,
        package: &ModelPackage,
        options: &RegisterOptions,
    ) -> Result<RegisteredVersion> {
        self.inner.register(name, package, options).await
    }

    async fn get(&self, name: &ModelName, version: ModelVersion) -> Result<RegisteredVersion> {
        self.inner.get(name, version).await
    }

    async fn fetch(
        &self,
        name: &ModelName,
        version: ModelVersion,
        directory: &Path,
    ) -> Result<ModelPackage> {
        self.inner.fetch(name, version, directory).await
    }

    async fn list_models(&self, page: &Page) -> Result<Paged<ModelName>> {
        self.inner.list_models(page).await
    }

    async fn list_versions(
        &self,
        name: &ModelName,
        page: &Page,
    ) -> Result<Paged<RegisteredVersion>> {
        let mut versions = self.inner.list_versions(name, page).await?;
        if self.defect == RegistryDefect::ListsBackwards {
            versions.items.reverse();
        }
        Ok(versions)
    }

    async fn get_alias(&self, name: &ModelName, alias: &Alias) -> Result<AliasBinding> {
        let mut binding = self.inner.get_alias(name, alias).await?;
        if self.defect == RegistryDefect::ForgetsRevisions {
            binding.revision = 1;
        }
        Ok(binding)
    }

    async fn list_aliases(&self, name: &ModelName) -> Result<Vec<(Alias, AliasBinding)>> {
        self.inner.list_aliases(name).await
    }

    async fn set_alias(
        &self,
        name: &ModelName,
        alias: &Alias,
        to: Option<ModelVersion>,
        change: &SetAlias,
    ) -> Result<Option<AliasBinding>> {
        match self.defect {
            RegistryDefect::NeverCompares => {
                self.inner.set_alias(name, alias, to, &SetAlias::default()).await
            }
            RegistryDefect::TakesAnyVersion => {
                let set = self.inner.set_alias(name, alias, to, change).await;
                let phantom = to.map(|version| AliasBinding { version, revision: 1 });
                set.or_else(|error| if error.is_not_found() { Ok(phantom) } else { Err(error) })
            }
            _ => self.inner.set_alias(name, alias, to, change).await,
        }
    }

    async fn set_stage(&self, name: &ModelName, version: ModelVersion, stage: Stage) -> Result<()> {
        self.inner.set_stage(name, version, stage).await
    }

    async fn set_tag(
        &self,
        name: &ModelName,
        version: ModelVersion,
        key: &str,
        value: Option<&str>,
    ) -> Result<()> {
        self.inner.set_tag(name, version, key, value).await
    }

    async fn delete_version(&self, name: &ModelName, version: ModelVersion) -> Result<()> {
        match self.inner.delete_version(name, version).await {
            Err(Error::Refused { .. }) if self.defect == RegistryDefect::DeletesTheChampion => {
                Ok(())
            }
            result => result,
        }
    }

    async fn delete_model(&self, name: &ModelName) -> Result<()> {
        self.inner.delete_model(name).await
    }
}

#[async_trait]
impl Build<Arc<dyn ModelRegistry>> for Specimen<RegistryDefect> {
    type Guard = ();

    async fn build(&self) -> (Arc<dyn ModelRegistry>, ()) {
        let inner = MemoryRegistry::default();
        (Arc::new(FaultyRegistry { inner, defect: self.0 }), ())
    }
}

#[tokio::test]
async fn each_defect_of_a_registry_is_found() {
    for (defect, lines) in [
        // The latest version and the newest in a stage are looked for from the front.
        (RegistryDefect::ListsBackwards, vec![5, 12]),
        (RegistryDefect::ForgetsRevisions, vec![6]),
        (RegistryDefect::NeverCompares, vec![7]),
        (RegistryDefect::TakesAnyVersion, vec![4, 8]),
        (RegistryDefect::DeletesTheChampion, vec![10]),
    ] {
        let report = registry::test_all(&Specimen(defect)).await;
        assert_eq!(report.broken_lines(), lines, "{defect:?}:\n{report}");
    }
}

// ---- session

/// What a broken session does wrong, by contract line.
#[derive(Debug, Clone, Copy, PartialEq)]
enum SessionDefect {
    None,
    IgnoresShapes,
    ForgetsRequestedOutputs,
    DiesOfABadRequest,
    IgnoresCancellation,
    MixesRows,
}

#[derive(Debug)]
struct FaultySession {
    inner: MockSession,
    defect: SessionDefect,
    dead: bool,
}

impl InferenceSession for FaultySession {
    fn signature(&self) -> &Arc<ModelSignature> {
        self.inner.signature()
    }

    fn affinity(&self) -> Affinity {
        self.inner.affinity()
    }

    fn platform(&self) -> &str {
        self.inner.platform()
    }

    fn run(&mut self, inputs: &NamedTensors, options: &RunOptions) -> Result<NamedTensors> {
        let defect = self.defect;
        if self.dead {
            return Err(Error::Closed { what: "session" });
        }
        let options = match defect {
            SessionDefect::ForgetsRequestedOutputs => {
                let mut options = options.clone();
                options.requested_outputs = None;
                options
            }
            SessionDefect::IgnoresCancellation => {
                let mut options = options.clone();
                options.cancel = None;
                options
            }
            _ => options.clone(),
        };
        if defect == SessionDefect::IgnoresShapes {
            let Some((_, first)) = inputs.iter().next() else {
                return Ok(NamedTensors::new());
            };
            return Ok(NamedTensors::single("y", first.clone()));
        }
        let result = self.inner.run(inputs, &options);
        self.dead = defect == SessionDefect::DiesOfABadRequest && result.is_err();
        if defect == SessionDefect::MixesRows {
            let outputs = result?;
            let y = outputs.require("y")?.view::<f32>()?.to_owned();
            let sum = y.sum();
            return Ok(NamedTensors::single("y", Tensor::from_array(y + sum)));
        }
        result
    }
}

#[async_trait]
impl Build<session::Subject> for Specimen<SessionDefect> {
    type Guard = ();

    async fn build(&self) -> (session::Subject, ()) {
        let inner = MockSession::identity(4);
        let samples = samples(inner.signature());
        let session = Box::new(FaultySession { inner, defect: self.0, dead: false });
        (session::Subject { session, samples, tolerance: 0.0 }, ())
    }
}

#[tokio::test]
async fn the_mock_session_conforms_and_each_defect_is_found() {
    session::test_all(&Specimen(SessionDefect::None)).await.assert_passed();
    for (defect, lines) in [
        (SessionDefect::IgnoresShapes, vec![2, 4, 5, 8]),
        (SessionDefect::ForgetsRequestedOutputs, vec![4, 5]),
        (SessionDefect::DiesOfABadRequest, vec![2, 4, 5, 8]),
        (SessionDefect::IgnoresCancellation, vec![8]),
        (SessionDefect::MixesRows, vec![9]),
    ] {
        let report = session::test_all(&Specimen(defect)).await;
        assert_eq!(report.broken_lines(), lines, "{defect:?}:\n{report}");
    }
}

// ---- predict

#[derive(Debug, Clone, Copy, PartialEq)]
enum PredictDefect {
    None,
    LosesARow,
    IgnoresDeadlines,
    AnswersFromMemory,
}

#[derive(Debug)]
struct FaultyPredict {
    inner: MockPredict,
    defect: PredictDefect,
    memory: std::sync::Mutex<Option<InferenceResponse>>,
}

impl fmt::Display for FaultyPredict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Faulty({})", self.inner)
    }
}

#[async_trait]
impl Predict for FaultyPredict {
    fn descriptor(&self) -> &ModelDescriptor {
        self.inner.descriptor()
    }

    async fn predict(&self, mut request: InferenceRequest) -> Result<InferenceResponse> {
        if self.defect == PredictDefect::IgnoresDeadlines {
            request.deadline = None;
        }
        let requested = request.requested_outputs().is_some();
        let mut response = self.inner.predict(request).await?;
        match self.defect {
            PredictDefect::LosesARow => {
                let y = response.outputs.require("y")?.clone();
                response.outputs = NamedTensors::single("y", y.rows(1..y.shape()[0])?);
            }
            PredictDefect::AnswersFromMemory if !requested => {
                let mut memory = self.memory.lock().unwrap();
                response = memory.get_or_insert(response).clone();
            }
            _ => {}
        }
        Ok(response)
    }
}

#[async_trait]
impl Build<predict::Subject> for Specimen<PredictDefect> {
    type Guard = ();

    async fn build(&self) -> (predict::Subject, ()) {
        let session = MockSession::identity(4);
        let signature = Arc::clone(session.signature());
        let id = ModelId::new(ModelName::new("mock").unwrap(), ModelVersion::new(1));
        let descriptor = ModelDescriptor::new(Arc::new(id), Arc::clone(&signature), "mock")
            .with_max_batch_size(8);
        let inner = MockPredict::new(descriptor, |request| {
            Ok(NamedTensors::single("y", request.inputs.require("x")?.clone()))
        });
        let faulty = FaultyPredict { inner, defect: self.0, memory: std::sync::Mutex::default() };
        let samples = samples(&signature);
        (predict::Subject { predict: Arc::new(faulty), samples, tolerance: 0.0 }, ())
    }
}

#[tokio::test]
async fn the_mock_predict_conforms_and_each_defect_is_found() {
    predict::test_all(&Specimen(PredictDefect::None)).await.assert_passed();
    for (defect, lines) in [
        (PredictDefect::LosesARow, vec![3]),
        (PredictDefect::AnswersFromMemory, vec![4]),
        (PredictDefect::IgnoresDeadlines, vec![5]),
    ] {
        let report = predict::test_all(&Specimen(defect)).await;
        assert_eq!(report.broken_lines(), lines, "{defect:?}:\n{report}");
    }
}

// ---- clock

#[derive(Debug, Clone, Copy)]
enum ClockKind {
    System,
    Manual,
    NeverWakes,
}

/// Misses a raise that came before the wait.
#[derive(Debug)]
struct DeafClock;

impl Clock for DeafClock {
    fn monotonic(&self) -> Instant {
        SystemClock.monotonic()
    }

    fn wall(&self) -> Timestamp {
        SystemClock.wall()
    }

    fn wait(&self, signal: &Arc<Signal>, _: Seen, deadline: Option<Instant>) {
        let give_up = deadline.unwrap_or_else(|| Instant::now() + Duration::from_secs(30));
        signal.wait(signal.seen(), Some(give_up));
    }
}

#[async_trait]
impl Build<clock::Subject> for Specimen<ClockKind> {
    type Guard = ();

    async fn build(&self) -> (clock::Subject, ()) {
        let pass = |_: &dyn Clock, time| std::thread::sleep(time);
        let subject = match self.0 {
            ClockKind::System => {
                clock::Subject { clock: Arc::new(SystemClock), pass, manual: None }
            }
            ClockKind::NeverWakes => {
                clock::Subject { clock: Arc::new(DeafClock), pass, manual: None }
            }
            ClockKind::Manual => {
                let manual = Arc::new(ManualClock::new());
                clock::Subject {
                    clock: Arc::<ManualClock>::clone(&manual),
                    pass,
                    manual: Some(manual),
                }
            }
        };
        (subject, ())
    }
}

#[tokio::test]
async fn both_clocks_conform_and_a_deaf_one_is_found() {
    clock::test_all(&Specimen(ClockKind::System)).await.assert_passed();
    clock::test_all(&Specimen(ClockKind::Manual)).await.assert_passed();
    let report = clock::test_all(&Specimen(ClockKind::NeverWakes)).await;
    assert!(report.broken_lines().contains(&2), "{report}");
}
