//! Outputs to columns.

use std::{ops::Range, str, sync::Arc};

use half::{bf16, f16};
use mlops_core::{
    Error, Result,
    signature::{Dim, ModelSignature},
    tensor::{DataType, Element, NamedTensors, Tensor, TensorName},
};
use polars::prelude::{self as pl, ChunkedBuilder, IntoSeries, ListBuilderTrait, NamedFrom};

use super::error::backend;

/// The column that says why a row has no outputs.
pub(super) const ERROR: &str = "error";

/// What became of consecutive rows.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) rows: Range<usize>,
    pub(super) outputs: Result<NamedTensors>,
}

/// How each output becomes a column.
#[derive(Debug)]
pub(super) struct OutputPlan(Vec<Output>);

#[derive(Debug)]
struct Output {
    name: TensorName,
    data_type: DataType,
    /// One value a row, or a list of them.
    single: bool,
}

impl OutputPlan {
    /// The outputs of these names, or all.
    pub(super) fn new(signature: &ModelSignature, names: Option<&[TensorName]>) -> Result<Self> {
        let mut outputs = Vec::new();
        if let Some(names) = names {
            signature.validate_requested(names)?;
        }
        let wanted = |name: &TensorName| names.is_none_or(|names| names.contains(name));
        for spec in signature.outputs.iter().filter(|spec| wanted(&spec.name)) {
            let row = spec.shape.get(1..).unwrap_or_default();
            let single = row.iter().all(|size| *size == Dim::Fixed(1));
            let name = Arc::clone(&spec.name);
            outputs.push(Output { name, data_type: spec.data_type, single });
        }
        Ok(Self(outputs))
    }

    /// The columns, that of the errors last.
    pub(super) fn schema(&self) -> Vec<(pl::PlSmallStr, pl::DataType)> {
        let mut columns: Vec<_> = self
            .0
            .iter()
            .map(|output| {
                let single = column_type(output.data_type);
                let list = |single| pl::DataType::List(Box::new(single));
                let column = if output.single { single } else { list(single) };
                (output.name.as_ref().into(), column)
            })
            .collect();
        columns.push((ERROR.into(), pl::DataType::String));
        columns
    }

    /// The columns of so many rows, which the pieces cover in order, and how many of them failed.
    pub(super) fn columns(
        &self,
        pieces: &[Piece],
        count: usize,
    ) -> Result<(Vec<pl::Column>, usize)> {
        let mut errors: Vec<Option<String>> = Vec::with_capacity(count);
        for Piece { rows, outputs } in pieces {
            let error = outputs.as_ref().err().map(Error::report);
            errors.extend(std::iter::repeat_n(error, rows.len()));
        }
        for output in self.0.iter().filter(|output| output.data_type == DataType::Bytes) {
            output.find_binary(pieces, &mut errors)?;
        }
        let mut columns = Vec::with_capacity(self.0.len() + 1);
        for output in &self.0 {
            columns.push(output.column(pieces, &errors)?.into());
        }
        let failed = errors.iter().flatten().count();
        columns.push(pl::Series::new(ERROR.into(), errors).into());
        Ok((columns, failed))
    }
}

impl Output {
    /// The values of each row; `None` for those that failed.
    fn rows<'a>(
        &'a self,
        pieces: &'a [Piece],
    ) -> impl Iterator<Item = Result<Option<(&'a Tensor, Range<usize>)>>> {
        pieces.iter().flat_map(move |Piece { rows, outputs }| {
            (0..rows.len()).map(move |row| {
                let Ok(outputs) = outputs else { return Ok(None) };
                let tensor = outputs.require(&self.name)?;
                let width = tensor.element_count() / rows.len();
                if self.single && width != 1 {
                    let actual = format!("{width} values a row");
                    return Err(Error::invalid_tensor(Arc::clone(&self.name), "one", actual));
                }
                Ok(Some((tensor, row * width..(row + 1) * width)))
            })
        })
    }

    /// Marks the rows with text that is not UTF-8: a column cannot hold it.
    fn find_binary(&self, pieces: &[Piece], errors: &mut [Option<String>]) -> Result<()> {
        for (values, error) in self.rows(pieces).zip(errors) {
            let Some((tensor, range)) = values? else { continue };
            let texts = tensor.strings().unwrap_or_default();
            if texts[range].iter().any(|text| str::from_utf8(text).is_err()) {
                *error = Some(format!("output `{}` is not UTF-8", self.name));
            }
        }
        Ok(())
    }

    fn column(&self, pieces: &[Piece], errors: &[Option<String>]) -> Result<pl::Series> {
        match self.data_type {
            DataType::Bool => self.booleans(pieces, errors),
            DataType::U8 => self.numbers::<pl::UInt8Type, u8>(pieces, errors, |it| it),
            DataType::U16 => self.numbers::<pl::UInt16Type, u16>(pieces, errors, |it| it),
            DataType::U32 => self.numbers::<pl::UInt32Type, u32>(pieces, errors, |it| it),
            DataType::U64 => self.numbers::<pl::UInt64Type, u64>(pieces, errors, |it| it),
            DataType::I8 => self.numbers::<pl::Int8Type, i8>(pieces, errors, |it| it),
            DataType::I16 => self.numbers::<pl::Int16Type, i16>(pieces, errors, |it| it),
            DataType::I32 => self.numbers::<pl::Int32Type, i32>(pieces, errors, |it| it),
            DataType::I64 => self.numbers::<pl::Int64Type, i64>(pieces, errors, |it| it),
            DataType::F16 => self.numbers::<pl::Float32Type, f16>(pieces, errors, f16::to_f32),
            DataType::Bf16 => self.numbers::<pl::Float32Type, bf16>(pieces, errors, bf16::to_f32),
            DataType::F32 => self.numbers::<pl::Float32Type, f32>(pieces, errors, |it| it),
            DataType::F64 => self.numbers::<pl::Float64Type, f64>(pieces, errors, |it| it),
            DataType::Bytes => self.texts(pieces, errors),
        }
    }

    /// All rows with the elements of this type, after the errors are known.
    fn each<T: Element>(
        &self,
        pieces: &[Piece],
        errors: &[Option<String>],
        mut take: impl FnMut(Option<&[T]>),
    ) -> Result<()> {
        for (values, error) in self.rows(pieces).zip(errors) {
            match values? {
                Some((tensor, range)) if error.is_none() => {
                    take(Some(&tensor.as_slice::<T>()?[range]));
                }
                _ => take(None),
            }
        }
        Ok(())
    }

    fn numbers<P: pl::PolarsNumericType, T: Element>(
        &self,
        pieces: &[Piece],
        errors: &[Option<String>],
        convert: impl Fn(T) -> P::Native,
    ) -> Result<pl::Series>
    where
        pl::ChunkedArray<P>: pl::IntoSeries,
    {
        let name: pl::PlSmallStr = self.name.as_ref().into();
        if self.single {
            let mut builder = pl::PrimitiveChunkedBuilder::<P>::new(name, errors.len());
            self.each::<T>(pieces, errors, |row| match row {
                Some(row) => builder.append_value(convert(row[0])),
                None => builder.append_null(),
            })?;
            return Ok(builder.finish().into_series());
        }
        let values = errors.len();
        let mut builder = pl::ListPrimitiveChunkedBuilder::<P>::new(
            name,
            errors.len(),
            values,
            P::get_static_dtype(),
        );
        self.each::<T>(pieces, errors, |row| match row {
            Some(row) => builder.append_values_iter(row.iter().map(|value| convert(*value))),
            None => builder.append_null(),
        })?;
        Ok(builder.finish().into_series())
    }

    fn booleans(&self, pieces: &[Piece], errors: &[Option<String>]) -> Result<pl::Series> {
        let name: pl::PlSmallStr = self.name.as_ref().into();
        if self.single {
            let mut builder = pl::BooleanChunkedBuilder::new(name, errors.len());
            self.each::<bool>(pieces, errors, |row| match row {
                Some(row) => builder.append_value(row[0]),
                None => builder.append_null(),
            })?;
            return Ok(builder.finish().into_series());
        }
        let mut builder = pl::ListBooleanChunkedBuilder::new(name, errors.len(), errors.len());
        self.each::<bool>(pieces, errors, |row| match row {
            Some(row) => builder.append_iter(row.iter().map(|value| Some(*value))),
            None => builder.append_null(),
        })?;
        Ok(builder.finish().into_series())
    }

    fn texts(&self, pieces: &[Piece], errors: &[Option<String>]) -> Result<pl::Series> {
        let name: pl::PlSmallStr = self.name.as_ref().into();
        let mut single = pl::StringChunkedBuilder::new(name.clone(), errors.len());
        let mut lists = pl::ListStringChunkedBuilder::new(name, errors.len(), errors.len());
        for (values, error) in self.rows(pieces).zip(errors) {
            let texts = match values? {
                Some((tensor, range)) if error.is_none() => {
                    let texts = tensor.strings().unwrap_or_default()[range].iter();
                    let texts: Vec<_> = texts
                        .map(|text| str::from_utf8(text).map_err(backend))
                        .collect::<Result<_>>()?;
                    Some(texts)
                }
                _ => None,
            };
            match texts {
                Some(texts) if self.single => single.append_value(texts[0]),
                Some(texts) => lists.append_values_iter(texts.into_iter()),
                None if self.single => single.append_null(),
                None => lists.append_null(),
            }
        }
        Ok(if self.single { single.finish().into_series() } else { lists.finish().into_series() })
    }
}

/// The type of a column of single values.
fn column_type(data_type: DataType) -> pl::DataType {
    match data_type {
        DataType::Bool => pl::DataType::Boolean,
        DataType::U8 => pl::DataType::UInt8,
        DataType::U16 => pl::DataType::UInt16,
        DataType::U32 => pl::DataType::UInt32,
        DataType::U64 => pl::DataType::UInt64,
        DataType::I8 => pl::DataType::Int8,
        DataType::I16 => pl::DataType::Int16,
        DataType::I32 => pl::DataType::Int32,
        DataType::I64 => pl::DataType::Int64,
        DataType::F16 | DataType::Bf16 | DataType::F32 => pl::DataType::Float32,
        DataType::F64 => pl::DataType::Float64,
        DataType::Bytes => pl::DataType::String,
    }
}
