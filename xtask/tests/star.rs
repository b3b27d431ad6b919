//! The architecture's first two invariants: the star, and what the defaults pull in. And that the
//! libraries leave the process that they live in alone.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

const CORE: &str = "mlops-core";
const SIBLINGS: [&str; 4] = ["mlops-serve", "mlops-track", "mlops-drift", "mlops-train"];
const OUTER: [&str; 3] = ["examples", "benches", "xtask"];

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The members of the workspace that each member names in its manifest, for tests or otherwise.
fn workspace_dependencies() -> Vec<(String, BTreeSet<String>)> {
    let metadata: Value =
        serde_json::from_str(&cargo(&["metadata", "--format-version", "1", "--no-deps"])).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let packages = metadata["packages"].as_array().unwrap();
    let members: BTreeSet<String> = packages.iter().map(|package| text(&package["name"])).collect();
    packages
        .iter()
        .map(|package| {
            let names = package["dependencies"].as_array().unwrap().iter();
            let names = names.map(|dependency| text(&dependency["name"]));
            (text(&package["name"]), names.filter(|name| members.contains(name)).collect())
        })
        .collect()
}

#[test]
fn the_star_holds() {
    let graph = workspace_dependencies();
    let mut known: Vec<_> = graph.iter().map(|(name, _)| name.as_str()).collect();
    known.sort_unstable();
    let mut expected: Vec<_> = [&[CORE][..], &SIBLINGS, &OUTER].concat();
    expected.sort_unstable();
    assert_eq!(known, expected, "a member that this test does not know");
    for (name, dependencies) in &graph {
        let allowed: &[&str] = match name.as_str() {
            // Itself, with more features, in its own tests.
            CORE => &[CORE],
            sibling if SIBLINGS.contains(&sibling) => &[CORE],
            _ => continue,
        };
        for dependency in dependencies {
            assert!(allowed.contains(&dependency.as_str()), "{name} depends on {dependency}");
        }
    }
    for (name, dependencies) in &graph {
        for outer in OUTER {
            // The load generator is both an example and what the benchmarks measure with.
            let is_load_generator = (name.as_str(), outer) == ("examples", "benches");
            let depends = dependencies.contains(outer) && !is_load_generator;
            assert!(!depends, "{name} depends on {outer}");
        }
    }
}

/// The crates that a package pulls in with these features, tests left out.
fn tree(package: &str, features: &[&str]) -> BTreeSet<String> {
    let listing = cargo(
        &[&["tree", "--package", package, "--edges", "normal,build", "--prefix", "none"], features]
            .concat(),
    );
    listing.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

/// Engines, servers, clients, stores, data frames and runtimes.
const HEAVY: [&str; 20] = [
    "arrow",
    "async-nats",
    "axum",
    "deadpool-postgres",
    "hyper",
    "minijinja",
    "object_store",
    "ort",
    "ort-sys",
    "polars",
    "prometheus-client",
    "prost",
    "reqwest",
    "rusqlite",
    "rustls",
    "sqlx",
    "tokio",
    "tokio-postgres",
    "tonic",
    "ureq",
];

#[test]
fn core_and_drift_pull_in_nothing_heavy() {
    for package in [CORE, "mlops-drift"] {
        let tree = tree(package, &[]);
        for heavy in HEAVY {
            assert!(!tree.contains(heavy), "{package} pulls in {heavy}");
        }
    }
}

#[test]
fn serve_pulls_in_what_its_features_say() {
    let none = tree("mlops-serve", &["--no-default-features"]);
    for heavy in ["ort", "axum", "hyper", "prometheus-client", "object_store"] {
        assert!(!none.contains(heavy), "mlops-serve without features pulls in {heavy}");
    }
    let default = tree("mlops-serve", &[]);
    assert!(default.contains("ort") && !default.contains("axum"));
    let http = tree("mlops-serve", &["--no-default-features", "--features", "http"]);
    assert!(http.contains("axum") && !http.contains("ort"));
}

/// Rust files below a folder, without those of tests and without generated ones.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && !["testing", "generated"].contains(&name) {
            sources(&path, found);
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// What would be state of the process, or a look at it, and the files that may.
const OF_THE_PROCESS: [(&str, &[&str]); 10] = [
    // ONNX Runtime can be loaded once in a process.
    (" static ", &["onnxruntime/runtime.rs"]),
    ("LazyLock", &[]),
    ("OnceLock", &[]),
    ("thread_local!", &[]),
    ("process::Command", &[]),
    ("env::var", &[]),
    ("env::set_var", &[]),
    ("panic::set_hook", &[]),
    // Deadlines must not move when the wall clock does.
    ("SystemTime::now", &["mlops-core/src/clock.rs"]),
    ("ctrl_c", &[]),
];

#[test]
fn libraries_keep_no_globals_and_start_no_programs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for library in [&[CORE][..], &SIBLINGS].concat() {
        sources(&root.join(library).join("src"), &mut files);
    }
    assert!(files.len() > 100, "{} files", files.len());
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        // Unit tests come last in a file.
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap();
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for (what, allowed) in OF_THE_PROCESS {
                let is_used = format!(" {}", line.trim_start()).contains(what);
                let is_allowed = allowed.iter().any(|file| path.ends_with(file));
                assert!(!is_used || is_allowed, "{}: {line}", path.display());
            }
        }
    }
}
