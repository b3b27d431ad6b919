//! [`ModelPackage`]: the directory a model travels in, from training through a registry to serving.

use std::{
    collections::BTreeMap,
    fmt,
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use crate::{
    Error, Result,
    digest::{Digest, Digester},
    model::{Lineage, ModelCard, Sample, labels},
    progress::Progress,
    relative_path::RelativePath,
    signature::ModelSignature,
    tensor::TensorName,
};

pub(crate) const MANIFEST: &str = "manifest.json";
const FORMAT_VERSION: u32 = 1;
/// Far more than any real manifest; a bound, so that a foreign file cannot fill the memory.
pub(crate) const MAX_MANIFEST_BYTES: u64 = 16 << 20;
/// Samples are kept in memory while a model is loaded.
const MAX_SAMPLE_BYTES: u64 = 1 << 30;
const MAX_LABEL_BYTES: u64 = 16 << 20;

/// A directory with a `manifest.json` that says what the model takes and gives, where it came from,
/// and what every file must contain.
///
/// Made by [`PackageBuilder`], opened by [`ModelPackage::open`], and immutable in between: opening
/// checks the manifest, [`verify`](Self::verify) reads every file and compares its digest.
#[derive(Debug, Clone)]
pub struct ModelPackage {
    directory: PathBuf,
    manifest: Manifest,
}

/// The content of `manifest.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Manifest {
    format_version: u32,
    signature: ModelSignature,
    #[serde(default)]
    card: ModelCard,
    #[serde(default)]
    lineage: Lineage,
    files: Vec<PackageFile>,
}

/// One file of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageFile {
    /// Where it lies, relative to the package's directory.
    pub path: RelativePath,
    /// How many bytes it has.
    pub size_bytes: u64,
    /// What its content must be.
    pub digest: Digest,
    /// What it is for.
    pub role: FileRole,
}

/// What a file of a package is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FileRole {
    /// The model itself; exactly one file has this role.
    Model,
    /// Weights that the model file refers to.
    ExternalData,
    /// Statistics of the training data, from which a drift monitor starts.
    ReferenceProfile,
    /// A [`Sample`]: inputs (and the outputs they must give) for warm-up and for the check at a swap.
    Samples,
    /// The names of the classes of an output, one a line; the file's name is the output's, and `.txt`.
    Labels,
    /// A model card for people, beside the one in the manifest.
    Card,
}

impl ModelPackage {
    /// Reads the manifest of the package in `directory`.
    ///
    /// Blocks on the file system. File contents are not read: see [`verify`](Self::verify).
    ///
    /// # Errors
    /// [`Error::NotFound`] without a manifest; [`Error::Corrupt`] if it is not one;
    /// [`Error::Unsupported`] if a newer release wrote it.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self> {
        let directory = directory.into();
        let path = directory.join(MANIFEST);
        let mut json = Vec::new();
        File::open(&path)
            .and_then(|file| file.take(MAX_MANIFEST_BYTES + 1).read_to_end(&mut json))
            .map_err(|error| Error::file(&path, error))?;
        let corrupt =
            |reason: &dyn fmt::Display| Error::corrupt("manifest", path.display(), reason);
        if json.len() as u64 > MAX_MANIFEST_BYTES {
            return Err(corrupt(&"larger than 16 MiB"));
        }
        Self::parse(directory, &json)
    }

    /// The package in `directory` whose manifest is `json`.
    pub(crate) fn parse(directory: PathBuf, json: &[u8]) -> Result<Self> {
        let path = directory.join(MANIFEST);
        let corrupt =
            |reason: &dyn fmt::Display| Error::corrupt("manifest", path.display(), reason);
        // The version comes first, so that a newer format is not mistaken for a damaged file.
        #[derive(Deserialize)]
        struct Version {
            format_version: u32,
        }
        let version: Version = serde_json::from_slice(json).map_err(|error| corrupt(&error))?;
        if version.format_version != FORMAT_VERSION {
            return Err(Error::unsupported(
                "this release",
                format!("package format {} of {}", version.format_version, path.display()),
            ));
        }
        let manifest: Manifest = serde_json::from_slice(json).map_err(|error| corrupt(&error))?;
        manifest.check().map_err(|error| corrupt(&error.report()))?;
        Ok(Self { directory, manifest })
    }

    /// Reads the samples, in the order of the manifest; each fits the signature. Blocks on the file system.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for a file that is no sample of this model, [`Error::TooLarge`] for samples of
    /// more than 1 GiB together, [`Error::Unsupported`] for types that tensors here do not have.
    pub fn samples(&self) -> Result<Vec<Sample>> {
        let files = || self.files_of(FileRole::Samples);
        let actual = files().fold(0, |sum: u64, file| sum.saturating_add(file.size_bytes));
        if actual > MAX_SAMPLE_BYTES {
            let what = "samples of a package (bytes)";
            return Err(Error::TooLarge { what, actual, limit: MAX_SAMPLE_BYTES });
        }
        files()
            .map(|file| {
                let content = self.read(file)?;
                Sample::of_file(&self.path_of(file), content, &self.manifest.signature)
            })
            .collect()
    }

    /// The content of a file, which must be as long as the manifest says.
    fn read(&self, file: &PackageFile) -> Result<Vec<u8>> {
        let path = self.path_of(file);
        let mut content = Vec::new();
        File::open(&path)
            .and_then(|opened| {
                opened.take(file.size_bytes.saturating_add(1)).read_to_end(&mut content)
            })
            .map_err(|error| Error::file(&path, error))?;
        if content.len() as u64 != file.size_bytes {
            let reason = format!("it has not the {} bytes of the manifest", file.size_bytes);
            return Err(Error::corrupt("file", path.display(), reason));
        }
        Ok(content)
    }

    /// Reads the names of the classes, by output. Blocks on the file system.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for a file that is not text, is not named after an output or as another is, or has
    /// not as many lines as the output's last axis is long; [`Error::TooLarge`] for one of over 16 MiB.
    pub fn labels(&self) -> Result<BTreeMap<TensorName, Arc<[Arc<str>]>>> {
        let mut labels = BTreeMap::new();
        for file in self.files_of(FileRole::Labels) {
            let (actual, limit) = (file.size_bytes, MAX_LABEL_BYTES);
            if actual > limit {
                return Err(Error::TooLarge { what: "labels (bytes)", actual, limit });
            }
            let path = self.path_of(file);
            let (output, names) =
                labels::of_file(&path, self.read(file)?, &self.manifest.signature)?;
            if labels.insert(Arc::clone(&output), names).is_some() {
                let reason = format!("`{output}` has other labels too");
                return Err(Error::corrupt("labels", path.display(), reason));
            }
        }
        Ok(labels)
    }

    /// Reads every file and compares size and digest. Reports bytes to `progress`.
    ///
    /// Blocks on the file system, for as long as reading all bytes takes.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for the first file that differs; [`Error::NotFound`] for a missing one.
    pub fn verify(&self, progress: &dyn Progress) -> Result<()> {
        progress.set_total(Some(self.size_bytes()));
        for file in &self.manifest.files {
            let path = self.path_of(file);
            let (digest, size_bytes) = File::open(&path)
                .and_then(Digest::of_reader)
                .map_err(|error| Error::file(&path, error))?;
            if (size_bytes, &digest) != (file.size_bytes, &file.digest) {
                let reason = format!(
                    "{size_bytes} bytes with {digest}, but the manifest says {} bytes with {}",
                    file.size_bytes, file.digest
                );
                return Err(Error::corrupt("package file", path.display(), reason));
            }
            progress.advance(size_bytes);
        }
        progress.finish();
        Ok(())
    }

    /// Where the package lies.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What the model takes and gives.
    #[must_use]
    pub fn signature(&self) -> &ModelSignature {
        &self.manifest.signature
    }

    /// What people should know about it.
    #[must_use]
    pub fn card(&self) -> &ModelCard {
        &self.manifest.card
    }

    /// Where it came from.
    #[must_use]
    pub fn lineage(&self) -> &Lineage {
        &self.manifest.lineage
    }

    /// Its files, the manifest not counted.
    #[must_use]
    pub fn files(&self) -> &[PackageFile] {
        &self.manifest.files
    }

    /// The files of this role.
    pub fn files_of(&self, role: FileRole) -> impl Iterator<Item = &PackageFile> {
        self.manifest.files.iter().filter(move |file| file.role == role)
    }

    /// Where the model file lies.
    #[must_use]
    pub fn model_path(&self) -> PathBuf {
        let model = self.files_of(FileRole::Model).next();
        // `Manifest::check` has seen exactly one.
        self.directory.join(model.map_or("", |file| file.path.as_str()))
    }

    /// Where this file of the package lies.
    #[must_use]
    pub fn path_of(&self, file: &PackageFile) -> PathBuf {
        self.directory.join(file.path.as_str())
    }

    /// Bytes of all files together.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.manifest.files.iter().map(|file| file.size_bytes).sum()
    }

    /// A digest of everything the package says and contains: equal for equal packages, wherever
    /// they lie.
    ///
    /// # Errors
    /// [`Error::Backend`] if the manifest cannot be serialised, which no manifest that was read or
    /// built can cause.
    pub fn digest(&self) -> Result<Digest> {
        Ok(Digest::of(&self.manifest.to_json()?))
    }

    /// The content of `manifest.json`.
    #[cfg(feature = "artifacts")]
    pub(crate) fn manifest_json(&self) -> Result<Vec<u8>> {
        self.manifest.to_json()
    }
}

impl Manifest {
    fn check(&self) -> Result<()> {
        self.signature.check()?;
        let mut size_bytes = 0_u64;
        for (index, file) in self.files.iter().enumerate() {
            if file.path.as_str() == MANIFEST {
                return Err(Error::invalid(
                    "package",
                    "the manifest is listed as one of its files",
                ));
            }
            size_bytes = size_bytes
                .checked_add(file.size_bytes)
                .ok_or_else(|| Error::invalid("package", "its files' sizes overflow"))?;
            if self.files[..index].iter().any(|other| other.path == file.path) {
                let reason = format!("file `{}` is listed twice", file.path);
                return Err(Error::invalid("package", reason));
            }
        }
        let models = self.files.iter().filter(|file| file.role == FileRole::Model).count();
        if models != 1 {
            let reason = format!("exactly one file must have the role `model`, not {models}");
            return Err(Error::invalid("package", reason));
        }
        Ok(())
    }

    fn to_json(&self) -> Result<Vec<u8>> {
        serde_json::to_vec_pretty(self).map_err(|error| Error::backend("manifest", error))
    }
}

/// Makes a [`ModelPackage`].
///
/// ```no_run
/// use mlops_core::model::{FileRole, PackageBuilder};
/// # fn example(signature: mlops_core::signature::ModelSignature) -> mlops_core::Result<()> {
/// let package = PackageBuilder::new(signature)
///     .file(FileRole::Model, "model.onnx".parse()?, "target/trained.onnx")
///     .file(FileRole::Labels, "labels/probabilities.txt".parse()?, "classes.txt")
///     .build("packages/digits")?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct PackageBuilder {
    signature: ModelSignature,
    card: ModelCard,
    lineage: Lineage,
    sources: Vec<(FileRole, RelativePath, PathBuf)>,
}

impl PackageBuilder {
    /// A package for a model of this signature, without files yet.
    pub fn new(signature: ModelSignature) -> Self {
        Self {
            signature,
            card: ModelCard::default(),
            lineage: Lineage::default(),
            sources: Vec::new(),
        }
    }

    /// Sets the model card.
    pub fn card(mut self, card: ModelCard) -> Self {
        self.card = card;
        self
    }

    /// Sets where the model came from.
    pub fn lineage(mut self, lineage: Lineage) -> Self {
        self.lineage = lineage;
        self
    }

    /// Adds a copy of the file at `source`, to lie at `path` within the package.
    pub fn file(mut self, role: FileRole, path: RelativePath, source: impl Into<PathBuf>) -> Self {
        self.sources.push((role, path, source.into()));
        self
    }

    /// Copies the files and writes the manifest.
    ///
    /// Everything is written to `.NAME.partial` beside the directory, flushed to disk and then
    /// renamed: whoever sees the directory sees the whole package. Blocks on the file system.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] if the directory is there, or the `.partial` one of a build that
    /// runs or was killed; [`Error::InvalidArgument`] if a path is used twice or there is not
    /// exactly one model; [`Error::NotFound`] for a missing source.
    pub fn build(self, directory: impl Into<PathBuf>) -> Result<ModelPackage> {
        let directory = directory.into();
        if directory.exists() {
            return Err(Error::already_exists("package", directory.display()));
        }
        let partial = partial_path(&directory)?;
        fs::create_dir(&partial).map_err(|error| Error::file(&partial, error))?;
        let written = self.write(&partial).and_then(|manifest| {
            fs::rename(&partial, &directory)
                .and_then(|()| sync_parent(&directory))
                .map_err(|error| Error::file(&directory, error))?;
            Ok(manifest)
        });
        match written {
            Ok(manifest) => Ok(ModelPackage { directory, manifest }),
            Err(error) => {
                if let Err(left) = fs::remove_dir_all(&partial) {
                    tracing::warn!(path = %partial.display(), error = %left, "left behind");
                }
                Err(error)
            }
        }
    }

    fn write(self, directory: &Path) -> Result<Manifest> {
        let mut files = Vec::with_capacity(self.sources.len());
        for (role, path, source) in self.sources {
            if path.as_str() == MANIFEST || files.iter().any(|file: &PackageFile| file.path == path)
            {
                return Err(Error::invalid("package", format!("path `{path}` is used twice")));
            }
            let target = directory.join(path.as_str());
            let (digest, size_bytes) = copy_and_hash(&source, &target)?;
            files.push(PackageFile { path, size_bytes, digest, role });
        }
        let manifest = Manifest {
            format_version: FORMAT_VERSION,
            signature: self.signature,
            card: self.card,
            lineage: self.lineage,
            files,
        };
        manifest.check()?;
        let path = directory.join(MANIFEST);
        let json = manifest.to_json()?;
        File::create_new(&path)
            .and_then(|mut file| {
                file.write_all(&json)?;
                file.sync_all()
            })
            .and_then(|()| sync_directory(directory))
            .map_err(|error| Error::file(&path, error))?;
        Ok(manifest)
    }
}

fn partial_path(directory: &Path) -> Result<PathBuf> {
    let name = directory.file_name().ok_or_else(|| {
        Error::invalid("package directory", format!("`{}` has no name", directory.display()))
    })?;
    let mut partial = std::ffi::OsString::from(".");
    partial.push(name);
    partial.push(".partial");
    Ok(directory.with_file_name(partial))
}

fn copy_and_hash(source: &Path, target: &Path) -> Result<(Digest, u64)> {
    let mut reader = File::open(source).map_err(|error| Error::file(source, error))?;
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent).map_err(|error| Error::file(parent, error))?;
    }
    let mut copy = || -> io::Result<(Digest, u64)> {
        let mut writer = File::create_new(target)?;
        let mut digester = Digester::new();
        let mut buffer = vec![0; 256 << 10];
        loop {
            let count = reader.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            digester.update(&buffer[..count]);
            writer.write_all(&buffer[..count])?;
        }
        writer.sync_all()?;
        Ok((digester.finish(), digester.size_bytes()))
    };
    copy().map_err(|error| Error::file(target, error))
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_directory(parent),
        _ => sync_directory(Path::new(".")),
    }
}

fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(test)]
#[path = "package_tests.rs"]
mod tests;
