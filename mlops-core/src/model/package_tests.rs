use ndarray::array;
use tempfile::TempDir;

use super::*;
use crate::{
    progress::NoProgress,
    signature::{Dim, TensorSpec},
    tensor::{DataType, NamedTensors},
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

/// A package of the model, this file beside it, and what is said of it.
fn with_file(role: FileRole, path: &str, content: &[u8]) -> (TempDir, ModelPackage) {
    let sources = sources();
    let source = sources.path().join("more");
    fs::write(&source, content).unwrap();
    let package = PackageBuilder::new(signature())
        .file(FileRole::Model, "model.onnx".parse().unwrap(), sources.path().join("trained.onnx"))
        .file(role, path.parse().unwrap(), source)
        .build(sources.path().join("package"))
        .unwrap();
    (sources, package)
}

fn sample(x: &str, y: &str) -> Sample {
    let tensor = |array| crate::tensor::Tensor::from_array(array);
    Sample {
        inputs: NamedTensors::single(x, tensor(array![[1.0_f32, 2.0]].into_dyn())),
        outputs: NamedTensors::single(y, tensor(array![3.0_f32].into_dyn())),
    }
}

#[test]
fn samples_come_back_as_they_were() {
    let content = sample("x", "y").to_safetensors().unwrap();
    let (_sources, package) = with_file(FileRole::Samples, "samples/1.safetensors", &content);
    assert_eq!(package.samples().unwrap(), [sample("x", "y")]);
    assert!(package.labels().unwrap().is_empty());
}

#[test]
fn samples_that_are_none_of_this_model_are_corrupt() {
    let foreign = NamedTensors::single("x", sample("x", "y").inputs.require("x").unwrap().clone());
    for content in [
        b"nothing".to_vec(),
        foreign.to_safetensors().unwrap(),
        sample("z", "y").to_safetensors().unwrap(),
        sample("x", "z").to_safetensors().unwrap(),
    ] {
        let (_sources, package) = with_file(FileRole::Samples, "1.safetensors", &content);
        let error = package.samples().unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{error}");
        assert!(error.to_string().contains("1.safetensors"), "{error}");
    }
}

#[test]
fn labels_are_of_the_output_they_are_named_after() {
    let (_sources, package) =
        with_file(FileRole::Labels, "labels/y.txt", "zéro\r\none\n".as_bytes());
    let labels = package.labels().unwrap();
    let y: Vec<_> = labels["y"].iter().map(|label| &**label).collect();
    assert_eq!(y, ["zéro", "one"]);

    for (path, content, says) in [
        ("labels.txt", &b"zero\n"[..], "not named after an output"),
        ("y.txt", b"\xff\n", "not UTF-8"),
    ] {
        let (_sources, package) = with_file(FileRole::Labels, path, content);
        let error = package.labels().unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn as_many_labels_as_classes() {
    let sources = sources();
    let mut signature = signature();
    signature.outputs[0].shape = [Dim::Unknown, Dim::Fixed(3)].into();
    let names = sources.path().join("names");
    let builder = PackageBuilder::new(signature)
        .file(FileRole::Model, "model.onnx".parse().unwrap(), sources.path().join("trained.onnx"))
        .file(FileRole::Labels, "y.txt".parse().unwrap(), &names);
    let package = builder.clone().build(sources.path().join("two")).unwrap();
    let error = package.labels().unwrap_err();
    assert!(error.to_string().contains("2 lines") && error.to_string().contains("3 classes"));

    fs::write(&names, "a\nb\nc").unwrap();
    let builder = builder.file(FileRole::Labels, "more/y.txt".parse().unwrap(), &names);
    let error = builder.build(sources.path().join("twice")).unwrap().labels().unwrap_err();
    assert!(error.to_string().contains("other labels"), "{error}");
}

#[test]
fn files_that_are_not_as_long_as_the_manifest_says_are_not_read() {
    for (role, path) in [(FileRole::Samples, "1.safetensors"), (FileRole::Labels, "y.txt")] {
        for content in [&b""[..], b"much more than there was"] {
            let (_sources, package) = with_file(role, path, b"a\nb");
            fs::write(package.directory().join(path), content).unwrap();
            let error = package.samples().map(drop).and(package.labels().map(drop)).unwrap_err();
            assert!(matches!(error, Error::Corrupt { .. }), "{error}");
            assert!(error.to_string().contains("manifest"), "{error}");
        }
    }
}
