//! Whether one model can stand in for another.

use std::{collections::HashMap, sync::Arc};

use mlops_core::{
    Error, Result,
    model::ModelId,
    signature::{Dim, ModelSignature, TensorSpec},
};

/// Checks that callers of `old` can call `new` instead: the same inputs and outputs, in any order and
/// whatever free dimensions are called.
pub(super) fn check_compatible(
    old: (&ModelId, &ModelSignature),
    new: (&ModelId, &ModelSignature),
) -> Result<()> {
    if canonical(old.1) == canonical(new.1) {
        return Ok(());
    }
    let reason = format!(
        "`{}` is {}, but `{}`, which it would replace, is {}: allow the change if callers know of it",
        new.0, new.1, old.0, old.1
    );
    Err(Error::Refused { what: "signature change", reasons: Arc::new([reason.into()]) })
}

/// The inputs and outputs by name, with free dimensions called by when they first occur.
fn canonical(signature: &ModelSignature) -> [Vec<TensorSpec>; 2] {
    let mut names = HashMap::new();
    let mut renamed = |specs: &[TensorSpec]| {
        let mut specs = specs.to_vec();
        specs.sort_by(|left, right| left.name.cmp(&right.name));
        for dim in specs.iter_mut().flat_map(|spec| &mut spec.shape) {
            if let Dim::Symbolic(name) = dim {
                let next = names.len();
                let number = *names.entry(Arc::clone(name)).or_insert(next);
                *name = number.to_string().into();
            }
        }
        specs
    };
    [renamed(&signature.inputs), renamed(&signature.outputs)]
}

#[cfg(test)]
mod tests {
    use mlops_core::tensor::DataType;

    use super::*;

    /// `name:dim,dim` for each tensor; a dimension is a number, `?`, or a symbol.
    fn signature(inputs: &[&str], outputs: &[&str]) -> ModelSignature {
        let specs = |texts: &[&str]| {
            let spec = |text: &&str| {
                let (name, dims) = text.split_once(':').unwrap();
                let dims = dims.split(',').map(|dim| match dim {
                    "?" => Dim::Unknown,
                    _ => match dim.parse() {
                        Ok(size) => Dim::Fixed(size),
                        Err(_) => Dim::Symbolic(dim.into()),
                    },
                });
                TensorSpec::new(name, DataType::F32, dims)
            };
            texts.iter().map(spec).collect()
        };
        ModelSignature { inputs: specs(inputs), outputs: specs(outputs) }
    }

    #[test]
    fn the_same_in_other_words_is_compatible() {
        let id = ModelId::new("m".parse().unwrap(), "1".parse().unwrap());
        let old = signature(&["a:batch,2", "b:batch,length"], &["y:batch"]);
        let compatible = |inputs: &[&str], outputs: &[&str]| {
            check_compatible((&id, &old), (&id, &signature(inputs, outputs))).is_ok()
        };
        assert!(compatible(&["a:batch,2", "b:batch,length"], &["y:batch"]));
        assert!(compatible(&["b:N,L", "a:N,2"], &["y:N"]));
        for (inputs, outputs) in [
            (&["a:batch,3", "b:batch,length"][..], &["y:batch"][..]),
            (&["a:batch,2", "b:batch,batch"], &["y:batch"]),
            (&["a:batch,2", "b:batch,length"], &["y:length"]),
            (&["a:batch,2", "b:batch,?"], &["y:batch"]),
            (&["a:batch,2"], &["y:batch"]),
            (&["a:batch,2", "b:batch,length"], &["z:batch"]),
            (&["a:batch,2", "b:batch,length"], &["y:batch", "z:batch"]),
        ] {
            assert!(!compatible(inputs, outputs), "{inputs:?} {outputs:?}");
        }
        let mut other_type = old.clone();
        other_type.outputs[0].data_type = DataType::F64;
        let error = check_compatible((&id, &old), (&id, &other_type)).unwrap_err();
        assert!(matches!(error, Error::Refused { .. }), "{error}");
    }
}
