//! Loads within a memory budget.

use mlops_core::Error;
use mlops_serve::{
    batch::Placement,
    host::{
        DeviceOptions, HostOptions, LoaderFn, ModelHost, ModelState, ModelUpdate, Models, OnNoRoom,
    },
};

use crate::support::{
    GRACE, Gate, ask, eventually, failing, host, id, id_of, is_gone, load_placed, loader,
    loader_of, ready, request, send, session, start, states, until_held, value,
};

/// 100 bytes, of which 10 must stay free.
fn options() -> HostOptions {
    let device = DeviceOptions::default().with_memory_budget_bytes(100).with_headroom_bytes(10);
    HostOptions::default().with_device("cpu", device)
}

fn update(name: &str, number: u64, bytes: u64) -> ModelUpdate {
    ModelUpdate::swap(id_of(name, number), loader().with_memory_bytes(bytes))
}

fn used(host: &ModelHost) -> u64 {
    host.memory()["cpu"].used_bytes
}

#[tokio::test]
async fn what_does_not_fit_beside_the_old_is_refused_with_both_figures() {
    let host = start(options());
    host.update(update("m", 1, 50)).await.unwrap();
    let error = host.update(update("m", 2, 41)).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, Error::Refused { what: "load", .. }), "{text}");
    assert!(text.contains("41 bytes of `cpu`") && text.contains("50 of 100"), "{text}");
    assert_eq!((states(&host), used(&host)), (ready(&[1]), 50));
    host.update(update("m", 2, 40)).await.unwrap();
    eventually("the old one's memory is not free", || used(&host) == 40).await;
}

#[tokio::test]
async fn a_failed_load_gives_its_memory_back_before_anybody_is_told() {
    let host = start(options());
    for _ in 0..3 {
        let broken = failing(Error::Cancelled).with_memory_bytes(90);
        host.update(ModelUpdate::swap(id(1), broken)).await.unwrap_err();
        assert_eq!(used(&host), 0);
        let wrong = loader().with_memory_bytes(90);
        let half =
            ModelUpdate::swap(id(1), wrong).with_load(id(2).version, failing(Error::Cancelled));
        host.update(half).await.unwrap_err();
        assert_eq!(used(&host), 0);
    }
}

#[tokio::test]
async fn the_old_can_be_unloaded_first() {
    let host = start(options().with_on_no_room(OnNoRoom::UnloadFirst));
    let old = session(1);
    let log = old.log();
    log.close_gate();
    let (old, _) = loader_of(old);
    host.update(ModelUpdate::swap(id(1), old.with_memory_bytes(60))).await.unwrap();
    let running = send(&host, 0.0);
    until_held(&log, 1).await;
    let queued = send(&host, 0.25);

    let gate = Gate::new();
    let new = gate.loader(&session(2)).with_memory_bytes(90);
    let loading = host.update(ModelUpdate::swap(id(2), new));
    let unloaded = [(1, ModelState::Draining), (2, ModelState::Loading)];
    eventually("the old one is not unloaded", || states(&host) == unloaded).await;
    assert!(matches!(host.find("m", None).unwrap_err(), Error::Unavailable { .. }));
    assert_eq!(gate.entered(), 0, "it loads before the old one is gone");
    log.open_gate();
    assert_eq!(value(&running.await.unwrap().unwrap()), 1.0);
    assert_eq!(value(&queued.await.unwrap().unwrap()), 1.25);
    gate.open();
    loading.await.unwrap();
    assert_eq!((ask(&host, None).await.unwrap(), used(&host)), (2.0, 90));

    // Nothing that could be unloaded would be enough.
    host.update(update("m", 3, 91)).await.unwrap_err();
    host.update(update("other", 1, 10)).await.unwrap_err();
    assert_eq!(states(&host), ready(&[2]));
    // Enough, and then it fails: it says so, and a pin that was lost with it is in nobody's way.
    host.pin("m", Some(id(2).version)).unwrap();
    let broken = || failing(Error::corrupt("model", "m.onnx", "half")).with_memory_bytes(90);
    host.update(ModelUpdate::swap(id(2), broken())).await.unwrap_err();
    assert!(matches!(host.find("m", None).unwrap_err(), Error::Unavailable { .. }));
    host.update(update("m", 3, 90)).await.unwrap();
    assert_eq!((ask(&host, None).await.unwrap(), host.status("m").unwrap().pinned), (3.0, None));
    host.update(ModelUpdate::swap(id(4), broken())).await.unwrap_err();
    eventually("the failed load does not show", || {
        matches!(&states(&host)[..], [(4, ModelState::Failed { .. })])
    })
    .await;
}

#[tokio::test]
async fn kept_generations_end_when_their_memory_is_needed() {
    let host = start(options().with_keep_previous(9));
    let mut logs = Vec::new();
    for (name, number) in [("m", 1), ("other", 1), ("m", 2), ("other", 2)] {
        let (loader, log) = loader_of(session(number));
        let update = ModelUpdate::swap(id_of(name, number), loader.with_memory_bytes(20));
        host.update(update).await.unwrap();
        logs.push(log);
    }
    assert_eq!(used(&host), 80);
    // 10 are free: one kept generation has to end, the oldest of all names.
    host.update(update("m", 3, 20)).await.unwrap();
    assert!(is_gone(&logs[0]));
    assert!(!is_gone(&logs[1]));
    assert_eq!(used(&host), 80);
    assert_eq!(host.roll_back("m").unwrap(), [id(2).version]);
    // What serves is not ended for another.
    let error = host.update(update("third", 1, 51)).await.unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error}");
    assert!(!is_gone(&logs[1]), "a generation was ended in vain");
    host.update(update("third", 1, 50)).await.unwrap();
    assert!(is_gone(&logs[1]));
}

#[tokio::test]
async fn a_load_waits_for_memory_that_is_being_drained() {
    let host = start(options());
    host.update(update("m", 1, 40)).await.unwrap();
    let held = host.find("m", None).unwrap();
    host.update(update("m", 2, 40)).await.unwrap();
    let gate = Gate::new();
    gate.open();
    let third = gate.loader(&session(3)).with_memory_bytes(40);
    let loading = host.update(ModelUpdate::swap(id(3), third));
    let cancelled = host.update(update("m", 4, 40));
    eventually("it is not being loaded", || host.status("m").unwrap().loading == [id(3).version])
        .await;
    assert_eq!(gate.entered(), 0);
    drop(cancelled);
    drop(held);
    loading.await.unwrap();
    assert_eq!(ask(&host, None).await.unwrap(), 3.0);
}

#[tokio::test]
async fn a_thousand_models_side_by_side() {
    let host = host();
    let loader = || {
        LoaderFn::new(|id, _| load_placed(id, &session(id.version.get()), Placement::CallerRuns))
            .with_memory_bytes(10)
    };
    let load = async |name: &str, number| {
        host.update(ModelUpdate::swap(id_of(name, number), loader())).await.unwrap();
    };
    let names: Vec<_> = (0..1000).map(|n| format!("model-{n}")).collect();
    for name in &names {
        load(name, 1).await;
    }
    load("model-500", 2).await;
    eventually("the replaced one is not gone", || used(&host) == 10_000).await;
    assert_eq!(host.list().len(), 1000);
    for (n, name) in names.iter().enumerate() {
        let model = host.find(name, None).unwrap();
        let answer = model.predict.predict(request(0.0)).await.unwrap();
        assert_eq!(value(&answer), if n == 500 { 2.0 } else { 1.0 }, "{name}");
    }
    host.shutdown(GRACE).await.unwrap();
    assert_eq!(used(&host), 0);
}

#[tokio::test]
async fn a_load_waits_while_many_models_drain() {
    let host = start(HostOptions::default().with_max_draining(2));
    let mut held = Vec::new();
    for number in 1..=3 {
        host.update(update("m", number, 0)).await.unwrap();
        held.push(host.find("m", None).unwrap());
    }
    let gate = Gate::new();
    gate.open();
    let loading = host.update(ModelUpdate::swap(id(4), gate.loader(&session(4))));
    eventually("it is not being loaded", || !host.status("m").unwrap().loading.is_empty()).await;
    assert_eq!((gate.entered(), host.memory()["cpu"].draining_models), (0, 2));
    held.remove(0);
    loading.await.unwrap();
    assert_eq!(ask(&host, None).await.unwrap(), 4.0);
}

#[tokio::test]
async fn a_load_that_waits_for_memory_can_be_cancelled() {
    let host = start(options());
    host.update(update("m", 1, 40)).await.unwrap();
    let held = host.find("m", None).unwrap();
    host.update(update("m", 2, 40)).await.unwrap();
    let loading = host.update(update("m", 3, 40));
    eventually("it is not being loaded", || !host.status("m").unwrap().loading.is_empty()).await;
    drop(loading);
    eventually("it waits on", || host.status("m").unwrap().loading.is_empty()).await;
    assert_eq!(value(&held.predict.predict(request(0.0)).await.unwrap()), 1.0);
    assert_eq!(ask(&host, None).await.unwrap(), 2.0);
}
