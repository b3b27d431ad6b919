//! The suite for [`ModelRegistry`].

use std::{num::NonZeroUsize, sync::Arc};

use semver::Version;
use tempfile::TempDir;

use crate::{
    Error, Result,
    model::{
        Alias, FileRole, ModelName, ModelPackage, ModelRef, ModelVersion, PackageBuilder, Stage,
    },
    progress::NoProgress,
    registry::{
        AliasBinding, AliasWatch, Expected, ModelRegistry, ModelRegistryExt, Page, RegisterOptions,
        RegisteredVersion, SetAlias,
    },
    signature::{Dim, ModelSignature, TensorSpec},
    tensor::DataType,
    testing::suite::{Build, Case, Outcome, Report, Violation, cases, check, run},
};

type Registry = Arc<dyn ModelRegistry>;

/// Tests a [`ModelRegistry`] against its contract.
pub async fn test_all<B: Build<Registry>>(builder: &B) -> Report {
    run(&all(), builder).await
}

fn all() -> Vec<Case<Registry>> {
    cases! {
        1 versions_count_up: "versions count up from 1 and are never reused";
        2 get_returns_what_was_registered: "get returns what was registered";
        3 fetch_returns_the_package: "fetch writes a package equal to the registered one";
        4 unknown_names_are_not_found: "anything unknown is NotFound";
        5 lists_are_complete_in_order: "lists are complete, in order and within the limit";
        6 aliases_stand_for_what_they_were_set_to: "aliases follow, revisions grow";
        7 set_alias_compares: "set_alias compares and sets";
        8 aliases_need_a_version: "an alias cannot stand for nothing";
        9 stages_and_tags_are_as_set: "stages and tags are as last set";
        10 deleted_versions_are_gone: "deleted versions are gone, aliased ones refuse";
        11 deleted_models_are_gone: "deleted models are gone";
        12 semantic_versions_are_unique: "semantic versions are unique and resolve";
    }
}

fn name(text: &str) -> ModelName {
    ModelName::new(text).expect("a valid name")
}

fn alias(text: &str) -> Alias {
    Alias::new(text).expect("a valid alias")
}

fn version(number: u64) -> ModelVersion {
    ModelVersion::new(number)
}

fn temporary() -> Result<TempDir> {
    TempDir::new().map_err(|error| Error::file("temporary directory", error))
}

/// A package whose model file holds `content`, in a directory that the caller keeps.
fn package(directory: &TempDir, content: &str) -> Result<ModelPackage> {
    let source = directory.path().join("source");
    std::fs::write(&source, content).map_err(|error| Error::file(&source, error))?;
    let shape = || [Dim::Symbolic("batch".into()), Dim::Fixed(2)];
    PackageBuilder::new(ModelSignature {
        inputs: vec![TensorSpec::new("x", DataType::F32, shape())],
        outputs: vec![TensorSpec::new("y", DataType::F32, shape())],
    })
    .file(FileRole::Model, "model.onnx".parse()?, &source)
    .file(FileRole::Samples, "samples/first.bin".parse()?, &source)
    .build(directory.path().join("package"))
}

async fn register(registry: &Registry, model: &str, content: &str) -> Result<RegisteredVersion> {
    register_with(registry, model, content, &RegisterOptions::default()).await
}

async fn register_with(
    registry: &Registry,
    model: &str,
    content: &str,
    options: &RegisterOptions,
) -> Result<RegisteredVersion> {
    let directory = temporary()?;
    registry.register(&name(model), &package(&directory, content)?, options).await
}

fn expect_not_found<T: std::fmt::Debug>(result: Result<T>, named: &str) -> Outcome {
    match result {
        Err(Error::NotFound { name, .. }) => {
            check(name.contains(named), format!("the error should name `{named}`: `{name}`"))
        }
        other => Err(Violation::new(format!("expected NotFound of `{named}`, got {other:?}"))),
    }
}

async fn versions_count_up(registry: Registry) -> Outcome {
    for expected in 1..=3 {
        let registered = register(&registry, "model", "content").await?;
        let number = registered.id.version;
        check(number == version(expected), format!("expected {expected}, got {number}"))?;
    }
    registry.delete_version(&name("model"), version(3)).await?;
    let after = register(&registry, "model", "content").await?.id.version;
    check(after == version(4), format!("3 was deleted; expected 4, got {after}"))?;
    let other = register(&registry, "other", "content").await?.id.version;
    check(other == version(1), format!("another model starts with {other}"))
}

async fn get_returns_what_was_registered(registry: Registry) -> Outcome {
    let options =
        RegisterOptions::default().with_semver(Version::new(1, 2, 3)).with_tag("team", "vision");
    let registered = register_with(&registry, "model", "content", &options).await?;
    check(registered.semver == options.semver, "the semantic version is lost")?;
    check(registered.tags == options.tags, "tags are lost")?;
    check(registered.stage == Stage::None, "a new version is in a stage")?;
    check(registered.files.len() == 2, "files are lost")?;
    let found = registry.get(&name("model"), registered.id.version).await?;
    check(found == registered, format!("registered {registered:?}, got {found:?}"))
}

async fn fetch_returns_the_package(registry: Registry) -> Outcome {
    let digest = {
        let directory = temporary()?;
        let package = package(&directory, "weights")?;
        registry.register(&name("model"), &package, &RegisterOptions::default()).await?;
        package.digest()?
    };
    let into = temporary()?;
    let target = into.path().join("fetched");
    let fetched = registry.fetch(&name("model"), version(1), &target).await?;
    fetched.verify(&NoProgress)?;
    check(fetched.digest()? == digest, "the fetched package differs")?;
    check(fetched.directory() == target, "fetched to another place")?;
    let again = registry.fetch(&name("model"), version(1), &target).await;
    check(
        matches!(again, Err(Error::AlreadyExists { .. })),
        format!("expected AlreadyExists for the directory, got {again:?}"),
    )
}

async fn unknown_names_are_not_found(registry: Registry) -> Outcome {
    let (known, unknown, champion) = (name("known"), name("unknown"), alias("champion"));
    register(&registry, "known", "content").await?;
    let into = temporary()?;
    let target = into.path().join("fetched");
    let page = Page::default();
    expect_not_found(registry.get(&unknown, version(1)).await, "unknown")?;
    expect_not_found(registry.get(&known, version(9)).await, "9")?;
    expect_not_found(registry.fetch(&known, version(9), &target).await, "9")?;
    expect_not_found(registry.list_versions(&unknown, &page).await, "unknown")?;
    expect_not_found(registry.get_alias(&known, &champion).await, "champion")?;
    expect_not_found(registry.get_alias(&unknown, &champion).await, "unknown")?;
    expect_not_found(registry.list_aliases(&unknown).await, "unknown")?;
    let any = SetAlias::default();
    expect_not_found(registry.set_alias(&unknown, &champion, None, &any).await, "unknown")?;
    expect_not_found(registry.set_stage(&known, version(9), Stage::Staging).await, "9")?;
    expect_not_found(registry.set_tag(&known, version(9), "key", None).await, "9")?;
    expect_not_found(registry.delete_version(&known, version(9)).await, "9")?;
    expect_not_found(registry.delete_model(&unknown).await, "unknown")?;
    let reference: ModelRef = "models:/known/Production".parse()?;
    expect_not_found(registry.resolve(&reference).await, "Production")
}

async fn lists_are_complete_in_order(registry: Registry) -> Outcome {
    let mut names = ["delta", "alpha", "charlie", "bravo", "echo"];
    for model in names {
        register(&registry, model, "content").await?;
    }
    for _ in 1..7 {
        register(&registry, "alpha", "content").await?;
    }
    names.sort_unstable();
    for limit in [1, 2, 3, 100] {
        let limit = NonZeroUsize::new(limit).expect("not zero");
        let mut page = Page::first(limit);
        let mut models = Vec::new();
        loop {
            let part = registry.list_models(&page).await?;
            check(part.items.len() <= limit.get(), "a page is over its limit")?;
            models.extend(part.items.iter().map(ToString::to_string));
            match part.next {
                Some(token) => page.token = Some(token),
                None => break,
            }
        }
        check(models == names, format!("models {models:?}"))?;

        let mut page = Page::first(limit);
        let mut numbers = Vec::new();
        loop {
            let part = registry.list_versions(&name("alpha"), &page).await?;
            check(part.items.len() <= limit.get(), "a page is over its limit")?;
            numbers.extend(part.items.iter().map(|version| version.id.version.get()));
            match part.next {
                Some(token) => page.token = Some(token),
                None => break,
            }
        }
        check(numbers == [7, 6, 5, 4, 3, 2, 1], format!("versions {numbers:?}"))?;
    }
    let foreign = Page { token: Some("no such token".into()), ..Page::default() };
    let result = registry.list_models(&foreign).await;
    check(
        matches!(result, Err(Error::InvalidArgument { .. })),
        format!("a foreign page token gave {result:?}"),
    )
}

async fn aliases_stand_for_what_they_were_set_to(registry: Registry) -> Outcome {
    let (model, champion) = (name("model"), alias("champion"));
    let mut watch = AliasWatch::new(model.clone(), champion.clone());
    check(watch.look(&*registry).await?.is_none(), "an alias of an unknown model changed")?;
    for content in ["one", "two"] {
        register(&registry, "model", content).await?;
    }
    let mut last = 0;
    let change = SetAlias::default().with_actor("suite").with_reason("test");
    for to in [Some(1), Some(2), Some(1), None, Some(1)] {
        let to = to.map(version);
        let set = registry.set_alias(&model, &champion, to, &change).await?;
        check(set.map(|binding| binding.version) == to, format!("set to {to:?}, got {set:?}"))?;
        let seen = watch.look(&*registry).await?;
        check(seen == Some(set), format!("set to {set:?}, the watch saw {seen:?}"))?;
        check(watch.look(&*registry).await?.is_none(), "the watch saw a change twice")?;
        if let Some(binding) = set {
            check(binding.revision > last, format!("revision {last}, then {binding:?}"))?;
            last = binding.revision;
            let found = registry.get_alias(&model, &champion).await?;
            check(found == binding, format!("set {binding:?}, got {found:?}"))?;
            let listed = registry.list_aliases(&model).await?;
            check(listed == [(champion.clone(), binding)], format!("listed {listed:?}"))?;
            let reference: ModelRef = "models:/model@champion".parse()?;
            let resolved = registry.resolve(&reference).await?.id.version;
            check(resolved == binding.version, format!("resolved to {resolved}"))?;
        } else {
            check(registry.list_aliases(&model).await?.is_empty(), "a removed alias is listed")?;
        }
    }
    Ok(())
}

async fn set_alias_compares(registry: Registry) -> Outcome {
    let (model, champion) = (name("model"), alias("champion"));
    register(&registry, "model", "one").await?;
    register(&registry, "model", "two").await?;
    let set = |to: u64, expected: Expected| {
        let (registry, model, champion) = (Arc::clone(&registry), model.clone(), champion.clone());
        async move {
            let change = SetAlias::default().with_expected(expected);
            registry.set_alias(&model, &champion, Some(version(to)), &change).await
        }
    };
    let conflict = |result: Result<_>| {
        check(
            matches!(result, Err(Error::Conflict { .. })),
            format!("expected Conflict, got {result:?}"),
        )
    };
    conflict(set(1, Expected::Revision(1)).await)?;
    let first = set(1, Expected::Absent).await?.ok_or_else(|| Violation::new("not set"))?;
    conflict(set(2, Expected::Absent).await)?;
    conflict(set(2, Expected::Revision(first.revision + 1)).await)?;
    let found = registry.get_alias(&model, &champion).await?;
    check(found == first, format!("a conflict changed {first:?} to {found:?}"))?;

    // Of eight at once with the same expectation, one wins.
    let rivals: Vec<_> =
        (0..8).map(|_| on_a_thread(set(2, Expected::Revision(first.revision)))).collect();
    let mut winners = 0;
    for rival in rivals {
        match rival.join() {
            Ok(Ok(_)) => winners += 1,
            Ok(Err(Error::Conflict { .. })) => {}
            other => return Err(Violation::new(format!("expected Conflict, got {other:?}"))),
        }
    }
    check(winners == 1, format!("{winners} of 8 compare-and-sets succeeded"))
}

/// Runs a future to its end on a thread of its own: the suite knows no runtime.
fn on_a_thread<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> std::thread::JoinHandle<T> {
    use std::task::{Context, Poll, Wake, Waker};

    struct Unpark(std::thread::Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    std::thread::spawn(move || {
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        let mut context = Context::from_waker(&waker);
        let mut future = std::pin::pin!(future);
        loop {
            match future.as_mut().poll(&mut context) {
                Poll::Ready(value) => return value,
                Poll::Pending => std::thread::park(),
            }
        }
    })
}

async fn aliases_need_a_version(registry: Registry) -> Outcome {
    register(&registry, "model", "one").await?;
    let (model, champion) = (name("model"), alias("champion"));
    let set = registry.set_alias(&model, &champion, Some(version(2)), &SetAlias::default()).await;
    expect_not_found(set, "2")?;
    expect_not_found(registry.get_alias(&model, &champion).await, "champion")
}

async fn stages_and_tags_are_as_set(registry: Registry) -> Outcome {
    let model = name("model");
    register(&registry, "model", "one").await?;
    let other = register(&registry, "model", "two").await?;
    registry.set_stage(&model, version(1), Stage::Production).await?;
    registry.set_tag(&model, version(1), "a", Some("1")).await?;
    registry.set_tag(&model, version(1), "b", Some("2")).await?;
    registry.set_tag(&model, version(1), "a", Some("3")).await?;
    registry.set_tag(&model, version(1), "b", None).await?;
    registry.set_tag(&model, version(1), "never there", None).await?;
    let found = registry.get(&model, version(1)).await?;
    check(found.stage == Stage::Production, format!("stage {}", found.stage))?;
    let tags: Vec<_> = found.tags.iter().map(|(key, value)| (&**key, &**value)).collect();
    check(tags == [("a", "3")], format!("tags {tags:?}"))?;
    check(registry.get(&model, version(2)).await? == other, "another version was touched")?;
    let reference: ModelRef = "models:/model/Production".parse()?;
    let resolved = registry.resolve(&reference).await?.id.version;
    check(resolved == version(1), format!("Production resolves to {resolved}"))
}

async fn deleted_versions_are_gone(registry: Registry) -> Outcome {
    let (model, champion) = (name("model"), alias("champion"));
    register(&registry, "model", "one").await?;
    register(&registry, "model", "two").await?;
    let change = SetAlias::default();
    registry.set_alias(&model, &champion, Some(version(1)), &change).await?;
    let refused = registry.delete_version(&model, version(1)).await;
    check(
        matches!(refused, Err(Error::Refused { .. })),
        format!("expected Refused for an aliased version, got {refused:?}"),
    )?;
    registry.get(&model, version(1)).await?;
    registry.set_alias(&model, &champion, None, &change).await?;
    registry.delete_version(&model, version(1)).await?;
    expect_not_found(registry.get(&model, version(1)).await, "1")?;
    let into = temporary()?;
    let fetched = registry.fetch(&model, version(1), &into.path().join("fetched")).await;
    expect_not_found(fetched, "1")?;
    let listed = registry.list_versions(&model, &Page::default()).await?.items;
    check(
        listed.iter().map(|version| version.id.version.get()).eq([2]),
        format!("listed {listed:?}"),
    )
}

async fn deleted_models_are_gone(registry: Registry) -> Outcome {
    let (model, champion) = (name("model"), alias("champion"));
    register(&registry, "model", "one").await?;
    register(&registry, "other", "one").await?;
    let change = SetAlias::default();
    let before = registry.set_alias(&model, &champion, Some(version(1)), &change).await?;
    registry.delete_model(&model).await?;
    expect_not_found(registry.get(&model, version(1)).await, "model")?;
    expect_not_found(registry.get_alias(&model, &champion).await, "model")?;
    let listed = registry.list_models(&Page::default()).await?.items;
    check(listed == [name("other")], format!("listed {listed:?}"))?;

    let again = register(&registry, "model", "two").await?.id.version;
    let after = registry.set_alias(&model, &champion, Some(again), &change).await?;
    let revision = |binding: Option<AliasBinding>| binding.map(|binding| binding.revision);
    check(
        revision(after) > revision(before),
        format!("{before:?} before the deletion, {after:?} after it"),
    )
}

async fn semantic_versions_are_unique(registry: Registry) -> Outcome {
    let semver = |text: &str| {
        let semver = Version::parse(text).expect("a semantic version");
        RegisterOptions::default().with_semver(semver)
    };
    for text in ["1.2.0", "1.3.0", "1.2.1", "2.0.0"] {
        register_with(&registry, "model", "content", &semver(text)).await?;
    }
    register(&registry, "model", "content").await?;
    let again = register_with(&registry, "model", "content", &semver("1.3.0")).await;
    check(
        matches!(again, Err(Error::AlreadyExists { .. })),
        format!("expected AlreadyExists, got {again:?}"),
    )?;
    for (requirement, expected) in [("^1.2", 2), ("~1.2", 3), (">=1, <3", 4), ("latest", 5)] {
        let reference: ModelRef = format!("models:/model/{requirement}").parse()?;
        let resolved = registry.resolve(&reference).await?.id.version;
        check(resolved == version(expected), format!("{requirement} resolves to {resolved}"))?;
    }
    let nothing: ModelRef = "models:/model/^3".parse()?;
    expect_not_found(registry.resolve(&nothing).await, "^3")
}
