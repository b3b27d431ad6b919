//! What the session wrapper adds to a bare session.

use std::{cell::RefCell, time::Instant};

use benches::rounds::Rounds;
use mlops_core::inference::{InferenceSession, RunOptions};

use crate::{Places, Result, bare_nanos, inputs};

pub(crate) fn run(places: &Places) -> Result<()> {
    println!("| session wrapper over bare `ort` | bare | added | ratio | bar |");
    println!("| --- | --- | --- | --- | --- |");
    for model in places.models() {
        // Both contestants share the session: another copy of the weights lies elsewhere in memory,
        // which makes more of a difference than the wrapper.
        let session = RefCell::new(places.factory(&model)?.open_session()?);
        for rows in [1, 8, 32, 64] {
            let inputs = inputs("input", rows, model.width);
            let options = RunOptions::default();
            let bare = |runs| bare_nanos(&mut session.borrow_mut(), rows, model.width, runs);
            bare(5);
            // Blocks as short as can be timed: the machine's speed drifts within milliseconds.
            let runs = (1e6 / bare(50)).max(1.0) as usize;
            let ours = || {
                let mut session = session.borrow_mut();
                let started = Instant::now();
                for _ in 0..runs {
                    let outputs = session.run(&inputs, &options).expect("the run succeeds");
                    std::hint::black_box(outputs);
                }
                started.elapsed().as_nanos() as f64 / runs as f64
            };
            let rounds = Rounds::measure(401, ours, || bare(runs));
            let bar = match (model.name, rows) {
                ("small", 1) => "+300 ns",
                ("small", 32 | 64) => "1.03",
                ("big", _) => "1.01",
                _ => "",
            };
            println!(
                "| {} MLP, {rows} rows | {:.2} µs | {:+.0} ns | {:.4} | {bar} |",
                model.name,
                rounds.theirs() / 1e3,
                rounds.difference(),
                rounds.ratio(),
            );
        }
    }
    Ok(())
}
