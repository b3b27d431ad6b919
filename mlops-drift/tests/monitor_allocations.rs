//! Counting allocates nothing after a thread's first predictions.

#![expect(unsafe_code, reason = "an allocator that counts")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    sync::Arc,
    thread,
    time::Duration,
};

use mlops_core::{
    Error,
    bytes::Bytes,
    inference::InferenceResponse,
    model::ModelId,
    ndarray::Array2,
    observe::{PredictionObserver, PredictionRecord},
    signature::{Dim, ModelSignature, TensorSpec},
    tensor::{DataType, NamedTensors, Tensor},
    timestamp::Timestamp,
};
use mlops_drift::{
    monitor::{FeatureMap, Monitor, MonitorOptions, Window},
    profile::{Column, Origin, Profile, ProfileOptions},
};

struct Counting;

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: it is the system's allocator, and a counter that does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.set(CALLS.get() + 1);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        CALLS.set(CALLS.get() + 1);
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn nothing_is_allocated() {
    let numbers = [0.1, 0.2, 0.5, 0.9];
    let columns = [
        ("x[0]", Column::numeric(&numbers)),
        ("x[1]", Column::numeric(&numbers)),
        ("city", Column::categorical(&["Bern", "Oslo", "Rome", "Rome"])),
        ("y.class", Column::categorical(&["0", "1", "1", "2"])),
        ("y.confidence", Column::numeric(&numbers)),
        ("latency", Column::numeric(&numbers)),
        ("error", Column::numeric(&[0.0, 0.0, 0.0, 1.0])),
    ];
    let origin = Origin::new("test", Timestamp::EPOCH);
    let reference = Profile::fit(&columns, origin, &ProfileOptions::default()).unwrap();
    let batch = || Dim::Symbolic("batch".into());
    let signature = ModelSignature {
        inputs: vec![
            TensorSpec::new("x", DataType::F32, [batch(), Dim::Fixed(2)]),
            TensorSpec::new("city", DataType::Bytes, [batch()]),
        ],
        outputs: vec![TensorSpec::new("y", DataType::F32, [batch(), Dim::Fixed(3)])],
    };
    let map = FeatureMap::new::<&str>(&reference, &signature, []).unwrap();
    let options = MonitorOptions::default().with_window(Window::tumbling(Duration::from_secs(1)));
    let monitor = Monitor::new(&reference, map, &options).unwrap();

    let mut inputs = NamedTensors::new();
    inputs.insert("x", Tensor::from_array(Array2::from(vec![[0.5_f32, f32::NAN]; 4]))).unwrap();
    let cities = ["Bern", "Paris", "", "Rome"].map(|city| Bytes::from_static(city.as_bytes()));
    inputs.insert("city", Tensor::from_strings(&[4], cities.to_vec()).unwrap()).unwrap();
    let y = Tensor::from_array(Array2::from(vec![[0.2_f32, 0.1, 0.7]; 4]));
    let model = Arc::new(ModelId::new("m".parse().unwrap(), "1".parse().unwrap()));
    let response = InferenceResponse::new(NamedTensors::single("y", y), Arc::clone(&model));
    let count = |rows: i64| {
        for row in 0..rows {
            let result = if row % 7 == 0 { Err(&Error::Cancelled) } else { Ok(&response) };
            let at = Timestamp::from_micros(row * 1000);
            let record = PredictionRecord::new(&model, result, Duration::from_millis(1), at);
            monitor.observe(&record.with_inputs(&inputs));
        }
    };
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                count(1);
                let before = CALLS.get();
                // Two seconds: over the end of a window.
                count(2000);
                assert_eq!(CALLS.get(), before);
            });
        }
    });
    let rows: u64 = monitor
        .collect(Timestamp::from_micros(100_000_000))
        .iter()
        .map(|window| window.profile().rows())
        .sum();
    assert_eq!(rows, 2 * 2001 * 4);
}
