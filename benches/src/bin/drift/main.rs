//! Drift: what its bars need. `cargo xtask bench drift` runs it, beside the peers in Python.
#![expect(clippy::print_stdout, reason = "a program talks to its terminal")]

mod bars;
mod case;
mod data;
mod monitor;

use std::{error::Error, hint::black_box, path::PathBuf, time::Duration};

use clap::{Parser, Subcommand};
use rustix::time::{ClockId, clock_gettime};

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Ratios to what cannot be done without, in this process
    Bars {
        /// Where the data is
        folder: PathBuf,
    },
    /// One piece of work that a peer does too: prints the seconds of processor time it took
    Case {
        /// Which
        name: String,
        /// Where the data is
        folder: PathBuf,
    },
}

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Bars { folder } => bars::run(&folder),
        Command::Case { name, folder } => {
            println!("{}", case::run(&name, &folder)?);
            Ok(())
        }
    }
}

/// Seconds of processor time, of all threads of the process, that a piece of work takes.
fn seconds<T>(work: impl FnOnce() -> Result<T>) -> Result<f64> {
    let now =
        || -> Result<Duration> { Ok(Duration::try_from(clock_gettime(ClockId::ProcessCPUTime))?) };
    let started = now()?;
    black_box(work()?);
    Ok((now()? - started).as_secs_f64())
}
