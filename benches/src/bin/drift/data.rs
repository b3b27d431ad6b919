//! The data that `benches/drift/make_data.py` made.

use std::{fs, path::Path};

use crate::Result;

/// The numbers of a file, eight bytes each.
pub(crate) fn numbers(folder: &Path, name: &str) -> Result<Vec<f64>> {
    let path = folder.join(format!("{name}.f64"));
    let bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let (chunks, []) = bytes.as_chunks::<8>() else {
        return Err(format!("{} does not hold numbers of eight bytes", path.display()).into());
    };
    Ok(chunks.iter().map(|chunk| f64::from_le_bytes(*chunk)).collect())
}

/// The columns of a table, one after the other.
pub(crate) fn columns(folder: &Path, name: &str) -> Result<Vec<Vec<f64>>> {
    (0..20).map(|column| numbers(folder, &format!("{name}{column}"))).collect()
}
