//! Whatever is asked of a host, in whatever order: who finds a model is answered by it, and in the
//! end nothing is left.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use mlops_core::{Error, random::RandomKey};
use mlops_serve::{
    batch::Placement,
    host::{
        DeviceOptions, HostOptions, LoaderFn, ModelHost, ModelUpdate, Models, OnNoRoom, Others,
    },
};

use crate::support::{GRACE, id, load_placed, request, session, start, value, version};

/// Room for five models of 10 bytes.
fn options(on_no_room: OnNoRoom) -> HostOptions {
    let device = DeviceOptions::default().with_memory_budget_bytes(50);
    HostOptions::default()
        .with_device("cpu", device.clone())
        .with_device("gpu:0", device)
        .with_keep_previous(2)
        .with_max_pending_loads(4)
        .with_on_no_room(on_no_room)
}

/// One load in eight fails, one in eight panics.
fn loader(live: &Arc<AtomicUsize>, chance: u64, device: &str) -> LoaderFn {
    let live = Arc::clone(live);
    let placement =
        if chance.is_multiple_of(2) { Placement::Thread } else { Placement::CallerRuns };
    let loader = LoaderFn::new(move |id, _| {
        match chance % 8 {
            0 => return Err(Error::Cancelled),
            1 => panic!("a loader may be wrong"),
            _ => {}
        }
        let model = load_placed(id, &session(id.version.get()), placement)?;
        live.fetch_add(1, Ordering::SeqCst);
        let live = Arc::clone(&live);
        Ok(model.with_on_gone(move || {
            live.fetch_sub(1, Ordering::SeqCst);
        }))
    });
    loader.with_device(device).with_memory_bytes(10)
}

async fn act(host: &ModelHost, live: &Arc<AtomicUsize>, seed: u64) {
    let key = RandomKey::from_seed(seed);
    for round in 0..200 {
        let mut random = key.stream(round);
        let number = 1 + random.next_below(4);
        let device = if random.next_below(2) == 0 { "cpu" } else { "gpu:0" };
        match random.next_below(8) {
            0..=3 => {
                let others = if random.next_below(2) == 0 { Others::Keep } else { Others::Retire };
                let loader = loader(live, random.next_u64(), device);
                let update = ModelUpdate::swap(id(number), loader).with_others(others);
                let loading = host.update(update);
                if random.next_below(4) > 0 {
                    loading.await.ok();
                }
            }
            4 => drop(host.roll_back("m")),
            5 => drop(host.pin("m", (number < 4).then(|| version(number)))),
            6 => drop(host.unload("m", Some(version(number))).await),
            _ if random.next_below(4) == 0 => drop(host.unload("m", None).await),
            _ => host.announce(&id(number)).unwrap(),
        }
    }
}

async fn call(host: &ModelHost, stop: &AtomicBool, seed: u64) -> usize {
    let key = RandomKey::from_seed(seed).derive("calls");
    let mut answered = 0;
    for round in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let mut random = key.stream(round);
        let number = random.next_below(5);
        tokio::task::yield_now().await;
        match host.find("m", (number > 0).then(|| version(number))) {
            Ok(model) => {
                for _ in 0..random.next_below(4) {
                    tokio::task::yield_now().await;
                }
                let response = model.predict.predict(request(0.5)).await.unwrap();
                let served_by = response.served_by.version.get();
                assert!(number == 0 || served_by == number);
                assert_eq!(value(&response), served_by as f32 + 0.5);
                answered += 1;
            }
            Err(error) => {
                assert!(error.is_not_found() || matches!(error, Error::Unavailable { .. }));
            }
        }
    }
    answered
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_finds_a_model_is_answered_by_it_and_nothing_is_left() {
    for (seed, on_no_room) in
        [(1, OnNoRoom::Refuse), (2, OnNoRoom::UnloadFirst), (3, OnNoRoom::UnloadFirst)]
    {
        let host = start(options(on_no_room));
        let (live, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let callers: Vec<_> = (0..4)
            .map(|caller| {
                let (host, stop) = (Arc::clone(&host), Arc::clone(&stop));
                tokio::spawn(async move { call(&host, &stop, seed * 100 + caller).await })
            })
            .collect();
        let actors: Vec<_> = (0..3)
            .map(|actor| {
                let (host, live) = (Arc::clone(&host), Arc::clone(&live));
                tokio::spawn(async move { act(&host, &live, seed * 100 + actor).await })
            })
            .collect();
        for actor in actors {
            actor.await.unwrap();
        }
        stop.store(true, Ordering::Relaxed);
        let mut answered = 0;
        for caller in callers {
            answered += caller.await.unwrap();
        }
        assert!(answered > 100, "{answered}");
        let memory = host.memory();
        assert!(memory.values().all(|memory| memory.used_bytes <= 50), "{memory:?}");
        host.shutdown(GRACE).await.unwrap();
        assert_eq!(live.load(Ordering::SeqCst), 0);
        assert!(host.memory().values().all(|memory| memory.used_bytes == 0));
    }
}
