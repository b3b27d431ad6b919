//! Several versions of one name at once.

use mlops_core::Error;
use mlops_serve::host::{HostOptions, ModelState, ModelUpdate, Models, Others};

use crate::support::{
    ask, eventually, failing, host, id, is_gone, loader, loader_of, ready, session, start, states,
    swap, version, versions,
};

fn update(numbers: &[u64]) -> ModelUpdate {
    numbers.iter().fold(ModelUpdate::new("m".parse().unwrap()), |update, number| {
        update.with_load(version(*number), loader())
    })
}

#[tokio::test]
async fn versions_appear_together_or_not_at_all() {
    let host = host();
    host.update(update(&[1, 2])).await.unwrap();
    assert_eq!(states(&host), ready(&[1, 2]));
    assert_eq!(ask(&host, None).await.unwrap(), 2.0);
    assert_eq!(ask(&host, Some(version(1))).await.unwrap(), 1.0);

    let half_bad = update(&[3]).with_load(version(4), failing(Error::Cancelled));
    host.update(half_bad).await.unwrap_err();
    eventually("it is half done", || states(&host) == ready(&[1, 2])).await;

    host.update(update(&[3, 4])).await.unwrap();
    eventually("the old ones are listed", || states(&host) == ready(&[3, 4])).await;
}

#[tokio::test]
async fn other_versions_may_be_kept() {
    let host = start(HostOptions::default().with_keep_previous(1));
    let (first, log) = loader_of(session(1));
    host.update(ModelUpdate::swap(id(1), first)).await.unwrap();
    host.update(update(&[2]).with_others(Others::Keep)).await.unwrap();
    assert_eq!(states(&host), ready(&[1, 2]));
    // Both generations hold version 1.
    host.roll_back("m").unwrap();
    eventually("it is not rolled back", || states(&host) == ready(&[1])).await;
    assert_eq!(ask(&host, None).await.unwrap(), 1.0);
    swap(&host, 3).await.unwrap();
    swap(&host, 4).await.unwrap();
    eventually("version 1 lives on", || is_gone(&log)).await;
}

#[tokio::test]
async fn the_newest_is_the_default_unless_one_is_pinned() {
    let host = host();
    assert!(host.pin("m", None).unwrap_err().is_not_found());
    host.update(update(&[1, 2, 3])).await.unwrap();
    assert!(host.pin("m", Some(version(9))).unwrap_err().is_not_found());
    host.pin("m", Some(version(2))).unwrap();
    assert_eq!(ask(&host, None).await.unwrap(), 2.0);
    assert_eq!(ask(&host, Some(version(3))).await.unwrap(), 3.0);

    let error = swap(&host, 4).await.unwrap_err();
    assert!(
        matches!(&error, Error::Refused { .. }) && error.to_string().contains("m/2"),
        "{error}"
    );
    host.update(update(&[4]).with_others(Others::Keep)).await.unwrap();
    assert_eq!(ask(&host, None).await.unwrap(), 2.0);
    host.pin("m", None).unwrap();
    assert_eq!(ask(&host, None).await.unwrap(), 4.0);

    host.pin("m", Some(version(1))).unwrap();
    host.unload("m", Some(version(1))).await.unwrap();
    assert_eq!(host.status("m").unwrap().pinned, None);
    assert_eq!(ask(&host, None).await.unwrap(), 4.0);
    swap(&host, 5).await.unwrap();
    assert_eq!(host.status("m").unwrap().serving, versions(&[5]));
}

#[tokio::test]
async fn one_version_can_be_unloaded() {
    let host = start(HostOptions::default().with_keep_previous(1));
    let (first, log) = loader_of(session(1));
    host.update(update(&[2]).with_load(version(1), first)).await.unwrap();
    host.update(update(&[3]).with_others(Others::Keep)).await.unwrap();
    host.unload("m", Some(version(1))).await.unwrap();
    assert!(is_gone(&log), "a kept generation holds it");
    assert_eq!(host.status("m").unwrap().previous.len(), 0);
    let unloaded = (1, ModelState::Unloaded);
    assert_eq!(states(&host), [&[unloaded][..], &ready(&[2, 3])].concat());
    let error = host.find("m", Some(version(1))).unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    assert!(host.unload("m", Some(version(7))).await.unwrap_err().is_not_found());
    host.unload("m", Some(version(1))).await.unwrap();
    swap(&host, 4).await.unwrap();
    eventually("unloaded versions pile up", || states(&host) == ready(&[4])).await;
}

#[tokio::test]
async fn loaders_of_one_update_agree_on_the_device() {
    let host = host();
    let mixed = update(&[1]).with_load(version(2), loader().with_device("gpu:0"));
    let error = host.update(mixed).await.unwrap_err();
    assert!(matches!(error, Error::InvalidArgument { what: "model update", .. }), "{error}");
}
