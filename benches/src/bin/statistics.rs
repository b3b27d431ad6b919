//! How often statistics alarm, in full counts. `cargo xtask soak statistics` runs it.
#![expect(clippy::print_stdout, reason = "a program talks to its terminal")]

use benches::simulation::{self, Promise};
use clap::Parser;

#[derive(Parser)]
struct Arguments {
    /// How often each is tried
    #[arg(long, default_value_t = 20_000)]
    trials: u64,
    /// Only statistics whose name has this in it
    #[arg(long, default_value = "")]
    only: String,
}

fn main() -> benches::Result<()> {
    let Arguments { trials, only } = Arguments::parse();
    println!("| statistic | data | alarms at 5 % | promised |\n| --- | --- | --- | --- |");
    let mut broken = Vec::new();
    for simulation in simulation::all().into_iter().filter(|each| each.name.contains(&only)) {
        let rate = simulation.run(trials)?;
        let promise = match simulation.promise {
            Promise::Nominal => "5 %",
            Promise::Near => "near 5 %",
            Promise::AtMost => "at most 5 %",
            Promise::Power => "",
        };
        println!("| {} | {} | {rate} | {promise} |", simulation.name, simulation.data);
        if !rate.keeps(simulation.promise) {
            broken.push(format!("{simulation:?}: {rate}"));
        }
    }
    if broken.is_empty() { Ok(()) } else { Err(broken.join("; ").into()) }
}
