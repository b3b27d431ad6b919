//! The tuner, on batchers that run.

#[cfg(feature = "onnxruntime")]
#[expect(
    dead_code,
    reason = "sessions have threads by the setting: the options are not the default"
)]
mod fixture;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use mlops_core::{
    Error, Result,
    inference::SessionFactory,
    progress::Progress,
    tensor::{NamedTensors, Tensor},
    testing::session::{MockFactory, MockSession},
};
use mlops_serve::tune::{Bottleneck, Setting, TuneOptions, Tuner};
use ndarray::Array2;

fn row() -> NamedTensors {
    NamedTensors::single("x", Tensor::from_array(Array2::from_elem((1, 4), 1.0_f32)))
}

fn of(session: &MockSession) -> impl Fn(Setting) -> Result<Arc<dyn SessionFactory>> {
    let factory = MockFactory::new(session.clone());
    move |_| Ok(Arc::new(factory.clone()) as Arc<dyn SessionFactory>)
}

/// So little load that the whole search takes milliseconds.
fn options() -> TuneOptions {
    TuneOptions::new(Duration::from_secs(60))
        .with_callers(8)
        .with_max_batch_size(4)
        .with_load(Duration::from_secs(60), 200)
}

#[derive(Debug, Default)]
struct Count {
    advanced: AtomicU64,
    finished: AtomicUsize,
}

impl Progress for Count {
    fn set_total(&self, _: Option<u64>) {}

    fn advance(&self, amount: u64) {
        self.advanced.fetch_add(amount, Ordering::Relaxed);
    }

    fn finish(&self) {
        self.finished.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn it_tries_settings_reports_them_and_leaves_nothing_behind() {
    let session = MockSession::identity(4);
    let log = Arc::downgrade(&session.log());
    let progress = Arc::new(Count::default());
    let report = Tuner::new(of(&session), row(), options().with_max_threads(2))
        .with_progress(Arc::clone(&progress) as Arc<dyn Progress>)
        .run()
        .unwrap();
    let tried = report.measurements();
    assert!(tried.len() > 1 && report.is_complete());
    assert_eq!(progress.advanced.load(Ordering::Relaxed), tried.len() as u64);
    assert_eq!(progress.finished.load(Ordering::Relaxed), 1);
    for measured in tried {
        assert!(measured.setting.threads() <= 2, "{}", measured.setting);
        assert!(measured.throughput > 0.0 && measured.p50 <= measured.p99, "{measured:?}");
        let batches = 1.0..=measured.setting.max_batch_size as f64;
        assert!(batches.contains(&measured.mean_batch), "{measured:?}");
        assert!((0.0..=1.0).contains(&measured.busy), "{measured:?}");
    }
    let best = report.best().unwrap();
    assert!(tried.contains(best));
    // Every session is gone with its thread: what is left holds the log.
    drop(session);
    assert_eq!(log.strong_count(), 0);
}

/// In the real ONNX Runtime, with threads of its own.
#[cfg(feature = "onnxruntime")]
#[test]
fn a_real_model_is_tuned() {
    use mlops_serve::session::onnxruntime::{OnnxSessionFactory, SessionOptions};

    let runtime = fixture::runtime();
    let factory = |setting: Setting| {
        let options = SessionOptions::default().with_intra_threads(setting.intra_threads);
        let model = fixture::model("dense.onnx");
        let factory = OnnxSessionFactory::from_file(&runtime, model, options);
        Ok(Arc::new(factory) as Arc<dyn SessionFactory>)
    };
    let x = Tensor::from_array(Array2::from_elem((1, 32), 1.0_f32));
    let inputs = NamedTensors::single("x", x);
    let report = Tuner::new(factory, inputs, options().with_max_threads(2)).run().unwrap();
    assert!(report.best().is_some() && report.is_complete());
    let threads: Vec<_> = report.measurements().iter().map(|it| it.setting.threads()).collect();
    assert!(threads.contains(&1) && threads.contains(&2), "{threads:?}");
}

/// It blocks, so it should not be; but it must not panic, whatever the load time.
#[tokio::test]
async fn it_may_be_called_from_a_runtime() {
    let options = options().with_load(Duration::MAX, 50);
    let report = Tuner::new(of(&MockSession::identity(4)), row(), options).run().unwrap();
    assert!(report.is_complete());
}

#[test]
fn a_bound_that_cannot_be_met_is_said() {
    let mut options = options();
    options.max_p99 = Duration::from_nanos(1);
    let report = Tuner::new(of(&MockSession::identity(4)), row(), options).run().unwrap();
    assert_eq!(report.best(), None);
    assert!(matches!(report.bottleneck(), Bottleneck::Latency { .. }), "{}", report.bottleneck());
}

#[test]
fn it_ends_in_time_with_what_it_has() {
    for limited in
        [options().with_limits(2, Duration::MAX), options().with_limits(9, Duration::ZERO)]
    {
        let report = Tuner::new(of(&MockSession::identity(4)), row(), limited).run().unwrap();
        assert!((1..=2).contains(&report.measurements().len()));
        assert!(!report.is_complete());
    }
}

#[test]
fn what_goes_wrong_is_returned() {
    let run = |factory: MockFactory, inputs, options| {
        let factory = move |_| Ok(Arc::new(factory.clone()) as Arc<dyn SessionFactory>);
        let progress = Arc::new(Count::default());
        let result = Tuner::new(factory, inputs, options)
            .with_progress(Arc::clone(&progress) as Arc<dyn Progress>)
            .run();
        (result.unwrap_err(), progress.finished.load(Ordering::Relaxed))
    };
    let identity = || MockFactory::new(MockSession::identity(4));
    let (error, finished) = run(identity(), NamedTensors::new(), options());
    assert!(error.is_invalid_request(), "{error}");
    assert_eq!(finished, 1);
    let missing = MockFactory::failing(Error::not_found("model file", "nowhere.onnx"));
    assert!(run(missing, row(), options()).0.is_not_found());
    for (name, zero) in [
        ("callers", options().with_callers(0)),
        ("max_threads", options().with_max_threads(0)),
        ("max_batch_size", options().with_max_batch_size(0)),
        ("max_requests", options().with_load(Duration::from_secs(1), 0)),
        ("load_time", options().with_load(Duration::ZERO, 1)),
        ("max_settings", options().with_limits(0, Duration::from_secs(1))),
        ("max_p99", TuneOptions::new(Duration::ZERO)),
    ] {
        let error = run(identity(), row(), zero).0.to_string();
        assert!(error.contains(name), "{error}");
    }
}
