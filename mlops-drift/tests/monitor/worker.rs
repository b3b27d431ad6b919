//! The thread that collects.

use std::sync::mpsc;

use mlops_core::{clock::Clock, testing::clock::ManualClock};
use mlops_drift::monitor::MonitorWorker;

use super::*;

#[test]
fn it_checks_when_its_time_has_come_and_at_the_end() {
    let clock = Arc::new(ManualClock::new());
    let monitor = Arc::new(monitor_of_rows(&minute()));
    let (sender, windows) = mpsc::channel();
    let worker = MonitorWorker::start(
        Arc::clone(&monitor),
        Arc::clone(&clock) as Arc<dyn Clock>,
        Duration::from_secs(1),
        move |checked| sender.send(checked.window.end()).unwrap(),
    )
    .unwrap();
    send(&monitor, 1.0, second(5));
    clock.until_waiting(1);
    clock.advance(Duration::from_secs(120));
    assert_eq!(windows.recv().unwrap(), second(60));
    send(&monitor, 1.0, second(70));
    clock.advance(Duration::from_secs(60));
    worker.shutdown().unwrap();
    assert_eq!(windows.iter().collect::<Vec<_>>(), [second(120)]);
}

#[test]
fn a_panic_of_the_host_is_told_at_the_end() {
    let clock = Arc::new(ManualClock::new());
    let monitor = Arc::new(monitor_of_rows(&minute()));
    let start = |every, each: fn(_)| {
        let clock = Arc::clone(&clock) as Arc<dyn Clock>;
        MonitorWorker::start(Arc::clone(&monitor), clock, every, each)
    };
    for never in [Duration::ZERO, Duration::MAX] {
        let error = start(never, |_| {}).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { what: "period", .. }), "{error}");
    }
    send(&monitor, 1.0, second(0));
    let worker = start(Duration::from_secs(1), |_| panic!("a test of a panic")).unwrap();
    clock.advance(Duration::from_secs(200));
    let error = worker.shutdown().unwrap_err();
    assert!(matches!(error, Error::Backend { .. }), "{error}");
    // Without a shutdown the thread ends by itself.
    drop(start(Duration::from_secs(1), |_| {}).unwrap());
}
