//! What can go wrong with the library, and ONNX Runtime's own errors in our words.

use std::path::PathBuf;

use mlops_core::Error;
use ort::ErrorCode;

const BACKEND: &str = "onnxruntime";

/// Why ONNX Runtime could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OnnxRuntimeError {
    /// Another library was loaded before: ONNX Runtime is one for the whole process.
    #[error(
        "ONNX Runtime was loaded from `{}` before and cannot be loaded from `{}` too",
        loaded.display(), asked.display()
    )]
    AlreadyLoaded {
        /// The library in use.
        loaded: PathBuf,
        /// The one asked for now.
        asked: PathBuf,
    },
    /// There is no usable library in any of the places looked at.
    #[error(
        "no usable ONNX Runtime library; looked at:{}\nTo get one: `pip download --no-deps \
         onnxruntime`, unzip the wheel, and give the path of `onnxruntime/capi/libonnxruntime.so.*`",
        Tried(tried)
    )]
    NotFound {
        /// Each place, with what was wrong there, in the order of looking.
        tried: Vec<Self>,
    },
    /// There is no such file.
    #[error("`{}` is not there", path.display())]
    NoSuchFile {
        /// Where it should be.
        path: PathBuf,
    },
    /// The system's loader could not load it: not a library, of another architecture, or in need of
    /// libraries that are missing.
    #[error("`{}` cannot be loaded: {reason}", path.display())]
    NotLoadable {
        /// The file.
        path: PathBuf,
        /// The loader's words.
        reason: String,
    },
    /// It is a library, but not ONNX Runtime.
    #[error("`{}` is not ONNX Runtime: {reason}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What gives it away.
        reason: String,
    },
    /// It is an ONNX Runtime from before the interface that is needed here.
    #[error("`{}` is ONNX Runtime {found}; {required} or newer is needed", path.display())]
    TooOld {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: String,
        /// The oldest version that will do.
        required: String,
    },
    /// It was loaded, but refused to start.
    #[error(
        "ONNX Runtime from `{}` did not start: {reason} (if this program uses `ort` itself, hand its \
         environment to `OnnxRuntime::adopt`)",
        path.display()
    )]
    NotStarted {
        /// The file.
        path: PathBuf,
        /// Its own words.
        reason: String,
    },
}

struct Tried<'a>(&'a [OnnxRuntimeError]);

impl std::fmt::Display for Tried<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|place| write!(f, "\n  {place}"))
    }
}

impl From<OnnxRuntimeError> for Error {
    fn from(error: OnnxRuntimeError) -> Self {
        Self::backend(BACKEND, error)
    }
}

/// An error of a run.
pub(super) fn run_error(error: ort::Error) -> Error {
    if is_out_of_memory(error.message()) {
        return Error::OutOfMemory { what: BACKEND };
    }
    match error.code() {
        ErrorCode::InvalidArgument => Error::invalid("model input", error.message()),
        ErrorCode::NotImplemented => Error::unsupported(BACKEND, error.message()),
        _ => Error::backend(BACKEND, error),
    }
}

/// An error of opening the model that `model` names.
pub(super) fn open_error(model: &str, error: ort::Error) -> Error {
    if is_out_of_memory(error.message()) {
        return Error::OutOfMemory { what: BACKEND };
    }
    match error.code() {
        ErrorCode::NoSuchFile | ErrorCode::NoModel => Error::not_found("model file", model),
        ErrorCode::InvalidProtobuf | ErrorCode::InvalidGraph => {
            Error::corrupt("model", model, error.message())
        }
        ErrorCode::NotImplemented => {
            Error::unsupported(BACKEND, format_args!("model `{model}`: {}", error.message()))
        }
        _ => Error::backend(BACKEND, OpenError { model: model.into(), source: error }),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("cannot open model `{model}`")]
struct OpenError {
    model: String,
    source: ort::Error,
}

/// ONNX Runtime has no error code for it: these are the words of its CPU and CUDA arenas and of
/// `std::bad_alloc`.
fn is_out_of_memory(message: &str) -> bool {
    ["Failed to allocate memory", "bad allocation", "bad_alloc", "out of memory"]
        .iter()
        .any(|words| message.contains(words))
}
