//! [`check_quality`] and [`infer_schema`].

use mlops_core::{Error, Result, progress::Progress, timestamp::Timestamp};
use polars::prelude::{
    Column, DataFrame, DataType, LazyFrame, PlSmallStr, StringChunked, TimeUnit,
};

use super::{columns::Family, error::polars, source::Source, values::numbers};
use crate::quality::{Batch, Checker, Schema, SchemaBuilder, SchemaOptions, Values};

/// Values that are shown at once, of all columns together.
const BATCH_VALUES: usize = 1 << 22;

/// Shows all rows of a frame, or of a scan of files larger than memory, to a checker, which then has a
/// [report](Checker::report).
///
/// | type | seen as |
/// | --- | --- |
/// | integers | integers |
/// | floats, decimals, durations and times of day (in seconds) | numbers |
/// | strings, categoricals, enums, columns of nothing but nulls | texts |
/// | booleans | booleans |
/// | dates, points in time (of UTC) | times |
///
/// `progress` counts rows. After an error the checker has seen some of them.
///
/// # Errors
/// [`Error::InvalidArgument`] for a frame without columns, and one with a column of another type: select the others;
/// [`Error::NotFound`] for a file that is not there; [`Error::Backend`] for whatever else polars says, as of
/// an integer beyond the range of `i64`; otherwise as [`Checker::observe`].
///
/// ```
/// use mlops_core::{progress::NoProgress, timestamp::Timestamp};
/// use mlops_drift::frame::{self, polars::prelude::*};
/// use mlops_drift::quality::{Checker, CheckerOptions, SchemaOptions};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let good = df!("age" => [31, 44, 27], "plan" => ["free", "pro", "free"])?.lazy();
/// let schema = frame::infer_schema(&good, &SchemaOptions::default(), &NoProgress)?;
///
/// let mut checker = Checker::new(schema.to_suite("customers")?, &CheckerOptions::default())?;
/// let bad = df!("age" => [Some(310), None], "plan" => ["free", "pro"])?.lazy();
/// frame::check_quality(&bad, &mut checker, &NoProgress)?;
/// assert!(!checker.report(Timestamp::EPOCH).is_passed());
/// # Ok(())
/// # }
/// ```
pub fn check_quality(
    frame: &LazyFrame,
    checker: &mut Checker,
    progress: &dyn Progress,
) -> Result<()> {
    for_each_batch(frame, progress, |batch| checker.observe(batch))
}

/// What is to be expected of data like that of a frame; see [`SchemaBuilder`].
///
/// # Errors
/// As [`check_quality`]; [`Error::InvalidArgument`] for a frame without rows, and options out of their range.
pub fn infer_schema(
    frame: &LazyFrame,
    options: &SchemaOptions,
    progress: &dyn Progress,
) -> Result<Schema> {
    let mut builder = SchemaBuilder::new(options)?;
    for_each_batch(frame, progress, |batch| builder.observe(batch))?;
    builder.finish()
}

fn for_each_batch(
    frame: &LazyFrame,
    progress: &dyn Progress,
    mut observe: impl FnMut(&Batch<'_>) -> Result<()>,
) -> Result<()> {
    let source = Source::open("frame", frame)?;
    let is_other = |(_, data_type): &(&PlSmallStr, &DataType)| Family::of(data_type).is_none();
    if let Some((name, data_type)) = source.schema.iter().find(is_other) {
        let reason = format!("`{name}` is of type {data_type}, which is not looked at");
        return Err(Error::invalid("frame", reason));
    }
    progress.set_total(Some(source.rows));
    let names: Vec<PlSmallStr> = source.schema.iter_names().cloned().collect();
    let rows = (BATCH_VALUES / names.len()).max(1);
    source.batches(&names, |batch| {
        for start in (0..batch.height()).step_by(rows) {
            let some = batch.slice(start as i64, rows);
            with_batch(&some, &mut observe)?;
            progress.advance(some.height() as u64);
        }
        Ok(())
    })?;
    progress.finish();
    Ok(())
}

/// A column's values, as a batch can borrow them.
enum Held {
    Integers(Vec<Option<i64>>),
    Numbers(Vec<Option<f64>>),
    Texts(StringChunked),
    Booleans(Vec<Option<bool>>),
    Times(Vec<Option<Timestamp>>),
}

fn with_batch(frame: &DataFrame, observe: &mut impl FnMut(&Batch<'_>) -> Result<()>) -> Result<()> {
    let held = frame.columns().iter().map(held).collect::<Result<Vec<_>>>()?;
    let texts: Vec<Vec<Option<&str>>> = held
        .iter()
        .map(|column| match column {
            Held::Texts(texts) => texts.iter().collect(),
            _ => Vec::new(),
        })
        .collect();
    let values = held.iter().zip(&texts).map(|(column, texts)| match column {
        Held::Integers(values) => Values::Integers(values),
        Held::Numbers(values) => Values::Numbers(values),
        Held::Texts(_) => Values::Texts(texts),
        Held::Booleans(values) => Values::Booleans(values),
        Held::Times(values) => Values::Times(values),
    });
    let names = frame.columns().iter().map(|column| column.name().as_str());
    let columns: Vec<(&str, Values<'_>)> = names.zip(values).collect();
    observe(&Batch::new(&columns)?)
}

fn held(column: &Column) -> Result<Held> {
    let series = column.as_materialized_series();
    let strictly = |data_type: &DataType| polars(|| series.strict_cast(data_type));
    Ok(match series.dtype() {
        integer if integer.is_integer() => {
            let cast = strictly(&DataType::Int64)?;
            Held::Integers(polars(|| Ok(cast.i64()?.iter().collect()))?)
        }
        DataType::Boolean => Held::Booleans(polars(|| Ok(series.bool()?.iter().collect()))?),
        DataType::Date | DataType::Datetime(..) => {
            let cast = strictly(&DataType::Datetime(TimeUnit::Microseconds, None))?;
            let micros = cast.to_physical_repr();
            let time = |micros: Option<i64>| micros.map(Timestamp::from_micros);
            Held::Times(polars(|| Ok(micros.i64()?.iter().map(time).collect()))?)
        }
        DataType::String | DataType::Categorical(..) | DataType::Enum(..) | DataType::Null => {
            let cast = strictly(&DataType::String)?;
            Held::Texts(polars(|| Ok(cast.str()?.clone()))?)
        }
        _ => {
            let mut values = Vec::with_capacity(column.len());
            numbers(column, |slice| values.extend_from_slice(slice))?;
            let mut values = values.into_iter();
            let present = column.is_not_null();
            let row = |is: Option<bool>| is.filter(|is| *is).and_then(|_| values.next());
            Held::Numbers(present.iter().map(row).collect())
        }
    })
}
