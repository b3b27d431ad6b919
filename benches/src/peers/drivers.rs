//! Load generators that others have made.

use std::{path::Path, process::Command};

use crate::Result;

/// Answers a second, and the 99th percentile of latency as the program shows it.
type Measured = (f64, String);

/// `wrk` with `clients` connections and the requests of `benches/wrk/infer.lua`.
///
/// # Errors
/// If it is not installed, or an answer was not the right one.
pub fn wrk(
    script: &Path,
    url: &str,
    width: usize,
    clients: usize,
    seconds: f64,
) -> Result<Measured> {
    let output = Command::new("wrk")
        .args(["-t1", "--latency", "-c", &clients.to_string(), "-d", &format!("{seconds:.0}s")])
        .arg("-s")
        .arg(script)
        .args([url, "--", &width.to_string()])
        .output()
        .map_err(|error| format!("wrk: {error}; `apt-get install wrk`"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    if text.contains("Non-2xx") || !output.status.success() {
        return Err(format!("wrk against {url}: {text}").into());
    }
    let after = |label: &str| {
        let line = text.lines().find(|line| line.trim_start().starts_with(label));
        line.and_then(|line| line.split_whitespace().last()).ok_or(format!("no {label}: {text}"))
    };
    Ok((after("Requests/sec")?.parse()?, after("99%")?.to_owned()))
}

/// `perf_analyzer` over HTTP with `clients` requests under way.
///
/// # Errors
/// What it says, for a server that lacks something it asks for.
pub fn perf_analyzer(
    environment: &Path,
    server: &str,
    model: &str,
    clients: usize,
    seconds: f64,
) -> Result<Measured> {
    let cuda = Command::new(environment.join("bin/python"))
        .args(["-c", "import nvidia.cuda_runtime as cuda; print(cuda.__path__[0])"])
        .output()?;
    let cuda = String::from_utf8_lossy(&cuda.stdout).trim().to_owned();
    let milliseconds = format!("{:.0}", 1e3 * seconds);
    let output = Command::new(environment.join("bin/perf_analyzer"))
        .env("LD_LIBRARY_PATH", format!("{cuda}/lib"))
        .args(["-m", model, "-u", server.trim_start_matches("http://"), "-i", "http"])
        .args(["--concurrency-range", &clients.to_string(), "--percentile", "99"])
        // One measurement: rounds are repeated from outside.
        .args(["--measurement-interval", &milliseconds, "--max-trials", "3"])
        .args(["--stability-percentage", "100"])
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    // Concurrency: 16, throughput: 11247.3 infer/sec, latency 2840 usec
    let result = text.lines().rev().find_map(|line| line.split_once("throughput: "));
    let Some((_, result)) = result.filter(|_| output.status.success()) else {
        let said = errors.lines().chain(text.lines()).find(|line| !line.trim().is_empty());
        return Err(said.unwrap_or("perf_analyzer said nothing").trim().to_owned().into());
    };
    let rate = result.split(' ').next().unwrap_or_default().parse()?;
    let p99 = result.rsplit_once("latency ").map_or("", |(_, latency)| latency);
    Ok((rate, p99.replace(" usec", "us")))
}
