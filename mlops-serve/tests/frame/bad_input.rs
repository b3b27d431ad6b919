//! What cannot be scored is refused before anything is written.

use mlops_core::{
    Error,
    signature::{Dim, ModelSignature},
    tensor::DataType,
};
use mlops_serve::score::{
    RetryOptions,
    frame::{
        FrameOptions,
        polars::prelude::{self as pl, NamedFrom},
    },
};
use tempfile::tempdir;

use super::support::{identity, model, numbers, score, spec};

/// The error of scoring a frame; nothing is written.
async fn refused(
    frame: pl::DataFrame,
    row: &[Dim],
    data_type: DataType,
    options: FrameOptions,
) -> Error {
    let folder = tempdir().unwrap();
    let out = folder.path().join("out");
    let error = score(frame, identity(data_type, row), options, &out).await.unwrap_err();
    assert!(!out.exists());
    error
}

fn default() -> FrameOptions {
    FrameOptions::default()
}

#[tokio::test]
async fn a_column_that_is_missing_or_of_another_kind_is_named() {
    let frame = || pl::df!("z" => [1.5], "text" => ["a"], "whole" => [1_i64]).unwrap();
    let cases = [
        (default(), DataType::F32, vec![], "a column `x`"),
        (default().with_features("x", ["q"]), DataType::F32, vec![], "a column `q`"),
        (default().with_features("w", ["z"]), DataType::F32, vec![], "no input `w`"),
        (default().with_features("x", ["text"]), DataType::F32, vec![], "columns of FP32"),
        (default().with_features("x", ["z"]), DataType::I64, vec![], "columns of INT64"),
        (default().with_features("x", ["whole"]), DataType::Bytes, vec![], "columns of BYTES"),
        (default().with_features("x", ["whole"]), DataType::Bool, vec![], "columns of BOOL"),
        (default().with_features("x", ["z", "whole"]), DataType::F32, vec![], "one column"),
        (default().with_features("x", Vec::<String>::new()), DataType::F32, vec![], "one column"),
        (default().with_features("x", ["z"]), DataType::F32, vec![Dim::Fixed(3)], "3 columns"),
        (
            default().with_features("x", ["z", "whole"]),
            DataType::F32,
            vec![Dim::Fixed(2), Dim::Unknown],
            "one column of lists",
        ),
    ];
    for (options, data_type, row, says) in cases {
        let error = refused(frame(), &row, data_type, options).await;
        assert!(error.is_invalid_request(), "{error}");
        assert!(error.to_string().contains(says), "{error} does not say `{says}`");
    }
}

#[tokio::test]
async fn columns_of_the_output_have_names_of_their_own() {
    let frame = || pl::df!("x" => [1.0], "y" => [1], "error" => [1]).unwrap();
    for name in ["y", "error"] {
        let options = default().with_keep([name]);
        let error = refused(frame(), &[], DataType::F32, options).await;
        assert!(matches!(error, Error::InvalidArgument { what: "keep", .. }), "{error}");
    }
    let error = refused(frame(), &[], DataType::F32, default().with_keep(["q"])).await;
    assert!(
        matches!(&error, Error::NotFound { kind: "column", name } if &**name == "q"),
        "{error}"
    );
    let error = refused(frame(), &[], DataType::F32, default().with_outputs(["q"])).await;
    assert!(error.to_string().contains('q'), "{error}");
}

#[tokio::test]
async fn a_model_without_rows_cannot_be_asked_for_many() {
    let folder = tempdir().unwrap();
    let model = {
        let signature = ModelSignature {
            inputs: vec![spec("x", DataType::F32, &[])],
            outputs: vec![spec("y", DataType::F32, &[])],
        };
        let id = mlops_core::model::ModelId::new("m".parse().unwrap(), "1".parse().unwrap());
        let descriptor =
            mlops_core::inference::ModelDescriptor::new(id.into(), signature.into(), "mock");
        std::sync::Arc::new(mlops_core::testing::predict::MockPredict::new(descriptor, |_| {
            unreachable!("nothing is asked")
        }))
    };
    let error = score(numbers(1), model, default(), folder.path()).await.unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
}

#[tokio::test]
async fn a_list_with_two_free_axes_has_no_shape() {
    let model = model(
        vec![spec("x", DataType::F32, &[Dim::Unknown, Dim::Unknown])],
        vec![spec("y", DataType::F32, &[])],
        |_| unreachable!("nothing is asked"),
    );
    let folder = tempdir().unwrap();
    let list = pl::Series::new("x".into(), [1.0, 2.0])
        .reshape_list(&[pl::ReshapeDimension::new(1), pl::ReshapeDimension::new(2)])
        .unwrap();
    let frame = pl::DataFrame::new(1, vec![list.with_name("x".into()).into()]).unwrap();
    let error = score(frame, model, default(), folder.path()).await.unwrap_err();
    assert!(error.to_string().contains("at most one axis of no fixed size"), "{error}");
}

#[tokio::test]
async fn options_that_cannot_work_are_refused() {
    let cases = [
        (default().with_requests(0, 1), "max_request_rows"),
        (default().with_requests(1, 0), "max_in_flight"),
        (default().with_chunk_rows(0), "chunk_rows"),
        (default().with_chunk_bytes(0), "chunk_bytes"),
        (default().with_part_rows(0), "part_rows"),
        (default().with_retry(RetryOptions::default().with_max_attempts(0)), "max_attempts"),
    ];
    for (options, name) in cases {
        let error = refused(numbers(1), &[], DataType::F32, options).await;
        assert!(matches!(error, Error::InvalidArgument { what, .. } if what == name), "{error}");
    }
}
