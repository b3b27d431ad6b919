//! Counting what a prediction's tensors hold.

use std::iter;

use mlops_core::{
    bytes::Bytes,
    half::{bf16, f16},
    observe::PredictionRecord,
    tensor::{DataType, NamedTensors, Tensor},
};

use super::{
    feature_map::{FeatureMap, Read, TensorReads, What},
    pane::{Pane, Problems},
    pending::Pending,
};
use crate::{
    element::{Number, digits},
    profile::{FeatureProfile, Profile},
};

impl FeatureMap {
    /// Room for rows of the tensors that are read, for [`count`](Self::count).
    pub(super) fn pending(&self) -> Box<[Pending]> {
        self.tensors().map(Pending::new).collect()
    }

    /// Counts a prediction. Of a small one, some is left pending.
    pub(super) fn count(
        &self,
        record: &PredictionRecord<'_>,
        pane: &mut Pane,
        pending: &mut [Pending],
    ) {
        // A prediction that has no rows is still one observation of latency.
        let mut rows = 1;
        let (pending_inputs, pending_outputs) = pending.split_at_mut(self.inputs.len());
        if let Some(inputs) = record.inputs {
            rows = rows.max(self.count_tensors(&self.inputs, inputs, pane, pending_inputs));
        } else {
            absent(&self.inputs, pane);
        }
        if let Ok(response) = record.result {
            let outputs = &response.outputs;
            rows = rows.max(self.count_tensors(&self.outputs, outputs, pane, pending_outputs));
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

    /// Counts what was left pending.
    pub(super) fn count_pending(&self, pane: &mut Pane, pending: &mut [Pending]) {
        for (reads, pending) in self.tensors().zip(pending) {
            count_pending(reads, pending, &mut pane.profile);
        }
    }

    fn tensors(&self) -> impl Iterator<Item = &TensorReads> {
        self.inputs.iter().chain(&self.outputs)
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
    fn count_tensors(
        &self,
        reads: &[TensorReads],
        tensors: &NamedTensors,
        pane: &mut Pane,
        pending: &mut [Pending],
    ) -> u64 {
        let mut most = 0;
        for (tensor_reads, pending) in reads.iter().zip(pending) {
            match tensors.get(&tensor_reads.name) {
                None => absent(std::slice::from_ref(tensor_reads), pane),
                Some(tensor) if tensor.data_type() != tensor_reads.data_type => {
                    for read in &tensor_reads.reads {
                        mismatched(read, &mut pane.problems);
                    }
                }
                Some(tensor) => {
                    let rows = self.rows_of(tensor);
                    count(tensor_reads, tensor, rows, pane, pending);
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

/// The rows of a tensor.
#[derive(Debug, Clone, Copy)]
struct Rows<'a> {
    shape: &'a [usize],
    count: usize,
    columns: usize,
}

impl Rows<'_> {
    /// Whether they have what is to be read of them.
    fn have(&self, what: &What) -> bool {
        match what {
            What::Column(column) => *column < self.columns || self.count == 0,
            What::Length(axis) => *axis < self.shape.len(),
            What::Class(_) | What::Confidence => self.columns > 0 || self.count == 0,
            What::Sum => true,
        }
    }
}

/// Counts what is read of a tensor. Of few rows it is left pending.
fn count(
    tensor_reads: &TensorReads,
    tensor: &Tensor,
    count: usize,
    pane: &mut Pane,
    pending: &mut Pending,
) {
    let columns = tensor.element_count().checked_div(count).unwrap_or(0);
    if let Some(bytes) = tensor.bytes()
        && pending.suits(bytes, columns)
    {
        if !pending.has_room(bytes, columns) {
            count_pending(tensor_reads, pending, &mut pane.profile);
        }
        return pending.add(bytes, columns);
    }
    let rows = Rows { shape: tensor.shape(), count, columns };
    let reads = &*tensor_reads.reads;
    for read in reads.iter().filter(|read| !rows.have(&read.what)) {
        mismatched(read, &mut pane.problems);
    }
    match tensor.bytes() {
        Some(bytes) => numbers(tensor_reads, rows, bytes, &mut pane.profile),
        None => strings(reads, rows, tensor.strings().unwrap_or_default(), &mut pane.profile),
    }
}

fn count_pending(tensor_reads: &TensorReads, pending: &mut Pending, profile: &mut Profile) {
    let (bytes, columns) = pending.rows();
    if !bytes.is_empty() {
        numbers(tensor_reads, Rows { shape: &[], count: 1, columns }, bytes, profile);
        pending.clear();
    }
}

/// Counts columns of what is not strings.
fn numbers(
    TensorReads { data_type, reads, .. }: &TensorReads,
    rows: Rows<'_>,
    bytes: &[u8],
    profile: &mut Profile,
) {
    match data_type {
        DataType::Bool => elements::<bool, 1>(reads, &rows, bytes, profile),
        DataType::U8 => elements::<u8, 1>(reads, &rows, bytes, profile),
        DataType::U16 => elements::<u16, 2>(reads, &rows, bytes, profile),
        DataType::U32 => elements::<u32, 4>(reads, &rows, bytes, profile),
        DataType::U64 => elements::<u64, 8>(reads, &rows, bytes, profile),
        DataType::I8 => elements::<i8, 1>(reads, &rows, bytes, profile),
        DataType::I16 => elements::<i16, 2>(reads, &rows, bytes, profile),
        DataType::I32 => elements::<i32, 4>(reads, &rows, bytes, profile),
        DataType::I64 => elements::<i64, 8>(reads, &rows, bytes, profile),
        DataType::F16 => elements::<f16, 2>(reads, &rows, bytes, profile),
        DataType::Bf16 => elements::<bf16, 2>(reads, &rows, bytes, profile),
        DataType::F32 => elements::<f32, 4>(reads, &rows, bytes, profile),
        DataType::F64 => elements::<f64, 8>(reads, &rows, bytes, profile),
        // They have no bytes to come with.
        DataType::Bytes => {}
    }
}

/// Counts columns of strings.
fn strings(reads: &[Read], rows: Rows<'_>, strings: &[Bytes], profile: &mut Profile) {
    for read in reads.iter().filter(|read| rows.have(&read.what)) {
        match (&read.what, profile.feature_mut(read.feature)) {
            (What::Column(column), FeatureProfile::Categorical(feature)) => {
                for string in every(strings, *column, rows.columns) {
                    feature.observe(std::str::from_utf8(string).unwrap_or("\u{fffd}"));
                }
            }
            (What::Length(axis), FeatureProfile::Numeric(feature)) => {
                feature.observe(rows.shape[*axis] as f64);
            }
            // The map has seen to it that nothing else is read of strings.
            _ => {}
        }
    }
}

/// Counts what is read of a tensor with elements of `SIZE` bytes.
fn elements<T: Number<SIZE>, const SIZE: usize>(
    reads: &[Read],
    rows: &Rows<'_>,
    bytes: &[u8],
    profile: &mut Profile,
) {
    // Bytes that came over a wire may lie at any address, so elements are read out of bytes.
    let (elements, _) = bytes.as_chunks::<SIZE>();
    let columns = rows.columns;
    for read in reads.iter().filter(|read| rows.have(&read.what)) {
        let column = |column| every(elements, column, columns);
        let each_row = || elements.chunks_exact(columns.max(1));
        match (&read.what, profile.feature_mut(read.feature)) {
            (What::Column(index), FeatureProfile::Numeric(feature)) => {
                feature.observe_each(column(*index).map(|bytes| T::number(*bytes)));
            }
            (What::Column(index), FeatureProfile::Categorical(feature)) => {
                column(*index).for_each(|bytes| T::category(*bytes, |it| feature.observe(it)));
            }
            (What::Confidence, FeatureProfile::Numeric(feature)) => {
                feature.observe_each(each_row().map(|row| largest::<T, SIZE>(row).1));
            }
            (What::Sum, FeatureProfile::Numeric(feature)) => {
                let sum = |row: &[[u8; SIZE]]| row.iter().map(|bytes| T::number(*bytes)).sum();
                feature.observe_each(each_row().map(sum));
            }
            (What::Class(_), FeatureProfile::Numeric(feature)) => {
                each_row().for_each(|row| match largest::<T, SIZE>(row) {
                    (_, value) if value.is_nan() => feature.observe_nulls(1),
                    (class, _) => feature.observe(class as f64),
                });
            }
            (What::Class(names), FeatureProfile::Categorical(feature)) => {
                each_row().for_each(|row| match largest::<T, SIZE>(row) {
                    (_, value) if value.is_nan() => feature.observe_nulls(1),
                    (class, _) => match names.get(class) {
                        Some(name) => feature.observe(name),
                        None => digits(class as u64, false, |class| feature.observe(class)),
                    },
                });
            }
            (What::Length(axis), FeatureProfile::Numeric(feature)) => {
                feature.observe(rows.shape[*axis] as f64);
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
