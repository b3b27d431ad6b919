//! Many threads count, and one collects all the time.

use std::{
    sync::atomic::{AtomicBool, AtomicI64, Ordering},
    thread,
};

use mlops_core::random::RandomKey;

use super::*;

/// Each row is in one window or loss, whatever the collector does meanwhile.
#[test]
fn no_row_is_lost() {
    const THREADS: u64 = 4;
    const ROWS: u64 = 40_000;
    let options = MonitorOptions::default()
        .with_window(Window::tumbling(Duration::from_millis(10)))
        .with_lateness(Duration::from_millis(5))
        .with_max_delay(Duration::from_millis(20));
    let monitor = monitor_of_rows(&options);
    // A clock of their own, a microsecond a row.
    let clock = AtomicI64::new(0);
    let done = AtomicBool::new(false);
    let mut windows = Vec::new();
    thread::scope(|scope| {
        let senders: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (monitor, clock) = (&monitor, &clock);
                scope.spawn(move || {
                    let mut stream = RandomKey::from_seed(thread).stream(0);
                    for row in 0..ROWS {
                        let now = clock.fetch_add(1, Ordering::Relaxed);
                        // Some late, within the lateness and beyond it.
                        let late = if row % 10 == 0 { stream.next_below(10_000) as i64 } else { 0 };
                        let at = Timestamp::from_micros(now - late);
                        send(monitor, stream.next_below(100) as f64, at);
                    }
                })
            })
            .collect();
        let (collector, clock) = (&monitor, &clock);
        let done = &done;
        let collecting = scope.spawn(move || {
            let mut windows = Vec::new();
            while !done.load(Ordering::Relaxed) {
                let now = Timestamp::from_micros(clock.load(Ordering::Relaxed));
                windows.extend(collector.collect(now));
            }
            windows
        });
        for sender in senders {
            sender.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
        windows = collecting.join().unwrap();
    });
    windows.extend(monitor.collect(Timestamp::from_micros(clock.load(Ordering::Relaxed))));
    windows.extend(monitor.collect(second(1)));
    let counted: u64 = windows.iter().map(|window| window.profile().rows()).sum();
    let losses = monitor.losses();
    let lost = losses.late_rows + losses.future_rows + losses.dropped_rows;
    assert_eq!(counted + lost + monitor.open_rows(), THREADS * ROWS);
    assert!(counted > 0 && losses.skipped_windows == 0, "{losses:?}");
    let edges: Vec<_> = windows.iter().map(|window| (window.start(), window.end())).collect();
    assert!(edges.windows(2).all(|pair| pair[0].1 == pair[1].0), "one after the other");
}

/// A thread that ends leaves what it has counted.
#[test]
fn threads_may_come_and_go() {
    let monitor = monitor_of_rows(&minute());
    for _ in 0..50 {
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| send(&monitor, 1.0, second(10)));
            }
        });
    }
    assert_eq!(monitor.collect(second(120))[0].profile().rows(), 200);
}
