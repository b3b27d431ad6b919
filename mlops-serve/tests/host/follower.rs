//! Following an alias of a registry.

use std::{
    fs,
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use mlops_core::{Error, Result, model::ModelPackage, registry::ModelRegistry};
use mlops_serve::host::{
    FollowerOptions, LoaderFn, ModelHost, ModelLoader, Models, RegistryFollower,
};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::{
    registry::FlakyRegistry,
    support::{GRACE, ask, eventually, host, load, session, version},
};

/// The model's file says what it adds to its input.
fn loader_of(package: &ModelPackage) -> Result<Arc<dyn ModelLoader>> {
    let path = package.model_path();
    Ok(Arc::new(LoaderFn::new(move |id, _| {
        let content = fs::read_to_string(&path).map_err(|error| Error::file(&path, error))?;
        load(id, &session(content.parse().unwrap()))
    })))
}

struct Following {
    host: Arc<ModelHost>,
    registry: Arc<FlakyRegistry>,
    follower: RegistryFollower,
    directory: TempDir,
}

fn options(directory: &Path) -> FollowerOptions {
    FollowerOptions::new("m".parse().unwrap(), "champion".parse().unwrap(), directory)
        .with_retry(Duration::from_secs(1), Duration::from_secs(8))
        .with_seed(1)
}

fn follow() -> Following {
    let (host, registry) = (host(), Arc::new(FlakyRegistry::default()));
    let directory = tempfile::tempdir().unwrap();
    let follower = RegistryFollower::open(
        Arc::clone(&host),
        Arc::<FlakyRegistry>::clone(&registry),
        options(directory.path()),
        loader_of,
    );
    Following { host, registry, follower: follower.unwrap(), directory }
}

impl Following {
    /// The packages in the follower's directory.
    fn packages(&self) -> usize {
        let entries = fs::read_dir(self.directory.path()).unwrap();
        entries.filter(|entry| entry.as_ref().unwrap().path().is_dir()).count()
    }

    fn fetches(&self) -> usize {
        self.registry.fetches.load(Ordering::SeqCst)
    }

    async fn serves(&self) -> (u64, f32) {
        let model = self.host.find("m", None).unwrap();
        let value = ask(&self.host, None).await.unwrap();
        (model.predict.descriptor().id.version.get(), value)
    }
}

#[tokio::test]
async fn the_alias_is_followed_back_and_forth() {
    let mut following = follow();
    let status = following.follower.status();
    following.follower.step().await.unwrap();
    assert!(following.host.find("m", None).unwrap_err().is_not_found());
    assert_eq!((status.borrow().alias, status.borrow().looks), (None, 1));

    let first = following.registry.add("10").await;
    let second = following.registry.add("20").await;
    for (to, expected) in [(first, (1, 10.0)), (second, (2, 20.0)), (first, (1, 10.0))] {
        following.registry.point(Some(to)).await;
        following.follower.step().await.unwrap();
        assert_eq!(following.serves().await, expected);
        assert_eq!(status.borrow().serving, Some(to));
        assert_eq!(status.borrow().alias.unwrap().version, to);
        eventually("packages that are not served stay", || following.packages() == 1).await;
    }
    assert_eq!(following.fetches(), 3);

    // Nothing changed, or back before anybody looked: nothing to fetch.
    following.follower.step().await.unwrap();
    following.registry.point(Some(second)).await;
    following.registry.point(Some(first)).await;
    following.follower.step().await.unwrap();
    assert_eq!((following.serves().await, following.fetches()), ((1, 10.0), 3));

    following.host.shutdown(GRACE).await.unwrap();
    assert_eq!(following.packages(), 0);
}

#[tokio::test]
async fn an_outage_is_sat_out() {
    let mut following = follow();
    let status = following.follower.status();
    let first = following.registry.add("10").await;
    let second = following.registry.add("20").await;
    following.registry.point(Some(first)).await;
    following.follower.step().await.unwrap();
    following.registry.point(Some(second)).await;
    FlakyRegistry::set(&following.registry.is_down);
    for (failure, longest) in [1, 2, 4, 8, 8].into_iter().enumerate() {
        let (error, wait) = following.follower.step().await.unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "{error}");
        let longest = Duration::from_secs(longest);
        assert!(wait <= longest && wait >= longest / 2, "{failure}: {wait:?}");
        assert_eq!(following.serves().await, (1, 10.0));
        assert_eq!(status.borrow().failures, failure as u32 + 1);
        assert!(status.borrow().last_error.is_some());
        assert_eq!(status.borrow().alias.unwrap().version, first);
    }
    FlakyRegistry::clear(&following.registry.is_down);
    following.follower.step().await.unwrap();
    assert_eq!(following.serves().await, (2, 20.0));
    assert_eq!(status.borrow().failures, 0);
    assert!(status.borrow().last_error.is_none());
    FlakyRegistry::set(&following.registry.is_down);
    let (_, wait) = following.follower.step().await.unwrap_err();
    assert!(wait <= Duration::from_secs(1), "the waits do not start over: {wait:?}");
}

#[tokio::test]
async fn a_damaged_package_is_not_loaded_and_fetched_again() {
    let mut following = follow();
    let first = following.registry.add("10").await;
    let second = following.registry.add("20").await;
    following.registry.point(Some(first)).await;
    following.follower.step().await.unwrap();
    following.registry.point(Some(second)).await;
    FlakyRegistry::set(&following.registry.is_corrupting);
    for _ in 0..3 {
        let (error, _) = following.follower.step().await.unwrap_err();
        assert!(matches!(error, Error::Corrupt { kind: "package file", .. }), "{error}");
        assert_eq!((following.serves().await, following.packages()), ((1, 10.0), 1));
    }
    FlakyRegistry::clear(&following.registry.is_corrupting);
    following.follower.step().await.unwrap();
    assert_eq!(following.serves().await, (2, 20.0));
}

#[tokio::test]
async fn a_deleted_alias_leaves_the_last_version_and_says_so() {
    let mut following = follow();
    let status = following.follower.status();
    let first = following.registry.add("10").await;
    following.registry.point(Some(first)).await;
    following.follower.step().await.unwrap();
    following.registry.point(None).await;
    following.follower.step().await.unwrap();
    assert_eq!(following.serves().await, (1, 10.0));
    assert_eq!((status.borrow().alias, status.borrow().serving), (None, Some(first)));
    // The same version again: nothing to fetch.
    following.registry.point(Some(first)).await;
    following.follower.step().await.unwrap();
    assert_eq!((status.borrow().alias.unwrap().version, following.fetches()), (first, 1));
}

#[tokio::test]
async fn another_model_of_the_same_name_and_number_is_another_model() {
    let mut following = follow();
    let first = following.registry.add("10").await;
    following.registry.point(Some(first)).await;
    following.follower.step().await.unwrap();
    following.registry.delete_model(&"m".parse().unwrap()).await.unwrap();
    let again = following.registry.add("30").await;
    assert_eq!(again, first);
    following.registry.point(Some(again)).await;
    following.follower.step().await.unwrap();
    assert_eq!(following.serves().await, (1, 30.0));
}

#[tokio::test]
async fn a_step_that_is_dropped_is_begun_anew() {
    let mut following = follow();
    let first = following.registry.add("10").await;
    following.registry.point(Some(first)).await;
    FlakyRegistry::set(&following.registry.is_stuck);
    {
        let mut step = std::pin::pin!(following.follower.step());
        let registry = Arc::clone(&following.registry);
        std::future::poll_fn(|context| {
            assert!(step.as_mut().poll(context).is_pending());
            match registry.fetches.load(Ordering::SeqCst) {
                0 => std::task::Poll::Pending,
                _ => std::task::Poll::Ready(()),
            }
        })
        .await;
    }
    assert_eq!(following.packages(), 1, "half a package");
    FlakyRegistry::clear(&following.registry.is_stuck);
    following.follower.step().await.unwrap();
    assert_eq!((following.serves().await, following.packages()), ((1, 10.0), 1));
}

#[tokio::test(start_paused = true)]
async fn run_follows_until_it_is_told_to_stop() {
    let mut following = follow();
    let mut status = following.follower.status();
    let first = following.registry.add("10").await;
    let (stop, stopped) = oneshot::channel::<()>();
    let host = Arc::clone(&following.host);
    let registry = Arc::clone(&following.registry);
    let running = tokio::spawn(async move {
        following.follower.run(async { drop(stopped.await) }).await;
        following
    });
    status.wait_for(|status| status.looks == 2).await.unwrap();
    FlakyRegistry::set(&registry.is_down);
    status.wait_for(|status| status.failures == 3).await.unwrap();
    FlakyRegistry::clear(&registry.is_down);
    registry.point(Some(first)).await;
    status.wait_for(|status| status.serving == Some(version(1))).await.unwrap();
    assert_eq!(ask(&host, None).await.unwrap(), 10.0);
    stop.send(()).unwrap();
    let following = running.await.unwrap();
    assert_eq!(following.serves().await, (1, 10.0));
}

#[tokio::test]
async fn options_that_contradict_and_shared_directories_are_refused() {
    let following = follow();
    let open = |options| {
        let registry = Arc::<FlakyRegistry>::clone(&following.registry);
        RegistryFollower::open(Arc::clone(&following.host), registry, options, loader_of)
    };
    let error = open(options(following.directory.path())).unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    let elsewhere = tempfile::tempdir().unwrap();
    let options = || options(elsewhere.path());
    for wrong in [
        options().with_poll_interval(Duration::ZERO),
        options().with_retry(Duration::ZERO, Duration::from_secs(1)),
        options().with_retry(Duration::from_secs(2), Duration::from_secs(1)),
    ] {
        let error = open(wrong).unwrap_err();
        assert!(
            matches!(error, Error::InvalidArgument { what: "follower options", .. }),
            "{error}"
        );
    }
    open(options()).unwrap();
}
