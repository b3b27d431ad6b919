//! Loads in line, one after the other, cancelled.

use std::{
    collections::BTreeSet,
    sync::{Arc, mpsc},
};

use mlops_core::{Error, model::ModelId};
use mlops_serve::host::{
    DeviceOptions, HostOptions, LoaderFn, ModelState, ModelUpdate, Models, Others,
};
use parking_lot::Mutex;

use crate::support::{
    Gate, ask, eventually, failing, host, id, id_of, is_gone, load, loader, ready, session, start,
    states, swap, version,
};

/// A load of version 2 that waits at a gate, while version 1 serves.
macro_rules! held_load {
    ($host:expr, $gate:ident, $log:ident, $loading:ident) => {
        let $gate = Gate::new();
        let second = session(2);
        let $log = Arc::downgrade(&second.log());
        let $loading = $host.update(ModelUpdate::swap(id(2), $gate.loader(&second)));
        drop(second);
        $gate.until_entered(1).await;
    };
}

#[tokio::test]
async fn a_dropped_load_is_thrown_away() {
    let host = host();
    swap(&host, 1).await.unwrap();
    held_load!(host, gate, log, loading);
    assert_eq!(host.status("m").unwrap().loading, [version(2)]);
    assert_eq!(states(&host), ready(&[1]), "a swap under way shows");
    drop(loading);
    gate.open();
    eventually("what was loaded in vain lives on", || is_gone(&log)).await;
    eventually("the load has no end", || host.status("m").unwrap().loading.is_empty()).await;
    assert_eq!(ask(&host, None).await.unwrap(), 1.0);
    assert_eq!(states(&host), ready(&[1]));
}

#[tokio::test]
async fn a_loader_sees_that_it_is_cancelled() {
    let host = host();
    let (entered, when_entered) = mpsc::channel();
    let loader = LoaderFn::new(move |_, cancel| {
        let (stop, stopped) = mpsc::channel();
        let _guard = cancel.on_cancel(move || stop.send(()).unwrap());
        entered.send(()).unwrap();
        stopped.recv().unwrap();
        Err(Error::Cancelled)
    });
    let loading = host.update(ModelUpdate::swap(id(1), loader));
    tokio::task::spawn_blocking(move || when_entered.recv().unwrap()).await.unwrap();
    drop(loading);
    // The thread is free again.
    swap(&host, 2).await.unwrap();
    assert_eq!(ask(&host, None).await.unwrap(), 2.0);
}

#[tokio::test]
async fn unloading_cancels_a_load() {
    let host = host();
    swap(&host, 1).await.unwrap();
    held_load!(host, gate, log, loading);
    let waiting = host.update(ModelUpdate::swap(id(3), loader()));
    host.unload("m", None).await.unwrap();
    assert_eq!(states(&host), [(1, ModelState::Unloaded)]);
    gate.open();
    for load in [loading, waiting] {
        let error = load.await.unwrap_err();
        assert!(matches!(error, Error::Cancelled), "{error}");
    }
    eventually("what was loaded in vain lives on", || is_gone(&log)).await;
    assert_eq!(states(&host), [(1, ModelState::Unloaded)]);
    swap(&host, 4).await.unwrap();
    assert_eq!(ask(&host, None).await.unwrap(), 4.0);
}

#[tokio::test]
async fn a_first_load_can_be_unloaded_too() {
    let host = host();
    held_load!(host, gate, log, loading);
    let other = host.update(ModelUpdate::swap(id_of("other", 1), loader()));
    host.unload("m", Some(version(2))).await.unwrap();
    host.unload("other", None).await.unwrap();
    assert!(host.unload("nobody", None).await.unwrap_err().is_not_found());
    gate.open();
    assert!(matches!(loading.await.unwrap_err(), Error::Cancelled));
    assert!(matches!(other.await.unwrap_err(), Error::Cancelled));
    assert!(is_gone(&log));
    assert!(host.find("m", None).unwrap_err().is_not_found());
    assert!(host.status("m").is_none() && host.status("other").is_none(), "they are remembered");
}

#[tokio::test]
async fn loads_of_a_name_and_of_a_device_take_turns() {
    let gpu = |host: HostOptions, name| host.with_device(name, DeviceOptions::default());
    let host = start(gpu(gpu(HostOptions::default(), "gpu:0"), "gpu:1"));
    let order = Arc::new(Mutex::new(Vec::new()));
    let recorded = |id: &ModelId, gate: &Arc<Gate>, device: &str| {
        let (gate, order) = (Arc::clone(gate), Arc::clone(&order));
        let loader = LoaderFn::new(move |id, _| {
            order.lock().push(id.clone());
            gate.pass();
            load(id, &session(id.version.get()))
        });
        ModelUpdate::swap(id.clone(), loader.with_device(device))
    };
    let (first, others) = (Gate::new(), Gate::new());
    let loads = [
        host.update(recorded(&id(1), &first, "gpu:0")),
        // The same name, then the same device: both wait for the first.
        host.update(recorded(&id(2), &others, "gpu:1")),
        host.update(recorded(&id_of("same device", 1), &others, "gpu:0")),
        // Neither: it does not wait, not even for the one of the same device that does.
        host.update(recorded(&id_of("free", 1), &others, "gpu:1")),
    ];
    first.until_entered(1).await;
    others.until_entered(1).await;
    let begun: BTreeSet<_> = order.lock().iter().cloned().collect();
    assert_eq!(begun, BTreeSet::from([id(1), id_of("free", 1)]));
    others.open();
    eventually("the free one waits", || host.find("free", None).is_ok()).await;
    assert_eq!(order.lock().len(), 2);
    first.open();
    for load in loads {
        load.await.unwrap();
    }
    assert_eq!(ask(&host, None).await.unwrap(), 2.0);
    assert_eq!((others.entered(), first.most_inside()), (3, 1));
}

#[tokio::test]
async fn loads_of_one_name_end_in_the_order_they_were_asked_for() {
    let host = host();
    let loads: Vec<_> =
        (1..=20).map(|number| host.update(ModelUpdate::swap(id(number), loader()))).collect();
    for load in loads {
        load.await.unwrap();
    }
    assert_eq!(ask(&host, None).await.unwrap(), 20.0);
}

#[tokio::test]
async fn only_so_many_loads_wait() {
    let host = start(HostOptions::default().with_max_pending_loads(2));
    held_load!(host, gate, _log, loading);
    let waiting = host.update(ModelUpdate::swap(id(3), loader()));
    let given_up = host.update(ModelUpdate::swap(id(4), loader()));
    let error = swap(&host, 5).await.unwrap_err();
    assert!(matches!(error, Error::Overloaded { limit: 2, .. }), "{error}");
    drop(given_up);
    let instead = host.update(ModelUpdate::swap(id(6), loader()));
    gate.open();
    for load in [loading, waiting, instead] {
        load.await.unwrap();
    }
    assert_eq!(ask(&host, None).await.unwrap(), 6.0);
}

#[tokio::test]
async fn what_is_announced_shows_until_it_is_loaded() {
    let host = host();
    for number in 1..=2 {
        host.announce(&id(number)).unwrap();
    }
    assert_eq!(states(&host), [(1, ModelState::Loading), (2, ModelState::Loading)]);
    let error = host.find("m", None).unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    let keep = |number, loader| ModelUpdate::swap(id(number), loader).with_others(Others::Keep);
    host.update(keep(2, loader())).await.unwrap();
    assert_eq!(states(&host), [(1, ModelState::Loading), (2, ModelState::Ready)]);
    let broken = failing(Error::corrupt("model", "m.onnx", "half a file"));
    host.update(keep(1, broken)).await.unwrap_err();
    assert!(
        matches!(&states(&host)[0].1, ModelState::Failed { reason } if reason.contains("half"))
    );
    let error = host.find("m", Some(version(1))).unwrap_err();
    assert!(error.to_string().contains("half a file"), "{error}");
    host.announce(&id(2)).unwrap();
    host.update(keep(1, loader())).await.unwrap();
    assert_eq!(states(&host), ready(&[1, 2]));

    // Unloaded before it is loaded, it is not waited for.
    host.announce(&id_of("other", 1)).unwrap();
    let gate = Gate::new();
    let held = gate.loader(&session(1));
    let loading = host.update(ModelUpdate::swap(id_of("other", 1), held));
    gate.until_entered(1).await;
    host.unload("other", None).await.unwrap();
    gate.open();
    loading.await.unwrap_err();
    assert_eq!(states(&host).last().unwrap(), &(1, ModelState::Unloaded));
}
