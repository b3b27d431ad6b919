//! How a prediction is read from the outputs of a request.

use mlops_core::tensor::{NamedTensors, Tensor};
use serde::{Deserialize, Serialize};

use super::options::Task;
use crate::{element::each_number, performance::Classes};

/// Which output says what class was predicted, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum PredictedClass {
    /// A probability for each class; the class is that with the largest, the first of several. They give
    /// losses and areas too.
    Probabilities {
        /// The name of the output.
        output: String,
    },
    /// A score for each class, such as a logit; the class is that with the largest, the first of several.
    Scores {
        /// The name of the output.
        output: String,
    },
    /// The probability of the second of two classes. It gives losses and areas too.
    Probability {
        /// The name of the output.
        output: String,
        /// From which probability on it is the second class.
        threshold: f64,
    },
    /// The place of the class among the classes.
    Index {
        /// The name of the output.
        output: String,
    },
    /// The name of the class, as UTF-8 in a tensor of strings.
    Name {
        /// The name of the output.
        output: String,
    },
}

/// What was predicted of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Predicted {
    /// A class; `None` is one that is not among the classes.
    Class(Option<usize>),
    /// The probability of the second of two classes too.
    Probability { class: usize, probability: f64 },
    /// A probability for each class too.
    Probabilities { class: usize, probabilities: Box<[f64]> },
    /// A number.
    Number(f64),
}

/// Why there is no prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// The output has more than one row, and an outcome is about one.
    SeveralRows,
    /// There is no such output, or it is not of a type, shape or value that can be read.
    Unreadable,
}

/// Reads the prediction of a request with one row.
pub(super) fn read(task: &Task, outputs: &NamedTensors) -> Result<Predicted, Unread> {
    match task {
        Task::Regression { output } => {
            let number = one(find(outputs, output, 1)?)?;
            // An infinite prediction has an infinite error.
            number.is_finite().then_some(Predicted::Number(number)).ok_or(Unread::Unreadable)
        }
        Task::Classification { classes, predicted } => predicted.read(classes, outputs),
    }
}

impl PredictedClass {
    fn read(&self, classes: &Classes, outputs: &NamedTensors) -> Result<Predicted, Unread> {
        match self {
            Self::Probabilities { output } => {
                let probabilities = numbers(find(outputs, output, classes.len())?)?;
                let class = largest(&probabilities)?;
                Ok(match *probabilities {
                    [_, probability] => Predicted::Probability { class, probability },
                    _ => Predicted::Probabilities { class, probabilities },
                })
            }
            Self::Scores { output } => {
                let scores = numbers(find(outputs, output, classes.len())?)?;
                Ok(Predicted::Class(Some(largest(&scores)?)))
            }
            Self::Probability { output, threshold } => {
                let probability = one(find(outputs, output, 1)?)?;
                if !(0.0..=1.0).contains(&probability) {
                    return Err(Unread::Unreadable);
                }
                Ok(Predicted::Probability {
                    class: usize::from(probability >= *threshold),
                    probability,
                })
            }
            Self::Index { output } => {
                let index = one(find(outputs, output, 1)?)?;
                let place = index as usize;
                let is_place = place as f64 == index && place < classes.len();
                if index.is_nan() {
                    return Err(Unread::Unreadable);
                }
                Ok(Predicted::Class(is_place.then_some(place)))
            }
            Self::Name { output } => {
                let tensor = find(outputs, output, 1)?;
                let name = tensor.strings().and_then(|strings| strings.first());
                let name = name.and_then(|name| std::str::from_utf8(name).ok());
                Ok(Predicted::Class(classes.index(name.ok_or(Unread::Unreadable)?)))
            }
        }
    }
}

/// The output of this name, which has so many elements for each row.
fn find<'a>(outputs: &'a NamedTensors, name: &str, width: usize) -> Result<&'a Tensor, Unread> {
    let tensor = outputs.get(name).ok_or(Unread::Unreadable)?;
    match tensor.element_count() {
        count if count == width => Ok(tensor),
        count if count > width && count.is_multiple_of(width) => Err(Unread::SeveralRows),
        _ => Err(Unread::Unreadable),
    }
}

/// The place of the largest number; NaN has no place in any order.
fn largest(numbers: &[f64]) -> Result<usize, Unread> {
    let mut best = 0;
    for (place, number) in numbers.iter().enumerate() {
        if number.is_nan() {
            return Err(Unread::Unreadable);
        }
        if *number > numbers[best] {
            best = place;
        }
    }
    Ok(best)
}

fn one(tensor: &Tensor) -> Result<f64, Unread> {
    let mut number = f64::NAN;
    each_number(tensor, &mut |element| number = element).ok_or(Unread::Unreadable)?;
    if number.is_nan() { Err(Unread::Unreadable) } else { Ok(number) }
}

fn numbers(tensor: &Tensor) -> Result<Box<[f64]>, Unread> {
    let mut numbers = Vec::with_capacity(tensor.element_count());
    each_number(tensor, &mut |element| numbers.push(element)).ok_or(Unread::Unreadable)?;
    Ok(numbers.into())
}

#[cfg(test)]
mod tests {
    use mlops_core::{
        half::f16,
        ndarray::{Array, array},
        tensor::DataType,
    };

    use super::*;

    fn strings(names: &[&[u8]]) -> Tensor {
        let strings = names.iter().map(|name| name.to_vec().into()).collect();
        Tensor::from_strings(&[names.len()], strings).unwrap()
    }

    fn task(predicted: PredictedClass, classes: usize) -> Task {
        let names = ["a", "b", "c"].into_iter().take(classes);
        Task::Classification { classes: Classes::new(names).unwrap(), predicted }
    }

    fn output() -> String {
        "y".into()
    }

    fn read_one(task: &Task, tensor: Tensor) -> Result<Predicted, Unread> {
        read(task, &NamedTensors::single("y", tensor))
    }

    #[test]
    fn classes_are_read_from_one_row() {
        let scores = task(PredictedClass::Scores { output: output() }, 3);
        let class = |class| Ok(Predicted::Class(class));
        for (tensor, expected) in [
            (Tensor::from_array(array![[0.1_f32, 0.7, 0.2]]), class(Some(1))),
            (Tensor::from_array(array![-5_i64, -7, -5]), class(Some(0))),
            (Tensor::from_array(array![[f64::NEG_INFINITY, 0.0, 1.0]]), class(Some(2))),
            (Tensor::from_array(array![[0.1_f32, f32::NAN, 0.2]]), Err(Unread::Unreadable)),
            (Tensor::from_array(array![[0.1_f32, 0.7]]), Err(Unread::Unreadable)),
            (Tensor::from_array(Array::<f32, _>::zeros((0, 3))), Err(Unread::Unreadable)),
            (Tensor::from_array(Array::<f32, _>::zeros((2, 3))), Err(Unread::SeveralRows)),
            (strings(&[b"a", b"b", b"c"]), Err(Unread::Unreadable)),
        ] {
            assert_eq!(read_one(&scores, tensor.clone()), expected, "{tensor:?}");
        }
        assert_eq!(read(&scores, &NamedTensors::new()), Err(Unread::Unreadable));
        let index = task(PredictedClass::Index { output: output() }, 3);
        for (tensor, expected) in [
            (Tensor::from_array(array![2_i64]), class(Some(2))),
            (Tensor::from_array(array![[1.0_f32]]), class(Some(1))),
            (Tensor::from_array(array![true]), class(Some(1))),
            (Tensor::from_array(array![3_u8]), class(None)),
            (Tensor::from_array(array![-1_i8]), class(None)),
            (Tensor::from_array(array![0.5_f32]), class(None)),
            (Tensor::from_array(array![f32::NAN]), Err(Unread::Unreadable)),
            (Tensor::from_array(array![1_i32, 2]), Err(Unread::SeveralRows)),
        ] {
            assert_eq!(read_one(&index, tensor.clone()), expected, "{tensor:?}");
        }
        let name = task(PredictedClass::Name { output: output() }, 3);
        for (tensor, expected) in [
            (strings(&[b"b"]), class(Some(1))),
            (strings(&[b"z"]), class(None)),
            (strings(&[b"\xff"]), Err(Unread::Unreadable)),
            (strings(&[b"a", b"b"]), Err(Unread::SeveralRows)),
            (Tensor::from_array(array![1_i64]), Err(Unread::Unreadable)),
        ] {
            assert_eq!(read_one(&name, tensor.clone()), expected, "{tensor:?}");
        }
    }

    #[test]
    fn probabilities_are_kept() {
        let three = task(PredictedClass::Probabilities { output: output() }, 3);
        let found = read_one(&three, Tensor::from_array(array![[0.25_f64, 0.5, 0.25]]));
        let probabilities = Box::new([0.25, 0.5, 0.25]);
        assert_eq!(found, Ok(Predicted::Probabilities { class: 1, probabilities }));
        let two = task(PredictedClass::Probabilities { output: output() }, 2);
        let found =
            read_one(&two, Tensor::from_array(array![f16::from_f32(0.75), f16::from_f32(0.25)]));
        assert_eq!(found, Ok(Predicted::Probability { class: 0, probability: 0.25 }));
        let threshold = 0.2;
        let one = task(PredictedClass::Probability { output: output(), threshold }, 2);
        let found = read_one(&one, Tensor::from_array(array![[0.25_f32]]));
        assert_eq!(found, Ok(Predicted::Probability { class: 1, probability: 0.25 }));
        for wrong in [1.5_f32, -0.5, f32::NAN] {
            let found = read_one(&one, Tensor::from_array(array![wrong]));
            assert_eq!(found, Err(Unread::Unreadable));
        }
    }

    #[test]
    fn numbers_are_finite_and_may_lie_at_any_address() {
        let task = Task::Regression { output: output() };
        let two = Tensor::from_array(array![0_u8, 0, 0, 0, 0, 0, 0, 0, 0]);
        // A row of a tensor whose bytes begin at an odd address.
        let odd = two.rows(1..9).unwrap();
        let odd = Tensor::from_bytes(DataType::F64, &[1], odd.bytes().unwrap().clone()).unwrap();
        assert!(!odd.is_aligned());
        assert_eq!(read_one(&task, odd), Ok(Predicted::Number(0.0)));
        for wrong in [f64::NAN, f64::INFINITY] {
            let found = read_one(&task, Tensor::from_array(array![wrong]));
            assert_eq!(found, Err(Unread::Unreadable));
        }
        let found = read_one(&task, Tensor::from_array(array![[1.0], [2.0]]));
        assert_eq!(found, Err(Unread::SeveralRows));
    }
}
