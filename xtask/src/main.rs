//! The project's own commands. `cargo xtask` lists them.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its terminal")]

mod bench;
mod command;
mod demo;
mod fuzz;
mod generate;
mod server;
mod setup;
mod soak;
mod test;
mod verify;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  demo          serve a real model, send it real images, compare with Python
  demo serve    the same server, for you to try; ends with Ctrl-C
  test          every test, with the real ONNX Runtime and the stock Python clients
  test --services
                tests against other programs, which must be installed
  generate      the Rust code of the gRPC protocol, from its .proto
  verify        formatting, lints, every feature alone, documentation
  bench [NAME]  the bars, side by side with a baseline: session, batcher, queue, http, generator,
                tensors
  bench score   a Parquet file scored offline, beside a loop in Python; builds polars
  bench drift   drift, beside scipy, river, NannyML and Evidently; builds polars
  bench peers   the same models and loads on other servers, in turn; hours, minutes with --quick
  soak          requests under hot swaps, in full counts
  soak fuzz [MINUTES]
                a search for requests that break the server; 10 minutes a target
  soak statistics
                how often statistical tests alarm, in full counts
  setup         fetch ONNX Runtime and the Python environment into target/ (others call it)
  setup --system
                install the other programs that `test --services` needs (apt)
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        ["setup"] => setup::library().and_then(|_| setup::python()).map(drop),
        ["setup", "--system"] => setup::system(),
        ["demo"] => demo::run(),
        ["demo", "serve"] => demo::serve(),
        ["test"] => test::run(),
        ["test", "--services"] => test::services(),
        ["bench", ref names @ ..] => bench::run(names),
        ["generate"] => generate::run(),
        ["soak", "fuzz"] => fuzz::run("10"),
        ["soak", "fuzz", minutes] => fuzz::run(minutes),
        ["soak", "statistics", ref options @ ..] => soak::statistics(options),
        ["soak", ref options @ ..] => soak::run(options),
        ["verify"] => verify::run(),
        _ => {
            print!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
