//! Our server and those of others on the same models under the same loads, in turn.
//! `cargo xtask bench peers` prepares everything and runs it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its terminal")]

use std::{collections::BTreeMap, fs, path::PathBuf};

use benches::{
    Result,
    peers::{
        Case, Form, LENGTH, Load, MODELS, PEERS, Peer, Places, RunningPeer, Table, cases, corpus,
        perf_analyzer, wrk,
    },
    rounds::median,
};
use clap::Parser;
use mlops_core::inference::{InferenceSession, RunOptions};
use mlops_serve::session::onnxruntime::{OnnxRuntime, OnnxSessionFactory, SessionOptions};

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
    /// One round of one second for each load, and no other load generators: to see that all works
    #[arg(long)]
    quick: bool,
    /// Rounds, each with every server in turn
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds measured for each load
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,
    /// Only these models
    #[arg(long, value_delimiter = ',', default_values_t = MODELS.map(str::to_owned))]
    models: Vec<String>,
    /// Only these servers
    #[arg(long, value_delimiter = ',', default_values_t = PEERS.map(|peer| peer.name.to_owned()))]
    peers: Vec<String>,
}

fn main() -> Result<()> {
    let mut arguments = Arguments::parse();
    if arguments.quick {
        (arguments.rounds, arguments.seconds) = (1, 1.0);
    }
    if let Some(unknown) =
        arguments.peers.iter().find(|name| PEERS.iter().all(|peer| peer.name != **name))
    {
        return Err(
            format!("no peer `{unknown}`: {}", PEERS.map(|peer| peer.name).join(", ")).into()
        );
    }
    let places = Places::new(&arguments.root, &arguments.target, &arguments.library);
    println!("load average before: {}", load_average()?);
    for model in &arguments.models {
        compare(&arguments, &places, model)?;
    }
    println!("\nload average after: {} (these servers and loads are in it)", load_average()?);
    Ok(())
}

/// All servers with one model, in turn, round after round.
fn compare(arguments: &Arguments, places: &Places, model: &str) -> Result<()> {
    let cases = cases(model);
    let mut tables: Vec<_> =
        cases.iter().map(|case| Table::new(format!("{model}, {}", case.label))).collect();
    let expected = expected(places, model)?;
    let mut others = Others::default();
    let mut failed = BTreeMap::new();
    let servers: Vec<Peer> = PEERS
        .into_iter()
        .filter(|peer| arguments.peers.iter().any(|name| name == peer.name))
        .filter(|peer| peer.models.contains(&model))
        .collect();
    for round in 0..arguments.rounds {
        for turn in 0..servers.len() {
            // Each begins a round as often as another.
            let peer = servers[(turn + round) % servers.len()];
            if failed.contains_key(peer.name) {
                continue;
            }
            let (cases, expected) = (&cases[..], &expected[..]);
            let number = round;
            let round = Round { arguments, places, peer, model, cases, expected, number };
            // One that cannot be measured is said to be so; the others are.
            if let Err(error) = round.measure(&mut tables, &mut others) {
                eprintln!("{}: {error}", peer.name);
                failed.insert(peer.name, error.to_string());
            }
        }
    }
    tables.iter().for_each(|table| print!("{table}"));
    others.print(model);
    for (name, error) in failed {
        println!("\n{name} was given up: {error}");
    }
    Ok(())
}

/// What ONNX Runtime answers to the first request, in this process.
fn expected(places: &Places, model: &str) -> Result<Vec<f32>> {
    let runtime = OnnxRuntime::load(&places.library)?;
    let options = SessionOptions::default();
    let path = places.models.join(model).join("1/model.onnx");
    let mut session = OnnxSessionFactory::from_file(&runtime, path, options).open_session()?;
    let request = corpus(model, LENGTH)?.sound.swap_remove(0);
    let outputs = session.run(&request, &RunOptions::default())?;
    Ok(outputs.require("output")?.as_slice::<f32>()?.to_vec())
}

/// One server with one model in one round.
struct Round<'run> {
    arguments: &'run Arguments,
    places: &'run Places,
    peer: Peer,
    model: &'run str,
    cases: &'run [Case],
    /// What ONNX Runtime answers to the first request.
    expected: &'run [f32],
    number: usize,
}

impl Round<'_> {
    fn measure(&self, tables: &mut [Table], others: &mut Others) -> Result<()> {
        let Self { arguments, places, peer, model, cases, number, .. } = *self;
        let first = corpus(model, LENGTH)?;
        let running = RunningPeer::start(peer, places, model, &first)?;
        running.check(&first.sound[0], self.expected)?;
        let mut capacity = 0_f64;
        for (case, table) in cases.iter().zip(tables) {
            let corpus = corpus(model, case.lengths)?;
            let figures = running.put(case.test(capacity, arguments.seconds), &corpus)?;
            if matches!(case.load, Load::Closed(_)) {
                capacity = capacity.max(figures.rate);
            }
            eprintln!("round {number}: {} {model}, {}: {figures:?}", peer.name, case.label);
            table.add(peer.name, figures);
        }
        if !arguments.quick {
            others.drive(arguments, places, &running, peer, model);
        }
        Ok(())
    }
}

/// What other load generators measure, by generator, clients and server.
#[derive(Default)]
struct Others(BTreeMap<(&'static str, usize, &'static str), Vec<Measured>>);

/// Answers a second and the 99th percentile of latency, or why there are none.
type Measured = Result<(f64, String), String>;

impl Others {
    fn drive(
        &mut self,
        arguments: &Arguments,
        places: &Places,
        running: &RunningPeer,
        peer: Peer,
        model: &str,
    ) {
        let width = match model {
            "small" => 64,
            "big" => 512,
            // Their requests are of one shape.
            _ => return,
        };
        let seconds = arguments.seconds;
        for clients in [16, 256] {
            if peer.form == Form::OipBinary {
                let script = places.root.join("benches/wrk/infer.lua");
                let url = format!("{}/v2/models/{model}/infer", running.url());
                let measured = wrk(&script, &url, width, clients, seconds);
                self.add("wrk", clients, peer, measured);
            }
        }
        if matches!(peer.form, Form::OipBinary | Form::OipJson) {
            let environment = places.environments.join("perf_analyzer");
            let measured = perf_analyzer(&environment, running.url(), model, 16, seconds);
            self.add("perf_analyzer", 16, peer, measured);
        }
    }

    fn add(
        &mut self,
        generator: &'static str,
        clients: usize,
        peer: Peer,
        measured: Result<(f64, String)>,
    ) {
        let measured: Measured = measured.map_err(|error| error.to_string());
        eprintln!("{generator}, {clients} clients: {}: {measured:?}", peer.name);
        self.0.entry((generator, clients, peer.name)).or_default().push(measured);
    }

    fn print(&self, model: &str) {
        if self.0.is_empty() {
            return;
        }
        println!("\n| {model}, driven by | clients | server | answers/s | p99 |");
        println!("| --- | --- | --- | --- | --- |");
        for ((generator, clients, server), rounds) in &self.0 {
            let rates: Vec<f64> = rounds.iter().flatten().map(|(rate, _)| *rate).collect();
            match &rounds[rounds.len() / 2] {
                Ok((_, p99)) => {
                    let rate = median(rates);
                    println!("| {generator} | {clients} | {server} | {rate:.0} | {p99} |");
                }
                Err(error) => println!("| {generator} | {clients} | {server} | – | {error} |"),
            }
        }
    }
}

/// What the kernel says: of the last 1, 5 and 15 minutes.
fn load_average() -> Result<String> {
    let text = fs::read_to_string("/proc/loadavg")?;
    Ok(text.split(' ').take(3).collect::<Vec<_>>().join(" "))
}
