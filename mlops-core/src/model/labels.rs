//! The names of the classes of an output, as a file of a package.

use std::{path::Path, sync::Arc};

use crate::{
    Error, Result,
    signature::{Dim, ModelSignature},
    tensor::TensorName,
};

/// The classes of the output that the file at `path` is named after, one a line of its content.
pub(super) fn of_file(
    path: &Path,
    content: Vec<u8>,
    signature: &ModelSignature,
) -> Result<(TensorName, Arc<[Arc<str>]>)> {
    let corrupt = |reason: String| Error::corrupt("labels", path.display(), reason);
    let text =
        String::from_utf8(content).map_err(|error| corrupt(format!("it is not UTF-8: {error}")))?;
    let output = path.file_stem().and_then(|stem| signature.output(stem.to_str()?));
    let Some(spec) = output else {
        return Err(corrupt("it is not named after an output, like `probabilities.txt`".into()));
    };
    let labels: Arc<[Arc<str>]> = text.lines().map(Arc::from).collect();
    match spec.shape.last() {
        Some(Dim::Fixed(classes)) if *classes != labels.len() => {
            let count = labels.len();
            Err(corrupt(format!("it has {count} lines, and `{}` has {classes} classes", spec.name)))
        }
        _ => Ok((Arc::clone(&spec.name), labels)),
    }
}
