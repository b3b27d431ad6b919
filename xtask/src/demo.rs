//! The main job, end to end: a real model, real images, over HTTP, compared with Python.

use crate::{
    command::{Result, cargo, command, execute, target},
    server::Server,
    setup,
};

const MODELS: &str = "examples/data/digits/models";

/// Starts the server, sends it the images, and compares.
pub(crate) fn run() -> Result<()> {
    build()?;
    let server = start("127.0.0.1:0")?;
    println!("\nsending handwritten digits to {}", server.url());
    print_urls(server.url());
    let client = target().join("release/digits_client");
    let checked = execute(&mut command(client, &["--server", server.url()]));
    drop(server);
    checked?;
    println!("\nevery label is the one that Python's onnxruntime gives.");
    println!("to keep it running and look around: `cargo xtask demo serve`");
    Ok(())
}

/// Starts the server and leaves it to the user.
pub(crate) fn serve() -> Result<()> {
    build()?;
    let mut server = start("127.0.0.1:8000")?;
    let url = server.url();
    print_urls(url);
    println!("to try, in another terminal:");
    println!("  {} --server {url}", target().join("release/digits_client").display());
    println!("Ctrl-C ends it.");
    server.wait()
}

fn print_urls(url: &str) {
    println!("to look at while it runs:");
    println!("  {url}/v2                    the server");
    println!("  {url}/v2/models/digits      what the model takes and gives");
    println!("  {url}/ready                 what it waits for, if anything");
    println!("  {url}/metrics               requests, batch sizes, latencies");
}

fn build() -> Result<()> {
    setup::library()?;
    cargo(&["build", "--release", "--package", "examples"])
}

fn start(address: &str) -> Result<Server> {
    let mut server = command(target().join("release/model_server"), &[]);
    server.args(["--models", MODELS, "--http", address, "--onnxruntime"]);
    Server::start(server.arg(setup::library()?))
}
