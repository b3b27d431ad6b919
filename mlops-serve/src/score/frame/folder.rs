//! The folder a job writes to: what it was begun with, and how far it has come.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs::{self, File, TryLockError},
    io::Write,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use mlops_core::{Error, Result};
use polars::prelude::{self as pl, SerReader};
use serde::{Deserialize, Serialize};

use super::error::backend;

/// What makes two runs the same job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) format_version: u32,
    pub(super) model: String,
    pub(super) features: BTreeMap<String, Vec<String>>,
    pub(super) outputs: Option<Vec<String>>,
    pub(super) keep: Vec<String>,
    /// What is done to the files, as polars describes it.
    pub(super) plan: String,
    pub(super) files: Vec<SourceFile>,
}

/// A file that is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SourceFile {
    path: PathBuf,
    size_bytes: u64,
    modified_micros: u64,
}

pub(super) const FORMAT_VERSION: u32 = 1;

impl SourceFile {
    /// A file of this machine.
    pub(super) fn of(path: &Path) -> Result<Self> {
        let wrong = |error| Error::file(path, error);
        let metadata = fs::metadata(path).map_err(wrong)?;
        // Before 1970 it is not.
        let modified = metadata.modified().map_err(wrong)?.duration_since(UNIX_EPOCH);
        let modified_micros = modified.unwrap_or_default().as_micros();
        Ok(Self {
            path: path.to_owned(),
            size_bytes: metadata.len(),
            modified_micros: u64::try_from(modified_micros).unwrap_or(u64::MAX),
        })
    }
}

/// A folder that no other process writes to while this lives.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// Locked until it is closed.
    _lock: File,
}

/// How far earlier runs have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Done {
    pub(super) rows: u64,
    pub(super) parts: u64,
    pub(super) complete: bool,
}

const JOB: &str = "_scoring.json";
const LOCK: &str = "_scoring.lock";
const SUCCESS: &str = "_SUCCESS";
const TEMPORARY: &str = "tmp";
/// What the names of parts begin with that are not whole yet.
const PART: &str = "_part-";

impl Folder {
    /// Begins the job, or goes on with it.
    pub(super) fn open(path: &Path, job: &Job) -> Result<(Self, Done)> {
        fs::create_dir_all(path).map_err(|error| Error::file(path, error))?;
        let lock_path = path.join(LOCK);
        let lock = File::create(&lock_path).map_err(|error| Error::file(&lock_path, error))?;
        let folder = Self { path: path.to_owned(), _lock: lock };
        match folder._lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(folder.conflict("another process is writing to it"));
            }
            Err(TryLockError::Error(error)) => return Err(Error::file(lock_path, error)),
        }
        let parts = folder.parts()?;
        match fs::read(folder.path.join(JOB)) {
            Ok(begun) => folder.check_same(&begun, job)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if !parts.is_empty() {
                    return Err(folder.conflict("it holds parts of something else"));
                }
                let json = serde_json::to_vec_pretty(job)
                    .map_err(|error| Error::backend("JSON", error))?;
                folder.put(JOB, &json)?;
            }
            Err(error) => return Err(Error::file(folder.path.join(JOB), error)),
        }
        folder.remove_temporary()?;
        let rows = folder.check_parts(&parts)?;
        let complete = folder.check_complete(rows)?;
        Ok((folder, Done { rows, parts: parts.len() as u64, complete }))
    }

    /// Where a part is written before it is whole.
    pub(super) fn temporary(&self, first: u64) -> PathBuf {
        self.path.join(format!("{PART}{first:015}.{TEMPORARY}"))
    }

    /// Makes a written part one of the output: the rows from `first` to before `end`.
    pub(super) fn commit(&self, file: &File, temporary: &Path, first: u64, end: u64) -> Result<()> {
        let path = self.path.join(format!("part-{first:015}-{end:015}.parquet"));
        file.sync_all().map_err(|error| Error::file(temporary, error))?;
        fs::rename(temporary, &path).map_err(|error| Error::file(&path, error))?;
        self.sync()
    }

    /// Says that all is done: so many rows.
    pub(super) fn complete(&self, rows: u64) -> Result<()> {
        self.put(SUCCESS, format!("{rows}\n").as_bytes())
    }

    /// Whether all was done, and still is.
    fn check_complete(&self, rows: u64) -> Result<bool> {
        let path = self.path.join(SUCCESS);
        let said = match fs::read_to_string(&path) {
            Ok(said) => said,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(Error::file(path, error)),
        };
        if said.trim() == rows.to_string() {
            return Ok(true);
        }
        let reason = format!("it tells of {} rows, and there are {rows}", said.trim());
        Err(Error::corrupt("file", path.display(), reason))
    }

    /// Writes a small file, whole or not at all.
    fn put(&self, name: &str, content: &[u8]) -> Result<()> {
        let (path, temporary) =
            (self.path.join(name), self.path.join(format!("{name}.{TEMPORARY}")));
        let write = || {
            let mut file = File::create(&temporary)?;
            file.write_all(content)?;
            file.sync_all()?;
            fs::rename(&temporary, &path)
        };
        write().map_err(|error| Error::file(&path, error))?;
        self.sync()
    }

    /// Makes new names last.
    fn sync(&self) -> Result<()> {
        let sync = File::open(&self.path).and_then(|folder| folder.sync_all());
        sync.map_err(|error| Error::file(&self.path, error))
    }

    fn remove_temporary(&self) -> Result<()> {
        for path in self.files()? {
            let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
            let is_ours = [PART, JOB, SUCCESS].iter().any(|prefix| name.starts_with(prefix));
            if is_ours && path.extension() == Some(OsStr::new(TEMPORARY)) {
                fs::remove_file(&path).map_err(|error| Error::file(path, error))?;
            }
        }
        Ok(())
    }

    fn files(&self) -> Result<Vec<PathBuf>> {
        let wrong = |error| Error::file(&self.path, error);
        let entries = fs::read_dir(&self.path).map_err(wrong)?;
        entries.map(|entry| Ok(entry.map_err(wrong)?.path())).collect()
    }

    /// The parts and their rows, in order.
    fn parts(&self) -> Result<Vec<(u64, u64, PathBuf)>> {
        let mut parts: Vec<_> = self
            .files()?
            .into_iter()
            .filter_map(|path| {
                let name = path.file_name()?.to_str()?;
                let rows = name.strip_prefix("part-")?.strip_suffix(".parquet")?;
                let (first, end) = rows.split_once('-')?;
                Some((first.parse().ok()?, end.parse().ok()?, path))
            })
            .collect();
        parts.sort();
        Ok(parts)
    }

    /// The rows of parts that follow one another from the first row on.
    fn check_parts(&self, parts: &[(u64, u64, PathBuf)]) -> Result<u64> {
        let mut rows = 0;
        for (first, end, path) in parts {
            let corrupt = |reason: String| Error::corrupt("file", path.display(), reason);
            if *first != rows || end < first {
                return Err(corrupt(format!(
                    "it does not begin at row {rows}, where the last one ends"
                )));
            }
            let file = File::open(path).map_err(|error| Error::file(path, error))?;
            let found = pl::ParquetReader::new(file).num_rows().map_err(backend)?;
            if found as u64 != end - first {
                return Err(corrupt(format!("it has {found} rows")));
            }
            rows = *end;
        }
        Ok(rows)
    }

    fn check_same(&self, begun: &[u8], job: &Job) -> Result<()> {
        let path = self.path.join(JOB);
        let begun: Job = serde_json::from_slice(begun)
            .map_err(|error| Error::corrupt("file", path.display(), error))?;
        let differs = |what: &str| {
            Err(self.conflict(&format!(
                "it was begun with {what}; choose another folder, or remove this one"
            )))
        };
        if begun.format_version != job.format_version {
            return differs(&format!("version {} of the format", begun.format_version));
        }
        if begun.model != job.model {
            return differs(&format!("model {}, not {}", begun.model, job.model));
        }
        if (&begun.features, &begun.outputs, &begun.keep)
            != (&job.features, &job.outputs, &job.keep)
        {
            return differs("other columns");
        }
        if begun.files != job.files {
            let changed = job.files.iter().find(|file| !begun.files.contains(file));
            return match changed {
                Some(file) => differs(&format!("another {}", file.path.display())),
                None => differs("more files"),
            };
        }
        if begun.plan != job.plan {
            return differs("another frame");
        }
        Ok(())
    }

    fn conflict(&self, reason: &str) -> Error {
        let name = self.path.display().to_string().into();
        Error::Conflict { kind: "output folder", name, reason: reason.into() }
    }
}
