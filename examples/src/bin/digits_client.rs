//! Sends the test images of handwritten digits to a model server from many clients at once and
//! compares every label with the one Python's onnxruntime gives.
//!
//!     cargo run --release --bin digits_client -- --server http://127.0.0.1:8000
//!
//! Exits with status 1 unless all labels are equal.
#![expect(clippy::print_stdout, reason = "a program talks to its terminal")]

use std::{
    collections::VecDeque,
    error::Error,
    path::PathBuf,
    process::ExitCode,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

#[derive(Parser)]
#[command(about = "Sends handwritten digits to a model server and checks the answers")]
struct Arguments {
    /// The server
    #[arg(long, default_value = "http://127.0.0.1:8000")]
    server: String,
    /// Images with labels
    #[arg(long, default_value = "examples/data/digits/test.csv")]
    images: PathBuf,
    /// Clients that send at once
    #[arg(long, default_value_t = 32)]
    clients: usize,
    /// How often every image is sent
    #[arg(long, default_value_t = 100)]
    rounds: usize,
}

type Failure = Box<dyn Error + Send + Sync>;

#[derive(Clone)]
struct Image {
    pixels: Vec<f32>,
    label: i64,
    /// The label Python's onnxruntime gives.
    reference: i64,
}

/// What came of one image.
struct Answer {
    latency: Duration,
    correct: bool,
    as_reference: bool,
}

#[tokio::main]
async fn main() -> Result<ExitCode, Failure> {
    let arguments = Arguments::parse();
    let images = read_images(&arguments.images)?;
    let total = images.len() * arguments.rounds;
    let progress = ProgressBar::new(total as u64).with_style(ProgressStyle::with_template(
        "{bar:40} {pos}/{len} images  {per_sec}  {elapsed}",
    )?);
    let work: VecDeque<Image> = images.iter().cycle().take(total).cloned().collect();
    let work = Arc::new(Mutex::new(work));

    let started = Instant::now();
    let clients: Vec<_> = (0..arguments.clients)
        .map(|_| {
            let url = format!("{}/v2/models/digits/infer", arguments.server);
            tokio::spawn(client(url, Arc::clone(&work), progress.clone()))
        })
        .collect();
    let mut answers = Vec::with_capacity(total);
    for client in clients {
        answers.extend(client.await??);
    }
    let elapsed = started.elapsed();
    progress.finish_and_clear();

    let share = |count: usize| 100.0 * count as f64 / total as f64;
    let correct = answers.iter().filter(|answer| answer.correct).count();
    let as_reference = answers.iter().filter(|answer| answer.as_reference).count();
    let mut latencies: Vec<_> = answers.iter().map(|answer| answer.latency).collect();
    latencies.sort_unstable();
    let quantile = |q: f64| latencies[(q * (latencies.len() - 1) as f64).round() as usize];
    println!("images       {total} ({} different), {} clients", images.len(), arguments.clients);
    println!("accuracy     {:.2} %", share(correct));
    println!("as Python    {:.2} % have the label Python's onnxruntime gives", share(as_reference));
    println!("throughput   {:.0} requests/s", total as f64 / elapsed.as_secs_f64());
    println!(
        "latency      p50 {:.2?}  p95 {:.2?}  p99 {:.2?}",
        quantile(0.5),
        quantile(0.95),
        quantile(0.99)
    );
    println!("batch sizes  {}", batch_sizes(&arguments.server).await?);
    Ok(if as_reference == total { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Sends images one after the other until none is left.
async fn client(
    url: String,
    work: Arc<Mutex<VecDeque<Image>>>,
    progress: ProgressBar,
) -> Result<Vec<Answer>, Failure> {
    let http = reqwest::Client::new();
    let header = json!({
        "inputs": [{
            "name": "input", "datatype": "FP32", "shape": [1, 64],
            "parameters": { "binary_data_size": 256 },
        }],
        "outputs": [{ "name": "label", "parameters": { "binary_data": false } }],
    })
    .to_string();
    let mut answers = Vec::new();
    loop {
        let next = work.lock().map_err(|error| error.to_string())?.pop_front();
        let Some(image) = next else {
            return Ok(answers);
        };
        let mut body = header.clone().into_bytes();
        image.pixels.iter().for_each(|pixel| body.extend_from_slice(&pixel.to_le_bytes()));
        let started = Instant::now();
        let request = http.post(&url).header("Inference-Header-Content-Length", header.len());
        let response = request.body(body).send().await?;
        let (status, body) = (response.status(), response.bytes().await?);
        let latency = started.elapsed();
        if !status.is_success() {
            return Err(format!("{status}: {}", String::from_utf8_lossy(&body)).into());
        }
        let answer: Value = serde_json::from_slice(&body)?;
        let label = answer["outputs"][0]["data"][0].as_i64();
        answers.push(Answer {
            latency,
            correct: label == Some(image.label),
            as_reference: label == Some(image.reference),
        });
        progress.inc(1);
    }
}

/// How many batches of each size formed, from the server's metrics.
async fn batch_sizes(server: &str) -> Result<String, Failure> {
    let text = reqwest::get(format!("{server}/metrics")).await?.text().await?;
    let mut sizes = Vec::new();
    let (mut below, mut smallest) = (0, 1);
    for line in text.lines().filter(|line| line.starts_with("mlops_batch_size_bucket")) {
        let Some((labels, count)) = line.rsplit_once(' ') else {
            continue;
        };
        let Some((_, rest)) = labels.split_once("le=\"") else {
            continue;
        };
        let Ok(limit) = rest.trim_end_matches("\"}").split('"').next().unwrap_or("").parse::<f64>()
        else {
            continue;
        };
        let count: u64 = count.parse()?;
        if count > below {
            let range = if smallest as f64 == limit {
                format!("{limit}")
            } else {
                format!("{smallest}-{limit}")
            };
            sizes.push(format!("{range}: {}", count - below));
        }
        (below, smallest) = (count, limit as u64 + 1);
    }
    Ok(sizes.join("  "))
}

fn read_images(path: &PathBuf) -> Result<Vec<Image>, Failure> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    text.lines()
        .skip(1)
        .map(|line| {
            let numbers = line.split(',').map(str::parse).collect::<Result<Vec<i64>, _>>()?;
            let [pixels @ .., label, reference] = &numbers[..] else {
                return Err(format!("not an image: {line}").into());
            };
            let pixels = pixels.iter().map(|pixel| *pixel as f32).collect();
            Ok(Image { pixels, label: *label, reference: *reference })
        })
        .collect()
}
