//! Puts a load on a model behind any server of the Open Inference Protocol, and says how it did.
//!
//!     cargo run --release --bin loadgen -- --url http://127.0.0.1:8000 --model digits --clients 32
//!     cargo run --release --bin loadgen -- --model digits --rate 5000 --duration 30s
//!
//! With `--clients`, each client sends its next request when the last one is answered. With `--rate`,
//! requests arrive by themselves, and latency counts from when each was due: what users see.
#![expect(clippy::print_stdout, reason = "a program talks to its terminal")]

use std::{error::Error, process::ExitCode, sync::Arc, thread, time::Duration};

use benches::load::{
    Arrivals, Inputs, Lengths, LoadTest, Outcome, Process, Report,
    transport::{HttpRequest, HttpTransport, get, read_metadata},
};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

#[derive(Parser)]
#[command(about = "Puts a load on a model behind any server of the Open Inference Protocol")]
struct Arguments {
    /// The server
    #[arg(long, default_value = "http://127.0.0.1:8000")]
    url: String,
    /// The model
    #[arg(long)]
    model: String,
    /// Clients that each send one request at a time [default: 16]
    #[arg(long, conflicts_with = "rate")]
    clients: Option<usize>,
    /// Requests that arrive each second, whether or not those before are answered
    #[arg(long)]
    rate: Option<f64>,
    /// With `--rate`: all gaps are equal, instead of those of many independent users
    #[arg(long, requires = "rate")]
    constant: bool,
    /// With `--rate`: requests under way at most
    #[arg(long, default_value_t = 256)]
    connections: usize,
    /// How long to measure, such as 10s or 500ms, after a fifth of it as warm-up
    #[arg(long, default_value = "10s", value_parser = duration)]
    duration: Duration,
    /// Rows of a request; several, such as 1,8,32, are mixed
    #[arg(long, default_value = "1", value_delimiter = ',')]
    batch: Vec<usize>,
    /// Size of the model's other free axes: a number, or MEDIAN~MAX for log-normal ones
    #[arg(long, default_value = "16", value_parser = lengths)]
    shapes: Lengths,
    /// Threads that send
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// The same seed sends the same requests at the same times
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Process of the server on this machine, to report what it uses
    #[arg(long)]
    pid: Option<u32>,
    /// Prints JSON instead of a table
    #[arg(long)]
    json: bool,
}

fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 1e-3),
        None => (text.strip_suffix('s').ok_or("such as 10s or 500ms")?, 1.0),
    };
    let number: f64 = number.parse().map_err(|error| format!("`{text}`: {error}"))?;
    Duration::try_from_secs_f64(number * unit)
        .ok()
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| format!("`{text}` is no time to measure for"))
}

fn lengths(text: &str) -> Result<Lengths, String> {
    let number = |text: &str| {
        text.parse::<usize>().map_err(|error| format!("`{text}`, such as 16 or 24~128: {error}"))
    };
    match text.split_once('~') {
        None => Ok(Lengths::Fixed(number(text)?)),
        Some((median, max)) => {
            let median = number(median)? as f64;
            Ok(Lengths::LogNormal { median, sigma: 0.7, max: number(max)? })
        }
    }
}

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<ExitCode, Failure> {
    let arguments = Arguments::parse();
    let model = &arguments.model;
    let signature = read_metadata(&get(&format!("{}/v2/models/{model}", arguments.url))?)?;
    let inputs =
        Inputs::default().with_rows(arguments.batch.iter().copied()).with_lengths(arguments.shapes);
    let corpus = inputs.corpus(&signature, arguments.seed)?;
    let encode = |inputs: &_| HttpRequest::oip_binary(model, inputs);
    let transport = Arc::new(HttpTransport::new(&arguments.url, &corpus, encode)?);
    let test = load_test(&arguments);

    let total = test.warm_up + test.duration;
    let running = thread::spawn(move || test.run(&transport));
    if !arguments.json {
        show_progress(total, || running.is_finished())?;
    }
    let report = running.join().map_err(|_panic| "the load test panicked")??;
    if arguments.json {
        println!("{:#}", as_json(&report));
    } else {
        print_table(&report);
    }
    let all_answered = report.failed() == 0 && report.unfinished == 0 && report.answers > 0;
    Ok(if all_answered { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn load_test(arguments: &Arguments) -> LoadTest {
    let process = if arguments.constant { Process::Constant } else { Process::Poisson };
    let arrivals = match arguments.rate {
        Some(rate) => Arrivals::Open { rate, process, connections: arguments.connections },
        None => Arrivals::Closed { clients: arguments.clients.unwrap_or(16) },
    };
    let mut test = LoadTest::new(arrivals)
        .with_duration(arguments.duration / 5, arguments.duration)
        .with_threads(arguments.threads)
        .with_seed(arguments.seed);
    test.server = arguments.pid;
    test
}

fn show_progress(total: Duration, is_over: impl Fn() -> bool) -> Result<(), Failure> {
    let style = ProgressStyle::with_template("{bar:40} {elapsed} of {msg}")?;
    let bar = ProgressBar::new(total.as_millis() as u64).with_style(style);
    bar.set_message(format!("{total:.0?}"));
    while !is_over() {
        thread::sleep(Duration::from_millis(100));
        bar.set_position(bar.elapsed().as_millis() as u64);
    }
    bar.finish_and_clear();
    Ok(())
}

const QUANTILES: [(&str, f64); 5] =
    [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)];

fn label(outcome: Outcome) -> String {
    match outcome {
        Outcome::Answered => "answered".into(),
        Outcome::Refused(status) => format!("status {status}"),
        Outcome::Broken => "connection broke".into(),
        Outcome::Left => "client left".into(),
    }
}

fn print_table(report: &Report) {
    println!("throughput    {:.1} answers/s over {:.1?}", report.throughput(), report.window);
    let latency = QUANTILES.map(|(name, q)| format!("{name} {:.2?}", report.latency.quantile(q)));
    println!("latency       {}", latency.join("  "));
    println!("sent late     p99 {:.2?}", report.start_delay.quantile(0.99));
    println!("requests due  {}", report.due);
    for (outcome, count) in &report.sound {
        println!("  {:<17} {count}", label(*outcome));
    }
    println!("  {:<17} {}", "not in time", report.unfinished);
    if let Some(cpu) = report.client_cpu_per_answer() {
        println!("client        {cpu:.1?} CPU an answer");
    }
    if let (Some(cpu), Some(server)) = (report.server_cpu_per_answer(), report.server) {
        let resident = server.resident_bytes as f64 / f64::from(1 << 20);
        println!("server        {cpu:.1?} CPU an answer, {resident:.0} MiB resident");
    }
}

fn as_json(report: &Report) -> Value {
    let micros = |time: Duration| time.as_nanos() as f64 / 1e3;
    let outcomes: serde_json::Map<String, Value> =
        report.sound.iter().map(|(outcome, count)| (label(*outcome), json!(count))).collect();
    let latency: serde_json::Map<String, Value> = QUANTILES
        .iter()
        .map(|(name, q)| ((*name).to_owned(), json!(micros(report.latency.quantile(*q)))))
        .collect();
    json!({
        "seconds": report.window.as_secs_f64(),
        "answers_per_second": report.throughput(),
        "latency_us": latency,
        "sent_late_p99_us": micros(report.start_delay.quantile(0.99)),
        "due": report.due,
        "outcomes": outcomes,
        "unfinished": report.unfinished,
        "client_cpu_us": report.client_cpu_per_answer().map(micros),
        "server_cpu_us": report.server_cpu_per_answer().map(micros),
        "server_resident_bytes": report.server.map(|server| server.resident_bytes),
    })
}
