//! [`FeatureMap`]: which feature of the reference is where in a prediction.

use std::sync::Arc;

use mlops_core::{
    Error, Result,
    signature::{Dim, ModelSignature, TensorSpec},
    tensor::{DataType, TensorName},
};

use super::FeatureSource;
use crate::{
    compare::FeatureKind,
    profile::{FeatureProfile, Profile},
};

/// Which feature of a reference is where in the predictions of a model, looked up once, when the model is
/// loaded.
///
/// What is not said is taken from the features' names:
///
/// | name | where it is |
/// | --- | --- |
/// | `x` | the only column of the input or output `x` |
/// | `x[3]` | column 3 of the input or output `x` |
/// | `y.class`, `y.confidence` | the class and the confidence of the output `y` |
/// | `mask.tokens` | the tokens of the mask `mask`, an input |
/// | `latency`, `error` | latency in seconds, and whether the prediction failed |
///
/// ```
/// use mlops_core::{
///     signature::{Dim, ModelSignature, TensorSpec},
///     tensor::DataType,
///     timestamp::Timestamp,
/// };
/// use mlops_drift::{
///     monitor::{FeatureMap, FeatureSource},
///     profile::{Column, Origin, Profile, ProfileOptions},
/// };
///
/// # fn main() -> mlops_core::Result<()> {
/// let batch = || Dim::Symbolic("batch".into());
/// let signature = ModelSignature {
///     inputs: vec![TensorSpec::new("x", DataType::F32, [batch(), Dim::Fixed(2)])],
///     outputs: vec![TensorSpec::new("y", DataType::F32, [batch(), Dim::Fixed(3)])],
/// };
/// let ages = [30.0, 40.0, 50.0];
/// let columns = [("age", Column::numeric(&ages)), ("y.confidence", Column::numeric(&[0.9, 0.6, 0.7]))];
/// let origin = Origin::new("customers", Timestamp::EPOCH);
/// let reference = Profile::fit(&columns, origin, &ProfileOptions::default())?;
///
/// let map = FeatureMap::new(&reference, &signature, [("age", FeatureSource::input("x", 1))])?;
/// assert_eq!(map.source("y.confidence"), Some(&FeatureSource::confidence("y")));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct FeatureMap {
    features: Box<[(Arc<str>, FeatureSource)]>,
    /// True if axis 0 of every tensor is its rows.
    /// What each is, in the same order.
    kinds: Box<[FeatureKind]>,
    pub(super) batchable: bool,
    pub(super) inputs: Box<[TensorReads]>,
    pub(super) outputs: Box<[TensorReads]>,
    pub(super) latency: Box<[usize]>,
    pub(super) error: Box<[usize]>,
}

/// What is read of one tensor.
#[derive(Debug, Clone)]
pub(super) struct TensorReads {
    pub(super) name: TensorName,
    pub(super) data_type: DataType,
    /// Elements of a row, if that is always the same.
    pub(super) width: Option<usize>,
    pub(super) reads: Vec<Read>,
}

/// What is read of a tensor for one feature, by its place in the reference.
#[derive(Debug, Clone)]
pub(super) struct Read {
    pub(super) feature: usize,
    pub(super) what: What,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    Column(usize),
    Class(Box<[Box<str>]>),
    Confidence,
    Sum,
    Length(usize),
}

impl FeatureMap {
    /// Finds every feature of the reference in the predictions of a model: where `sources` says, or
    /// where its name says.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`], naming the feature, if it is in no tensor or in both an input and an output
    /// of its name, if the tensor has no such column or axis, or has values of another kind than the
    /// reference counts; for a source of a feature that the reference does not have, or a second one.
    pub fn new<N: AsRef<str>>(
        reference: &Profile,
        signature: &ModelSignature,
        sources: impl IntoIterator<Item = (N, FeatureSource)>,
    ) -> Result<Self> {
        signature.check()?;
        let mut given: Vec<Option<FeatureSource>> = vec![None; reference.features().len()];
        for (name, source) in sources {
            let name = name.as_ref();
            let Some(index) = reference.index(name) else {
                let reason = format!("the reference has no feature `{name}`");
                return Err(Error::invalid("feature map", reason));
            };
            if given[index].replace(source).is_some() {
                let reason = format!("feature `{name}` has two sources");
                return Err(Error::invalid("feature map", reason));
            }
        }
        let mut map = Self {
            features: Box::default(),
            kinds: kinds(reference),
            batchable: signature.is_batchable(),
            inputs: all(&signature.inputs, signature.is_batchable()),
            outputs: all(&signature.outputs, signature.is_batchable()),
            latency: Box::default(),
            error: Box::default(),
        };
        let mut features = Vec::with_capacity(given.len());
        for (index, ((name, profile), source)) in reference.features().zip(given).enumerate() {
            let source = match source {
                Some(source) => source,
                None => by_name(name, signature).map_err(|reason| about(name, &reason))?,
            };
            map.add(index, profile, &source).map_err(|reason| about(name, &reason))?;
            map.check(&source, signature).map_err(|reason| about(name, &reason))?;
            features.push((Arc::from(name), source));
        }
        map.features = features.into();
        for side in [&mut map.inputs, &mut map.outputs] {
            *side = side.iter().filter(|tensor| !tensor.reads.is_empty()).cloned().collect();
        }
        Ok(map)
    }

    /// A map for rows that the host gives itself: nothing is in predictions.
    #[must_use]
    pub fn nowhere(reference: &Profile) -> Self {
        let features = reference.features();
        Self {
            features: features.map(|(name, _)| (name.into(), FeatureSource::Nowhere)).collect(),
            kinds: kinds(reference),
            batchable: true,
            inputs: Box::default(),
            outputs: Box::default(),
            latency: Box::default(),
            error: Box::default(),
        }
    }

    /// The features in the order of the reference, and where they are.
    pub fn features(&self) -> impl ExactSizeIterator<Item = (&str, &FeatureSource)> {
        self.features.iter().map(|(name, source)| (&**name, source))
    }

    /// Where a feature is.
    #[must_use]
    pub fn source(&self, feature: &str) -> Option<&FeatureSource> {
        self.features().find(|(name, _)| *name == feature).map(|(_, source)| source)
    }

    /// Whether it was made for a reference with these features.
    pub(super) fn check_features(&self, reference: &Profile) -> Result<()> {
        let names = reference.features().map(|(name, _)| name);
        if !names.eq(self.features().map(|(name, _)| name)) {
            let reason = "it was made for a reference with other features";
            return Err(Error::invalid("feature map", reason));
        }
        let word = |kind| if kind == FeatureKind::Numeric { "a number" } else { "a category" };
        let kinds = reference.features().zip(self.kinds.iter().zip(kinds(reference)));
        for ((name, _), (was, is)) in kinds {
            if is != *was {
                let reason = format!("feature `{name}` is {}, and was {}", word(is), word(*was));
                return Err(Error::invalid("feature map", reason));
            }
        }
        Ok(())
    }

    /// Takes note of what is read for a feature.
    fn add(
        &mut self,
        feature: usize,
        profile: &FeatureProfile,
        source: &FeatureSource,
    ) -> Result<(), String> {
        let numeric = matches!(profile, FeatureProfile::Numeric(_));
        let (inputs, name, what) = match source {
            FeatureSource::Input { tensor, column } => (true, tensor, What::Column(*column)),
            FeatureSource::Output { tensor, column } => (false, tensor, What::Column(*column)),
            FeatureSource::Class { output, names } => {
                if numeric && !names.is_empty() {
                    return Err("its classes have names, and the reference has numbers".to_owned());
                }
                let names = names.iter().map(|name| name.as_str().into()).collect();
                (false, output, What::Class(names))
            }
            FeatureSource::Confidence { output } => (false, output, What::Confidence),
            FeatureSource::InputLength { tensor, axis } => (true, tensor, What::Length(*axis)),
            FeatureSource::OutputLength { tensor, axis } => (false, tensor, What::Length(*axis)),
            FeatureSource::Tokens { mask } => (true, mask, What::Sum),
            FeatureSource::Latency => {
                self.latency = with(&self.latency, feature);
                return numeric.then_some(()).ok_or_else(|| CATEGORIES.to_owned());
            }
            FeatureSource::Error => {
                self.error = with(&self.error, feature);
                return Ok(());
            }
            FeatureSource::Nowhere => return Ok(()),
        };
        let side = if inputs { &mut self.inputs } else { &mut self.outputs };
        let Some(tensor) = side.iter_mut().find(|tensor| *tensor.name == **name) else {
            let known: Vec<_> = side.iter().map(|tensor| &*tensor.name).collect();
            let side = if inputs { "inputs" } else { "outputs" };
            return Err(format!("`{name}` is none of the {side} ({})", known.join(", ")));
        };
        check_kind(tensor.data_type, numeric, &what)?;
        tensor.reads.push(Read { feature, what });
        Ok(())
    }

    /// Whether the tensor of a source can have what is read of it.
    fn check(&self, source: &FeatureSource, signature: &ModelSignature) -> Result<(), String> {
        let (spec, column, axis) = match source {
            FeatureSource::Input { tensor, column } => {
                (signature.input(tensor), Some(*column), None)
            }
            FeatureSource::Output { tensor, column } => {
                (signature.output(tensor), Some(*column), None)
            }
            FeatureSource::InputLength { tensor, axis } => {
                (signature.input(tensor), None, Some(*axis))
            }
            FeatureSource::OutputLength { tensor, axis } => {
                (signature.output(tensor), None, Some(*axis))
            }
            FeatureSource::Class { output, names } => {
                let spec = signature.output(output);
                let columns = spec.and_then(|spec| self.columns(spec));
                match columns {
                    Some(1) => return Err(format!("`{output}` has one column, so no classes")),
                    Some(columns) if !names.is_empty() && names.len() != columns => {
                        let found = names.len();
                        return Err(format!(
                            "{found} names for the {columns} columns of `{output}`"
                        ));
                    }
                    _ => return Ok(()),
                }
            }
            _ => return Ok(()),
        };
        let Some(spec) = spec else { return Ok(()) };
        match (self.columns(spec), column, axis) {
            (Some(columns), Some(column), _) if column >= columns => {
                Err(format!("`{spec}` has no column {column}"))
            }
            (_, _, Some(axis)) if axis >= spec.shape.len() => {
                Err(format!("`{spec}` has no axis {axis}"))
            }
            _ => Ok(()),
        }
    }

    /// How many columns a tensor has, if that is always the same.
    fn columns(&self, spec: &TensorSpec) -> Option<usize> {
        columns(spec, self.batchable)
    }
}

const CATEGORIES: &str = "it is a number, and the reference has categories";

fn columns(spec: &TensorSpec, batchable: bool) -> Option<usize> {
    let of_row = spec.shape.get(usize::from(batchable)..).unwrap_or_default();
    of_row.iter().try_fold(1_usize, |product, dim| match dim {
        Dim::Fixed(size) => product.checked_mul(*size),
        Dim::Symbolic(_) | Dim::Unknown => None,
    })
}

/// Whether values of this type can be what the reference counts.
fn check_kind(data_type: DataType, numeric: bool, what: &What) -> Result<(), String> {
    let is_string = data_type == DataType::Bytes;
    let is_float =
        matches!(data_type, DataType::F16 | DataType::Bf16 | DataType::F32 | DataType::F64);
    match what {
        What::Column(_) if numeric && is_string => {
            Err("it is a string, and the reference has numbers".to_owned())
        }
        What::Column(_) if !numeric && is_float => Err(CATEGORIES.to_owned()),
        What::Column(_) => Ok(()),
        What::Class(_) | What::Confidence | What::Sum if is_string => {
            Err("it is of numbers, and the tensor has strings".to_owned())
        }
        What::Class(_) => Ok(()),
        What::Confidence | What::Sum | What::Length(_) if !numeric => Err(CATEGORIES.to_owned()),
        What::Confidence | What::Sum | What::Length(_) => Ok(()),
    }
}

/// The source that a feature's name means.
fn by_name(name: &str, signature: &ModelSignature) -> Result<FeatureSource, String> {
    let (tensor, column) = match name.strip_suffix(']').and_then(|name| name.rsplit_once('[')) {
        Some((tensor, column)) => match column.parse() {
            Ok(column) => (tensor, Some(column)),
            Err(_) => (name, None),
        },
        None => (name, None),
    };
    // A tensor may itself be called `x[3]`.
    let (tensor, column) = match (signature.input(name), signature.output(name)) {
        (None, None) => (tensor, column),
        _ => (name, None),
    };
    let (spec, source) = match (signature.input(tensor), signature.output(tensor)) {
        (Some(_), Some(_)) => {
            return Err(format!("both an input and an output are called `{tensor}`: say which"));
        }
        (Some(spec), None) => (spec, FeatureSource::input(tensor, column.unwrap_or(0))),
        (None, Some(spec)) => (spec, FeatureSource::output(tensor, column.unwrap_or(0))),
        (None, None) => return by_suffix(name, signature),
    };
    match columns(spec, signature.is_batchable()) {
        _ if column.is_some() => Ok(source),
        Some(1) => Ok(source),
        _ => Err(format!("`{spec}` may have many columns: say which, such as `{tensor}[0]`")),
    }
}

/// The source that the end of a feature's name means.
fn by_suffix(name: &str, signature: &ModelSignature) -> Result<FeatureSource, String> {
    let (tensor, suffix) = name.rsplit_once('.').unwrap_or((name, ""));
    let (input, output) = (signature.input(tensor), signature.output(tensor));
    match (suffix, input, output) {
        ("class", _, Some(_)) => Ok(FeatureSource::class(tensor)),
        ("confidence", _, Some(_)) => Ok(FeatureSource::confidence(tensor)),
        ("tokens", Some(_), _) => Ok(FeatureSource::tokens(tensor)),
        _ if name == "latency" => Ok(FeatureSource::Latency),
        _ if name == "error" => Ok(FeatureSource::Error),
        _ => Err(format!("it is not in the predictions of `{signature}`: say where it is")),
    }
}

/// All tensors, of which nothing is read yet.
fn all(specs: &[TensorSpec], batchable: bool) -> Box<[TensorReads]> {
    let reads = |spec: &TensorSpec| TensorReads {
        name: Arc::clone(&spec.name),
        data_type: spec.data_type,
        width: columns(spec, batchable),
        reads: Vec::new(),
    };
    specs.iter().map(reads).collect()
}

fn with(features: &[usize], one: usize) -> Box<[usize]> {
    features.iter().copied().chain([one]).collect()
}

fn kinds(reference: &Profile) -> Box<[FeatureKind]> {
    reference.features().map(|(_, profile)| FeatureKind::of(profile)).collect()
}

fn about(feature: &str, reason: &str) -> Error {
    Error::invalid("feature map", format!("feature `{feature}`: {reason}"))
}
