//! [`ModelSignature`]: what goes into a model and what comes out.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::{
    Error, Result,
    tensor::{DataType, NamedTensors, TensorName},
};

/// One axis of a declared shape.
///
/// Serialised as a number, a string, or null.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Dim {
    /// Always this size.
    Fixed(usize),
    /// Any size, but the same one wherever this name occurs in the inputs and outputs of a call.
    Symbolic(Arc<str>),
    /// Any size.
    Unknown,
}

impl Dim {
    /// True for [`Dim::Fixed`].
    #[must_use]
    pub fn is_fixed(&self) -> bool {
        matches!(self, Self::Fixed(_))
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(size) => write!(f, "{size}"),
            Self::Symbolic(name) => f.write_str(name),
            Self::Unknown => f.write_str("?"),
        }
    }
}

/// The declared name, type and shape of one input or output. Shown as `input: FP32[batch,64]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TensorSpec {
    /// The tensor's name.
    pub name: TensorName,
    /// Its element type.
    pub data_type: DataType,
    /// Its axes, outermost first; empty for a scalar.
    pub shape: Vec<Dim>,
}

impl TensorSpec {
    /// A spec of these parts.
    pub fn new(
        name: impl Into<TensorName>,
        data_type: DataType,
        shape: impl IntoIterator<Item = Dim>,
    ) -> Self {
        Self { name: name.into(), data_type, shape: shape.into_iter().collect() }
    }

    /// Checks type, rank and fixed sizes, as a decoder does before it reads a single element.
    ///
    /// # Errors
    /// [`Error::InvalidTensor`].
    #[inline]
    pub fn check(&self, data_type: DataType, shape: &[usize]) -> Result<()> {
        let fits = |(dim, size): (&Dim, &usize)| !matches!(dim, Dim::Fixed(fixed) if fixed != size);
        if data_type == self.data_type
            && shape.len() == self.shape.len()
            && self.shape.iter().zip(shape).all(fits)
        {
            return Ok(());
        }
        Err(self.mismatch(data_type, shape))
    }

    #[cold]
    fn mismatch(&self, data_type: DataType, shape: &[usize]) -> Error {
        let name = Arc::clone(&self.name);
        Error::invalid_tensor(name, self.type_and_shape(), actual(data_type, shape))
    }

    /// Type and shape, without the name: `FP32[batch,64]`.
    #[must_use]
    pub fn type_and_shape(&self) -> impl fmt::Display + '_ {
        TypeAndShape(self)
    }
}

impl fmt::Display for TensorSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, TypeAndShape(self))
    }
}

struct TypeAndShape<'a>(&'a TensorSpec);

impl fmt::Display for TypeAndShape<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[", self.0.data_type)?;
        for (axis, dim) in self.0.shape.iter().enumerate() {
            if axis > 0 {
                f.write_str(",")?;
            }
            write!(f, "{dim}")?;
        }
        f.write_str("]")
    }
}

/// The declared inputs and outputs of a model.
///
/// ```
/// use mlops_core::{
///     signature::{Dim, ModelSignature, TensorSpec},
///     tensor::{DataType, NamedTensors, Tensor},
/// };
/// use ndarray::Array2;
///
/// let batch = || Dim::Symbolic("batch".into());
/// let signature = ModelSignature {
///     inputs: vec![TensorSpec::new("input", DataType::F32, [batch(), Dim::Fixed(64)])],
///     outputs: vec![TensorSpec::new("label", DataType::I64, [batch()])],
/// };
/// assert!(signature.is_batchable());
///
/// let wrong = NamedTensors::single("input", Tensor::from_array(Array2::<f32>::zeros((1, 63))));
/// assert_eq!(
///     signature.validate_inputs(&wrong).unwrap_err().to_string(),
///     "tensor `input`: expected FP32[batch,64], got FP32[1,63]",
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ModelSignature {
    /// What a call must give, each exactly once.
    pub inputs: Vec<TensorSpec>,
    /// What a call gives back.
    pub outputs: Vec<TensorSpec>,
}

impl ModelSignature {
    /// Checks names and types for duplicates and omissions.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if two inputs or two outputs share a name, or a name is empty.
    pub fn check(&self) -> Result<()> {
        for specs in [&self.inputs, &self.outputs] {
            for (index, spec) in specs.iter().enumerate() {
                if spec.name.is_empty() {
                    return Err(Error::invalid("signature", "a tensor has no name"));
                }
                if specs[..index].iter().any(|other| other.name == spec.name) {
                    let reason = format!("tensor `{}` is declared twice", spec.name);
                    return Err(Error::invalid("signature", reason));
                }
            }
        }
        Ok(())
    }

    /// True if requests can be stacked along axis 0: every input and output has one, and none is of
    /// fixed size.
    #[must_use]
    pub fn is_batchable(&self) -> bool {
        let mut specs = self.inputs.iter().chain(&self.outputs);
        !self.inputs.is_empty()
            && specs.all(|spec| spec.shape.first().is_some_and(|dim| !dim.is_fixed()))
    }

    /// The input of this name.
    #[must_use]
    pub fn input(&self, name: &str) -> Option<&TensorSpec> {
        self.inputs.iter().find(|spec| *spec.name == *name)
    }

    /// The output of this name.
    #[must_use]
    pub fn output(&self, name: &str) -> Option<&TensorSpec> {
        self.outputs.iter().find(|spec| *spec.name == *name)
    }

    /// Checks that `inputs` are exactly the declared ones: names, types, ranks, fixed sizes, and
    /// equal sizes wherever a symbol repeats.
    ///
    /// # Errors
    /// [`Error::InvalidTensor`] for the first tensor that is not as declared.
    pub fn validate_inputs(&self, inputs: &NamedTensors) -> Result<()> {
        let mut symbols = Symbols::default();
        validate(&self.inputs, inputs, &mut symbols)?;
        if inputs.len() > self.inputs.len() {
            return Err(unknown_tensor(&self.inputs, inputs));
        }
        Ok(())
    }

    /// Checks that `outputs` are those named in `requested` (all, if `None`), each as declared.
    ///
    /// Sizes that outputs share with inputs are not checked here: a model may change the meaning of
    /// a symbol on its way; the batcher checks the one that matters, the number of rows.
    ///
    /// # Errors
    /// [`Error::InvalidTensor`] for the first tensor that is not as declared.
    pub fn validate_outputs(
        &self,
        outputs: &NamedTensors,
        requested: Option<&[TensorName]>,
    ) -> Result<()> {
        let mut symbols = Symbols::default();
        let Some(requested) = requested else {
            return validate(&self.outputs, outputs, &mut symbols);
        };
        for name in requested {
            let spec = self.require_output(name)?;
            validate(std::slice::from_ref(spec), outputs, &mut symbols)?;
        }
        Ok(())
    }

    /// Checks that `requested` are outputs, at least one, each named once.
    ///
    /// # Errors
    /// [`Error::InvalidTensor`] for the first name that is not an output or comes twice;
    /// [`Error::InvalidArgument`] if there is none.
    pub fn validate_requested(&self, requested: &[TensorName]) -> Result<()> {
        if requested.is_empty() {
            return Err(Error::invalid("requested outputs", "none is requested"));
        }
        for (index, name) in requested.iter().enumerate() {
            self.require_output(name)?;
            if requested[..index].contains(name) {
                return Err(Error::invalid_tensor(
                    Arc::clone(name),
                    "to be requested once",
                    "a second request",
                ));
            }
        }
        Ok(())
    }

    fn require_output(&self, name: &TensorName) -> Result<&TensorSpec> {
        self.output(name).ok_or_else(|| {
            let expected = format!("an output of the model ({})", names(&self.outputs));
            Error::invalid_tensor(Arc::clone(name), expected, "an unknown name")
        })
    }
}

impl fmt::Display for ModelSignature {
    /// `(input: FP32[batch,64]) -> (label: INT64[batch])`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = |specs: &[TensorSpec]| {
            specs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        };
        write!(f, "({}) -> ({})", join(&self.inputs), join(&self.outputs))
    }
}

/// The size each symbol was first seen with, and the tensor it was seen in.
type Symbols<'a> = SmallVec<[(&'a str, usize, &'a str); 4]>;

fn validate<'a>(
    specs: &'a [TensorSpec],
    tensors: &NamedTensors,
    symbols: &mut Symbols<'a>,
) -> Result<()> {
    for spec in specs {
        let Some(tensor) = tensors.get(&spec.name) else {
            return Err(missing_tensor(spec, specs, tensors));
        };
        spec.check(tensor.data_type(), tensor.shape())?;
        for (dim, &size) in spec.shape.iter().zip(tensor.shape()) {
            match dim {
                Dim::Fixed(_) | Dim::Unknown => {}
                Dim::Symbolic(symbol) => {
                    match symbols.iter().find(|(known, ..)| *known == &**symbol) {
                        None => symbols.push((symbol, size, &spec.name)),
                        Some((_, known, _)) if *known == size => {}
                        Some((_, known, first)) => {
                            return Err(Error::invalid_tensor(
                                Arc::clone(&spec.name),
                                format_args!(
                                    "{} with {symbol} = {known} as in `{first}`",
                                    spec.type_and_shape()
                                ),
                                actual(tensor.data_type(), tensor.shape()),
                            ));
                        }
                    }
                }
            }
        }
    }
    Ok(())
}

#[cold]
fn missing_tensor(spec: &TensorSpec, specs: &[TensorSpec], tensors: &NamedTensors) -> Error {
    // A misspelt name is both missing and unknown: say the unknown one, it is what came.
    if tensors.iter().any(|(name, _)| specs.iter().all(|spec| spec.name != *name)) {
        return unknown_tensor(specs, tensors);
    }
    Error::invalid_tensor(Arc::clone(&spec.name), spec.type_and_shape(), "nothing")
}

#[cold]
fn unknown_tensor(specs: &[TensorSpec], tensors: &NamedTensors) -> Error {
    let unknown = tensors
        .iter()
        .map(|(name, _)| name)
        .find(|name| specs.iter().all(|spec| spec.name != **name))
        .map_or_else(|| Arc::from(""), Arc::clone);
    Error::invalid_tensor(unknown, format_args!("only {}", names(specs)), "an unknown name")
}

fn names(specs: &[TensorSpec]) -> String {
    specs.iter().map(|spec| &*spec.name).collect::<Vec<_>>().join(", ")
}

fn actual(data_type: DataType, shape: &[usize]) -> String {
    let sizes: Vec<_> = shape.iter().map(ToString::to_string).collect();
    format!("{data_type}[{}]", sizes.join(","))
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, IxDyn};

    use super::*;
    use crate::tensor::Tensor;

    fn symbol(name: &str) -> Dim {
        Dim::Symbolic(name.into())
    }

    fn zeros(shape: &[usize]) -> Tensor {
        Tensor::from_array(ArrayD::<f32>::zeros(IxDyn(shape)))
    }

    fn tensors<const N: usize>(tensors: [(&str, Tensor); N]) -> NamedTensors {
        let mut named = NamedTensors::new();
        for (name, tensor) in tensors {
            named.insert(name, tensor).unwrap();
        }
        named
    }

    fn two_inputs() -> ModelSignature {
        ModelSignature {
            inputs: vec![
                TensorSpec::new("a", DataType::F32, [symbol("batch"), symbol("length")]),
                TensorSpec::new("b", DataType::F32, [Dim::Unknown, Dim::Unknown, symbol("length")]),
            ],
            outputs: vec![TensorSpec::new("y", DataType::F32, [symbol("batch")])],
        }
    }

    #[test]
    fn validation_names_the_tensor_and_both_shapes() {
        let signature = two_inputs();
        let good = || zeros(&[2, 3]);
        let cases = [
            (tensors([("a", good())]), "tensor `b`: expected FP32[?,?,length], got nothing"),
            (
                tensors([("a", good()), ("c", good())]),
                "tensor `c`: expected only a, b, got an unknown name",
            ),
            (
                tensors([("a", good()), ("b", zeros(&[9, 1, 3])), ("c", good())]),
                "tensor `c`: expected only a, b, got an unknown name",
            ),
            (
                tensors([("a", zeros(&[2])), ("b", good())]),
                "tensor `a`: expected FP32[batch,length], got FP32[2]",
            ),
            (
                tensors([("a", good()), ("b", zeros(&[9, 1, 4]))]),
                "tensor `b`: expected FP32[?,?,length] with length = 3 as in `a`, got FP32[9,1,4]",
            ),
            (
                tensors([
                    ("a", Tensor::from_array(ArrayD::<f64>::zeros(IxDyn(&[2, 3])))),
                    ("b", good()),
                ]),
                "tensor `a`: expected FP32[batch,length], got FP64[2,3]",
            ),
        ];
        for (inputs, expected) in cases {
            let error = signature.validate_inputs(&inputs).unwrap_err();
            assert!(matches!(error, Error::InvalidTensor { .. }));
            assert_eq!(error.to_string(), expected);
        }
        // Unknown dimensions are any size, and not equal to one another.
        let right = tensors([("b", zeros(&[9, 1, 3])), ("a", good())]);
        signature.validate_inputs(&right).unwrap();
    }

    #[test]
    fn batchable_needs_a_free_axis_0_everywhere() {
        let mut signature = two_inputs();
        assert!(signature.is_batchable());
        signature.outputs.push(TensorSpec::new("scalar", DataType::F32, []));
        assert!(!signature.is_batchable());
        signature.outputs[1].shape = vec![Dim::Fixed(1)];
        assert!(!signature.is_batchable());
        signature.outputs[1].shape = vec![Dim::Unknown];
        assert!(signature.is_batchable());
        signature.inputs.clear();
        assert!(!signature.is_batchable());
    }

    #[test]
    fn outputs_are_checked_against_what_was_requested() {
        let mut signature = two_inputs();
        signature.outputs.push(TensorSpec::new("z", DataType::F32, [Dim::Fixed(2)]));
        let only_z = tensors([("z", zeros(&[2]))]);
        signature.validate_outputs(&only_z, Some(&["z".into()])).unwrap();
        assert!(signature.validate_outputs(&only_z, None).is_err());
        assert!(
            signature
                .validate_outputs(&tensors([("z", zeros(&[3]))]), Some(&["z".into()]))
                .is_err()
        );
        assert!(signature.validate_requested(&["z".into(), "y".into()]).is_ok());
        assert!(signature.validate_requested(&["z".into(), "z".into()]).is_err());
        assert!(signature.validate_requested(&[]).is_err());
        assert_eq!(
            signature.validate_requested(&["x".into()]).unwrap_err().to_string(),
            "tensor `x`: expected an output of the model (y, z), got an unknown name"
        );
    }

    #[test]
    fn duplicate_and_empty_names_are_refused() {
        let mut signature = two_inputs();
        signature.check().unwrap();
        signature.inputs[1].name = "a".into();
        assert!(signature.check().is_err());
        signature.inputs[1].name = "".into();
        assert!(signature.check().is_err());
    }

    #[test]
    fn json_round_trips() {
        let mut signature = two_inputs();
        signature.inputs[0].shape[1] = Dim::Fixed(3);
        let json = serde_json::to_string(&signature).unwrap();
        assert!(json.contains(r#""shape":["batch",3]"#) && json.contains("null"), "{json}");
        assert_eq!(serde_json::from_str::<ModelSignature>(&json).unwrap(), signature);
    }
}
