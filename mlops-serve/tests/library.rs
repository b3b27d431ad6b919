//! Loading the library: every way it can go wrong, then right. One test, because the library is one
//! for the whole process and the order matters.
#![cfg(feature = "onnxruntime")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "only the library's path is needed here")]
mod fixture;

use std::{fs, path::Path, process::Command};

use mlops_serve::session::onnxruntime::{DiscoverOptions, OnnxRuntime, OnnxRuntimeError};

/// Compiles a shared library from C.
fn compile(directory: &Path, name: &str, source: &str) -> std::path::PathBuf {
    let (code, library) =
        (directory.join(format!("{name}.c")), directory.join(format!("{name}.so")));
    fs::write(&code, source).unwrap();
    let status =
        Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&code).status();
    assert!(status.expect("a C compiler is installed").success());
    library
}

#[test]
fn every_failure_names_the_file_and_the_right_library_still_loads() {
    let directory = tempfile::tempdir().unwrap();
    let load = |path: &Path| OnnxRuntime::load(path).unwrap_err();

    let missing = directory.path().join("missing.so");
    let error = load(&missing);
    assert!(matches!(&error, OnnxRuntimeError::NoSuchFile { path } if *path == missing), "{error}");

    let text = directory.path().join("text.so");
    fs::write(&text, "not a library").unwrap();
    let error = load(&text);
    assert!(matches!(&error, OnnxRuntimeError::NotLoadable { .. }), "{error}");
    assert!(error.to_string().contains("text.so"), "{error}");
    let error = load(directory.path());
    assert!(matches!(&error, OnnxRuntimeError::NotLoadable { .. }), "{error}");

    let foreign = compile(directory.path(), "foreign", "int unrelated(void) { return 1; }");
    let error = load(&foreign);
    assert!(matches!(&error, OnnxRuntimeError::Foreign { .. }), "{error}");

    let hollow = compile(directory.path(), "hollow", "void *OrtGetApiBase(void) { return 0; }");
    let error = load(&hollow);
    assert!(matches!(&error, OnnxRuntimeError::Foreign { .. }), "{error}");

    let old = compile(
        directory.path(),
        "old",
        r#"
        struct base { const void *(*api)(unsigned); const char *(*version)(void); };
        static const void *api(unsigned level) { return 0; }
        static const char *version(void) { return "1.14.1"; }
        static struct base base = { api, version };
        struct base *OrtGetApiBase(void) { return &base; }
        "#,
    );
    let error = load(&old);
    assert!(
        matches!(&error, OnnxRuntimeError::TooOld { found, required, .. }
            if found == "1.14.1" && required == "1.18"),
        "{error}"
    );

    // Nothing beside the test's executable, nothing for the system's loader to find.
    let error = OnnxRuntime::discover(&DiscoverOptions::default()).unwrap_err();
    let OnnxRuntimeError::NotFound { tried } = &error else { panic!("{error}") };
    assert_eq!(tried.len(), 3, "{error}");
    assert!(error.to_string().contains("pip download"), "{error}");

    let right = fixture::library();
    let runtime = OnnxRuntime::load(&right).unwrap();
    assert_eq!(runtime.library(), right.canonicalize().unwrap());
    assert!(runtime.build_info().contains("ORT Build Info"), "{}", runtime.build_info());

    // The same file under another name is the same library; another file is refused.
    let link = directory.path().join("link.so");
    std::os::unix::fs::symlink(&right, &link).unwrap();
    OnnxRuntime::load(&link).unwrap();
    OnnxRuntime::discover(&DiscoverOptions::default()).unwrap();
    OnnxRuntime::discover(&DiscoverOptions::default().with_path(&right)).unwrap();
    let copy = directory.path().join("copy.so");
    fs::copy(&right, &copy).unwrap();
    let error = load(&copy);
    assert!(
        matches!(&error, OnnxRuntimeError::AlreadyLoaded { loaded, asked }
            if *loaded == right.canonicalize().unwrap() && *asked == copy),
        "{error}"
    );
}
