//! [`OnnxRuntime`]: the library, loaded once in a process.

#[cfg(feature = "onnxruntime")]
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use ort::{environment::Environment, logging::LogLevel};
use parking_lot::Mutex;

use super::error::OnnxRuntimeError as Error;

/// ONNX Runtime, loaded and started. Clones share it; it stays loaded until the process ends.
#[derive(Clone)]
pub struct OnnxRuntime(Arc<Loaded>);

struct Loaded {
    environment: Environment,
    library: PathBuf,
}

/// The engine is one for the whole process by its own design: this is where it is kept.
static PROCESS: Mutex<Process> = Mutex::new(Process { library: None, runtime: None });

/// Instead of the path of a library that the host has loaded.
const ADOPTED: &str = "the host's own";

struct Process {
    /// What was loaded into the process, whether or not it started.
    library: Option<PathBuf>,
    runtime: Option<OnnxRuntime>,
}

/// Where [`OnnxRuntime::discover`] looks.
#[cfg(feature = "onnxruntime")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DiscoverOptions {
    /// This file and no other. Without it: `libonnxruntime.so` (or as the platform calls it) beside
    /// the executable and in `lib` beside it, then by the system's loader.
    pub path: Option<PathBuf>,
}

#[cfg(feature = "onnxruntime")]
impl DiscoverOptions {
    /// Looks for this file and no other.
    #[must_use]
    pub fn with_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.path = Some(path.into());
        self
    }
}

#[cfg(feature = "onnxruntime")]
impl OnnxRuntime {
    /// Loads the library at `path` and starts it.
    ///
    /// Loading the same library again gives the same runtime.
    ///
    /// # Errors
    /// [`OnnxRuntimeError`](Error): it names the file and what is wrong with it.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let path = path.canonicalize().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::NoSuchFile { path: path.into() },
            _ => Error::NotLoadable { path: path.into(), reason: error.to_string() },
        })?;
        Self::load_library(path)
    }

    /// Looks for the library where `options` say and loads the first that will do.
    ///
    /// # Errors
    /// [`OnnxRuntimeError::NotFound`](Error::NotFound) with every place looked at and what was wrong
    /// there; for an explicit path, the error of [`load`](Self::load).
    pub fn discover(options: &DiscoverOptions) -> Result<Self, Error> {
        if let Some(path) = &options.path {
            return Self::load(path);
        }
        if let Some(runtime) = &PROCESS.lock().runtime {
            return Ok(runtime.clone());
        }
        let name =
            format!("{}onnxruntime{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
        let mut tried = Vec::new();
        if let Ok(executable) = std::env::current_exe()
            && let Some(directory) = executable.parent()
        {
            for path in [directory.join(&name), directory.join("lib").join(&name)] {
                match Self::load(path) {
                    Ok(runtime) => return Ok(runtime),
                    Err(error) => tried.push(error),
                }
            }
        }
        // Without a directory in its name, the system's loader looks in its own places.
        match Self::load_library(PathBuf::from(name)) {
            Ok(runtime) => Ok(runtime),
            Err(error) => {
                tried.push(error);
                Err(Error::NotFound { tried })
            }
        }
    }

    fn load_library(path: PathBuf) -> Result<Self, Error> {
        let mut process = PROCESS.lock();
        if let Some(loaded) = &process.library {
            return match &process.runtime {
                Some(runtime) if *loaded == path => Ok(runtime.clone()),
                Some(_) => Err(Error::AlreadyLoaded { loaded: loaded.clone(), asked: path }),
                None => Err(Error::NotStarted {
                    path: loaded.clone(),
                    reason: "it was loaded before and failed to start".into(),
                }),
            };
        }
        // A foreign library may satisfy the loader and then fail an assertion in `ort`.
        let loaded =
            catch_unwind(AssertUnwindSafe(|| ort::init_from(&path))).map_err(|_panic| {
                Error::Foreign {
                    path: path.clone(),
                    reason: "it offers no ONNX Runtime interface".into(),
                }
            })?;
        let builder = loaded.map_err(|error| load_error(path.clone(), error))?;
        process.library = Some(path.clone());
        let runtime = Self::start(builder, path)?;
        process.runtime = Some(runtime.clone());
        Ok(runtime)
    }
}

#[cfg(feature = "onnxruntime")]
fn load_error(path: PathBuf, error: ort::LoadDynamicError) -> Error {
    match error {
        ort::LoadDynamicError::Dlopen { error, .. } => {
            Error::NotLoadable { path, reason: error.to_string() }
        }
        ort::LoadDynamicError::MissingApi { .. } => {
            Error::Foreign { path, reason: "it does not export `OrtGetApiBase`".into() }
        }
        ort::LoadDynamicError::InvalidVersionString => {
            Error::Foreign { path, reason: "it does not tell its version".into() }
        }
        ort::LoadDynamicError::BadVersion { version_str, .. } => Error::TooOld {
            path,
            found: version_str,
            required: format!("1.{}", ort::MINOR_VERSION),
        },
    }
}

impl OnnxRuntime {
    /// Starts the library that the host linked in; see the module's documentation.
    ///
    /// # Errors
    /// [`OnnxRuntimeError::NotStarted`](Error::NotStarted).
    #[cfg(not(feature = "onnxruntime"))]
    pub fn linked() -> Result<Self, Error> {
        let mut process = PROCESS.lock();
        if let Some(runtime) = &process.runtime {
            return Ok(runtime.clone());
        }
        let path = PathBuf::from("linked");
        process.library = Some(path.clone());
        let runtime = Self::start(ort::init(), path)?;
        process.runtime = Some(runtime.clone());
        Ok(runtime)
    }

    /// Takes the environment of a host that uses `ort` itself: there can be one in a process.
    ///
    /// What is loaded later gives this runtime, as long as it asks for no particular file.
    #[must_use]
    pub fn adopt(environment: Environment) -> Self {
        let mut process = PROCESS.lock();
        let library = PathBuf::from(ADOPTED);
        process.library = Some(library.clone());
        let runtime = Self(Arc::new(Loaded { environment, library }));
        process.runtime = Some(runtime.clone());
        runtime
    }

    fn start(
        builder: ort::environment::EnvironmentBuilder,
        library: PathBuf,
    ) -> Result<Self, Error> {
        let environment = builder
            .with_name("mlops-serve")
            .with_telemetry(false)
            .with_logger(Arc::new(log))
            .build()
            .map_err(|error| Error::NotStarted {
                path: library.clone(),
                reason: error.message().into(),
            })?;
        // A custom logger is installed at the most talkative level, which would cost a call for
        // every operator of every run.
        environment.set_log_level(LogLevel::Warning);
        Ok(Self(Arc::new(Loaded { environment, library })))
    }

    /// The library's file; a bare name if the system's loader found it, and `the host's own` if the
    /// environment was [adopted](Self::adopt).
    #[must_use]
    pub fn library(&self) -> &Path {
        &self.0.library
    }

    /// What the library says about its build: branch, commit, build type, compiler flags.
    #[must_use]
    pub fn build_info(&self) -> &'static str {
        ort::info()
    }

    pub(super) fn environment(&self) -> &Environment {
        &self.0.environment
    }
}

fn log(level: LogLevel, category: &str, _id: &str, location: &str, message: &str) {
    match level {
        LogLevel::Verbose => {
            tracing::trace!(target: "onnxruntime", category, location, "{message}")
        }
        LogLevel::Info => tracing::debug!(target: "onnxruntime", category, location, "{message}"),
        LogLevel::Warning => tracing::warn!(target: "onnxruntime", category, location, "{message}"),
        LogLevel::Error | LogLevel::Fatal => {
            tracing::error!(target: "onnxruntime", category, location, "{message}");
        }
    }
}

impl fmt::Debug for OnnxRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnnxRuntime").field("library", &self.0.library).finish_non_exhaustive()
    }
}
