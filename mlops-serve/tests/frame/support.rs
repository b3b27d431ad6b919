//! Models and frames.

use std::{path::Path, sync::Arc};

use mlops_core::{
    Result,
    inference::{InferenceRequest, ModelDescriptor, Predict},
    model::ModelId,
    signature::{Dim, ModelSignature, TensorSpec},
    tensor::{DataType, NamedTensors},
    testing::predict::MockPredict,
};
use mlops_serve::score::frame::{
    FrameOptions, FrameReport, FrameScoring,
    polars::prelude::{self as pl, IntoLazy},
};

/// An input or output of this type; axis 0 is the rows.
pub(crate) fn spec(name: &str, data_type: DataType, row: &[Dim]) -> TensorSpec {
    let shape = [&[Dim::Symbolic("batch".into())], row].concat();
    TensorSpec::new(name, data_type, shape)
}

pub(crate) fn model(
    inputs: Vec<TensorSpec>,
    outputs: Vec<TensorSpec>,
    answer: impl Fn(&InferenceRequest) -> Result<NamedTensors> + Send + Sync + 'static,
) -> Arc<dyn Predict> {
    let id = ModelId::new("scorer".parse().unwrap(), "1".parse().unwrap());
    let signature = ModelSignature { inputs, outputs };
    let mut descriptor = ModelDescriptor::new(Arc::new(id), Arc::new(signature), "mock");
    descriptor.max_batch_size = Some(1 << 20);
    Arc::new(MockPredict::new(descriptor, answer))
}

/// Gives back its input `x` as `y`.
pub(crate) fn identity(data_type: DataType, row: &[Dim]) -> Arc<dyn Predict> {
    model(vec![spec("x", data_type, row)], vec![spec("y", data_type, row)], |request| {
        Ok(NamedTensors::single("y", request.inputs.require("x")?.clone()))
    })
}

/// The numbers from 0 on as the columns `id` and `x`.
pub(crate) fn numbers(count: usize) -> pl::DataFrame {
    let ids: Vec<i64> = (0..count as i64).collect();
    let x: Vec<f64> = ids.iter().map(|id| *id as f64).collect();
    pl::df!("id" => ids, "x" => x).unwrap()
}

pub(crate) async fn score(
    frame: pl::DataFrame,
    model: Arc<dyn Predict>,
    options: FrameOptions,
    folder: &Path,
) -> Result<FrameReport> {
    FrameScoring::new(frame.lazy(), model).with_options(options).run(folder).await
}

/// Scores a frame in small chunks and reads what was written.
pub(crate) async fn scored(
    frame: pl::DataFrame,
    model: Arc<dyn Predict>,
    options: FrameOptions,
) -> (FrameReport, pl::DataFrame) {
    let folder = tempfile::tempdir().unwrap();
    let report = score(frame, model, options, folder.path()).await.unwrap();
    (report, written(folder.path()))
}

/// All rows of the parts in a folder.
pub(crate) fn written(folder: &Path) -> pl::DataFrame {
    let path = folder.join("*.parquet").display().to_string();
    let collect = || {
        let scan = pl::LazyFrame::scan_parquet(path.as_str().into(), Default::default());
        scan.unwrap().collect().unwrap()
    };
    // Not on a thread of a runtime: this library has one of its own.
    std::thread::scope(|scope| scope.spawn(collect).join().unwrap())
}

/// The values of a column, as text.
pub(crate) fn texts(frame: &pl::DataFrame, column: &str) -> Vec<Option<String>> {
    let column = frame.column(column).unwrap().cast(&pl::DataType::String).unwrap();
    column.str().unwrap().iter().map(|text| text.map(ToOwned::to_owned)).collect()
}

pub(crate) fn floats(frame: &pl::DataFrame, column: &str) -> Vec<Option<f64>> {
    let column = frame.column(column).unwrap().cast(&pl::DataType::Float64).unwrap();
    column.f64().unwrap().iter().collect()
}

/// The numbers of each row's list.
pub(crate) fn lists(frame: &pl::DataFrame, column: &str) -> Vec<Option<Vec<f64>>> {
    let column = frame.column(column).unwrap();
    let series = column.as_materialized_series().list().unwrap().clone();
    (0..series.len())
        .map(|row| {
            let row = series.get_as_series(row)?.cast(&pl::DataType::Float64).unwrap();
            Some(row.f64().unwrap().iter().flatten().collect())
        })
        .collect()
}
