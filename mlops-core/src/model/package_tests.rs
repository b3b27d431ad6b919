use tempfile::TempDir;

use super::*;
use crate::{
    progress::NoProgress,
    signature::{Dim, TensorSpec},
    tensor::DataType,
};

fn signature() -> ModelSignature {
    ModelSignature {
        inputs: vec![TensorSpec::new("x", DataType::F32, [Dim::Unknown, Dim::Fixed(2)])],
        outputs: vec![TensorSpec::new("y", DataType::F32, [Dim::Unknown])],
    }
}

/// A directory with two source files.
fn sources() -> TempDir {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("trained.onnx"), b"weights").unwrap();
    fs::write(directory.path().join("names"), b"zero\none\n").unwrap();
    directory
}

fn builder(sources: &TempDir) -> PackageBuilder {
    PackageBuilder::new(signature())
        .card(ModelCard { description: "two numbers in, one out".into(), ..ModelCard::default() })
        .lineage(Lineage { git_commit: Some("abc".into()), ..Lineage::default() })
        .file(FileRole::Model, "model.onnx".parse().unwrap(), sources.path().join("trained.onnx"))
        .file(FileRole::Labels, "text/labels.txt".parse().unwrap(), sources.path().join("names"))
}

#[test]
fn what_is_built_is_opened() {
    let sources = sources();
    let directory = sources.path().join("package");
    let built = builder(&sources).build(&directory).unwrap();
    let opened = ModelPackage::open(&directory).unwrap();
    opened.verify(&NoProgress).unwrap();
    assert_eq!(opened.signature(), built.signature());
    assert_eq!(opened.card(), built.card());
    assert_eq!(opened.lineage(), built.lineage());
    assert_eq!(opened.files(), built.files());
    assert_eq!(opened.digest().unwrap(), built.digest().unwrap());
    assert_eq!(opened.size_bytes(), 16);
    assert_eq!(fs::read(opened.model_path()).unwrap(), b"weights");
    assert_eq!(opened.files()[0].digest, Digest::of(b"weights"));
    // The digest does not depend on the place.
    let elsewhere = builder(&sources).build(sources.path().join("other")).unwrap();
    assert_eq!(elsewhere.digest().unwrap(), built.digest().unwrap());
}

#[test]
fn damage_is_found() {
    let sources = sources();
    let package = builder(&sources).build(sources.path().join("package")).unwrap();
    fs::write(package.model_path(), b"weightz").unwrap();
    let error = package.verify(&NoProgress).unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }) && error.to_string().contains("model.onnx"));
    fs::remove_file(package.model_path()).unwrap();
    assert!(package.verify(&NoProgress).unwrap_err().is_not_found());
}

#[test]
fn a_failed_build_leaves_nothing() {
    let sources = sources();
    let directory = sources.path().join("package");
    let missing = builder(&sources).file(
        FileRole::Samples,
        "samples".parse().unwrap(),
        sources.path().join("nowhere"),
    );
    assert!(missing.build(&directory).unwrap_err().is_not_found());
    let twice = builder(&sources).file(
        FileRole::Samples,
        "model.onnx".parse().unwrap(),
        sources.path().join("names"),
    );
    assert!(matches!(twice.build(&directory), Err(Error::InvalidArgument { .. })));
    let no_model = PackageBuilder::new(signature());
    assert!(matches!(no_model.build(&directory), Err(Error::InvalidArgument { .. })));
    let mut left: Vec<_> =
        fs::read_dir(sources.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["names", "trained.onnx"]);
}

#[test]
fn nothing_is_overwritten() {
    let sources = sources();
    let directory = sources.path().join("package");
    builder(&sources).build(&directory).unwrap();
    let again = builder(&sources).build(&directory).unwrap_err();
    assert!(matches!(again, Error::AlreadyExists { kind: "package", .. }));
    fs::create_dir(sources.path().join(".other.partial")).unwrap();
    let under_way = builder(&sources).build(sources.path().join("other")).unwrap_err();
    assert!(matches!(under_way, Error::AlreadyExists { .. }), "{under_way}");
}

#[test]
fn bad_manifests_are_refused() {
    let directory = TempDir::new().unwrap();
    assert!(ModelPackage::open(directory.path()).unwrap_err().is_not_found());

    let digest = Digest::of(b"").to_string();
    let manifest = |path: &str, version: u32| {
        format!(
            r#"{{"format_version":{version},"signature":{{"inputs":[],"outputs":[]}},
                "files":[{{"path":"{path}","size_bytes":0,"digest":"{digest}","role":"model"}}]}}"#
        )
    };
    let open = |json: &str| {
        fs::write(directory.path().join(MANIFEST), json).unwrap();
        ModelPackage::open(directory.path())
    };
    open(&manifest("model.onnx", 1)).unwrap();
    assert!(matches!(open(&manifest("model.onnx", 2)), Err(Error::Unsupported { .. })));
    let no_model = manifest("m", 1).replace("\"model\"", "\"labels\"");
    let file = |path: &str, size_bytes: u64| {
        format!(
            r#"{{"path":"{path}","size_bytes":{size_bytes},"digest":"{digest}","role":"labels"}}"#
        )
    };
    let files = |more: &str| {
        let one = manifest("m", 1);
        format!("{},{more}]}}", one.strip_suffix("]}").unwrap())
    };
    open(&files(&file("n", 0))).unwrap();
    let huge = files(&format!("{},{}", file("n", u64::MAX), file("o", u64::MAX)));
    let itself = files(&file(MANIFEST, 0));
    for json in [
        "",
        "{}",
        "[]",
        &no_model,
        &huge,
        &itself,
        &manifest("../m", 1),
        &manifest("/m", 1),
        &manifest("a//m", 1),
    ] {
        let error = open(json).unwrap_err();
        assert!(matches!(error, Error::Corrupt { kind: "manifest", .. }), "{json}: {error}");
    }
}
