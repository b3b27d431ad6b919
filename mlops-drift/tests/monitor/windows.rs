//! When windows are closed, and what is in them.

use super::*;

/// Start, end in seconds, and rows of each window.
fn shape(windows: &[mlops_drift::monitor::WindowProfile]) -> Vec<(i64, i64, u64)> {
    let seconds = |time: Timestamp| time.as_micros() / 1_000_000;
    let shape = windows.iter();
    shape.map(|it| (seconds(it.start()), seconds(it.end()), it.profile().rows())).collect()
}

#[test]
fn a_window_is_closed_when_its_lateness_is_over() {
    let monitor = monitor_of_rows(&minute());
    send(&monitor, 1.0, second(0));
    send(&monitor, 2.0, second(59));
    assert!(monitor.collect(second(60)).is_empty());
    // Rows out of order, within the ten seconds.
    send(&monitor, 3.0, second(69));
    send(&monitor, 4.0, second(58));
    assert!(monitor.collect(second(69)).is_empty());
    send(&monitor, 5.0, second(70));
    assert_eq!(shape(&monitor.collect(second(70))), [(0, 60, 3)]);
    assert_eq!(monitor.open_rows(), 2);
    // Too late now, and told.
    send(&monitor, 6.0, second(59));
    assert!(monitor.collect(second(71)).is_empty());
    assert_eq!(monitor.losses().late_rows, 1);
    assert_eq!(shape(&monitor.collect(second(180))), [(60, 120, 2)]);
}

#[test]
fn windows_of_a_gap_are_told() {
    let monitor = monitor_of_rows(&minute());
    send(&monitor, 1.0, second(0));
    let windows = monitor.collect(second(300));
    assert_eq!(shape(&windows), [(0, 60, 1), (60, 120, 0), (120, 180, 0), (180, 240, 0)]);
    send(&monitor, 1.0, second(301));
    assert_eq!(shape(&monitor.collect(second(370))), [(240, 300, 0)]);
    assert_eq!(shape(&monitor.collect(second(420))), [(300, 360, 1)]);
    assert_eq!(monitor.losses(), Default::default());
}

#[test]
fn a_long_gap_is_told_in_part() {
    let monitor = monitor_of_rows(&minute());
    send(&monitor, 1.0, second(0));
    monitor.collect(second(1));
    let year = 365 * 24 * 60;
    send(&monitor, 2.0, second(year * 60));
    let windows = monitor.collect(second(year * 60 + 120));
    assert_eq!(windows.len(), 1 + 100 + 1);
    assert_eq!(shape(&windows)[101], (year * 60, year * 60 + 60, 1));
    assert_eq!(monitor.losses().skipped_windows, (year - 101) as u64);
}

#[test]
fn a_clock_that_is_wrong_closes_nothing() {
    let monitor = monitor_of_rows(&minute());
    for at in [0, 1, 2] {
        send(&monitor, 1.0, second(at));
        send(&monitor, 1.0, second(at + 1_000_000_000));
        send(&monitor, 1.0, Timestamp::from_micros(i64::MAX));
        send(&monitor, 1.0, Timestamp::from_micros(i64::MIN));
        monitor.collect(second(at));
    }
    let losses = monitor.losses();
    // The oldest time that there is may begin the first window; nothing after it is as old.
    assert_eq!((losses.future_rows, losses.late_rows, losses.dropped_rows), (6, 2, 0));
    send(&monitor, 1.0, second(3));
    assert_eq!(shape(&monitor.collect(second(120))), [(-60, 0, 0), (0, 60, 4)]);
    // A little ahead of the collection is no fault.
    send(&monitor, 1.0, second(122));
    monitor.collect(second(119));
    assert_eq!(shape(&monitor.collect(second(300))).last(), Some(&(180, 240, 0)));
    assert_eq!(monitor.losses().future_rows, 6);
}

#[test]
fn a_flood_of_times_is_bounded_and_counted() {
    let monitor = monitor_of_rows(&minute());
    for minute in 0..1000 {
        send(&monitor, 1.0, second(minute * 60));
    }
    let windows = monitor.collect(second(1000 * 60 + 60));
    let rows: u64 = windows.iter().map(|window| window.profile().rows()).sum();
    assert_eq!((rows, monitor.losses().dropped_rows), (64, 1000 - 64));
    // There is room again.
    send(&monitor, 1.0, second(61_000));
    monitor.collect(second(61_000));
    assert_eq!((monitor.open_rows(), monitor.losses().dropped_rows), (1, 1000 - 64));
}

#[test]
fn sliding_windows_share_their_rows() {
    let window = Window::sliding(Duration::from_secs(60), Duration::from_secs(20));
    let monitor = monitor_of_rows(&MonitorOptions::default().with_window(window));
    for at in 0..120 {
        send(&monitor, 1.0, second(at));
    }
    let windows = monitor.collect(second(200));
    assert_eq!(
        shape(&windows),
        [(0, 60, 60), (20, 80, 60), (40, 100, 60), (60, 120, 60), (80, 140, 40)]
    );
    assert_eq!(numeric(windows[4].profile(), "n").mean(), Some(1.0));
}

#[test]
fn windows_of_rows_have_at_least_so_many() {
    let monitor =
        monitor_of_rows(&MonitorOptions::default().with_window(Window::tumbling_rows(10)));
    for at in 0..9 {
        send(&monitor, 1.0, second(at));
    }
    assert!(monitor.collect(second(0)).is_empty());
    for at in 9..14 {
        send(&monitor, 1.0, second(at));
    }
    // Times are no matter here.
    assert_eq!(shape(&monitor.collect(second(0))), [(0, 13, 14)]);
    assert!(monitor.collect(second(1_000_000)).is_empty());

    let monitor =
        monitor_of_rows(&MonitorOptions::default().with_window(Window::sliding_rows(10, 5)));
    let mut windows = Vec::new();
    for at in 0..20 {
        send(&monitor, 1.0, second(at));
        windows.extend(monitor.collect(second(at)));
    }
    assert_eq!(shape(&windows), [(0, 9, 10), (5, 14, 10), (10, 19, 10)]);
    assert_eq!(monitor.losses(), Default::default());
}

#[test]
fn rows_of_another_shape_are_refused_by_name() {
    let monitor = monitor_of_rows(&minute());
    let error = monitor.observe_row(&[], second(0)).unwrap_err().to_string();
    assert!(error.contains("0 values for 1 features"), "{error}");
    let error = monitor.observe_row(&[Value::Category("a")], second(0)).unwrap_err().to_string();
    assert!(error.contains("feature `n`"), "{error}");
    monitor.observe_row(&[Value::Null], second(0)).unwrap();
    let windows = monitor.collect(second(120));
    assert_eq!(
        (shape(&windows), windows[0].profile().feature("n").unwrap().nulls()),
        (vec![(0, 60, 1)], 1)
    );
    assert!(
        Monitor::new(
            numbers(),
            FeatureMap::nowhere(&numbers()),
            &MonitorOptions::default().with_window(Window::tumbling(Duration::ZERO))
        )
        .is_err()
    );
}
