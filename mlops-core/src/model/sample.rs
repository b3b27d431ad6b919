//! [`Sample`]: what a model is asked, and what it must answer.

use std::path::Path;

use bytes::Bytes;

use crate::{Error, Result, signature::ModelSignature, tensor::NamedTensors};

/// Inputs, and the outputs that a model must give for them.
///
/// In a package it is a file of the role [`Samples`](crate::model::FileRole::Samples): a
/// [safetensors](https://github.com/huggingface/safetensors) file with the tensors `inputs.NAME` and
/// `outputs.NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// What the model is asked.
    pub inputs: NamedTensors,
    /// What it must answer; outputs that are not here are not compared.
    pub outputs: NamedTensors,
}

const INPUTS: &str = "inputs.";
const OUTPUTS: &str = "outputs.";

impl Sample {
    /// The content of the file that it is in a package.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for byte strings, which the format does not have.
    pub fn to_safetensors(&self) -> Result<Vec<u8>> {
        let mut tensors = NamedTensors::new();
        for (prefix, part) in [(INPUTS, &self.inputs), (OUTPUTS, &self.outputs)] {
            for (name, tensor) in part {
                tensors.insert(format!("{prefix}{name}"), tensor.clone())?;
            }
        }
        tensors.to_safetensors()
    }

    /// The sample in the content of a file. Its tensors are aligned.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if it is no such file; [`Error::Unsupported`] for a type that tensors
    /// here do not have.
    pub fn from_safetensors(content: &Bytes) -> Result<Self> {
        let mut sample = Self { inputs: NamedTensors::new(), outputs: NamedTensors::new() };
        for (name, tensor) in &NamedTensors::from_safetensors(content)? {
            let tensor = tensor.clone().into_aligned();
            if let Some(name) = name.strip_prefix(INPUTS) {
                sample.inputs.insert(name, tensor)?;
            } else if let Some(name) = name.strip_prefix(OUTPUTS) {
                sample.outputs.insert(name, tensor)?;
            } else {
                let reason = format!("`{name}` is neither `{INPUTS}…` nor `{OUTPUTS}…`");
                return Err(Error::invalid("sample", reason));
            }
        }
        Ok(sample)
    }

    /// Checks it against a signature.
    ///
    /// # Errors
    /// [`Error::InvalidTensor`] for the first tensor that does not fit.
    pub fn check(&self, signature: &ModelSignature) -> Result<()> {
        signature.validate_inputs(&self.inputs)?;
        for (name, tensor) in &self.outputs {
            let Some(spec) = signature.output(name) else {
                return Err(Error::invalid_tensor(&**name, "an output", "an unknown name"));
            };
            spec.check(tensor.data_type(), tensor.shape())?;
        }
        Ok(())
    }

    /// The sample in the file at `path`, whose content this is.
    pub(crate) fn of_file(
        path: &Path,
        content: Vec<u8>,
        signature: &ModelSignature,
    ) -> Result<Self> {
        let sample = Self::from_safetensors(&content.into())
            .and_then(|sample| sample.check(signature).map(|()| sample));
        sample.map_err(|error| match error {
            Error::Unsupported { .. } => error,
            error => Error::corrupt("sample", path.display(), error.report()),
        })
    }
}
