//! Counting what a prediction's tensors hold.

use std::iter;

use mlops_core::{
    half::{bf16, f16},
    observe::PredictionRecord,
    tensor::{DataType, NamedTensors, Tensor},
};

use super::{
    feature_map::{FeatureMap, Read, TensorReads, What},
    pane::{Pane, Problems},
};
use crate::{
    element::{Number, digits},
    profile::{FeatureProfile, Profile},
};

impl FeatureMap {
    /// Counts a prediction.
    pub(super) fn count(&self, record: &PredictionRecord<'_>, pane: &mut Pane) {
        // A prediction that has no rows is still one observation of latency.
        let mut rows = 1;
        if let Some(inputs) = record.inputs {
            rows = rows.max(self.count_tensors(&self.inputs, inputs, pane));
        } else {
            absent(&self.inputs, pane);
        }
        if let Ok(response) = record.result {
            rows = rows.max(self.count_tensors(&self.outputs, &response.outputs, pane));
        }
        for feature in &self.latency {
            number(&mut pane.profile, *feature, record.elapsed.as_secs_f64());
        }
        let failed = match record.result {
            Ok(_) => Some(false),
            Err(mlops_core::Error::Cancelled) => None,
            Err(_) => Some(true),
        };
        pane.requests.total = pane.requests.total.saturating_add(1);
        match failed {
            None => pane.requests.cancelled = pane.requests.cancelled.saturating_add(1),
            Some(failed) => {
                pane.requests.failed = pane.requests.failed.saturating_add(u64::from(failed));
                for feature in &self.error {
                    match pane.profile.feature_mut(*feature) {
                        FeatureProfile::Numeric(profile) => profile.observe(f64::from(failed)),
                        FeatureProfile::Categorical(profile) => {
                            profile.observe(if failed { "true" } else { "false" });
                        }
                    }
                }
            }
        }
        pane.profile.add_rows(rows);
        pane.see(record.at);
    }

    /// How many rows [`count`](Self::count) would add.
    pub(super) fn rows(&self, record: &PredictionRecord<'_>) -> u64 {
        let outputs = record.result.ok().map(|response| &response.outputs);
        let sides = [(&self.inputs, record.inputs), (&self.outputs, outputs)];
        let read = sides.iter().filter_map(|(reads, tensors)| Some((reads, (*tensors)?)));
        let rows = read.flat_map(|(reads, tensors)| {
            reads.iter().filter_map(|reads| {
                let tensor = tensors.get(&reads.name)?;
                (tensor.data_type() == reads.data_type).then(|| self.rows_of(tensor))
            })
        });
        rows.max().unwrap_or(0).max(1) as u64
    }

    fn rows_of(&self, tensor: &Tensor) -> usize {
        match tensor.row_count() {
            Some(rows) if self.batchable => rows,
            _ => 1,
        }
    }

    /// Counts what is read of these tensors, and says how many rows they have.
    fn count_tensors(&self, reads: &[TensorReads], tensors: &NamedTensors, pane: &mut Pane) -> u64 {
        let mut most = 0;
        for tensor_reads in reads {
            match tensors.get(&tensor_reads.name) {
                None => absent(std::slice::from_ref(tensor_reads), pane),
                Some(tensor) if tensor.data_type() != tensor_reads.data_type => {
                    for read in &tensor_reads.reads {
                        mismatched(read, &mut pane.problems);
                    }
                }
                Some(tensor) => {
                    let rows = self.rows_of(tensor);
                    count(&tensor_reads.reads, tensor, rows, pane);
                    most = most.max(rows as u64);
                }
            }
        }
        most
    }
}

fn absent(tensors: &[TensorReads], pane: &mut Pane) {
    for read in tensors.iter().flat_map(|tensor| &tensor.reads) {
        let problems = &mut pane.problems[read.feature];
        problems.absent = problems.absent.saturating_add(1);
    }
}

fn mismatched(read: &Read, problems: &mut [Problems]) {
    let problems = &mut problems[read.feature];
    problems.mismatched = problems.mismatched.saturating_add(1);
}

fn number(profile: &mut Profile, feature: usize, value: f64) {
    if let FeatureProfile::Numeric(profile) = profile.feature_mut(feature) {
        profile.observe(value);
    }
}

/// Counts what is read of a tensor.
fn count(reads: &[Read], tensor: &Tensor, rows: usize, pane: &mut Pane) {
    let columns = tensor.element_count().checked_div(rows).unwrap_or(0);
    let Pane { profile, problems, .. } = pane;
    let reads = reads.iter().filter(|read| {
        let is_there = match read.what {
            What::Column(column) => column < columns || rows == 0,
            What::Length(axis) => axis < tensor.shape().len(),
            What::Class(_) | What::Confidence => columns > 0 || rows == 0,
            What::Sum => true,
        };
        if !is_there {
            mismatched(read, problems);
        }
        is_there
    });
    match (tensor.data_type(), tensor.bytes()) {
        (DataType::Bool, Some(bytes)) => {
            elements::<bool, 1>(reads, (tensor.shape(), columns), bytes, profile)
        }
        (DataType::U8, Some(bytes)) => {
            elements::<u8, 1>(reads, (tensor.shape(), columns), bytes, profile)
        }
        (DataType::U16, Some(bytes)) => {
            elements::<u16, 2>(reads, (tensor.shape(), columns), bytes, profile)
        }
        (DataType::U32, Some(bytes)) => {
            elements::<u32, 4>(reads, (tensor.shape(), columns), bytes, profile)
        }
        (DataType::U64, Some(bytes)) => {
            elements::<u64, 8>(reads, (tensor.shape(), columns), bytes, profile)
        }
        (DataType::I8, Some(bytes)) => {
            elements::<i8, 1>(reads, (tensor.shape(), columns), bytes, profile)
        }
        (DataType::I16, Some(bytes)) => {
            elements::<i16, 2>(reads, (tensor.shape(), columns), bytes, profile)
        }
        (DataType::I32, Some(bytes)) => {
            elements::<i32, 4>(reads, (tensor.shape(), columns), bytes, profile)
        }
        (DataType::I64, Some(bytes)) => {
            elements::<i64, 8>(reads, (tensor.shape(), columns), bytes, profile)
        }
        (DataType::F16, Some(bytes)) => {
            elements::<f16, 2>(reads, (tensor.shape(), columns), bytes, profile)
        }
        (DataType::Bf16, Some(bytes)) => {
            elements::<bf16, 2>(reads, (tensor.shape(), columns), bytes, profile)
        }
        (DataType::F32, Some(bytes)) => {
            elements::<f32, 4>(reads, (tensor.shape(), columns), bytes, profile)
        }
        (DataType::F64, Some(bytes)) => {
            elements::<f64, 8>(reads, (tensor.shape(), columns), bytes, profile)
        }
        (DataType::Bytes, _) | (_, None) => strings(reads, tensor, columns, profile),
    }
}

/// Counts columns of strings.
fn strings<'a>(
    reads: impl Iterator<Item = &'a Read>,
    tensor: &Tensor,
    columns: usize,
    profile: &mut Profile,
) {
    let strings = tensor.strings().unwrap_or_default();
    for read in reads {
        match (&read.what, profile.feature_mut(read.feature)) {
            (What::Column(column), FeatureProfile::Categorical(feature)) => {
                for string in every(strings, *column, columns) {
                    feature.observe(std::str::from_utf8(string).unwrap_or("\u{fffd}"));
                }
            }
            (What::Length(axis), FeatureProfile::Numeric(feature)) => {
                feature.observe(tensor.shape()[*axis] as f64);
            }
            // The map has seen to it that nothing else is read of strings.
            _ => {}
        }
    }
}

/// Counts what is read of a tensor with elements of `SIZE` bytes.
fn elements<'a, T: Number<SIZE>, const SIZE: usize>(
    reads: impl Iterator<Item = &'a Read>,
    (shape, columns): (&[usize], usize),
    bytes: &[u8],
    profile: &mut Profile,
) {
    // Bytes that came over a wire may lie at any address, so elements are read out of bytes.
    let (elements, _) = bytes.as_chunks::<SIZE>();
    for read in reads {
        let column = |column| every(elements, column, columns);
        let rows = || elements.chunks_exact(columns.max(1));
        match (&read.what, profile.feature_mut(read.feature)) {
            (What::Column(index), FeatureProfile::Numeric(feature)) => {
                feature.observe_each(column(*index).map(|bytes| T::number(*bytes)));
            }
            (What::Column(index), FeatureProfile::Categorical(feature)) => {
                column(*index).for_each(|bytes| T::category(*bytes, |it| feature.observe(it)));
            }
            (What::Confidence, FeatureProfile::Numeric(feature)) => {
                feature.observe_each(rows().map(|row| largest::<T, SIZE>(row).1));
            }
            (What::Sum, FeatureProfile::Numeric(feature)) => {
                let sum = |row: &[[u8; SIZE]]| row.iter().map(|bytes| T::number(*bytes)).sum();
                feature.observe_each(rows().map(sum));
            }
            (What::Class(_), FeatureProfile::Numeric(feature)) => {
                rows().for_each(|row| match largest::<T, SIZE>(row) {
                    (_, value) if value.is_nan() => feature.observe_nulls(1),
                    (class, _) => feature.observe(class as f64),
                });
            }
            (What::Class(names), FeatureProfile::Categorical(feature)) => {
                rows().for_each(|row| match largest::<T, SIZE>(row) {
                    (_, value) if value.is_nan() => feature.observe_nulls(1),
                    (class, _) => match names.get(class) {
                        Some(name) => feature.observe(name),
                        None => digits(class as u64, false, |class| feature.observe(class)),
                    },
                });
            }
            (What::Length(axis), FeatureProfile::Numeric(feature)) => {
                feature.observe(shape[*axis] as f64);
            }
            // The map has seen to it that these are numbers.
            (What::Confidence | What::Sum | What::Length(_), _) => {}
        }
    }
}

/// The elements of one column. The index steps, so that nothing is divided: rows are often one only.
fn every<T>(elements: &[T], column: usize, columns: usize) -> impl Iterator<Item = &T> {
    let mut next = column;
    iter::from_fn(move || {
        let element = elements.get(next);
        next += columns;
        element
    })
}

/// The column of the largest value of a row, the first of equal ones, and the value; NaN if one is.
fn largest<T: Number<SIZE>, const SIZE: usize>(row: &[[u8; SIZE]]) -> (usize, f64) {
    let mut largest = (0, f64::NEG_INFINITY);
    for (column, bytes) in row.iter().enumerate() {
        let value = T::number(*bytes);
        if value.is_nan() {
            return (column, value);
        }
        if value > largest.1 {
            largest = (column, value);
        }
    }
    largest
}
