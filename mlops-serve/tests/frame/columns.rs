//! Columns of every kind as inputs.

use mlops_core::{
    ndarray::array,
    signature::Dim,
    tensor::{DataType, NamedTensors},
};
use mlops_serve::score::frame::{
    FrameOptions,
    polars::prelude::{self as pl, IntoSeries, ListBuilderTrait, NamedFrom, NewChunkedArray},
};

use super::support::{floats, identity, lists, model, numbers, scored, spec, texts};

fn options() -> FrameOptions {
    FrameOptions::default().with_chunk_rows(7).with_requests(3, 2)
}

/// A column of lists.
fn lists_of(rows: &[Option<&[f64]>]) -> pl::DataFrame {
    let mut builder = pl::ListPrimitiveChunkedBuilder::<pl::Float64Type>::new(
        "x".into(),
        rows.len(),
        8,
        pl::DataType::Float64,
    );
    rows.iter().for_each(|row| builder.append_opt_slice(*row));
    pl::DataFrame::new(rows.len(), vec![builder.finish().into_series().into()]).unwrap()
}

#[tokio::test]
async fn whole_numbers_and_fractions_become_every_type_that_holds_them() {
    let columns: [pl::Series; 4] = [
        pl::Int64Chunked::from_slice("x".into(), &[0, 1, 100]).into_series(),
        pl::UInt8Chunked::from_slice("x".into(), &[0, 1, 100]).into_series(),
        pl::Int16Chunked::from_slice("x".into(), &[0, 1, 100]).into_series(),
        pl::UInt64Chunked::from_slice("x".into(), &[0, 1, 100]).into_series(),
    ];
    let numeric =
        DataType::ALL.into_iter().filter(|it| *it != DataType::Bool && *it != DataType::Bytes);
    for data_type in numeric {
        for column in &columns {
            let frame = pl::DataFrame::new(3, vec![column.clone().into()]).unwrap();
            let (_, frame) = scored(frame, identity(data_type, &[]), options()).await;
            let expected = [0.0, 1.0, 100.0].map(Some);
            assert_eq!(floats(&frame, "y"), expected, "{data_type} of {}", column.dtype());
        }
    }
    let halves = pl::df!("x" => [0.5, -1.25]).unwrap();
    for data_type in [DataType::F16, DataType::Bf16, DataType::F32, DataType::F64] {
        let (_, frame) = scored(halves.clone(), identity(data_type, &[]), options()).await;
        assert_eq!(floats(&frame, "y"), [Some(0.5), Some(-1.25)], "{data_type}");
    }
    let truth = pl::df!("x" => [true, false]).unwrap();
    let (_, frame) = scored(truth, identity(DataType::Bool, &[]), options()).await;
    assert_eq!(texts(&frame, "y"), [Some("true".to_owned()), Some("false".to_owned())]);
}

#[tokio::test]
async fn a_number_that_does_not_fit_fails_its_row_only() {
    let frame = pl::df!("x" => [1_i64, 300, -1, 255]).unwrap();
    let (report, frame) = scored(frame, identity(DataType::U8, &[]), options()).await;
    assert_eq!(report.failed_rows, 2);
    assert_eq!(floats(&frame, "y"), [Some(1.0), None, None, Some(255.0)]);
    let errors = texts(&frame, "error");
    assert!(errors[1].as_ref().unwrap().contains("column `x` is 300"), "{errors:?}");
    assert!(errors[2].as_ref().unwrap().contains("column `x` is -1"), "{errors:?}");
}

#[tokio::test]
async fn features_are_put_side_by_side_in_the_order_given() {
    let frame = pl::df!("a" => [1, 2], "b" => [10, 20], "c" => [0.5, 0.25]).unwrap();
    let options = options().with_features("x", ["c", "a", "b"]);
    for row in [vec![Dim::Fixed(3)], vec![Dim::Unknown]] {
        let model = identity(DataType::F32, &row);
        let (_, frame) = scored(frame.clone(), model, options.clone()).await;
        let expected = [vec![0.5, 1.0, 10.0], vec![0.25, 2.0, 20.0]].map(Some);
        assert_eq!(lists(&frame, "y"), expected);
    }
}

#[tokio::test]
async fn many_rows_of_many_features_keep_their_places() {
    // More than a block of rows, and a last one that is not whole.
    let (rows, width) = (777, 9);
    let columns = (0..width).map(|column| {
        let values: Vec<i64> = (0..rows).map(|row| (row * width + column) as i64).collect();
        pl::Column::new(format!("f{column}").as_str().into(), values)
    });
    let frame = pl::DataFrame::new(rows, columns.collect()).unwrap();
    let options =
        FrameOptions::default().with_features("x", (0..width).map(|column| format!("f{column}")));
    let (_, frame) = scored(frame, identity(DataType::F64, &[Dim::Fixed(width)]), options).await;
    for (row, found) in lists(&frame, "y").into_iter().enumerate() {
        let expected = (0..width).map(|column| (row * width + column) as f64).collect();
        assert_eq!(found, Some(expected));
    }
}

#[tokio::test]
async fn lists_of_one_length_are_rows_of_a_tensor() {
    let rows: Vec<Vec<f64>> = (0..20).map(|row| vec![f64::from(row); 6]).collect();
    let frame = lists_of(&rows.iter().map(|row| Some(&row[..])).collect::<Vec<_>>());
    let model = model(
        vec![spec("x", DataType::F32, &[Dim::Fixed(2), Dim::Fixed(3)])],
        vec![spec("y", DataType::F32, &[Dim::Fixed(2), Dim::Fixed(3)])],
        |request| {
            let x = request.inputs.require("x")?;
            assert_eq!(x.shape()[1..], [2, 3]);
            Ok(NamedTensors::single("y", x.clone()))
        },
    );
    let (_, frame) = scored(frame, model, options()).await;
    assert_eq!(lists(&frame, "y"), rows.into_iter().map(Some).collect::<Vec<_>>());
}

#[tokio::test]
async fn lists_of_varying_length_are_asked_about_by_length() {
    let rows: [&[f64]; 6] = [&[1.0], &[2.0, 3.0], &[4.0, 5.0], &[], &[6.0], &[7.0, 8.0]];
    let frame = lists_of(&rows.map(Some));
    let (report, frame) = scored(frame, identity(DataType::F32, &[Dim::Unknown]), options()).await;
    assert_eq!(report.failed_rows, 0);
    assert_eq!(lists(&frame, "y"), rows.map(|row| Some(row.to_vec())));
}

#[tokio::test]
async fn a_list_of_the_wrong_length_or_with_a_null_fails_its_row_only() {
    let rows: [Option<&[f64]>; 4] = [Some(&[1.0, 2.0]), Some(&[3.0]), None, Some(&[4.0, 5.0])];
    let (report, frame) =
        scored(lists_of(&rows), identity(DataType::F32, &[Dim::Fixed(2)]), options()).await;
    assert_eq!(report.failed_rows, 2);
    assert_eq!(lists(&frame, "y"), [Some(vec![1.0, 2.0]), None, None, Some(vec![4.0, 5.0])]);
    let errors = texts(&frame, "error");
    assert!(errors[1].as_ref().unwrap().contains("has 1 values"), "{errors:?}");
    assert!(errors[2].as_ref().unwrap().contains("is null"), "{errors:?}");

    let inner = pl::Series::new("x".into(), [Some(1.0), None, Some(3.0), Some(4.0)]);
    let list = inner.reshape_list(&[pl::ReshapeDimension::new(2), pl::ReshapeDimension::new(2)]);
    let frame = pl::DataFrame::new(2, vec![list.unwrap().with_name("x".into()).into()]).unwrap();
    let (report, frame) = scored(frame, identity(DataType::F32, &[Dim::Fixed(2)]), options()).await;
    assert_eq!(report.failed_rows, 1);
    assert_eq!(lists(&frame, "y"), [None, Some(vec![3.0, 4.0])]);
}

#[tokio::test]
async fn nulls_fail_their_rows_only() {
    let frame = pl::df!("x" => [Some(1.0), None, Some(f64::NAN), Some(4.0)]).unwrap();
    let (report, frame) = scored(frame, identity(DataType::F32, &[]), options()).await;
    assert_eq!(report.failed_rows, 1);
    let values = floats(&frame, "y");
    assert_eq!((values[0], values[1], values[3]), (Some(1.0), None, Some(4.0)));
    assert!(values[2].unwrap().is_nan());
    assert!(texts(&frame, "error")[1].as_ref().unwrap().contains("column `x` is null"));
}

#[tokio::test]
async fn inputs_of_different_kinds_stay_beside_each_other() {
    let frame = pl::df!("a" => [1, 2, 3], "name" => ["x", "y", "z"]).unwrap();
    let model = model(
        vec![spec("a", DataType::F32, &[]), spec("name", DataType::Bytes, &[Dim::Fixed(1)])],
        vec![spec("text", DataType::Bytes, &[])],
        |request| {
            let a = request.inputs.require("a")?.as_slice::<f32>()?;
            let names = request.inputs.require("name")?.strings().unwrap();
            let both = a.iter().zip(names).map(|(a, name)| {
                format!("{}{a}", String::from_utf8_lossy(name)).into_bytes().into()
            });
            let tensor = mlops_core::tensor::Tensor::from_strings(&[a.len()], both.collect())?;
            Ok(NamedTensors::single("text", tensor))
        },
    );
    let (_, frame) = scored(frame, model, options()).await;
    assert_eq!(texts(&frame, "text"), ["x1", "y2", "z3"].map(|text| Some(text.to_owned())));
}

#[tokio::test]
async fn an_output_of_lists_is_one_even_if_all_rows_failed() {
    let model = model(
        vec![spec("x", DataType::F32, &[])],
        vec![spec("y", DataType::F32, &[Dim::Fixed(2)])],
        |request| {
            let x = request.inputs.require("x")?.as_slice::<f32>()?;
            if x.contains(&0.0) {
                return Err(mlops_core::Error::invalid("request", "zero"));
            }
            let tensor = mlops_core::tensor::Tensor::from_array(array![[x[0], x[0]]]);
            Ok(NamedTensors::single("y", tensor))
        },
    );
    let (report, frame) = scored(numbers(1), model, options()).await;
    assert_eq!(report.failed_rows, 1);
    assert_eq!(lists(&frame, "y"), [None]);
}
