//! The main job, end to end: a real model, real images, over HTTP, compared with Python.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
};

use crate::{
    command::{Result, cargo, command, execute, target},
    setup,
};

const MODELS: &str = "examples/data/digits/models";

/// Starts the server, sends it the images, and compares.
pub(crate) fn run() -> Result<()> {
    build()?;
    let mut server = Server::start("127.0.0.1:0")?;
    println!("\nsending handwritten digits to {}", server.url);
    print_urls(&server.url);
    let client = target().join("release/digits_client");
    let checked = execute(&mut command(client, &["--server", &server.url]));
    server.stop();
    checked?;
    println!("\nevery label is the one that Python's onnxruntime gives.");
    println!("to keep it running and look around: `cargo xtask demo serve`");
    Ok(())
}

/// Starts the server and leaves it to the user.
pub(crate) fn serve() -> Result<()> {
    build()?;
    let mut server = Server::start("127.0.0.1:8000")?;
    let url = &server.url;
    print_urls(url);
    println!("to try, in another terminal:");
    println!("  {} --server {url}", target().join("release/digits_client").display());
    println!("Ctrl-C ends it.");
    server.child.wait()?;
    Ok(())
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

/// A model server that ends with this value.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    /// Starts it and waits until it is ready.
    fn start(address: &str) -> Result<Self> {
        let mut server = command(target().join("release/model_server"), &[]);
        server.args(["--models", MODELS, "--http", address, "--onnxruntime"]);
        let mut child = server.arg(setup::library()?).stderr(Stdio::piped()).spawn()?;
        let output = child.stderr.take().ok_or("no output to read")?;
        let mut server = Self { child, url: String::new() };
        let mut lines = BufReader::new(output).lines();
        for line in lines.by_ref() {
            let line = line?;
            eprintln!("server: {line}");
            if let Some(url) = line.strip_prefix("listening on ") {
                server.url = url.into();
            }
            if line == "ready" {
                // Whatever else it says is passed on, so that its output never fills up.
                std::thread::spawn(move || {
                    lines
                        .map_while(std::result::Result::ok)
                        .for_each(|line| eprintln!("server: {line}"));
                });
                return Ok(server);
            }
        }
        Err("the server ended before it was ready".into())
    }

    fn stop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}
