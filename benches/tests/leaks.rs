//! What swaps leave behind. One test, because it counts what the process has.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod fixture;

use std::{
    fs,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use benches::soak::{Soak, SoakHost};
use mlops_serve::batch::{BatcherOptions, Placement};

use crate::fixture::digits;

/// Threads and open files of this process.
fn held() -> (usize, usize) {
    let count = |folder| fs::read_dir(folder).unwrap().count();
    (count("/proc/self/task"), count("/proc/self/fd"))
}

#[test]
fn swaps_leave_no_threads_and_no_files() {
    let options = BatcherOptions::default().with_placement(Placement::Thread).with_instances(2);
    let host = Arc::new(SoakHost::start(digits(), options).unwrap());
    Soak::new(1_000, 10).run(&host).unwrap().check().unwrap();
    let before = held();
    Soak::new(10_000, 200).run(&host).unwrap().check().unwrap();
    // The last that was replaced may still be draining.
    let patience = Instant::now() + Duration::from_secs(20);
    while held() > before {
        assert!(Instant::now() < patience, "threads and files: {before:?}, now {:?}", held());
        thread::sleep(Duration::from_millis(10));
    }
}
