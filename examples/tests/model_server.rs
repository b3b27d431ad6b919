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
        Self::start_as(&mut Command::new(env!("CARGO_BIN_EXE_model_server")), models, more)
    }

    /// Starts it by a command that runs it with these arguments.
    fn start_as(command: &mut Command, models: &Path, more: &[&str]) -> Self {
        let mut child = command
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
        self.ask("GET", path)
    }

    fn post(&self, path: &str) -> String {
        self.ask("POST", path)
    }

    fn ask(&self, method: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.url).unwrap();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
            .unwrap();
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

#[test]
fn a_model_can_have_batcher_options_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    models(directory.path());
    std::fs::write(directory.path().join("digits/batcher.json"), "{\"max_batch_size\": 2}")
        .unwrap();
    std::fs::write(directory.path().join("strings/batcher.json"), "{\"max_bath_size\": 2}")
        .unwrap();
    let server = Server::start(directory.path(), &["--max-batch-size", "7"]);
    assert!(server.get("/v2/models/digits/config").contains("\"max_batch_size\":2"));
    assert!(server.get("/v2/models/two_inputs/config").contains("\"max_batch_size\":7"));
    let index = server.post("/v2/repository/index");
    assert!(index.contains("strings/batcher.json") && index.contains("max_bath_size"), "{index}");
}

/// Memory that the process has in use, in bytes.
#[cfg(target_os = "linux")]
fn resident_bytes(child: &Child) -> u64 {
    let pages = std::fs::read_to_string(format!("/proc/{}/statm", child.id())).unwrap();
    let pages: u64 = pages.split(' ').nth(1).unwrap().parse().unwrap();
    pages * rustix::param::page_size() as u64
}

/// Lets this process and its children have as many open files as they may.
#[cfg(target_os = "linux")]
fn raise_open_files() -> u64 {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
    limit.current.unwrap_or(u64::MAX)
}

/// The server keeps 10 000 connections at most: of 11 000, it gives up those idle for longest.
#[cfg(target_os = "linux")]
#[test]
fn idle_connections_take_little_and_keep_nobody_out() {
    // Fewer where the system allows fewer: `ulimit -Hn`.
    let count = raise_open_files().saturating_sub(500).min(11_000);
    let directory = tempfile::tempdir().unwrap();
    models(directory.path());
    let server = Server::start(directory.path(), &[]);
    let before = resident_bytes(&server.child);
    let mut idle = Vec::new();
    for number in 1..=count {
        idle.push(TcpStream::connect(&server.url).unwrap());
        // The system drops those that the server has not accepted yet, if they become too many.
        if number % 100 == 0 {
            assert!(server.get("/v2/models/digits/ready").contains("true"), "{number}");
        }
    }
    let open = std::fs::read_dir(format!("/proc/{}/fd", server.child.id())).unwrap().count();
    assert!(open as u64 > count.min(10_000) / 2 && open < 10_100, "{open} open files");
    let each = (resident_bytes(&server.child) - before) / count.min(10_000);
    assert!(each < 16 << 10, "{each} bytes a connection");
    drop(idle);
    assert!(server.get("/v2/models/digits/ready").contains("true"));
}

/// The system's limit may be below the server's own.
#[cfg(target_os = "linux")]
#[test]
fn a_server_out_of_file_descriptors_still_answers() {
    let directory = tempfile::tempdir().unwrap();
    models(directory.path());
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 100 && exec \"$0\" \"$@\""]);
    command.arg(env!("CARGO_BIN_EXE_model_server"));
    let server = Server::start_as(&mut command, directory.path(), &[]);
    let idle: Vec<_> = (0..300).map(|_| TcpStream::connect(&server.url).unwrap()).collect();
    assert!(server.get("/v2/models/digits/ready").contains("true"));
    drop(idle);
}
