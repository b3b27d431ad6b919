//! Ten million requests under a thousand hot swaps. `cargo xtask soak` runs it.
#![expect(clippy::print_stdout, reason = "a program talks to its terminal")]

use std::{path::PathBuf, sync::Arc};

use benches::{
    Result,
    soak::{Soak, SoakHost},
};
use clap::Parser;
use mlops_serve::{
    batch::BatcherOptions,
    session::onnxruntime::{OnnxRuntime, OnnxSessionFactory, SessionOptions},
};

#[derive(Parser)]
struct Arguments {
    /// The ONNX Runtime library
    #[arg(long)]
    library: PathBuf,
    /// A model that can be batched
    #[arg(long, default_value = "examples/data/digits/models/digits/1/model.onnx")]
    model: PathBuf,
    /// Requests to send
    #[arg(long, default_value_t = 10_000_000)]
    requests: u64,
    /// Times to replace the model meanwhile
    #[arg(long, default_value_t = 1000)]
    swaps: u64,
}

/// The share by which memory may grow.
const GROWTH: f64 = 0.05;

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let runtime = OnnxRuntime::load(&arguments.library)?;
    let options = SessionOptions::default();
    let factory = OnnxSessionFactory::from_file(&runtime, &arguments.model, options);
    let host = Arc::new(SoakHost::start(Arc::new(factory), BatcherOptions::default())?);
    let report = Soak::new(arguments.requests, arguments.swaps).run(&host)?;
    println!("{report}");
    report.check()?;
    let quarters: Vec<String> = (0..=4)
        .map(|quarter| {
            let last = report.resident.len() - 1;
            format!("{:.1}", report.resident[quarter * last / 4] as f64 / f64::from(1 << 20))
        })
        .collect();
    println!(
        "resident after each quarter {} MiB; growth {:.2} %",
        quarters.join(", "),
        100.0 * report.growth()
    );
    // A leak shows after some swaps only; with fewer it is noise.
    if arguments.swaps >= 100 && report.growth() > GROWTH {
        return Err(format!("memory grew by more than {} %", 100.0 * GROWTH).into());
    }
    Ok(())
}
