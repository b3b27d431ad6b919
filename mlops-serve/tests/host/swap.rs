//! Hot swap: no request is lost, and what was replaced goes.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use mlops_core::Error;
use mlops_serve::{
    batch::Placement,
    host::{HostOptions, LoaderFn, ModelState, ModelUpdate, Models},
};

use crate::support::{
    GRACE, ask, eventually, host, id, is_gone, load, load_placed, loader_of, ready, request, send,
    session, start, states, swap, until_held, value, version, versions,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_swaps_under_load_lose_nothing() {
    let host = host();
    let live = Arc::new(AtomicUsize::new(0));
    let update = |number: u64| {
        let live = Arc::clone(&live);
        let placement =
            if number.is_multiple_of(2) { Placement::Thread } else { Placement::CallerRuns };
        let loader = LoaderFn::new(move |id, _| {
            live.fetch_add(1, Ordering::SeqCst);
            let model = load_placed(id, &session(id.version.get()), placement)?;
            let live = Arc::clone(&live);
            Ok(model.with_on_gone(move || {
                live.fetch_sub(1, Ordering::SeqCst);
            }))
        });
        ModelUpdate::swap(id(number), loader.with_memory_bytes(10))
    };
    host.update(update(1)).await.unwrap();

    let stop = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let (host, stop) = (Arc::clone(&host), Arc::clone(&stop));
            tokio::spawn(async move {
                let (mut answered, mut newest) = (0, 0);
                while !stop.load(Ordering::Relaxed) {
                    let model = host.find("m", None).unwrap();
                    let response = model.predict.predict(request(0.5)).await.unwrap();
                    let number = response.served_by.version.get();
                    assert_eq!(value(&response), number as f32 + 0.5);
                    assert!(number >= newest, "{number} answered after {newest}");
                    (answered, newest) = (answered + 1, number);
                    tokio::task::yield_now().await;
                }
                answered
            })
        })
        .collect();
    for number in 2..=1000 {
        host.update(update(number)).await.unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    let mut answered = 0;
    for caller in callers {
        answered += caller.await.unwrap();
    }
    assert!(answered > 1000, "only {answered} requests among 1000 swaps");

    eventually("replaced models live on", || live.load(Ordering::SeqCst) == 1).await;
    eventually("their memory is not free", || host.memory()["cpu"].used_bytes == 10).await;
    eventually("they are listed", || states(&host) == ready(&[1000])).await;
    host.shutdown(GRACE).await.unwrap();
    assert_eq!(live.load(Ordering::SeqCst), 0);
    assert_eq!(host.memory()["cpu"].used_bytes, 0);
}

#[tokio::test]
async fn who_found_a_model_keeps_it_through_a_swap() {
    let host = host();
    let (first, log) = loader_of(session(1));
    host.update(ModelUpdate::swap(id(1), first)).await.unwrap();
    let held = host.find("m", None).unwrap();
    swap(&host, 2).await.unwrap();
    assert_eq!(ask(&host, None).await.unwrap(), 2.0);
    assert_eq!(states(&host), [(1, ModelState::Draining), (2, ModelState::Ready)]);
    let error = host.find("m", Some(version(1))).unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");

    // Only the model is kept, not what `find` gave.
    let predict = Arc::clone(&held.predict);
    drop(held);
    let response = predict.predict(request(0.0)).await.unwrap();
    assert_eq!(value(&response), 1.0);
    assert!(!is_gone(&log));
    drop(predict);
    eventually("the replaced model lives on", || is_gone(&log)).await;
    eventually("it is listed", || states(&host) == ready(&[2])).await;
    assert!(host.find("m", Some(version(1))).unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_swap_while_another_model_drains_answers_everybody() {
    let host = host();
    let mut waiting = Vec::new();
    for number in 1..=3 {
        let session = session(number);
        let log = session.log();
        log.close_gate();
        let loader = LoaderFn::new(move |id, _| load(id, &session));
        host.update(ModelUpdate::swap(id(number), loader)).await.unwrap();
        let running = send(&host, 0.0);
        until_held(&log, 1).await;
        // One more waits in the queue behind it.
        waiting.push((number, log, running, send(&host, 0.25)));
    }
    let draining = [(1, ModelState::Draining), (2, ModelState::Draining), (3, ModelState::Ready)];
    assert_eq!(states(&host), draining);
    for (number, log, running, queued) in waiting.into_iter().rev() {
        log.open_gate();
        assert_eq!(value(&running.await.unwrap().unwrap()), number as f32);
        assert_eq!(value(&queued.await.unwrap().unwrap()), number as f32 + 0.25);
    }
    eventually("drained models are listed", || states(&host) == ready(&[3])).await;
}

#[tokio::test]
async fn the_same_version_can_be_loaded_anew() {
    let host = host();
    let (first, log) = loader_of(session(7));
    host.update(ModelUpdate::swap(id(1), first)).await.unwrap();
    let (second, _) = loader_of(session(8));
    host.update(ModelUpdate::swap(id(1), second)).await.unwrap();
    assert_eq!(ask(&host, None).await.unwrap(), 8.0);
    eventually("the one before lives on", || is_gone(&log)).await;
    assert_eq!(states(&host), ready(&[1]));
}

#[tokio::test]
async fn rolling_back_is_instant_and_goes_as_far_as_was_kept() {
    let host = start(HostOptions::default().with_keep_previous(2));
    let mut logs = Vec::new();
    for number in 1..=4 {
        let (loader, log) = loader_of(session(number));
        host.update(ModelUpdate::swap(id(number), loader)).await.unwrap();
        logs.push(log);
    }
    eventually("more is kept than asked", || is_gone(&logs[0])).await;
    let status = host.status("m").unwrap();
    assert_eq!(status.previous, [versions(&[3]), versions(&[2])]);
    eventually("what is kept is listed", || states(&host) == ready(&[4])).await;
    assert!(host.find("m", Some(version(3))).unwrap_err().is_not_found());

    for number in [3, 2] {
        assert_eq!(host.roll_back("m").unwrap(), versions(&[number]));
        assert_eq!(ask(&host, None).await.unwrap(), number as f32);
    }
    for log in &logs[2..] {
        eventually("what was rolled back lives on", || is_gone(log)).await;
    }
    let error = host.roll_back("m").unwrap_err();
    assert!(matches!(error, Error::Refused { what: "rollback", .. }), "{error}");
    assert!(host.roll_back("other").unwrap_err().is_not_found());
    assert_eq!(ask(&host, None).await.unwrap(), 2.0);
}

#[tokio::test]
async fn a_rollback_answers_what_the_failed_version_has_accepted() {
    let host = start(HostOptions::default().with_keep_previous(1));
    swap(&host, 1).await.unwrap();
    let bad = session(2);
    let log = bad.log();
    log.close_gate();
    let (loader, _) = loader_of(bad);
    host.update(ModelUpdate::swap(id(2), loader)).await.unwrap();
    let running = send(&host, 0.0);
    until_held(&log, 1).await;
    let queued = send(&host, 0.25);
    host.roll_back("m").unwrap();
    assert_eq!(ask(&host, None).await.unwrap(), 1.0);
    log.open_gate();
    assert_eq!(value(&running.await.unwrap().unwrap()), 2.0);
    assert_eq!(value(&queued.await.unwrap().unwrap()), 2.25);
}
