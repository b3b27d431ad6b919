//! Tensors: a type, a shape and shared bytes.

mod data_type;
mod element;
mod named;
mod safetensors;
#[expect(clippy::module_inception, reason = "the folder's main type is in the file of its name")]
mod tensor;

pub use self::{
    data_type::DataType,
    element::Element,
    named::{NamedTensors, TensorName},
    tensor::Tensor,
};
