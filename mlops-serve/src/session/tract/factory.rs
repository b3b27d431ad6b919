//! [`TractSessionFactory`].

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Weak},
};

use bytes::Bytes;
use mlops_core::{
    Error, Result,
    inference::{InferenceSession, SessionFactory},
    model::ModelPackage,
};
use parking_lot::Mutex;

use super::{
    error::BACKEND,
    graph,
    options::TractOptions,
    plan::Plans,
    session::{Model, TractSession},
};

/// A file that holds weights, by the name the model calls it.
pub(super) type ExternalData = (PathBuf, Arc<[u8]>);

/// Opens sessions of one ONNX model in `tract`.
///
/// Its sessions share one copy of the weights and one plan, which live as long as one of them does:
/// the second session costs no time and little memory.
#[derive(Debug, Clone)]
pub struct TractSessionFactory {
    source: Source,
    options: TractOptions,
    /// What the open sessions share.
    model: Arc<Mutex<Weak<Model>>>,
}

#[derive(Debug, Clone)]
enum Source {
    /// A file; external data lies beside it.
    File(PathBuf),
    Memory {
        model: Bytes,
        external_data: Vec<ExternalData>,
    },
}

impl TractSessionFactory {
    /// Sessions of the model in this file. Weights in external files are found beside it.
    #[must_use]
    pub fn from_file(path: impl Into<PathBuf>, options: TractOptions) -> Self {
        Self::new(Source::File(path.into()), options)
    }

    /// Sessions of the model in this package.
    #[must_use]
    pub fn from_package(package: &ModelPackage, options: TractOptions) -> Self {
        Self::from_file(package.model_path(), options)
    }

    /// Sessions of a model in memory; `external_data` holds the files its weights are in, by the
    /// names the model calls them.
    #[must_use]
    pub fn from_bytes(
        model: Bytes,
        external_data: Vec<(PathBuf, Arc<[u8]>)>,
        options: TractOptions,
    ) -> Self {
        Self::new(Source::Memory { model, external_data }, options)
    }

    fn new(source: Source, options: TractOptions) -> Self {
        Self { source, options, model: Arc::default() }
    }

    /// Opens a session. [`SessionFactory::open`] does the same behind the trait.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a missing file, [`Error::Corrupt`] for one that is not ONNX,
    /// [`Error::Unsupported`] for an operator that `tract` does not have, or a tensor of a type that
    /// it does not compute with, [`Error::Backend`] for whatever else `tract` says.
    pub fn open_session(&self) -> Result<TractSession> {
        // Held while the model is loaded: those who open at the same time want the same one.
        let mut shared = self.model.lock();
        if let Some(model) = shared.upgrade() {
            return Ok(TractSession::new(model));
        }
        let model = Arc::new(self.load().map_err(|error| self.named(error))?);
        *shared = Arc::downgrade(&model);
        Ok(TractSession::new(model))
    }

    fn load(&self) -> Result<Model> {
        let name = self.source.to_string();
        let mut proto = match &self.source {
            Source::File(path) => graph::read(&name, &read_file(path)?)?,
            Source::Memory { model, external_data } => {
                let mut proto = graph::read(&name, model)?;
                graph::embed(&name, &mut proto, external_data)?;
                proto
            }
        };
        graph::override_dimensions(&mut proto, &self.options);
        let framework = tract_onnx::onnx();
        let signature = graph::signature(&mut proto)?;
        graph::check_operators(&framework, &mut proto)?;
        let parsed = graph::parse(&framework, &proto, self.source.directory())?;
        // Its weights are in `parsed` now.
        drop(proto);
        let plans = Plans::new(parsed, &signature, &self.options)?;
        Ok(Model { signature: Arc::new(signature), plans })
    }

    /// The error with the model's name, where `tract` left it out.
    fn named(&self, error: Error) -> Error {
        match error {
            Error::Backend { backend: BACKEND, source } => {
                let reason = format!("cannot open model `{}`: {source}", self.source);
                Error::backend(BACKEND, reason)
            }
            error => error,
        }
    }
}

impl SessionFactory for TractSessionFactory {
    fn open(&self) -> Result<Box<dyn InferenceSession>> {
        Ok(Box::new(self.open_session()?))
    }
}

impl Source {
    fn directory(&self) -> Option<&str> {
        match self {
            Self::File(path) => path.parent()?.to_str(),
            Self::Memory { .. } => None,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Memory { .. } => f.write_str("(in memory)"),
        }
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::not_found("model file", path.display()),
        io::ErrorKind::IsADirectory => {
            Error::invalid("model file", format_args!("`{}` is not a file", path.display()))
        }
        _ => Error::file(path, error),
    })
}
