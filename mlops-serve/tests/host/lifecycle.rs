//! Unloading, shutting down, dropping.

use std::{sync::Arc, time::Duration};

use mlops_core::Error;
use mlops_serve::host::{DeviceOptions, HostOptions, ModelHost, ModelState, ModelUpdate, Models};

use crate::support::{
    GRACE, Gate, ask, eventually, host, id, id_of, is_gone, loader, loader_of, ready, send,
    session, start, states, swap, until_held, value, version,
};

#[tokio::test]
async fn models_keeps_its_contract() {
    let host: Arc<dyn Models> = host();
    assert!(host.find("m", None).unwrap_err().is_not_found());
    let control = Arc::new(ModelHost::start(HostOptions::default()).unwrap());
    swap(&control, 3).await.unwrap();
    let host: Arc<dyn Models> = Arc::<ModelHost>::clone(&control);
    for unknown in [("other", None), ("m", Some(version(4))), ("other", Some(version(3)))] {
        let error = host.find(unknown.0, unknown.1).unwrap_err();
        assert!(error.is_not_found() && error.to_string().contains(unknown.0), "{error}");
    }
    assert_eq!(*host.find("m", None).unwrap().predict.descriptor().id, id(3));
    assert_eq!(host.find("m", None).unwrap().predict.to_string(), "Batcher(m/3)");
    control.announce(&id_of("a", 1)).unwrap();
    let listed: Vec<_> = host.list().into_iter().map(|status| status.id).collect();
    assert_eq!(listed, [id_of("a", 1), id(3)]);
    assert!(matches!(host.find("a", None).unwrap_err(), Error::Unavailable { .. }));
}

#[tokio::test]
async fn unloading_answers_what_was_accepted_and_comes_back_when_all_is_gone() {
    let host = host();
    let session = session(1);
    let log = session.log();
    log.close_gate();
    let (loader, weak) = loader_of(session);
    host.update(ModelUpdate::swap(id(1), loader.with_memory_bytes(7))).await.unwrap();
    let running = send(&host, 0.0);
    until_held(&log, 1).await;
    let queued = send(&host, 0.25);
    let unloading = tokio::spawn({
        let host = Arc::clone(&host);
        async move { host.unload("m", None).await }
    });
    eventually("it serves on", || states(&host) == [(1, ModelState::Draining)]).await;
    assert!(matches!(host.find("m", None).unwrap_err(), Error::Unavailable { .. }));
    assert_eq!(host.memory()["cpu"].draining_bytes, 7);
    log.open_gate();
    drop(log);
    unloading.await.unwrap().unwrap();
    assert!(is_gone(&weak));
    assert_eq!(host.memory()["cpu"].used_bytes, 0);
    assert_eq!(states(&host), [(1, ModelState::Unloaded)]);
    assert_eq!(value(&running.await.unwrap().unwrap()), 1.0);
    assert_eq!(value(&queued.await.unwrap().unwrap()), 1.25);
    // Once more is no error: nobody can know whether the first time was heard.
    host.unload("m", None).await.unwrap();
    assert!(host.unload("other", None).await.unwrap_err().is_not_found());
    swap(&host, 2).await.unwrap();
    assert_eq!(states(&host), ready(&[2]));
}

#[tokio::test]
async fn an_unload_that_nobody_waits_for_happens_all_the_same() {
    let host = host();
    let (loader, log) = loader_of(session(1));
    host.update(ModelUpdate::swap(id(1), loader)).await.unwrap();
    let held = host.find("m", None).unwrap();
    {
        let mut unloading = std::pin::pin!(host.unload("m", None));
        let polled = std::future::poll_fn(|context| {
            std::task::Poll::Ready(unloading.as_mut().poll(context))
        });
        assert!(polled.await.is_pending());
    }
    drop(held);
    eventually("it lives on", || is_gone(&log)).await;
    eventually("it drains on", || states(&host) == [(1, ModelState::Unloaded)]).await;
}

#[tokio::test]
async fn what_waits_after_the_grace_is_given_up() {
    let host = start(HostOptions::default().with_drain_grace(Duration::ZERO));
    let session = session(1);
    let log = session.log();
    log.close_gate();
    let (loader, _) = loader_of(session);
    host.update(ModelUpdate::swap(id(1), loader)).await.unwrap();
    let running = send(&host, 0.0);
    until_held(&log, 1).await;
    let queued = send(&host, 0.25);
    tokio::task::yield_now().await;
    let unloading = tokio::spawn({
        let host = Arc::clone(&host);
        async move { host.unload("m", None).await }
    });
    let error = queued.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Closed { .. }), "{error}");
    log.open_gate();
    assert_eq!(value(&running.await.unwrap().unwrap()), 1.0);
    let error = unloading.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::DeadlineExceeded { .. }), "{error}");
    assert_eq!(states(&host), [(1, ModelState::Unloaded)]);
}

#[tokio::test]
async fn shutdown_drains_every_model_at_once_and_leaves_nothing() {
    let host = start(
        HostOptions::default()
            .with_keep_previous(1)
            .with_device("gpu:0", DeviceOptions::default().with_memory_budget_bytes(1000)),
    );
    let (mut logs, mut weak, mut answers) = (Vec::new(), Vec::new(), Vec::new());
    for number in 1..=3 {
        let session = session(number);
        logs.push(session.log());
        logs.last().unwrap().close_gate();
        let (loader, log) = loader_of(session);
        host.update(ModelUpdate::swap(id(number), loader)).await.unwrap();
        weak.push(log);
        answers.push((number, send(&host, 0.0)));
        until_held(logs.last().unwrap(), 1).await;
    }
    let gate = Gate::new();
    let loading = host.update(ModelUpdate::swap(id(4), gate.loader(&session(4))));
    gate.until_entered(1).await;
    let waiting = host.update(ModelUpdate::swap(id(5), loader()));

    let closing = tokio::spawn({
        let host = Arc::clone(&host);
        async move { host.shutdown(GRACE).await }
    });
    eventually("it serves on", || host.find("m", None).is_err()).await;
    let error = waiting.await.unwrap_err();
    assert!(matches!(error, Error::Closed { .. }), "{error}");
    assert!(!closing.is_finished());
    gate.open();
    assert!(loading.await.is_err());
    // In another order than they came: none waits for another.
    while let Some(log) = logs.pop() {
        log.open_gate();
        drop(log);
        let (number, answer) = answers.pop().unwrap();
        assert_eq!(value(&answer.await.unwrap().unwrap()), number as f32);
    }
    closing.await.unwrap().unwrap();
    assert!(weak.iter().all(is_gone));
    assert!(host.memory().values().all(|memory| memory.used_bytes == 0));

    let error = swap(&host, 6).await.unwrap_err();
    assert!(matches!(error, Error::Closed { what: "model host" }), "{error}");
    assert!(matches!(host.announce(&id(6)).unwrap_err(), Error::Closed { .. }));
    assert!(matches!(ask(&host, None).await.unwrap_err(), Error::Unavailable { .. }));
    host.shutdown(Duration::ZERO).await.unwrap();
}

#[tokio::test]
async fn shutdown_gives_up_what_is_queued_after_its_grace() {
    // The grace of the shutdown counts, not the longer one of a replaced model.
    let host = start(HostOptions::default().with_drain_grace(Duration::MAX));
    let session = session(1);
    let log = session.log();
    log.close_gate();
    let (old, _) = loader_of(session);
    host.update(ModelUpdate::swap(id(1), old)).await.unwrap();
    let running = send(&host, 0.0);
    until_held(&log, 1).await;
    let queued = send(&host, 0.25);
    tokio::task::yield_now().await;
    swap(&host, 2).await.unwrap();
    let closing = tokio::spawn({
        let host = Arc::clone(&host);
        async move { host.shutdown(Duration::ZERO).await }
    });
    let error = queued.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Closed { .. }), "{error}");
    log.open_gate();
    assert_eq!(value(&running.await.unwrap().unwrap()), 1.0);
    let error = closing.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::DeadlineExceeded { .. }), "{error}");
}

#[tokio::test]
async fn dropping_a_host_ends_everything() {
    let host = host();
    let (loader, log) = loader_of(session(1));
    host.update(ModelUpdate::swap(id(1), loader)).await.unwrap();
    let held = host.find("m", None).unwrap();
    drop(host);
    let response = held.predict.predict(crate::support::request(0.0)).await.unwrap();
    assert_eq!(value(&response), 1.0);
    drop((held, response));
    eventually("a model lives on", || is_gone(&log)).await;
}

#[test]
fn options_that_contradict_are_refused() {
    let tight = DeviceOptions::default().with_memory_budget_bytes(1).with_headroom_bytes(2);
    let mut nowhere = HostOptions::default();
    nowhere.devices.clear();
    for options in [
        HostOptions::default().with_max_pending_loads(0),
        HostOptions::default().with_max_draining(0),
        HostOptions::default().with_device("cpu", tight),
        nowhere,
    ] {
        let error = ModelHost::start(options).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { what: "host options", .. }), "{error}");
    }
}
