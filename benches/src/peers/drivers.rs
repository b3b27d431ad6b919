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
    read_wrk(&text).ok_or_else(|| format!("wrk says: {text}").into())
}

fn read_wrk(text: &str) -> Option<Measured> {
    let after = |label: &str| {
        let line = text.lines().find(|line| line.trim_start().starts_with(label))?;
        line.split_whitespace().last()
    };
    Some((after("Requests/sec")?.parse().ok()?, after("99%")?.to_owned()))
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
    read_perf_analyzer(&text).filter(|_| output.status.success()).ok_or_else(|| {
        let said = errors.lines().chain(text.lines()).find(|line| !line.trim().is_empty());
        said.unwrap_or("perf_analyzer said nothing").trim().to_owned().into()
    })
}

fn read_perf_analyzer(text: &str) -> Option<Measured> {
    let result = text.lines().rev().find_map(|line| line.split_once("throughput: "))?.1;
    let (rate, latency) = result.split_once(" infer/sec, latency ")?;
    Some((rate.parse().ok()?, latency.replace(" usec", "us")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wrk_prints_is_read() {
        let text = "  Latency Distribution\n     50%    0.30ms\n     99%    1.33ms\n\
                    Requests/sec:  59129.10\nTransfer/sec:     12.01MB\n";
        assert_eq!(read_wrk(text), Some((59_129.1, "1.33ms".into())));
        assert_eq!(read_wrk("unable to connect to 127.0.0.1:1 Connection refused"), None);
    }

    #[test]
    fn what_perf_analyzer_prints_is_read() {
        let text = "Request concurrency: 16\n  Client:\n    Throughput: 9432.1 infer/sec\n\
                    Inferences/Second vs. Client p99 Batch Latency\n\
                    Concurrency: 16, throughput: 9432.1 infer/sec, latency 3717 usec\n";
        assert_eq!(read_perf_analyzer(text), Some((9432.1, "3717us".into())));
        assert_eq!(read_perf_analyzer("error: failed to get model config: Not Found"), None);
    }
}
