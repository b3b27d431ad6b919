//! Artifacts in memory and on disk.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use mlops_core::{
    Digest, Error,
    artifact::ArtifactStore,
    model::{FileRole, ModelPackage, PackageBuilder},
    object_store::{
        self, CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
        ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, UploadPart,
        path::Path as ObjectPath,
    },
    progress::{NoProgress, Progress},
    relative_path::RelativePath,
    signature::{Dim, ModelSignature, TensorSpec},
    tensor::DataType,
};
use tempfile::TempDir;

fn path(text: &str) -> RelativePath {
    text.parse().unwrap()
}

/// Runs a test on a store in memory and on one on disk.
async fn on_both(test: impl AsyncFn(ArtifactStore)) {
    test(ArtifactStore::in_memory()).await;
    let directory = TempDir::new().unwrap();
    test(ArtifactStore::local(directory.path().join("new/store")).unwrap()).await;
}

#[tokio::test]
async fn what_is_put_is_read_back_verified() {
    on_both(async |store| {
        let written = store.put(&path("a/b c é.bin"), "content".into()).await.unwrap();
        assert_eq!((written.size_bytes, &written.digest), (7, &Digest::of(b"content")));
        assert_eq!(store.get(&written.path, Some(&written.digest)).await.unwrap(), "content");
        assert_eq!(store.size_of(&written.path).await.unwrap(), 7);
        store.put(&written.path, "other".into()).await.unwrap();
        let error = store.get(&written.path, Some(&written.digest)).await.unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{error}");
        assert!(error.to_string().contains("a/b c é.bin"), "{error}");
    })
    .await;
}

#[tokio::test]
async fn create_does_so_once() {
    on_both(async |store| {
        let target = path("latest.json");
        let attempts = (0..8).map(|n: u8| {
            let (store, target) = (store.clone(), target.clone());
            tokio::spawn(async move { store.create(&target, vec![n].into()).await })
        });
        let mut created = Vec::new();
        for attempt in attempts.collect::<Vec<_>>() {
            match attempt.await.unwrap() {
                Ok(artifact) => created.push(artifact),
                Err(error) => assert!(matches!(error, Error::AlreadyExists { .. }), "{error}"),
            }
        }
        assert_eq!(created.len(), 1);
        store.get(&target, Some(&created[0].digest)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn lists_and_deletes() {
    on_both(async |store| {
        for name in ["b/2", "b/1", "a", "b/c/3"] {
            store.put(&path(name), name.to_owned().into()).await.unwrap();
        }
        let names = async |below: Option<&RelativePath>| -> Vec<String> {
            let found = store.list(below).await.unwrap();
            found.iter().map(|(path, size)| format!("{path} {size}")).collect()
        };
        assert_eq!(names(None).await, ["a 1", "b/1 3", "b/2 3", "b/c/3 5"]);
        assert_eq!(names(Some(&path("b"))).await, ["b/1 3", "b/2 3", "b/c/3 5"]);
        store.delete(&path("b/1")).await.unwrap();
        store.delete(&path("b/1")).await.unwrap();
        assert_eq!(names(Some(&path("b"))).await, ["b/2 3", "b/c/3 5"]);
        assert!(names(Some(&path("nothing"))).await.is_empty());
        for missing in [
            store.get(&path("b/1"), None).await.map(drop),
            store.size_of(&path("b")).await.map(drop),
        ] {
            assert!(missing.unwrap_err().is_not_found());
        }
    })
    .await;
}

/// Adds up what it is told.
#[derive(Debug, Default)]
struct Counted {
    total: AtomicU64,
    done: AtomicU64,
    finished: AtomicBool,
}

impl Progress for Counted {
    fn set_total(&self, total: Option<u64>) {
        self.total.store(total.unwrap(), Ordering::Relaxed);
    }

    fn advance(&self, amount: u64) {
        self.done.fetch_add(amount, Ordering::Relaxed);
    }

    fn finish(&self) {
        self.finished.store(true, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn files_of_any_size_go_in_and_out_in_pieces() {
    on_both(async |store| {
        let directory = TempDir::new().unwrap();
        let (source, target) =
            (directory.path().join("source"), directory.path().join("deep/target"));
        for size in [0, 1, (8 << 20) - 1, 8 << 20, (8 << 20) + 1, 20 << 20] {
            let content: Vec<u8> = (0..size).map(|n: u32| (n % 251) as u8).collect();
            fs::write(&source, &content).unwrap();
            let counted = Counted::default();
            let written = store.put_file(&path("file"), &source, None, &counted).await.unwrap();
            assert_eq!(
                (written.size_bytes, &written.digest),
                (u64::from(size), &Digest::of(&content))
            );
            assert_eq!(counted.done.load(Ordering::Relaxed), u64::from(size));
            store
                .fetch_file(&path("file"), &target, Some(&written.digest), &NoProgress)
                .await
                .unwrap();
            assert_eq!(fs::read(&target).unwrap(), content);
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_not_as_expected_does_not_appear() {
    on_both(async |store| {
        let directory = TempDir::new().unwrap();
        let (source, target) = (directory.path().join("source"), directory.path().join("target"));
        let other = Digest::of(b"other");
        for size in [10, 9 << 20] {
            fs::write(&source, vec![1; size]).unwrap();
            let refused = store.put_file(&path("file"), &source, Some(&other), &NoProgress).await;
            assert!(matches!(refused, Err(Error::Corrupt { .. })), "{refused:?}");
            assert!(store.get(&path("file"), None).await.unwrap_err().is_not_found());

            store.put_file(&path("good"), &source, None, &NoProgress).await.unwrap();
            let refused = store.fetch_file(&path("good"), &target, Some(&other), &NoProgress).await;
            assert!(matches!(refused, Err(Error::Corrupt { .. })), "{refused:?}");
            assert!(!target.exists());
        }
        let missing =
            store.put_file(&path("file"), &directory.path().join("no"), None, &NoProgress).await;
        assert!(missing.unwrap_err().is_not_found());
    })
    .await;
}

fn package(directory: &Path) -> ModelPackage {
    let source = directory.join("trained");
    fs::write(&source, vec![7; 9 << 20]).unwrap();
    let spec = |name| TensorSpec::new(name, DataType::F32, [Dim::Unknown]);
    PackageBuilder::new(ModelSignature { inputs: vec![spec("x")], outputs: vec![spec("y")] })
        .file(FileRole::Model, path("model.onnx"), &source)
        .file(FileRole::Labels, path("text/labels.txt"), &source)
        .build(directory.join("package"))
        .unwrap()
}

#[tokio::test]
async fn packages_go_in_and_out_whole() {
    on_both(async |store| {
        let directory = TempDir::new().unwrap();
        let package = package(directory.path());
        let prefix = path("models/digits/1");
        let counted = Arc::new(Counted::default());
        store.put_package(&prefix, &package, &counted).await.unwrap();
        assert_eq!(counted.total.load(Ordering::Relaxed), 18 << 20);
        assert_eq!(counted.done.load(Ordering::Relaxed), 18 << 20);
        assert!(counted.finished.load(Ordering::Relaxed));

        let target = directory.path().join("fetched");
        let fetched = store.fetch_package(&prefix, &target, &NoProgress).await.unwrap();
        fetched.verify(&NoProgress).unwrap();
        assert_eq!(fetched.digest().unwrap(), package.digest().unwrap());
        assert_eq!(
            ModelPackage::open(&target).unwrap().digest().unwrap(),
            package.digest().unwrap()
        );

        let again = store.fetch_package(&prefix, &target, &NoProgress).await.unwrap_err();
        assert!(matches!(again, Error::AlreadyExists { .. }), "{again}");
        let again = store.put_package(&prefix, &package, &NoProgress).await.unwrap_err();
        assert!(matches!(again, Error::AlreadyExists { .. }), "{again}");
        let (unknown, target) = (path("models/digits/2"), directory.path().join("no"));
        let nothing = store.fetch_package(&unknown, &target, &NoProgress).await;
        assert!(nothing.unwrap_err().is_not_found());
    })
    .await;
}

#[tokio::test]
async fn a_damaged_package_is_no_package() {
    on_both(async |store| {
        let directory = TempDir::new().unwrap();
        let package = package(directory.path());
        let prefix = path("models/digits/1");
        store.put_package(&prefix, &package, &NoProgress).await.unwrap();
        store.put(&path("models/digits/1/text/labels.txt"), "damaged".into()).await.unwrap();
        let target = directory.path().join("fetched");
        let error = store.fetch_package(&prefix, &target, &NoProgress).await.unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{error}");
        assert!(ModelPackage::open(&target).unwrap_err().is_not_found());

        // A package that is not what its manifest says is not taken in the first place.
        fs::write(package.model_path(), "damaged").unwrap();
        let error =
            store.put_package(&path("models/digits/2"), &package, &NoProgress).await.unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{error}");
        assert!(store.list(Some(&path("models/digits/2"))).await.unwrap().is_empty());
    })
    .await;
}

/// Takes the first part of every upload, and no second one.
#[derive(Debug, Default)]
struct Full {
    aborted: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Upload {
    parts: usize,
    aborted: Arc<AtomicU64>,
}

fn full<T>() -> object_store::Result<T> {
    Err(object_store::Error::Generic { store: "Full", source: "no room".into() })
}

#[async_trait::async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, _: PutPayload) -> UploadPart {
        self.parts += 1;
        let result = if self.parts == 1 { Ok(()) } else { full() };
        Box::pin(std::future::ready(result))
    }

    async fn complete(&mut self) -> object_store::Result<PutResult> {
        full()
    }

    async fn abort(&mut self) -> object_store::Result<()> {
        self.aborted.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

impl std::fmt::Display for Full {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Full")
    }
}

#[async_trait::async_trait]
impl ObjectStore for Full {
    async fn put_opts(
        &self,
        _: &ObjectPath,
        _: PutPayload,
        _: PutOptions,
    ) -> object_store::Result<PutResult> {
        full()
    }

    async fn put_multipart_opts(
        &self,
        _: &ObjectPath,
        _: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        Ok(Box::new(Upload { parts: 0, aborted: Arc::clone(&self.aborted) }))
    }

    async fn get_opts(&self, _: &ObjectPath, _: GetOptions) -> object_store::Result<GetResult> {
        full()
    }

    fn delete_stream(
        &self,
        _: BoxStream<'static, object_store::Result<ObjectPath>>,
    ) -> BoxStream<'static, object_store::Result<ObjectPath>> {
        stream::empty().boxed()
    }

    fn list(&self, _: Option<&ObjectPath>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        stream::empty().boxed()
    }

    async fn list_with_delimiter(
        &self,
        _: Option<&ObjectPath>,
    ) -> object_store::Result<ListResult> {
        full()
    }

    async fn copy_opts(
        &self,
        _: &ObjectPath,
        _: &ObjectPath,
        _: CopyOptions,
    ) -> object_store::Result<()> {
        full()
    }
}

#[tokio::test]
async fn an_upload_that_fails_is_taken_back() {
    let directory = TempDir::new().unwrap();
    let source = directory.path().join("source");
    // Of many parts the second fails, or the only one is written and completing fails.
    for size in [48 << 20, 8 << 20 | 1] {
        let full = Full::default();
        let aborted = Arc::clone(&full.aborted);
        let store = ArtifactStore::new(Arc::new(full));
        fs::write(&source, vec![1; size]).unwrap();
        let error = store.put_file(&path("file"), &source, None, &NoProgress).await.unwrap_err();
        assert!(error.report().contains("no room"), "{}", error.report());
        assert_eq!(aborted.load(Ordering::Relaxed), 1);
    }
}
