//! The hot words of core, in nanoseconds.

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use mlops_core::{
    ndarray::Array2,
    signature::{Dim, ModelSignature, TensorSpec},
    tensor::{DataType, NamedTensors, Tensor},
};

fn tensors(criterion: &mut Criterion) {
    let batch = || Dim::Symbolic("batch".into());
    let signature = ModelSignature {
        inputs: vec![TensorSpec::new("input", DataType::F32, [batch(), Dim::Fixed(64)])],
        outputs: vec![TensorSpec::new("output", DataType::F32, [batch(), Dim::Fixed(10)])],
    };
    let tensor = Tensor::from_array(Array2::<f32>::zeros((32, 64)));
    let inputs = NamedTensors::single("input", tensor.clone());
    let bytes = Bytes::from(vec![0_u8; 32 * 64 * 4]);
    criterion.bench_function("validate_inputs", |bencher| {
        bencher.iter(|| signature.validate_inputs(std::hint::black_box(&inputs)));
    });
    criterion.bench_function("from_bytes", |bencher| {
        bencher.iter(|| Tensor::from_bytes(DataType::F32, &[32, 64], bytes.clone()));
    });
    criterion.bench_function("rows, shared", |bencher| bencher.iter(|| tensor.rows(3..4)));
    criterion.bench_function("rows, copied", |bencher| {
        bencher.iter(|| tensor.rows(3..4).map(|rows| rows.detached()));
    });
    criterion.bench_function("named, get", |bencher| {
        bencher.iter(|| std::hint::black_box(&inputs).get("input"));
    });
}

criterion_group!(benches, tensors);
criterion_main!(benches);
