//! A server as a child process.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use crate::command::Result;

/// A server that says `listening on URL` and `ready`, and ends with this value.
pub(crate) struct Server {
    child: Child,
    url: String,
}

impl Server {
    /// Starts it and waits until it is ready. What it says is passed on.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let mut child = command.stderr(Stdio::piped()).spawn()?;
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
                // To its end, so that its output never fills up.
                std::thread::spawn(move || {
                    let lines = lines.map_while(std::result::Result::ok);
                    lines.for_each(|line| eprintln!("server: {line}"));
                });
                return Ok(server);
            }
        }
        Err("the server ended before it was ready".into())
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Waits until it ends by itself.
    pub(crate) fn wait(&mut self) -> Result<()> {
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
