//! Tensors: a type, a shape and shared bytes.

mod data_type;
mod element;
mod named;
mod tensor;

pub use self::{
    data_type::DataType,
    element::Element,
    named::{NamedTensors, TensorName},
    tensor::Tensor,
};
