//! A NATS server with a folder of its own.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use async_nats::jetstream::{
    self,
    stream::{Config, StorageType},
};
use mlops_serve::score::nats::{NatsConnection, NatsOptions};
use tempfile::TempDir;

/// A server, which ends with this value.
pub(crate) struct NatsServer {
    child: Child,
    folder: TempDir,
    port: u16,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The interpreter of the checks.
pub(crate) fn python() -> PathBuf {
    let path = root().join("target/python/bin/python");
    assert!(path.exists(), "{} is missing: run `cargo xtask setup` first", path.display());
    path
}

impl NatsServer {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let child = spawn(folder.path(), -1);
        let port = port(&child, folder.path());
        Self { child, folder, port }
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Kills it, as a power failure would, and starts it again on what it has stored.
    pub(crate) fn restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = spawn(self.folder.path(), i32::from(self.port));
        assert_eq!(port(&self.child, self.folder.path()), self.port);
    }

    pub(crate) async fn connect(&self) -> NatsConnection {
        NatsConnection::connect(&NatsOptions::new(self.url())).await.unwrap()
    }

    pub(crate) async fn jetstream(&self) -> jetstream::Context {
        jetstream::new(async_nats::connect(self.url()).await.unwrap())
    }

    /// The streams `REQUESTS`, `ANSWERS` and `DEAD`, each of the subject of its name in small letters.
    pub(crate) async fn with_streams() -> (Self, jetstream::Context) {
        let server = Self::start();
        let jetstream = server.jetstream().await;
        for name in ["REQUESTS", "ANSWERS", "DEAD"] {
            let config = Config {
                name: name.to_owned(),
                subjects: vec![format!("{}.>", name.to_lowercase())],
                storage: StorageType::File,
                ..Config::default()
            };
            jetstream.create_stream(config).await.unwrap();
        }
        (server, jetstream)
    }
}

fn spawn(folder: &Path, port: i32) -> Child {
    let program = root().join("target/python/bin/nats-server");
    assert!(program.exists(), "{} is missing: run `cargo xtask setup` first", program.display());
    Command::new(program)
        .args(["--addr", "127.0.0.1", "--port", &port.to_string(), "--jetstream", "--store_dir"])
        .arg(folder.join("store"))
        .arg("--ports_file_dir")
        .arg(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The port a server has told that it listens on.
fn port(child: &Child, folder: &Path) -> u16 {
    let started = Instant::now();
    let file = folder.join(format!("nats-server_{}.ports", child.id()));
    loop {
        let ports = std::fs::read_to_string(&file).unwrap_or_default();
        let port = ports.split("nats://127.0.0.1:").nth(1).and_then(|rest| {
            rest.split(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
        });
        if let Some(port) = port {
            return port;
        }
        assert!(started.elapsed() < Duration::from_secs(20), "no nats-server: {ports}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
