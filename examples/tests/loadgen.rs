//! The load generator as users run it: as a process, against a server of the protocol.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    process::{Command, Output},
    sync::Arc,
};

use mlops_core::{
    model::ModelId,
    testing::session::{MockFactory, MockSession},
};
use mlops_serve::{
    batch::{Batcher, BatcherOptions},
    host::{ModelTable, Models},
    protocol::{ServeOptions, oip, serve},
};
use serde_json::Value;
use tokio::runtime::Runtime;

/// A server of one model, `m`, that takes rows of eight numbers; it ends with the runtime.
fn server() -> (Runtime, String) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let id = ModelId::new("m".parse().unwrap(), "1".parse().unwrap());
    let factory = MockFactory::new(MockSession::identity(8));
    let table = ModelTable::new();
    table.publish(mlops_serve::host::ServedModel::new(Arc::new(
        Batcher::start(id, factory, BatcherOptions::default()).unwrap(),
    )));
    let table: Arc<dyn Models> = Arc::new(table);
    let router = oip::router(table, oip::RestOptions::default());
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    runtime.spawn(serve(listener, router, ServeOptions::default(), std::future::pending()));
    (runtime, url)
}

fn loadgen(url: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_loadgen"))
        .args(["--url", url])
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn it_reports_every_request() {
    let (_runtime, url) = server();
    let pid = std::process::id().to_string();
    let short = ["--model", "m", "--duration", "200ms"];
    for load in [
        &["--clients", "3", "--batch", "1,4"][..],
        &["--rate", "500", "--threads", "2", "--seed", "7"],
        &["--rate", "500", "--constant", "--connections", "8"],
    ] {
        let arguments = [&short[..], &["--json", "--pid", &pid], load].concat();
        let output = loadgen(&url, &arguments);
        assert!(output.status.success(), "{output:?}");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(report["due"].as_u64().unwrap() > 0);
        assert_eq!(report["outcomes"]["answered"], report["due"], "{report}");
        assert!(report["latency_us"]["p99"].as_f64() >= report["latency_us"]["p50"].as_f64());
        assert!(report["server_resident_bytes"].as_u64().unwrap() > 0);
    }
    let table = String::from_utf8(loadgen(&url, &short).stdout).unwrap();
    for line in ["throughput", "latency", "requests due", "answered", "client"] {
        assert!(table.contains(line), "no {line}: {table}");
    }
}

#[test]
fn what_it_cannot_do_it_says() {
    let (_runtime, url) = server();
    for (arguments, message) in [
        (&["--model", "unknown"][..], "unknown"),
        (&["--model", "m", "--rate", "0"], "rate of 0"),
        (&["--model", "m", "--clients", "0"], "at least one"),
        (&["--model", "m", "--batch", ""], "--batch"),
        (&["--model", "m", "--clients", "1", "--rate", "1"], "cannot be used with"),
        (&["--model", "m", "--duration", "5m"], "such as 10s"),
        (&["--model", "m", "--duration", "0s"], "no time"),
        (&["--model", "m", "--shapes", "a~b"], "such as 16 or 24~128"),
    ] {
        let output = loadgen(&url, arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(message), "{arguments:?}: {said}");
    }
    let nobody = loadgen("http://127.0.0.1:1", &["--model", "m"]);
    assert!(!nobody.status.success());
}
