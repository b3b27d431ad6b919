//! What is asked: a model for each data type, which gives its inputs back.

use std::sync::{Arc, LazyLock};

use mlops_core::{
    model::ModelId,
    signature::{Dim, ModelSignature, TensorSpec},
    tensor::{DataType, Tensor},
    testing::session::{MockFactory, MockSession},
};
use mlops_serve::{
    WarmUp,
    batch::{Batcher, BatcherOptions, Placement},
    host::{ModelTable, ServedModel},
};
use tokio::runtime::{Builder, Runtime};

/// What the targets run on, one request after another.
pub(crate) static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_time().build().unwrap());

/// Bytes of a request at most.
pub(crate) const MAX_BYTES: usize = 1 << 16;

/// The models `BOOL`, `UINT8`, … each with the inputs and outputs `x`, `[batch, any]` of its type, and
/// `text`, `[batch, any]` of BYTES.
pub(crate) fn models() -> Arc<ModelTable> {
    let table = ModelTable::new();
    for data_type in DataType::ALL {
        let id = ModelId::new(data_type.name().parse().unwrap(), "1".parse().unwrap());
        let options = BatcherOptions::default().with_placement(Placement::CallerRuns);
        let factory = MockFactory::new(echo(data_type));
        let batcher = Batcher::builder(id, factory, options).warm_up(WarmUp::None).start().unwrap();
        table.publish(ServedModel::new(Arc::new(batcher)));
    }
    Arc::new(table)
}

fn echo(data_type: DataType) -> MockSession {
    let spec = |name, data_type| {
        let shape = ["batch", "any"].map(|dim| Dim::Symbolic(dim.into()));
        TensorSpec::new(name, data_type, shape)
    };
    let tensors = || vec![spec("x", data_type), spec("text", DataType::Bytes)];
    MockSession::new(ModelSignature { inputs: tensors(), outputs: tensors() }, |inputs| {
        inputs.iter().for_each(|(_, tensor)| assert_whole(tensor));
        Ok(inputs.clone())
    })
}

/// A tensor has as many elements as its shape says. A panic here is an internal error there.
fn assert_whole(tensor: &Tensor) {
    let count = tensor.shape().iter().product::<usize>();
    match (tensor.data_type().size_bytes(), tensor.bytes(), tensor.strings()) {
        (Some(size), Some(bytes), None) => assert_eq!(bytes.len(), count * size),
        (None, None, Some(strings)) => assert_eq!(strings.len(), count),
        other => panic!("{other:?}"),
    }
}
