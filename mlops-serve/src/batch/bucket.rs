//! Which requests can share a run.

use std::sync::Arc;

use mlops_core::{
    Error, Result,
    inference::{Parameter, RequestContext},
    signature::ModelSignature,
    tensor::{NamedTensors, TensorName},
};
use smallvec::SmallVec;

use super::padding::{Padding, Rounding};

/// Requests with equal keys can be rows of one batch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct BucketKey {
    /// Sizes of the axes that may differ between requests, in the order of [`BucketRule::axes`].
    sizes: SmallVec<[usize; 4]>,
    /// What else must be the same; most requests have nothing.
    rest: Option<Arc<Rest>>,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Rest {
    outputs: Option<Vec<TensorName>>,
    /// Values of the parameters that the options name, in their order.
    parameters: Vec<Option<Value>>,
}

/// A [`Parameter`] that can be compared and hashed.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Value {
    Bool(bool),
    Integer(i64),
    FloatBits(u64),
    String(Arc<str>),
}

#[cfg(test)]
impl BucketKey {
    pub(super) fn of_sizes<const N: usize>(sizes: [usize; N]) -> Self {
        Self { sizes: SmallVec::from_slice(&sizes), rest: None }
    }
}

/// How keys are made for one model.
#[derive(Debug)]
pub(super) struct BucketRule {
    /// Axes behind the first that the signature leaves free.
    axes: Vec<FreeAxis>,
    /// Parameters whose values keep requests apart.
    parameters: Vec<String>,
}

/// An axis of an input, and what its sizes are rounded up to if it is padded.
#[derive(Debug)]
struct FreeAxis {
    input: TensorName,
    axis: usize,
    rounding: Option<Rounding>,
}

impl BucketRule {
    pub(super) fn new(
        signature: &ModelSignature,
        padding: &[Padding],
        parameters: Vec<String>,
    ) -> Self {
        let axes = signature.inputs.iter().flat_map(|spec| {
            let free = |axis: &usize| !spec.shape[*axis].is_fixed();
            (1..spec.shape.len()).filter(free).map(|axis| {
                let padding =
                    padding.iter().find(|padding| padding.axes_of(spec).any(|other| other == axis));
                FreeAxis {
                    input: Arc::clone(&spec.name),
                    axis,
                    rounding: padding.map(|padding| padding.rounding.clone()),
                }
            })
        });
        Self { axes: axes.collect(), parameters }
    }

    /// The key of a request with these inputs, which are valid.
    ///
    /// # Errors
    /// [`Error::InvalidTensor`] for an axis that is larger than it can be padded to.
    pub(super) fn key(
        &self,
        inputs: &NamedTensors,
        context: Option<&RequestContext>,
    ) -> Result<BucketKey> {
        let size = |free: &FreeAxis| {
            let size = inputs.get(&free.input).map_or(0, |tensor| tensor.shape()[free.axis]);
            let Some(rounding) = &free.rounding else {
                return Ok(size);
            };
            rounding.round(size).ok_or_else(|| {
                let largest = rounding.largest();
                let expected = format!("at most {largest} along axis {}", free.axis);
                Error::invalid_tensor(Arc::clone(&free.input), expected, size)
            })
        };
        let sizes = self.axes.iter().map(size).collect::<Result<_>>()?;
        Ok(BucketKey { sizes, rest: context.and_then(|context| self.rest(context)) })
    }

    /// What a row of a request with this key costs: the sizes of the free axes of an input multiplied,
    /// of the input for which that is most. So a text costs its length; where no axis is free, a row
    /// costs 1.
    pub(super) fn row_cost(&self, key: &BucketKey) -> usize {
        let (mut most, mut input, mut product) = (1, None, 1_usize);
        for (free, size) in self.axes.iter().zip(&key.sizes) {
            if input != Some(&free.input) {
                (input, product) = (Some(&free.input), 1);
            }
            product = product.saturating_mul(*size);
            most = most.max(product);
        }
        most
    }

    fn rest(&self, context: &RequestContext) -> Option<Arc<Rest>> {
        let values = self.parameters.iter().map(|name| context.parameters.get(name).map(value));
        let parameters: Vec<_> = values.collect();
        if context.requested_outputs.is_none() && parameters.iter().all(Option::is_none) {
            return None;
        }
        Some(Arc::new(Rest { outputs: context.requested_outputs.clone(), parameters }))
    }
}

fn value(parameter: &Parameter) -> Value {
    match parameter {
        Parameter::Bool(value) => Value::Bool(*value),
        Parameter::Integer(value) => Value::Integer(*value),
        Parameter::Float(value) => Value::FloatBits(value.to_bits()),
        Parameter::String(value) => Value::String(value.as_str().into()),
    }
}

#[cfg(test)]
mod tests {
    use mlops_core::{
        signature::{Dim, TensorSpec},
        tensor::{DataType, Tensor},
    };
    use ndarray::{Array2, ArrayD, IxDyn};

    use super::*;

    fn rule(parameters: &[&str]) -> BucketRule {
        let batch = || Dim::Symbolic("batch".into());
        let signature = ModelSignature {
            inputs: vec![
                TensorSpec::new("ids", DataType::F32, [batch(), Dim::Unknown]),
                TensorSpec::new("image", DataType::F32, [batch(), Dim::Fixed(3), Dim::Unknown]),
            ],
            outputs: vec![],
        };
        BucketRule::new(&signature, &[], parameters.iter().map(ToString::to_string).collect())
    }

    fn inputs(rows: usize, length: usize, width: usize) -> NamedTensors {
        // Not in the signature's order, which must not matter.
        let image = ArrayD::<f32>::zeros(IxDyn(&[rows, 3, width]));
        let mut inputs = NamedTensors::single("image", Tensor::from_array(image));
        let ids = Tensor::from_array(Array2::<f32>::zeros((rows, length)));
        inputs.insert("ids", ids).unwrap();
        inputs
    }

    fn with(parameters: &[(&str, Parameter)], outputs: &[&str]) -> RequestContext {
        let mut context = RequestContext::default();
        for (name, value) in parameters {
            context.parameters.insert((*name).to_owned(), value.clone());
        }
        if !outputs.is_empty() {
            let names = outputs.iter().map(|name| TensorName::from(*name));
            context.requested_outputs = Some(names.collect());
        }
        context
    }

    #[test]
    fn rows_do_not_matter_and_free_axes_do() {
        let rule = rule(&[]);
        let key = |rows, length, width| rule.key(&inputs(rows, length, width), None).unwrap();
        assert_eq!(key(1, 5, 7), key(9, 5, 7));
        assert_ne!(key(1, 5, 7), key(1, 6, 7));
        assert_ne!(key(1, 5, 7), key(1, 5, 8));
        assert_ne!(key(1, 5, 7), key(1, 7, 5));
    }

    #[test]
    fn a_row_costs_what_its_largest_input_does() {
        let cost = |length, width| {
            let rule = rule(&[]);
            rule.row_cost(&rule.key(&inputs(2, length, width), None).unwrap())
        };
        assert_eq!((cost(5, 7), cost(9, 7), cost(0, 0)), (7, 9, 1));
        let pixels = ModelSignature {
            inputs: vec![TensorSpec::new(
                "image",
                DataType::F32,
                [Dim::Unknown, Dim::Fixed(3), Dim::Unknown, Dim::Unknown],
            )],
            outputs: vec![],
        };
        let rule = BucketRule::new(&pixels, &[], vec![]);
        let image = Tensor::from_array(ArrayD::<f32>::zeros(IxDyn(&[1, 3, 4, 5])));
        let key = rule.key(&NamedTensors::single("image", image), None).unwrap();
        assert_eq!(rule.row_cost(&key), 20);
        let fixed =
            BucketRule::new(&ModelSignature { inputs: vec![], outputs: vec![] }, &[], vec![]);
        assert_eq!(fixed.row_cost(&BucketKey::default()), 1);
    }

    #[test]
    fn requested_outputs_and_marked_parameters_matter() {
        let rule = rule(&["adapter"]);
        let inputs = inputs(1, 5, 7);
        let key = |context: &RequestContext| rule.key(&inputs, Some(context)).unwrap();
        let text = |text: &str| Parameter::String(text.into());
        let plain = rule.key(&inputs, None).unwrap();
        assert_eq!(key(&with(&[], &[])), plain);
        assert_eq!(key(&with(&[("other", text("x"))], &[])), plain);
        let keys = [
            plain,
            key(&with(&[("adapter", text("x"))], &[])),
            key(&with(&[("adapter", text("y"))], &[])),
            key(&with(&[("adapter", Parameter::Integer(1))], &[])),
            key(&with(&[("adapter", Parameter::Float(1.0))], &[])),
            key(&with(&[("adapter", Parameter::Bool(true))], &[])),
            key(&with(&[], &["y"])),
            key(&with(&[], &["z", "y"])),
            key(&with(&[], &["y", "z"])),
        ];
        for (index, key) in keys.iter().enumerate() {
            assert!(!keys[..index].contains(key), "{key:?}");
        }
        let nan = || key(&with(&[("adapter", Parameter::Float(f64::NAN))], &[]));
        assert_eq!(nan(), nan());
    }

    #[test]
    fn padded_axes_share_a_bucket_up_to_their_size() {
        let text = [Dim::Symbolic("batch".into()), Dim::Symbolic("length".into())];
        let signature = ModelSignature {
            inputs: vec![TensorSpec::new("ids", DataType::F32, text)],
            outputs: vec![],
        };
        let padding = [Padding::new("length", Rounding::Sizes(vec![4, 8]))];
        let rule = BucketRule::new(&signature, &padding, vec![]);
        let key = |length| {
            let ids = Tensor::from_array(Array2::<f32>::zeros((2, length)));
            rule.key(&NamedTensors::single("ids", ids), None)
        };
        assert_eq!(key(1).unwrap(), key(4).unwrap());
        assert_ne!(key(4).unwrap(), key(5).unwrap());
        assert_eq!(rule.row_cost(&key(5).unwrap()), 8);
        let error = key(9).unwrap_err();
        assert_eq!(error.to_string(), "tensor `ids`: expected at most 8 along axis 1, got 9");
    }
}
