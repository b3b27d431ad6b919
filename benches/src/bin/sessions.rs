//! What several sessions of one model take, with each way to open them: memory, and time beside the
//! default's.
//!
//! Each row about memory is a process of its own, because what is given back is not always seen.

use std::{path::PathBuf, process::Command, time::Instant};

use benches::rounds::{Rounds, median};
use clap::{Parser, ValueEnum};
use mlops_core::{
    inference::{InferenceSession, RunOptions},
    tensor::NamedTensors,
    testing::sample_inputs,
};
use mlops_serve::session::onnxruntime::{
    OnnxRuntime, OnnxSession, OnnxSessionFactory, SessionOptions,
};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[derive(Debug, Parser)]
struct Arguments {
    /// The model; its input is a matrix of rows.
    model: PathBuf,
    /// The ONNX Runtime library.
    #[arg(long, env = "ORT_DYLIB_PATH")]
    library: PathBuf,
    /// Processes for each row of the table, of which the median is shown.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Measures this way in this process, instead of all in processes of their own.
    #[arg(long)]
    way: Option<Way>,
    /// Sessions of this process.
    #[arg(long, default_value_t = 1)]
    sessions: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Way {
    Default,
    SharedWeights,
    MemoryPattern,
    NoMemoryPattern,
}

/// Rows of one batch after another: no two alike, as a batcher has them.
const BATCHES: [usize; 10] = [1, 7, 32, 3, 64, 16, 2, 48, 5, 24];

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    match arguments.way {
        Some(way) => measure(&arguments, way),
        None => table(&arguments),
    }
}

#[expect(clippy::print_stdout, reason = "the tables are what it is for")]
fn table(arguments: &Arguments) -> Result<()> {
    println!("| way | sessions | opened, MB | after varying batches, MB |");
    println!("| --- | --- | --- | --- |");
    for way in Way::value_variants() {
        for sessions in [1, 2, 4, 8] {
            let mut rounds = Vec::new();
            for _ in 0..arguments.rounds {
                rounds.push(round(arguments, *way, sessions)?);
            }
            let column = |at: usize| median(rounds.iter().map(|round| round[at]).collect());
            println!("| {way:?} | {sessions} | {:.1} | {:.1} |", column(0), column(1));
        }
    }
    println!("\n| ten batches of varying size | time over the default's |\n| --- | --- |");
    for way in Way::value_variants() {
        let mut ours = open(arguments, *way)?.open_session()?;
        let mut theirs = open(arguments, Way::Default)?.open_session()?;
        let inputs = inputs(&ours)?;
        let rounds = Rounds::measure(
            101 * arguments.rounds,
            || time(&mut ours, &inputs),
            || time(&mut theirs, &inputs),
        );
        println!("| {way:?} | {:.3} |", rounds.ratio());
    }
    Ok(())
}

fn round(arguments: &Arguments, way: Way, sessions: usize) -> Result<Vec<f64>> {
    let name = way.to_possible_value().ok_or("a way without a name")?;
    let output = Command::new(std::env::current_exe()?)
        .arg(&arguments.model)
        .args(["--way", name.get_name(), "--sessions", &sessions.to_string()])
        .arg("--library")
        .arg(&arguments.library)
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let line = String::from_utf8(output.stdout)?;
    Ok(line.split_whitespace().map(str::parse).collect::<std::result::Result<_, _>>()?)
}

/// Prints megabytes that the sessions took, and megabytes after they ran.
#[expect(clippy::print_stdout, reason = "the parent reads it")]
fn measure(arguments: &Arguments, way: Way) -> Result<()> {
    let factory = open(arguments, way)?;
    let before = resident_mb()?;
    let mut sessions = (0..arguments.sessions)
        .map(|_| factory.open_session())
        .collect::<mlops_core::Result<Vec<_>>>()?;
    let opened = resident_mb()? - before;
    let inputs = inputs(&sessions[0])?;
    for session in &mut sessions {
        time(session, &inputs);
    }
    println!("{opened} {}", resident_mb()? - before);
    Ok(())
}

fn open(arguments: &Arguments, way: Way) -> Result<OnnxSessionFactory> {
    let mut options = SessionOptions::default();
    match way {
        Way::Default => {}
        Way::SharedWeights => options = options.with_shared_weights(),
        Way::MemoryPattern => options.memory_pattern = true,
        Way::NoMemoryPattern => options.memory_pattern = false,
    }
    let runtime = OnnxRuntime::load(&arguments.library)?;
    Ok(OnnxSessionFactory::from_file(&runtime, &arguments.model, options))
}

fn inputs(session: &OnnxSession) -> mlops_core::Result<Vec<NamedTensors>> {
    BATCHES.iter().map(|rows| sample_inputs(session.signature(), *rows, 1)).collect()
}

/// Seconds that a run of each of these takes.
fn time(session: &mut OnnxSession, inputs: &[NamedTensors]) -> f64 {
    let started = Instant::now();
    for inputs in inputs {
        session.run(inputs, &RunOptions::default()).expect("samples of the signature are valid");
    }
    started.elapsed().as_secs_f64()
}

fn resident_mb() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).ok_or("no VmRSS")?;
    let kilobytes: f64 = line.split_whitespace().nth(1).ok_or("no figure")?.parse()?;
    Ok(kilobytes / 1024.0)
}
