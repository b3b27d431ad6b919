//! Our server against the one that one would write by hand, under `wrk`, in turn.
//! `cargo xtask bench http` prepares both and runs it.
#![expect(clippy::print_stdout, reason = "a program talks to its terminal")]

use std::path::PathBuf;

use benches::{
    Result,
    load::Lengths,
    peers::{PEERS, Places, RunningPeer, corpus, wrk},
    rounds::median,
};
use clap::Parser;

#[derive(Parser)]
struct Arguments {
    /// The project's folder
    #[arg(long)]
    root: PathBuf,
    /// The build folder
    #[arg(long)]
    target: PathBuf,
    /// The ONNX Runtime library
    #[arg(long)]
    library: PathBuf,
}

const ROUNDS: usize = 5;
const SECONDS: f64 = 3.0;

/// Answers a second, and the 99th percentile of latency.
type Measured = (f64, String);

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let places = Places::new(&arguments.root, &arguments.target, &arguments.library);
    let script = arguments.root.join("benches/wrk/infer.lua");
    let [ours, theirs, ..] = PEERS;
    println!(
        "\n| OIP over HTTP, binary, 1 row, `wrk` | ours | hand-written | ratio | p99 ours | p99 theirs | bar |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for (model, width) in [("small", 64), ("big", 512)] {
        let corpus = corpus(model, Lengths::Fixed(1))?;
        let ours = RunningPeer::start(ours, &places, model, &corpus)?;
        let theirs = RunningPeer::start(theirs, &places, model, &corpus)?;
        for connections in [1, 32, 128] {
            let drive = |server: &RunningPeer| {
                let url = format!("{}/v2/models/{model}/infer", server.url());
                wrk(&script, &url, width, connections, SECONDS)
            };
            let rounds: Result<Vec<(Measured, Measured)>> =
                (0..ROUNDS).map(|_| Ok((drive(&ours)?, drive(&theirs)?))).collect();
            let rounds = rounds?;
            let ratio = median(rounds.iter().map(|(our, their)| our.0 / their.0).collect());
            let (ours, theirs): (Vec<_>, Vec<_>) = rounds.into_iter().unzip();
            let [(our, our_p99), (their, their_p99)] = [middle(ours), middle(theirs)];
            println!(
                "| {model} MLP, {connections} connections | {our:.0}/s | {their:.0}/s | {ratio:.3} | {our_p99} | {their_p99} | 0.95 |"
            );
        }
    }
    Ok(())
}

/// The round whose rate is the median.
fn middle(mut rounds: Vec<Measured>) -> Measured {
    rounds.sort_by(|one, other| one.0.total_cmp(&other.0));
    rounds.swap_remove(ROUNDS / 2)
}
