//! The classification extension: the likeliest classes of an output instead of its numbers.

use std::sync::Arc;

use bytes::Bytes;
use mlops_core::{
    Error, Result,
    half::{bf16, f16},
    inference::ModelDescriptor,
    tensor::{DataType, Element, NamedTensors, Tensor, TensorName},
};
use smallvec::SmallVec;

/// How many classes each requested output is wanted as, in the order of the outputs; `None` for the
/// output itself.
pub(super) type Classes = SmallVec<[Option<usize>; 4]>;

/// Puts the `k` largest elements of each row in place of the outputs for which that was asked, as
/// strings `value:index` or `value:index:label`, the largest first.
pub(super) fn classify(
    outputs: NamedTensors,
    classes: &Classes,
    model: &ModelDescriptor,
) -> Result<NamedTensors> {
    if classes.iter().all(Option::is_none) {
        return Ok(outputs);
    }
    let mut classified = NamedTensors::new();
    for (index, (name, tensor)) in outputs.iter().enumerate() {
        let tensor = match classes.get(index) {
            Some(Some(count)) => top(name, tensor, *count, model)?,
            _ => tensor.clone(),
        };
        classified.insert(Arc::clone(name), tensor)?;
    }
    Ok(classified)
}

fn top(
    name: &TensorName,
    tensor: &Tensor,
    count: usize,
    model: &ModelDescriptor,
) -> Result<Tensor> {
    let has_rows = model.max_batch_size.is_some() && !tensor.shape().is_empty();
    let rows = if has_rows { tensor.shape()[0] } else { 1 };
    let width = tensor.element_count().checked_div(rows).unwrap_or(0);
    let count = count.min(width);
    let labels = model.labels.get(name).map_or(&[][..], |labels| labels);
    let classes = Classify { tensor, width, count, labels };
    let strings = match tensor.data_type() {
        DataType::U8 => classes.of::<u8, _>(|value| value),
        DataType::U16 => classes.of::<u16, _>(|value| value),
        DataType::U32 => classes.of::<u32, _>(|value| value),
        DataType::U64 => classes.of::<u64, _>(|value| value),
        DataType::I8 => classes.of::<i8, _>(|value| value),
        DataType::I16 => classes.of::<i16, _>(|value| value),
        DataType::I32 => classes.of::<i32, _>(|value| value),
        DataType::I64 => classes.of::<i64, _>(|value| value),
        DataType::F16 => classes.of::<f16, _>(f16::to_f32),
        DataType::Bf16 => classes.of::<bf16, _>(bf16::to_f32),
        DataType::F32 => classes.of::<f32, _>(|value| value),
        DataType::F64 => classes.of::<f64, _>(|value| value),
        DataType::Bool | DataType::Bytes => {
            let feature = format_args!("{} (output `{name}`)", tensor.data_type());
            return Err(Error::unsupported("classification", feature));
        }
    }?;
    if has_rows {
        Tensor::from_strings(&[rows, count], strings)
    } else {
        Tensor::from_strings(&[count], strings)
    }
}

struct Classify<'a> {
    tensor: &'a Tensor,
    /// Elements of a row.
    width: usize,
    count: usize,
    labels: &'a [Arc<str>],
}

impl Classify<'_> {
    /// The strings of every row; elements are compared and shown as `V`.
    fn of<T: Element, V: PartialOrd + std::fmt::Display>(
        &self,
        value: impl Fn(T) -> V,
    ) -> Result<Vec<Bytes>> {
        let Self { width, count, labels, .. } = *self;
        if count == 0 {
            return Ok(Vec::new());
        }
        let aligned = self.tensor.clone().into_aligned();
        let mut strings = Vec::new();
        let mut order = Vec::with_capacity(width);
        for row in aligned.as_slice::<T>()?.chunks_exact(width) {
            order.clear();
            order.extend(0..width);
            // The larger first; what cannot be compared (NaN) last; equals in their order.
            let descending = |left: &usize, right: &usize| {
                let (l, r) = (value(row[*left]), value(row[*right]));
                let order = r.partial_cmp(&l).unwrap_or_else(|| is_nan(&l).cmp(&is_nan(&r)));
                order.then(left.cmp(right))
            };
            if count < width {
                order.select_nth_unstable_by(count, descending);
            }
            order[..count].sort_unstable_by(descending);
            strings.extend(order[..count].iter().map(|index| {
                let value = value(row[*index]);
                let text = match labels.get(*index) {
                    Some(label) => format!("{value}:{index}:{label}"),
                    None => format!("{value}:{index}"),
                };
                Bytes::from(text)
            }));
        }
        Ok(strings)
    }
}

fn is_nan<V: PartialOrd>(value: &V) -> bool {
    value.partial_cmp(value).is_none()
}

#[cfg(test)]
mod tests {
    use mlops_core::{
        model::ModelId,
        ndarray::{Array1, Array2, array},
        signature::ModelSignature,
    };
    use proptest::prelude::*;

    use super::*;

    fn model() -> ModelDescriptor {
        let id = ModelId::new("m".parse().unwrap(), "1".parse().unwrap());
        let signature = ModelSignature { inputs: Vec::new(), outputs: Vec::new() };
        ModelDescriptor::new(Arc::new(id), Arc::new(signature), "mock")
    }

    fn strings(tensor: &Tensor) -> Vec<&str> {
        let strings = tensor.strings().unwrap().iter();
        strings.map(|string| std::str::from_utf8(string).unwrap()).collect()
    }

    fn ask(tensor: Tensor, count: usize, model: &ModelDescriptor) -> Result<Tensor> {
        let outputs = NamedTensors::single("y", tensor);
        let classes = Classes::from_elem(Some(count), 1);
        Ok(classify(outputs, &classes, model)?.require("y")?.clone())
    }

    #[test]
    fn the_largest_of_each_row_with_labels() {
        let model = model().with_max_batch_size(8).with_labels("y", ["cat", "dog"]);
        let scores = array![[0.25_f32, 0.5, 0.125], [3.0, -1.0, f32::NAN]];
        let top = ask(Tensor::from_array(scores.clone()), 2, &model).unwrap();
        assert_eq!(top.shape(), [2, 2]);
        assert_eq!(strings(&top), ["0.5:1:dog", "0.25:0:cat", "3:0:cat", "-1:1:dog"]);
        let all = ask(Tensor::from_array(scores), 99, &model).unwrap();
        assert_eq!(all.shape(), [2, 3]);
        assert_eq!(strings(&all)[5], "NaN:2");
    }

    #[test]
    fn equal_elements_keep_their_order_and_types_are_told() {
        let top = ask(Tensor::from_array(array![7_i64, 9, 7, 9]), 3, &model()).unwrap();
        assert_eq!(strings(&top), ["9:1", "9:3", "7:0"]);
        let half = Array1::from_elem(1, f16::from_f32(1.5));
        assert_eq!(strings(&ask(Tensor::from_array(half), 1, &model()).unwrap()), ["1.5:0"]);
        let empty = Tensor::from_array(Array2::<f32>::zeros((0, 3)));
        let batched = model().with_max_batch_size(4);
        assert_eq!(ask(empty, 2, &batched).unwrap().element_count(), 0);
        let words = Tensor::from_strings(&[1], vec![Bytes::from_static(b"a")]).unwrap();
        assert_eq!(ask(words, 1, &model()).unwrap_err().code(), "unsupported");
    }

    proptest! {
        #[test]
        fn it_is_the_head_of_a_stable_sort(row in prop::collection::vec(-3_i32..3, 1..20), count in 1_usize..25) {
            let top = ask(Tensor::from_array(Array1::from_vec(row.clone())), count, &model()).unwrap();
            let mut sorted: Vec<_> = row.iter().enumerate().collect();
            sorted.sort_by_key(|(_, value)| std::cmp::Reverse(**value));
            let expected: Vec<_> =
                sorted.iter().take(count).map(|(index, value)| format!("{value}:{index}")).collect();
            prop_assert_eq!(strings(&top), expected);
        }
    }
}
