//! Observing never waits for whoever collects.

use std::sync::{
    Arc, Mutex,
    mpsc::{Receiver, Sender, channel},
};

use mlops_core::{ndarray::array, tensor::Tensor};
use mlops_drift::{
    online::{ChangeDetector, Signal},
    performance::{Classes, LabelledMonitor, LabelledOptions, PredictedClass, Task},
};

use crate::served::{Served, class, seconds, tell};

/// A detector that says when it is asked, and answers when it is let.
#[derive(Debug)]
struct Slow {
    asked: Sender<()>,
    go_on: Mutex<Receiver<()>>,
}

impl ChangeDetector for Slow {
    fn update(&mut self, _: f64) -> Signal {
        self.asked.send(()).unwrap();
        self.go_on.lock().unwrap().recv().unwrap();
        Signal::Stable
    }

    fn reset(&mut self) {}
}

fn options() -> LabelledOptions {
    let classes = Classes::new(["cat", "dog"]).unwrap();
    let predicted = PredictedClass::Index { output: "y".into() };
    LabelledOptions::new(Task::Classification { classes, predicted })
}

fn cat() -> Tensor {
    Tensor::from_array(array![0_i64])
}

#[test]
fn predictions_and_outcomes_are_observed_while_a_collection_is_stuck() {
    let ((asked, is_asked), (let_go, go_on)) = (channel(), channel());
    let slow = Slow { asked, go_on: Mutex::new(go_on) };
    let monitor = Arc::new(LabelledMonitor::new(options()).unwrap().with_detector(slow));
    let served = Served::to(&monitor);
    served.predict("a", seconds(0), cat());
    tell(&monitor, "a", class("cat"));
    std::thread::scope(|scope| {
        let collector = scope.spawn(|| monitor.collect(seconds(1)));
        is_asked.recv().unwrap();
        // It is in the middle of its work. If observing had to wait for it, this would never end.
        for n in 0..100 {
            served.predict(&n.to_string(), seconds(0), cat());
            tell(&monitor, &n.to_string(), class("dog"));
        }
        for _ in 0..101 {
            let_go.send(()).unwrap();
        }
        collector.join().unwrap();
    });
    monitor.collect(seconds(1));
    assert_eq!(monitor.counts().pairs, 101);
}

/// Whatever threads do at once, each observation is in one of the counts.
#[test]
fn nothing_is_lost_without_being_counted() {
    const EACH: u64 = 2000;
    let monitor = Arc::new(LabelledMonitor::new(options().with_max_queued(64)).unwrap());
    std::thread::scope(|scope| {
        let observers: Vec<_> = (0..3)
            .map(|thread| {
                let monitor = Arc::clone(&monitor);
                scope.spawn(move || {
                    let served = Served::to(&monitor);
                    for n in 0..EACH {
                        let id = format!("{thread} {n}");
                        served.predict(&id, seconds(0), cat());
                        tell(&monitor, &id, class("cat"));
                    }
                })
            })
            .collect();
        while !observers.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            monitor.collect(seconds(1));
        }
    });
    while monitor.collect(seconds(1)) > 0 {}
    let counts = monitor.counts();
    let predictions = counts.dropped_predictions + counts.pairs + counts.pending + counts.expired;
    let outcomes = counts.dropped_outcomes + counts.pairs + counts.unmatched;
    assert_eq!((predictions, outcomes), (3 * EACH, 3 * EACH), "{counts:?}");
    assert!(counts.pairs > 0, "{counts:?}");
}
