//! [`Padding`]: requests of different sizes in one batch.

use mlops_core::{
    Error, Result,
    signature::{ModelSignature, TensorSpec},
    tensor::{DataType, Element, TensorName},
};
use serde::{Deserialize, Serialize};

/// How a dimension whose size differs between requests is made the same within a batch.
///
/// Inputs are padded along it, a mask tells the model what is real, and outputs that have the dimension
/// are cut back. Without it, only requests of the same shape share a batch.
///
/// ```
/// use mlops_serve::batch::{BatcherOptions, Padding, Rounding};
///
/// // Texts of up to 512 tokens, each batch padded to one of five lengths.
/// let padding = Padding::new("sequence", Rounding::Sizes(vec![32, 64, 128, 256, 512]))
///     .with_mask("attention_mask")
///     .with_value("input_ids", 1);
/// let options = BatcherOptions::default().with_padding([padding]).with_max_batch_cost(8192);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Padding {
    /// The symbolic dimension, by its name in the signature.
    pub dimension: String,
    /// What its sizes are rounded up to. Requests that round to the same size share a batch.
    pub rounding: Rounding,
    /// An input of shape `[batch, dimension]` that callers do not send: the batcher makes it, 1 for what
    /// is real and 0 for what is padding.
    #[serde(default)]
    pub mask: Option<String>,
    /// What inputs are padded with, where that is not 0. Strings are padded with empty ones.
    #[serde(default)]
    pub values: Vec<(String, i64)>,
    /// Axes of inputs and outputs that have the dimension although the signature does not name it there.
    #[serde(default)]
    pub axes: Vec<(String, usize)>,
}

/// What sizes are rounded up to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// One of these; a larger one is refused. For engines that are built for certain shapes.
    Sizes(Vec<usize>),
    /// Multiples of `smallest` that grow by at least so many percent: few different shapes and little
    /// padding.
    Geometric {
        /// The smallest size, of which all are multiples.
        smallest: usize,
        /// By how much one is larger than the one before.
        growth_percent: u32,
    },
}

impl Padding {
    /// Pads this dimension.
    pub fn new(dimension: impl Into<String>, rounding: Rounding) -> Self {
        Self {
            dimension: dimension.into(),
            rounding,
            mask: None,
            values: Vec::new(),
            axes: Vec::new(),
        }
    }

    /// Has the batcher make this input: 1 for what is real, 0 for padding.
    #[must_use]
    pub fn with_mask(mut self, input: impl Into<String>) -> Self {
        self.mask = Some(input.into());
        self
    }

    /// Sets what an input is padded with.
    #[must_use]
    pub fn with_value(mut self, input: impl Into<String>, value: i64) -> Self {
        self.values.push((input.into(), value));
        self
    }

    /// Says that this axis of an input or output has the dimension too.
    #[must_use]
    pub fn with_axis(mut self, tensor: impl Into<String>, axis: usize) -> Self {
        self.axes.push((tensor.into(), axis));
        self
    }

    /// Checks that it fits a model.
    pub(super) fn check(&self, signature: &ModelSignature) -> Result<()> {
        let invalid = |reason: String| {
            Err(Error::invalid("padding", format!("of `{}`: {reason}", self.dimension)))
        };
        self.rounding.check()?;
        if !signature.inputs.iter().any(|spec| self.axes_of(spec).next().is_some()) {
            return invalid(format!("no input of {signature} has it behind axis 0"));
        }
        for (name, axis) in &self.axes {
            let spec = signature.input(name).or_else(|| signature.output(name));
            let free =
                spec.and_then(|spec| spec.shape.get(*axis)).is_some_and(|dim| !dim.is_fixed());
            if *axis == 0 || !free {
                return invalid(format!("`{name}` has no free axis {axis} behind axis 0"));
            }
        }
        for (name, value) in &self.values {
            let Some(spec) = signature.input(name) else {
                return invalid(format!("there is no input `{name}` to pad"));
            };
            if fill(spec.data_type, *value).is_none() {
                return invalid(format!("{value} is no value of `{name}`, {}", spec.data_type));
            }
        }
        if let Some(name) = &self.mask {
            let Some(spec) = signature.input(name) else {
                return invalid(format!("there is no input `{name}` for the mask"));
            };
            let is_mask = spec.shape.len() == 2 && self.axes_of(spec).eq([1]);
            if !is_mask || spec.data_type == DataType::Bytes {
                return invalid(format!("the mask `{spec}` is not numbers of [batch, dimension]"));
            }
            let others = signature.inputs.iter().filter(|spec| *spec.name != **name);
            if !others.into_iter().any(|spec| self.axes_of(spec).next().is_some()) {
                return invalid("no input but the mask has it".into());
            }
        }
        Ok(())
    }

    /// The axes of a tensor that have the dimension.
    pub(super) fn axes_of(&self, spec: &TensorSpec) -> impl Iterator<Item = usize> {
        (1..spec.shape.len()).filter(|axis| {
            matches!(&spec.shape[*axis], mlops_core::signature::Dim::Symbolic(name) if **name == *self.dimension)
                || self.axes.iter().any(|(name, other)| *spec.name == **name && other == axis)
        })
    }

    /// What this input is padded with.
    pub(super) fn value_of(&self, input: &TensorName) -> Option<i64> {
        self.values.iter().find(|(name, _)| **name == **input).map(|(_, value)| *value)
    }
}

impl Rounding {
    /// The size this one is padded to; `None` if it is too large.
    pub(super) fn round(&self, size: usize) -> Option<usize> {
        match self {
            Self::Sizes(sizes) => sizes.iter().copied().filter(|fits| *fits >= size).min(),
            Self::Geometric { smallest, growth_percent } => {
                let mut fits = *smallest;
                while fits < size {
                    let grown = fits as u128 * (100 + u128::from(*growth_percent)) / 100;
                    let grown = usize::try_from(grown).ok()?.max(fits.checked_add(1)?);
                    fits = grown.checked_next_multiple_of(*smallest)?;
                }
                Some(fits)
            }
        }
    }

    /// The largest size it takes.
    pub(super) fn largest(&self) -> usize {
        match self {
            Self::Sizes(sizes) => sizes.iter().copied().max().unwrap_or(0),
            Self::Geometric { .. } => usize::MAX,
        }
    }

    /// Sizes to warm up: all there are, or the smallest.
    pub(super) fn warm_up_sizes(&self) -> Vec<usize> {
        match self {
            Self::Sizes(sizes) => sizes.clone(),
            Self::Geometric { smallest, .. } => vec![*smallest],
        }
    }

    fn check(&self) -> Result<()> {
        let reason = match self {
            Self::Sizes(sizes) if sizes.is_empty() => "there are no sizes",
            Self::Sizes(sizes) if sizes.contains(&0) => "a size is 0",
            Self::Geometric { smallest: 0, .. } => "the smallest size is 0",
            Self::Geometric { growth_percent: 0, .. } => "sizes grow by 0 %",
            Self::Sizes(_) | Self::Geometric { .. } => return Ok(()),
        };
        Err(Error::invalid("rounding", reason))
    }
}

/// One element of this type and value as its bytes; `None` if the type cannot hold it.
pub(super) fn fill(data_type: DataType, value: i64) -> Option<Vec<u8>> {
    fn of<T: Element>(value: T) -> Option<Vec<u8>> {
        Some(T::as_bytes(&[value]).to_vec())
    }
    match data_type {
        DataType::Bool => of(match value {
            0 => false,
            1 => true,
            _ => return None,
        }),
        DataType::U8 => of(u8::try_from(value).ok()?),
        DataType::U16 => of(u16::try_from(value).ok()?),
        DataType::U32 => of(u32::try_from(value).ok()?),
        DataType::U64 => of(u64::try_from(value).ok()?),
        DataType::I8 => of(i8::try_from(value).ok()?),
        DataType::I16 => of(i16::try_from(value).ok()?),
        DataType::I32 => of(i32::try_from(value).ok()?),
        DataType::I64 => of(value),
        DataType::F16 => of(mlops_core::half::f16::from_f64(value as f64)),
        DataType::Bf16 => of(mlops_core::half::bf16::from_f64(value as f64)),
        DataType::F32 => of(value as f32),
        DataType::F64 => of(value as f64),
        // Strings are padded with empty ones, whatever is asked for.
        DataType::Bytes => (value == 0).then(Vec::new),
    }
}

#[cfg(test)]
mod tests {
    use mlops_core::signature::Dim;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_are_rounded_up() {
        let sizes = Rounding::Sizes(vec![64, 16, 32]);
        for (size, expected) in [(0, Some(16)), (16, Some(16)), (17, Some(32)), (65, None)] {
            assert_eq!(sizes.round(size), expected, "{size}");
        }
        let geometric = Rounding::Geometric { smallest: 8, growth_percent: 25 };
        let mut all: Vec<_> = (0..200).map(|size| geometric.round(size).unwrap()).collect();
        all.dedup();
        assert_eq!(all, [8, 16, 24, 32, 40, 56, 72, 96, 120, 152, 192, 240]);
    }

    proptest! {
        #[test]
        fn rounding_is_up_monotone_and_settled(
            smallest in 1_usize..100, growth_percent in 1_u32..300, size in 0_usize..100_000,
        ) {
            let rounding = Rounding::Geometric { smallest, growth_percent };
            let rounded = rounding.round(size).unwrap();
            prop_assert!(rounded >= size && rounded.is_multiple_of(smallest));
            prop_assert_eq!(rounding.round(rounded), Some(rounded));
            prop_assert!(rounding.round(size + 1).unwrap() >= rounded);
            prop_assert_eq!(Rounding::Geometric { smallest, growth_percent }.round(usize::MAX), None);
        }
    }

    #[test]
    fn what_does_not_fit_the_model_is_refused() {
        let dim = |name: &str| Dim::Symbolic(name.into());
        let text = || [dim("batch"), dim("length")];
        let signature = ModelSignature {
            inputs: vec![
                TensorSpec::new("ids", DataType::U8, text()),
                TensorSpec::new("mask", DataType::I64, text()),
                TensorSpec::new("fixed", DataType::F32, [dim("batch"), Dim::Fixed(3)]),
            ],
            outputs: vec![TensorSpec::new("y", DataType::F32, [dim("batch"), Dim::Unknown])],
        };
        let sizes = || Rounding::Sizes(vec![8]);
        let good = || Padding::new("length", sizes());
        good().with_mask("mask").with_value("ids", 1).with_axis("y", 1).check(&signature).unwrap();
        for (padding, says) in [
            (Padding::new("width", sizes()), "no input"),
            (Padding::new("batch", sizes()), "no input"),
            (good().with_mask("nobody"), "`nobody`"),
            (good().with_mask("fixed"), "fixed: FP32[batch,3]"),
            (good().with_value("nobody", 1), "`nobody`"),
            (good().with_value("ids", 256), "256"),
            (good().with_axis("fixed", 1), "`fixed`"),
            (good().with_axis("ids", 0), "`ids`"),
            (good().with_axis("ids", 9), "`ids`"),
            (Padding::new("length", Rounding::Sizes(vec![])), "no sizes"),
            (Padding::new("length", Rounding::Sizes(vec![0])), "0"),
            (
                Padding::new("length", Rounding::Geometric { smallest: 0, growth_percent: 9 }),
                "smallest",
            ),
            (Padding::new("length", Rounding::Geometric { smallest: 9, growth_percent: 0 }), "0 %"),
        ] {
            let error = padding.check(&signature).unwrap_err();
            assert!(error.to_string().contains(says), "{error} does not say {says}");
        }
    }
}
