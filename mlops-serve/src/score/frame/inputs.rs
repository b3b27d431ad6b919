//! Columns to inputs.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use bytes::Bytes;
use half::{bf16, f16};
use mlops_core::{
    Error, Result,
    ndarray::Array1,
    signature::{Dim, ModelSignature, TensorSpec},
    tensor::{DataType, Element, NamedTensors, Tensor, TensorName},
};
use polars::{
    chunked_array::cast::CastOptions,
    prelude::{self as pl, ChunkExplode},
};
use smallvec::SmallVec;

use super::error::backend;

/// Sizes of a row's axes.
type RowShape = SmallVec<[usize; 3]>;

/// How each input of a model is made of columns.
#[derive(Debug)]
pub(super) struct InputPlan(Vec<Input>);

#[derive(Debug)]
struct Input {
    name: TensorName,
    data_type: DataType,
    columns: Columns,
}

#[derive(Debug)]
enum Columns {
    /// One number a row from each: features, in this order.
    Scalars { columns: Vec<pl::PlSmallStr>, shape: RowShape },
    /// All numbers of a row, the last axis first; at most one axis is `None`, as long as there are
    /// numbers for it.
    List { column: pl::PlSmallStr, axes: SmallVec<[Option<usize>; 3]> },
}

impl InputPlan {
    /// Checks that the columns can be the inputs. `features` are the columns of inputs that are not of
    /// one column of their own name.
    pub(super) fn new(
        signature: &ModelSignature,
        features: &BTreeMap<String, Vec<String>>,
        schema: &pl::Schema,
    ) -> Result<Self> {
        if let Some(unknown) = features.keys().find(|name| signature.input(name).is_none()) {
            let names: Vec<_> = signature.inputs.iter().map(|spec| &*spec.name).collect();
            let reason = format!("the model has no input `{unknown}`, only {}", names.join(", "));
            return Err(Error::invalid("features", reason));
        }
        let inputs = signature.inputs.iter().map(|spec| {
            let own = [spec.name.to_string()];
            Input::new(spec, features.get(&*spec.name).map_or(&own[..], Vec::as_slice), schema)
        });
        Ok(Self(inputs.collect::<Result<_>>()?))
    }

    /// The names of all columns, each once.
    pub(super) fn columns(&self) -> Vec<pl::PlSmallStr> {
        let mut names = Vec::new();
        for input in &self.0 {
            let columns = match &input.columns {
                Columns::Scalars { columns, .. } => &columns[..],
                Columns::List { column, .. } => std::slice::from_ref(column),
            };
            for column in columns {
                if !names.contains(column) {
                    names.push(column.clone());
                }
            }
        }
        names
    }

    /// The bytes of a row at least: axes of no fixed size are counted as one long.
    pub(super) fn row_bytes(&self) -> usize {
        let bytes = self.0.iter().map(|input| {
            let elements: usize = match &input.columns {
                Columns::Scalars { columns, .. } => columns.len(),
                Columns::List { axes, .. } => axes.iter().flatten().product(),
            };
            elements * input.data_type.size_bytes().unwrap_or(size_of::<Bytes>())
        });
        bytes.sum()
    }

    /// The inputs of all rows of a frame.
    pub(super) fn read(&self, frame: &pl::DataFrame) -> Result<Rows> {
        let mut rows = Rows { inputs: Vec::new(), faults: BTreeMap::new(), count: frame.height() };
        for input in &self.0 {
            input.read(frame, &mut rows)?;
        }
        Ok(rows)
    }
}

impl Input {
    fn new(spec: &TensorSpec, columns: &[String], schema: &pl::Schema) -> Result<Self> {
        let found = |column: &String| {
            schema.get(column).ok_or_else(|| {
                let names: Vec<_> = schema.iter_names().map(|name| name.as_str()).collect();
                let expected = format!("a column `{column}`, or `features` that name others");
                Error::invalid_tensor(Arc::clone(&spec.name), expected, names.join(", "))
            })
        };
        let data_types: Vec<_> = columns.iter().map(found).collect::<Result<_>>()?;
        let sizes = spec.shape.get(1..).unwrap_or_default().iter();
        let axes: SmallVec<[Option<usize>; 3]> = sizes
            .map(|dim| match dim {
                Dim::Fixed(size) => Some(*size),
                Dim::Symbolic(_) | Dim::Unknown => None,
            })
            .collect();
        let wrong = |expected: &str| {
            let actual =
                columns.iter().zip(&data_types).map(|(name, it)| format!("`{name}` ({it})"));
            let actual = actual.collect::<Vec<_>>().join(", ");
            Err(Error::invalid_tensor(Arc::clone(&spec.name), expected, actual))
        };
        if let [pl::DataType::List(inner) | pl::DataType::Array(inner, _)] = &data_types[..] {
            if axes.is_empty() {
                return wrong("a column of single values");
            }
            if axes.iter().filter(|size| size.is_none()).count() > 1 {
                return wrong("at most one axis of no fixed size, beside the rows");
            }
            if !fits(inner, spec.data_type) {
                return wrong(&format!("lists of {}", spec.data_type));
            }
            let columns = Columns::List { column: columns[0].as_str().into(), axes };
            return Ok(Self { name: Arc::clone(&spec.name), data_type: spec.data_type, columns });
        }
        let shape: RowShape = match &axes[..] {
            [] if columns.len() == 1 => RowShape::new(),
            [] => return wrong("one column"),
            [None] => RowShape::from_slice(&[columns.len()]),
            axes if axes.iter().all(Option::is_some) => axes.iter().flatten().copied().collect(),
            _ => return wrong("one column of lists"),
        };
        let count: usize = shape.iter().product();
        if count != columns.len() {
            return wrong(&format!("{count} columns, or one of lists"));
        }
        if !data_types.iter().all(|it| fits(it, spec.data_type)) {
            return wrong(&format!("columns of {}", spec.data_type));
        }
        let columns = columns.iter().map(|column| column.as_str().into()).collect();
        let columns = Columns::Scalars { columns, shape };
        Ok(Self { name: Arc::clone(&spec.name), data_type: spec.data_type, columns })
    }

    fn read(&self, frame: &pl::DataFrame, rows: &mut Rows) -> Result<()> {
        let series = |name: &pl::PlSmallStr| {
            frame.column(name).map(pl::Column::as_materialized_series).map_err(backend)
        };
        let (values, places) = match &self.columns {
            Columns::Scalars { columns, shape } => {
                let columns = columns.iter().map(series).collect::<Result<Vec<_>>>()?;
                let width = columns.len();
                let (values, faults) = elements(&columns, self.data_type)?;
                for Fault { element, reason } in faults {
                    rows.fault(element / width, &self.name, reason);
                }
                (values, Places::Even { width, shape: shape.clone() })
            }
            Columns::List { column, axes } => self.read_list(series(column)?, axes, rows)?,
        };
        rows.inputs.push(InputRows { name: Arc::clone(&self.name), values, places });
        Ok(())
    }

    fn read_list(
        &self,
        series: &pl::Series,
        axes: &[Option<usize>],
        rows: &mut Rows,
    ) -> Result<(Tensor, Places)> {
        let lists = match series.dtype() {
            pl::DataType::Array(inner, _) => {
                series.cast(&pl::DataType::List(inner.clone())).map_err(backend)?
            }
            _ => series.clone(),
        };
        let lists = lists.list().map_err(backend)?.rechunk();
        let ends: Vec<usize> = lists
            .offsets()
            .map_err(backend)?
            .iter()
            .map(|offset| usize::try_from(*offset).expect("offsets are not negative"))
            .collect();
        // A slice of a column shares the elements of all of it.
        let (first, last) = (ends[0], ends[rows.count]);
        let offset = i64::try_from(first).map_err(backend)?;
        let inner = lists.get_inner().slice(offset, last - first);
        let ends: Vec<usize> = ends.into_iter().map(|end| end - first).collect();
        let (values, faults) = elements(&[&inner], self.data_type)?;
        let fixed: usize = axes.iter().flatten().product();
        let mut shapes = Vec::with_capacity(rows.count);
        for row in 0..rows.count {
            let count = ends[row + 1] - ends[row];
            let free = count.checked_div(fixed).unwrap_or(0);
            let shape: RowShape = axes.iter().map(|size| size.unwrap_or(free)).collect();
            if lists.get(row).is_none() {
                rows.fault(row, &self.name, format!("column `{}` is null", series.name()));
            } else if shape.iter().product::<usize>() != count {
                let reason = format!("column `{}` has {count} values", series.name());
                rows.fault(row, &self.name, reason);
            }
            shapes.push(shape);
        }
        for Fault { element, reason } in faults {
            // The last row that begins at it or before; empty ones begin where the next does.
            let row = ends.partition_point(|end| *end <= element);
            if (1..=rows.count).contains(&row) {
                rows.fault(row - 1, &self.name, reason);
            }
        }
        Ok((values, Places::Uneven { ends, shapes }))
    }
}

/// The inputs of consecutive rows.
#[derive(Debug)]
pub(super) struct Rows {
    inputs: Vec<InputRows>,
    /// Rows that cannot be asked for, and why.
    faults: BTreeMap<usize, Error>,
    count: usize,
}

#[derive(Debug)]
struct InputRows {
    name: TensorName,
    /// All elements of all rows.
    values: Tensor,
    places: Places,
}

/// Where a row's elements are.
#[derive(Debug)]
enum Places {
    Even {
        width: usize,
        shape: RowShape,
    },
    /// Row `n` is between `ends[n]` and `ends[n + 1]`.
    Uneven {
        ends: Vec<usize>,
        shapes: Vec<RowShape>,
    },
}

impl Rows {
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Why a row cannot be asked for.
    pub(super) fn faults(&self) -> &BTreeMap<usize, Error> {
        &self.faults
    }

    /// Consecutive rows without fault and of equal shapes, at most so many together.
    pub(super) fn runs(&self, limit: usize) -> Vec<Range<usize>> {
        let mut runs: Vec<Range<usize>> = Vec::new();
        for row in (0..self.count).filter(|row| !self.faults.contains_key(row)) {
            match runs.last_mut() {
                Some(run) if run.end == row && run.len() < limit && self.alike(run.start, row) => {
                    run.end += 1;
                }
                _ => runs.push(row..row + 1),
            }
        }
        runs
    }

    fn alike(&self, one: usize, other: usize) -> bool {
        self.inputs.iter().all(|input| match &input.places {
            Places::Even { .. } => true,
            Places::Uneven { shapes, .. } => shapes[one] == shapes[other],
        })
    }

    /// The inputs of a run, or of a part of one.
    pub(super) fn inputs(&self, run: Range<usize>) -> Result<NamedTensors> {
        let mut inputs = NamedTensors::new();
        for InputRows { name, values, places } in &self.inputs {
            let (range, row) = match places {
                Places::Even { width, shape } => (run.start * width..run.end * width, shape),
                Places::Uneven { ends, shapes } => {
                    (ends[run.start]..ends[run.end], &shapes[run.start])
                }
            };
            let shape: RowShape = std::iter::once(run.len()).chain(row.iter().copied()).collect();
            inputs.insert(Arc::clone(name), values.rows(range)?.reshaped(&shape)?)?;
        }
        Ok(inputs)
    }

    fn fault(&mut self, row: usize, input: &TensorName, reason: String) {
        // The first is enough.
        self.faults
            .entry(row)
            .or_insert_with(|| Error::invalid_tensor(Arc::clone(input), "a value", reason));
    }
}

/// An element that is no value.
struct Fault {
    element: usize,
    reason: String,
}

/// True if values of a column can become elements without losing what they mean: whole numbers may
/// become fractions, not the other way round.
fn fits(column: &pl::DataType, target: DataType) -> bool {
    use pl::DataType as P;
    let whole = matches!(column, P::Boolean) || column.is_integer();
    match target {
        DataType::Bool => matches!(column, P::Boolean),
        DataType::Bytes => {
            matches!(column, P::String | P::Binary | P::Categorical(..) | P::Enum(..))
        }
        DataType::F16 | DataType::Bf16 | DataType::F32 | DataType::F64 => {
            whole || column.is_float()
        }
        _ => whole,
    }
}

/// The elements of columns side by side, row by row; those that are none are zero or empty.
fn elements(columns: &[&pl::Series], target: DataType) -> Result<(Tensor, Vec<Fault>)> {
    match target {
        DataType::Bool => booleans(columns),
        DataType::U8 => numbers::<pl::UInt8Type, _>(columns, |it| it),
        DataType::U16 => numbers::<pl::UInt16Type, _>(columns, |it| it),
        DataType::U32 => numbers::<pl::UInt32Type, _>(columns, |it| it),
        DataType::U64 => numbers::<pl::UInt64Type, _>(columns, |it| it),
        DataType::I8 => numbers::<pl::Int8Type, _>(columns, |it| it),
        DataType::I16 => numbers::<pl::Int16Type, _>(columns, |it| it),
        DataType::I32 => numbers::<pl::Int32Type, _>(columns, |it| it),
        DataType::I64 => numbers::<pl::Int64Type, _>(columns, |it| it),
        DataType::F16 => numbers::<pl::Float32Type, _>(columns, f16::from_f32),
        DataType::Bf16 => numbers::<pl::Float32Type, _>(columns, bf16::from_f32),
        DataType::F32 => numbers::<pl::Float32Type, _>(columns, |it| it),
        DataType::F64 => numbers::<pl::Float64Type, _>(columns, |it| it),
        DataType::Bytes => texts(columns),
    }
}

/// Rows whose part of each column is moved before the next ones: a block fits into a cache.
const BLOCK: usize = 256;

fn numbers<P: pl::PolarsNumericType, T: Element + Default>(
    columns: &[&pl::Series],
    convert: impl Fn(P::Native) -> T,
) -> Result<(Tensor, Vec<Fault>)> {
    let mut faults = Vec::new();
    let mut cast = Vec::with_capacity(columns.len());
    for (index, column) in columns.iter().enumerate() {
        let options = CastOptions::NonStrict;
        let target = P::get_static_dtype();
        let numbers = column.cast_with_options(&target, options).map_err(backend)?;
        let missing = |row: usize| {
            let (name, value) = (column.name(), column.get(row));
            match value {
                Ok(value) if !value.is_null() => {
                    format!("column `{name}` is {value}, which is no {target}")
                }
                _ => format!("column `{name}` is null"),
            }
        };
        find_nulls(&numbers, columns.len(), index, missing, &mut faults);
        cast.push(numbers.rechunk());
    }
    let slices: Vec<_> = cast
        .iter()
        .map(|column| {
            let numbers = column.unpack::<P>().map_err(backend)?;
            Ok(numbers.downcast_as_array().values().as_slice())
        })
        .collect::<Result<_>>()?;
    let (rows, width) = (slices.first().map_or(0, |column| column.len()), slices.len());
    let mut elements = vec![T::default(); rows * width];
    for start in (0..rows).step_by(BLOCK) {
        let block = start..rows.min(start + BLOCK);
        for (index, column) in slices.iter().enumerate() {
            let places = elements[block.start * width + index..].iter_mut().step_by(width);
            for (place, number) in places.zip(&column[block.clone()]) {
                *place = convert(*number);
            }
        }
    }
    Ok((Tensor::from_array(Array1::from_vec(elements)), faults))
}

fn booleans(columns: &[&pl::Series]) -> Result<(Tensor, Vec<Fault>)> {
    let mut faults = Vec::new();
    let width = columns.len();
    let mut elements = vec![false; columns.first().map_or(0, |column| column.len()) * width];
    for (index, column) in columns.iter().enumerate() {
        let missing = |_| format!("column `{}` is null", column.name());
        find_nulls(column, width, index, missing, &mut faults);
        let values = column.bool().map_err(backend)?.iter();
        for (place, value) in elements.iter_mut().skip(index).step_by(width).zip(values) {
            *place = value.unwrap_or(false);
        }
    }
    Ok((Tensor::from_array(Array1::from_vec(elements)), faults))
}

fn texts(columns: &[&pl::Series]) -> Result<(Tensor, Vec<Fault>)> {
    let mut faults = Vec::new();
    let width = columns.len();
    let count = columns.first().map_or(0, |column| column.len()) * width;
    let mut elements = vec![Bytes::new(); count];
    for (index, column) in columns.iter().enumerate() {
        let missing = |_| format!("column `{}` is null", column.name());
        find_nulls(column, width, index, missing, &mut faults);
        let texts = column.cast(&pl::DataType::Binary).map_err(backend)?;
        let texts = texts.binary().map_err(backend)?.iter();
        for (place, text) in elements.iter_mut().skip(index).step_by(width).zip(texts) {
            *place = text.map(Bytes::copy_from_slice).unwrap_or_default();
        }
    }
    Ok((Tensor::from_strings(&[count], elements)?, faults))
}

fn find_nulls(
    column: &pl::Series,
    width: usize,
    index: usize,
    reason: impl Fn(usize) -> String,
    faults: &mut Vec<Fault>,
) {
    if column.null_count() == 0 {
        return;
    }
    for (row, null) in column.is_null().iter().enumerate() {
        if null == Some(true) {
            faults.push(Fault { element: row * width + index, reason: reason(row) });
        }
    }
}

#[cfg(test)]
mod tests {
    use pl::NamedFrom;

    use super::*;

    #[test]
    fn a_slice_of_lists_copies_no_other_lists() {
        let numbers = pl::Series::new("x".into(), (0..1000_i64).collect::<Vec<_>>());
        let sizes = [pl::ReshapeDimension::new(100), pl::ReshapeDimension::new(10)];
        let lists = numbers.reshape_list(&sizes).unwrap();
        let frame = pl::DataFrame::new(100, vec![lists.into()]).unwrap().slice(50, 3);
        let shape = [Dim::Symbolic("batch".into()), Dim::Fixed(10)];
        let signature = ModelSignature {
            inputs: vec![TensorSpec::new("x", DataType::I64, shape)],
            outputs: vec![],
        };
        let plan = InputPlan::new(&signature, &BTreeMap::new(), frame.schema()).unwrap();
        let rows = plan.read(&frame).unwrap();
        assert_eq!(rows.inputs[0].values.element_count(), 30);
        let inputs = rows.inputs(1..3).unwrap();
        let expected: Vec<i64> = (510..530).collect();
        assert_eq!(inputs.require("x").unwrap().as_slice::<i64>().unwrap(), expected);
    }
}
