//! [`Inputs`]: requests for a model, made from its signature.

use std::sync::Arc;

use mlops_core::{
    random::{RandomKey, RandomStream},
    signature::{Dim, ModelSignature},
    tensor::{DataType, Element, NamedTensors, Tensor},
    testing::sample_inputs,
};

use super::Corpus;
use crate::Result;

/// What requests are made.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Inputs {
    /// Rows of a request, each choice as likely as another.
    pub rows: Vec<usize>,
    /// The size of free axes other than the first.
    pub lengths: Lengths,
    /// Different requests to make.
    pub count: usize,
}

impl Default for Inputs {
    fn default() -> Self {
        Self { rows: vec![1], lengths: Lengths::Fixed(16), count: 256 }
    }
}

/// The size of a model's free axes other than the first, one for each request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Lengths {
    /// Always the same.
    Fixed(usize),
    /// Log-normal, as lengths of texts are, cut off at both ends.
    LogNormal {
        /// The middle length.
        median: f64,
        /// The standard deviation of the logarithm.
        sigma: f64,
        /// The longest.
        max: usize,
    },
}

impl Lengths {
    fn draw(self, random: &mut RandomStream) -> usize {
        match self {
            Self::Fixed(length) => length,
            Self::LogNormal { median, sigma, max } => {
                // Box and Muller 1958; 1 - u is never 0.
                let radius = (-2.0 * (1.0 - random.next_unit()).ln()).sqrt();
                let normal = radius * (std::f64::consts::TAU * random.next_unit()).cos();
                ((median * (sigma * normal).exp()).round() as usize).clamp(1, max)
            }
        }
    }
}

impl Inputs {
    /// Sets the rows of a request, each choice as likely as another.
    #[must_use]
    pub fn with_rows(mut self, rows: impl IntoIterator<Item = usize>) -> Self {
        self.rows = rows.into_iter().collect();
        self
    }

    /// Sets the size of free axes other than the first.
    #[must_use]
    pub fn with_lengths(mut self, lengths: Lengths) -> Self {
        self.lengths = lengths;
        self
    }

    /// Sets how many different requests to make.
    #[must_use]
    pub fn with_count(mut self, count: usize) -> Self {
        self.count = count;
        self
    }

    /// Makes them. The same seed makes the same.
    ///
    /// Poison are the same requests with integers that no vocabulary holds: valid in name, type and
    /// shape, so that only the run finds out. A model without 64-bit integers has none.
    ///
    /// # Errors
    /// If there is nothing to choose from, or the signature is not one.
    pub fn corpus(&self, signature: &ModelSignature, seed: u64) -> Result<Corpus> {
        if self.rows.is_empty() || self.count == 0 {
            return Err("a corpus takes at least one choice of rows and one request".into());
        }
        let mut random = RandomKey::from_seed(seed).derive("inputs").stream(0);
        let mut corpus = Corpus::default();
        for _ in 0..self.count {
            let rows = self.rows[random.next_below(self.rows.len() as u64) as usize];
            let sized = with_length(signature, self.lengths.draw(&mut random));
            let inputs = sample_inputs(&sized, rows, random.next_u64())?;
            corpus.poison.extend(poisoned(&inputs)?);
            corpus.sound.push(inputs);
        }
        Ok(corpus)
    }
}

/// The signature with all free axes but the first of this size.
fn with_length(signature: &ModelSignature, length: usize) -> ModelSignature {
    let mut sized = signature.clone();
    for dim in sized.inputs.iter_mut().flat_map(|input| input.shape.iter_mut().skip(1)) {
        if !dim.is_fixed() {
            *dim = Dim::Fixed(length);
        }
    }
    sized
}

fn poisoned(inputs: &NamedTensors) -> Result<Option<NamedTensors>> {
    let mut changed = NamedTensors::new();
    let mut is_poison = false;
    for (name, tensor) in inputs.iter() {
        let tensor = if tensor.data_type() == DataType::I64 {
            is_poison = true;
            let far = vec![i64::from(i32::MAX); tensor.element_count()];
            let bytes = bytes::Bytes::copy_from_slice(i64::as_bytes(&far));
            Tensor::from_bytes(DataType::I64, tensor.shape(), bytes)?.into_aligned()
        } else {
            tensor.clone()
        };
        changed.insert(Arc::clone(name), tensor)?;
    }
    Ok(is_poison.then_some(changed))
}

#[cfg(test)]
mod tests {
    use mlops_core::signature::TensorSpec;

    use super::*;

    fn tokens() -> ModelSignature {
        let shape = || [Dim::Symbolic("batch".into()), Dim::Symbolic("length".into())];
        ModelSignature {
            inputs: vec![TensorSpec::new("tokens", DataType::I64, shape())],
            outputs: vec![TensorSpec::new("output", DataType::F32, shape())],
        }
    }

    #[test]
    fn every_request_fits_the_signature() {
        let inputs = Inputs::default().with_rows([1, 4]).with_lengths(Lengths::LogNormal {
            median: 20.0,
            sigma: 1.0,
            max: 64,
        });
        let corpus = inputs.corpus(&tokens(), 1).unwrap();
        assert_eq!((corpus.sound.len(), corpus.poison.len()), (256, 256));
        for request in corpus.all() {
            tokens().validate_inputs(request).unwrap();
        }
        assert_eq!(inputs.corpus(&tokens(), 1).unwrap().sound, corpus.sound);
        assert_ne!(inputs.corpus(&tokens(), 2).unwrap().sound, corpus.sound);
    }

    #[test]
    fn lengths_are_log_normal() {
        let lengths = Lengths::LogNormal { median: 1000.0, sigma: 0.5, max: 1 << 20 };
        let mut random = RandomKey::from_seed(9).stream(0);
        let count = 20_000;
        let mut logarithms: Vec<f64> =
            (0..count).map(|_| (lengths.draw(&mut random) as f64 / 1000.0).ln() / 0.5).collect();
        let mean = logarithms.iter().sum::<f64>() / f64::from(count);
        let variance =
            logarithms.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / f64::from(count);
        // Standard deviations 0.007 and 0.01; 5 of each.
        assert!(mean.abs() < 0.036 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
        logarithms.sort_by(f64::total_cmp);
        // The upper 2.5 % of a normal distribution lie above 1.96.
        let upper = logarithms[(0.975 * f64::from(count)) as usize];
        assert!((upper - 1.96).abs() < 0.1, "{upper}");
    }

    #[test]
    fn nothing_to_choose_from_is_refused() {
        assert!(Inputs::default().with_rows([]).corpus(&tokens(), 1).is_err());
        assert!(Inputs::default().with_count(0).corpus(&tokens(), 1).is_err());
    }
}
