//! The model server as users run it: as a process, asked by the stock client, read by promtool.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test may panic and print")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn library() -> PathBuf {
    let name =
        format!("{}onnxruntime{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let path = root().join("target/onnxruntime").join(name);
    assert!(path.exists(), "{} is missing: run `cargo xtask setup` first", path.display());
    path
}

struct Server {
    child: Child,
    url: String,
    grpc: Option<String>,
}

impl Server {
    fn start(models: &Path, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_model_server"))
            .args(["--http", "127.0.0.1:0", "--models"])
            .arg(models)
            .arg("--onnxruntime")
            .arg(library())
            .args(more)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (mut url, mut grpc) = (None, None);
        for line in lines.by_ref() {
            let line = line.unwrap();
            eprintln!("server: {line}");
            if let Some(address) = line.strip_prefix("listening on http://") {
                url = Some(address.to_owned());
            }
            if let Some(address) = line.strip_prefix("listening on grpc://") {
                grpc = Some(address.to_owned());
            }
            if line == "ready" {
                break;
            }
        }
        std::thread::spawn(move || lines.for_each(|line| eprintln!("server: {}", line.unwrap())));
        Self { child, url: url.expect("the server listens"), grpc }
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.url).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        body.to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// `NAME/1/model.onnx` for the digits and some of the small models of mlops-serve's tests.
fn models(directory: &Path) {
    let tests = root().join("mlops-serve/tests/models");
    for (name, source) in [
        ("digits", root().join("examples/data/digits/models/digits/1/model.onnx")),
        ("two_inputs", tests.join("two_inputs.onnx")),
        ("strings", tests.join("identity_bytes.onnx")),
    ] {
        let version = directory.join(name).join("1");
        std::fs::create_dir_all(&version).unwrap();
        std::fs::copy(source, version.join("model.onnx")).unwrap();
    }
}

#[test]
fn tritonclient_gets_what_python_onnxruntime_gets() {
    let directory = tempfile::tempdir().unwrap();
    models(directory.path());
    let python = root().join("target/python/bin/python");
    assert!(python.exists(), "{} is missing: run `cargo xtask setup` first", python.display());
    for more in
        [&["--placement", "thread", "--instances", "2"][..], &["--placement", "caller-runs"]]
    {
        let server = Server::start(directory.path(), &[more, &["--grpc", "127.0.0.1:0"]].concat());
        let status = Command::new(&python)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tritonclient_check.py"))
            .arg(&server.url)
            .arg(server.grpc.as_ref().unwrap())
            .arg(directory.path())
            .status()
            .unwrap();
        assert!(status.success(), "{more:?}: {status}");
        let metrics = server.get("/metrics");
        let answered = |code: &str| -> f64 {
            metrics
                .lines()
                .filter(|line| line.starts_with("mlops_requests_total") && line.contains(code))
                .map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap())
                .sum()
        };
        assert_eq!(answered("code=\"ok\""), 963.0, "{metrics}");
        assert_eq!(answered("model=\"unknown\""), 2.0, "{metrics}");
    }
}

#[test]
fn a_broken_model_does_not_keep_the_others_from_serving() {
    let directory = tempfile::tempdir().unwrap();
    models(directory.path());
    std::fs::write(directory.path().join("two_inputs/1/model.onnx"), "not a model").unwrap();
    let server = Server::start(directory.path(), &[]);
    assert!(server.get("/v2/models/digits/ready").contains("true"));
    let mut stream = TcpStream::connect(&server.url).unwrap();
    write!(stream, "GET /ready HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("two_inputs/1"), "{answer}");
}
