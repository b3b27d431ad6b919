//! A search for requests that break the server.

use std::fs;

use crate::command::{Result, command, execute, root, target};

/// The tests, and the names of their corpora.
const TARGETS: [(&str, &str); 3] = [
    ("rest::json", "rest_json"),
    ("rest::binary", "rest_binary"),
    ("grpc::message", "grpc_message"),
];

/// Tells bolero to search with libFuzzer, and the compiler to say what was reached. This is what
/// `cargo bolero` does; it builds all tests of a package though, and those that search for nothing do
/// not link. There is no sanitizer: in safe code there is nothing for one to find.
const FLAGS: [&str; 8] = [
    "--cfg=fuzzing",
    "--cfg=fuzzing_libfuzzer",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-sanitizer-coverage-stack-depth",
];

/// Looks for `minutes` in each target. What is found lies in `crashes` beside the corpus, where every
/// test run tries it again.
pub(crate) fn run(minutes: &str) -> Result<()> {
    let minutes: u32 = minutes.parse().map_err(|error| format!("`{minutes}` minutes: {error}"))?;
    for (test, name) in TARGETS {
        let chosen = root().join("mlops-serve/tests/fuzz/__fuzz__").join(name);
        let (corpus, crashes) = (target().join("fuzz/corpus").join(name), chosen.join("crashes"));
        fs::create_dir_all(&corpus)?;
        fs::create_dir_all(&crashes)?;
        let (seconds, chosen) = (minutes * 60, chosen.join("corpus"));
        // What is found on the way goes to the first folder.
        let options = format!(
            "{} {} -artifact_prefix={}/ -max_total_time={seconds} -timeout=10 -max_len=4096",
            corpus.display(),
            chosen.display(),
            crashes.display(),
        );
        let mut fuzz = command(env!("CARGO"), &["test", "--profile", "fuzz", "--test", "fuzz"]);
        // For a named target, the flags are not those of build scripts.
        fuzz.args(["--target", &host()?, "--target-dir"]).arg(target().join("fuzz"));
        fuzz.args(["--package", "mlops-serve", "--no-default-features", "--features", "http,grpc"]);
        fuzz.args(["--", "--exact", "--nocapture", test]);
        fuzz.env("RUSTFLAGS", FLAGS.join(" ")).env("BOLERO_LIBFUZZER_ARGS", options);
        execute(&mut fuzz)?;
    }
    Ok(())
}

/// What the compiler builds for by itself.
fn host() -> Result<String> {
    let output = command("rustc", &["--print", "host-tuple"]).output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
