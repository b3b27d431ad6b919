//! Loading by name from a repository.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
    sync::Arc,
};

use async_trait::async_trait;
use mlops_core::{
    Error, Result,
    model::{ModelId, ModelName, ModelVersion},
};
use mlops_serve::host::{
    LoadOptions, ModelControl, ModelHost, ModelLoader, ModelRepository, ModelState, Models,
    RepositoryControl, VersionPolicy,
};
use parking_lot::Mutex;

use crate::support::{
    ask, eventually, failing, host, id, load, ready, session, states, version, versions,
};

/// Each version adds as much to its input as is said here; `None` cannot be loaded.
#[derive(Debug, Default)]
struct Shelf(Mutex<BTreeMap<ModelId, Option<u64>>>);

impl Shelf {
    fn put(&self, id: ModelId, adds: Option<u64>) {
        self.0.lock().insert(id, adds);
    }
}

#[async_trait]
impl ModelRepository for Shelf {
    async fn versions(&self, name: &ModelName) -> Result<BTreeSet<ModelVersion>> {
        let shelf = self.0.lock();
        Ok(shelf.keys().filter(|id| id.name == *name).map(|id| id.version).collect())
    }

    fn loader(&self, id: &ModelId, options: &LoadOptions) -> Result<Arc<dyn ModelLoader>> {
        if options.config.is_some() || !options.files.is_empty() {
            return Err(Error::unsupported("this repository", "another configuration"));
        }
        let adds = self.0.lock().get(id).copied().flatten();
        Ok(Arc::new(match adds {
            Some(adds) => mlops_serve::host::LoaderFn::new(move |id, _| load(id, &session(adds))),
            None => failing(Error::corrupt("model", id, "half a file")),
        }))
    }
}

fn control(policy: VersionPolicy) -> (Arc<ModelHost>, Arc<Shelf>, Arc<dyn ModelControl>) {
    let (host, shelf) = (host(), Arc::new(Shelf::default()));
    let repository: Arc<dyn ModelRepository> = Arc::<Shelf>::clone(&shelf);
    let control = RepositoryControl::new(Arc::clone(&host), repository).with_policy(policy);
    (host, shelf, Arc::new(control))
}

#[tokio::test]
async fn the_policy_chooses_the_versions() {
    let latest = |count| VersionPolicy::Latest(NonZeroUsize::new(count).unwrap());
    let specific =
        |numbers: &[u64]| VersionPolicy::Specific(versions(numbers).into_iter().collect());
    let cases: [(VersionPolicy, &[u64]); 5] = [
        (VersionPolicy::default(), &[3]),
        (latest(2), &[2, 3]),
        (latest(9), &[1, 2, 3]),
        (VersionPolicy::All, &[1, 2, 3]),
        (specific(&[1, 2]), &[1, 2]),
    ];
    for (policy, expected) in cases {
        let (host, shelf, control) = control(policy.clone());
        for number in 1..=3 {
            shelf.put(id(number), Some(number));
        }
        control.load("m", LoadOptions::default()).await.unwrap();
        assert_eq!(states(&host), ready(expected), "{policy:?}");
    }
    let (_, shelf, control) = control(specific(&[7]));
    shelf.put(id(1), Some(1));
    let error = control.load("m", LoadOptions::default()).await.unwrap_err();
    assert!(error.is_not_found() && error.to_string().contains("m/7"), "{error}");
}

#[tokio::test]
async fn models_may_have_policies_of_their_own() {
    let (host, shelf, _) = control(VersionPolicy::All);
    for number in 1..=3 {
        shelf.put(id(number), Some(number));
    }
    let control = RepositoryControl::new(Arc::clone(&host), shelf)
        .with_policy(VersionPolicy::All)
        .with_policy_of("m".parse().unwrap(), VersionPolicy::default());
    control.load("m", LoadOptions::default()).await.unwrap();
    assert_eq!(states(&host), ready(&[3]));
}

/// The lines of the contract of `ModelControl`.
#[tokio::test]
async fn control_keeps_its_contract() {
    let (host, shelf, control) = control(VersionPolicy::All);
    shelf.put(id(1), Some(1));
    shelf.put(id(2), Some(2));
    control.load("m", LoadOptions::default()).await.unwrap();

    // 1: what fails leaves everything as it was.
    shelf.put(id(3), None);
    shelf.put(id(1), Some(10));
    let error = control.load("m", LoadOptions::default()).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
    eventually("it is half done", || states(&host) == ready(&[1, 2])).await;
    assert_eq!(ask(&host, Some(version(1))).await.unwrap(), 1.0);
    let mut options = LoadOptions::default();
    options.config = Some("{}".into());
    let error = control.load("m", options).await.unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");

    // 2: what is loaded is loaded anew.
    shelf.put(id(3), Some(3));
    control.load("m", LoadOptions::default()).await.unwrap();
    assert_eq!(ask(&host, Some(version(1))).await.unwrap(), 10.0);
    eventually("the old ones drain on", || states(&host) == ready(&[1, 2, 3])).await;

    // 3 is tested with the host: requests that were accepted are answered.
    control.unload("m").await.unwrap();
    let unloaded: Vec<_> = (1..=3).map(|number| (number, ModelState::Unloaded)).collect();
    // What the load before has replaced may drain on.
    eventually("it is not unloaded", || states(&host) == unloaded).await;
    assert!(host.find("m", None).is_err());
    control.load("m", LoadOptions::default()).await.unwrap();
    assert_eq!(ask(&host, None).await.unwrap(), 3.0);

    // 4: an unknown model is named, even if it could not be a name.
    for unknown in ["other", "no/name", ""] {
        let error = control.load(unknown, LoadOptions::default()).await.unwrap_err();
        assert!(error.is_not_found() && error.to_string().contains(unknown), "{error}");
        let error = control.unload(unknown).await.unwrap_err();
        assert!(error.is_not_found() && error.to_string().contains(unknown), "{error}");
    }
}
