//! String tensors, through ONNX Runtime's C interface.
//!
//! `ort` passes strings as NUL-terminated UTF-8, so that a string with a NUL or of arbitrary bytes
//! cannot go through it, in either direction. The C interface below it can: `BYTES` tensors of the
//! protocol hold any bytes.
#![expect(unsafe_code, reason = "ort has no safe call for strings of arbitrary bytes")]

use std::ptr;

use bytes::Bytes;
use mlops_core::{Error, Result, tensor::Tensor};
use ort::{
    AsPointer,
    memory::Allocator,
    sys::OrtStatusPtr,
    value::{DynTensor, DynValue, TensorElementType},
};
use smallvec::SmallVec;

use super::error::run_error;

/// A value with copies of the tensor's strings.
pub(super) fn to_value(tensor: &Tensor) -> Result<DynTensor> {
    let Some(strings) = tensor.strings() else {
        return Err(Error::invalid("tensor", "not a BYTES tensor"));
    };
    let shape: SmallVec<[usize; 4]> = SmallVec::from_slice(tensor.shape());
    let mut value = DynTensor::new(&Allocator::default(), TensorElementType::String, &shape[..])
        .map_err(run_error)?;
    for (index, string) in strings.iter().enumerate() {
        let mut buffer: *mut std::ffi::c_char = ptr::null_mut();
        // SAFETY: `value` is a live string tensor that nobody else refers to; `index` is below its
        // element count, because `Tensor` holds as many strings as its shape says; `buffer` is a
        // valid place for one pointer.
        let status = unsafe {
            (ort::api().GetResizedStringTensorElementBuffer)(
                value.ptr_mut(),
                index,
                string.len(),
                &raw mut buffer,
            )
        };
        check(status)?;
        if !string.is_empty() {
            // SAFETY: the call succeeded, so `buffer` points to `string.len()` writable bytes owned
            // by `value`, which `string` (our own memory) cannot overlap.
            unsafe { ptr::copy_nonoverlapping(string.as_ptr(), buffer.cast::<u8>(), string.len()) };
        }
    }
    Ok(value)
}

/// A tensor with copies of the value's strings, all in one buffer.
pub(super) fn to_tensor(value: &DynValue, shape: &[usize]) -> Result<Tensor> {
    let count = shape.iter().product();
    let mut total = 0;
    // SAFETY: `value` is a live string tensor (the caller looked at its type); `total` is a valid
    // place for one length.
    check(unsafe { (ort::api().GetStringTensorDataLength)(value.ptr(), &raw mut total) })?;
    let mut content = vec![0_u8; total];
    let mut offsets = vec![0_usize; count];
    // SAFETY: `content` has room for the `total` bytes just asked for, and `offsets` for one offset
    // for each of the tensor's `count` strings.
    check(unsafe {
        (ort::api().GetStringTensorContent)(
            value.ptr(),
            content.as_mut_ptr().cast(),
            total,
            offsets.as_mut_ptr(),
            count,
        )
    })?;
    let content = Bytes::from(content);
    let ends = offsets.iter().skip(1).copied().chain([total]);
    let strings = offsets
        .iter()
        .zip(ends)
        .map(|(&start, end)| {
            if start > end || end > total {
                return Err(Error::invalid("model output", "string offsets are out of order"));
            }
            Ok(content.slice(start..end))
        })
        .collect::<Result<Vec<_>>>()?;
    Tensor::from_strings(shape, strings)
}

fn check(status: OrtStatusPtr) -> Result<()> {
    // SAFETY: `status` was just returned by the interface and is passed on once: null, or a status
    // that the error takes over and releases.
    unsafe { ort::Error::result_from_status(status) }.map_err(run_error)
}
