//! What the load generator itself can do, against a server and a model that answer at once: figures
//! near these are the generator's, not the server's. `cargo xtask bench generator` runs it.
#![expect(clippy::print_stdout, reason = "a program talks to its terminal")]

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use benches::{
    Result,
    load::{
        Arrivals, InstantServer, Lengths, LoadTest, Process, Report,
        transport::{HttpRequest, HttpTransport, InProcess, Transport},
    },
    peers,
    rounds::median,
};
use mlops_core::{
    inference::{ModelDescriptor, Predict},
    model::ModelId,
    signature::{Dim, ModelSignature, TensorSpec},
    tensor::{DataType, NamedTensors},
    testing::predict::MockPredict,
};

const ROUNDS: usize = 5;
const SECONDS: f64 = 2.0;

fn main() -> Result<()> {
    if std::env::args().nth(1).as_deref() == Some("serve") {
        return serve();
    }
    // In a process of its own, so that its CPU time is told apart.
    let mut server = Command::new(std::env::current_exe()?)
        .arg("serve")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut url = String::new();
    BufReader::new(server.stdout.take().ok_or("no output")?).read_line(&mut url)?;
    let measured = measure(url.trim());
    server.kill()?;
    server.wait()?;
    measured
}

/// Answers at once until its standard input ends.
fn serve() -> Result<()> {
    let server = InstantServer::start()?;
    println!("{}", server.url());
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}

fn measure(server: &str) -> Result<()> {
    let corpus = peers::corpus("small", Lengths::Fixed(1))?;
    let encode = |inputs: &_| HttpRequest::oip_binary("small", inputs);
    let http = Arc::new(HttpTransport::new(server, &corpus, encode)?);
    let in_process = Arc::new(InProcess::new(free_model()?, &corpus));

    println!(
        "| one thread, nothing to wait for | requests/s | its CPU a request | sent late, p99 |"
    );
    println!("| --- | --- | --- | --- |");
    let mut most = 0_f64;
    for clients in [1, 16, 256] {
        let rate = row(&format!("HTTP, {clients} clients"), Arrivals::Closed { clients }, &http)?;
        most = most.max(rate);
    }
    for share in [0.25, 0.5] {
        let arrivals =
            Arrivals::Open { rate: share * most, process: Process::Poisson, connections: 256 };
        row(&format!("HTTP, open loop at {:.0} % of that", 100.0 * share), arrivals, &http)?;
    }
    row("in process, 16 clients", Arrivals::Closed { clients: 16 }, &in_process)?;

    println!("\n| the same server under `wrk -t1` | requests/s |");
    println!("| --- | --- |");
    let script = Path::new("benches/wrk/infer.lua");
    let url = format!("{server}/v2/models/small/infer");
    for clients in [1, 16, 256] {
        let rates: Result<Vec<f64>> =
            (0..ROUNDS).map(|_| Ok(peers::wrk(script, &url, 64, clients, SECONDS)?.0)).collect();
        println!("| {clients} connections | {:.0} |", median(rates?));
    }
    Ok(())
}

fn row<T: Transport>(label: &str, arrivals: Arrivals, transport: &Arc<T>) -> Result<f64> {
    let test = LoadTest::new(arrivals)
        .with_duration(Duration::from_millis(300), Duration::from_secs_f64(SECONDS));
    let reports: Result<Vec<_>> = (0..ROUNDS).map(|_| test.run(transport)).collect();
    let reports = reports?;
    let of = |figure: &dyn Fn(&Report) -> f64| median(reports.iter().map(figure).collect());
    let rate = of(&|report| report.throughput());
    let cpu = of(&|report| report.client_cpu_per_answer().unwrap_or_default().as_secs_f64() * 1e6);
    let late = of(&|report| report.start_delay.quantile(0.99).as_secs_f64() * 1e6);
    println!("| {label} | {rate:.0} | {cpu:.2} µs | {late:.0} µs |");
    Ok(rate)
}

/// A model that gives back what it is asked.
fn free_model() -> Result<Arc<dyn Predict>> {
    let tensor = |name: &str| {
        let shape = [Dim::Symbolic("batch".into()), Dim::Fixed(64)];
        TensorSpec::new(name, DataType::F32, shape)
    };
    let signature =
        ModelSignature { inputs: vec![tensor("input")], outputs: vec![tensor("output")] };
    let id = Arc::new(ModelId::new("free".parse()?, "1".parse()?));
    let descriptor = ModelDescriptor::new(id, Arc::new(signature), "mock");
    Ok(Arc::new(MockPredict::new(descriptor, |request| {
        Ok(NamedTensors::single("output", request.inputs.require("input")?.clone()))
    })))
}
