//! A response to its bytes.

use std::io::Write;

use mlops_core::{
    Error, Result,
    inference::InferenceResponse,
    tensor::{DataType, Element, Tensor},
};
use serde::Serialize;
use smallvec::SmallVec;

use crate::protocol::oip::{
    binary,
    shared_memory::{Slot, Slots},
};

/// How outputs are sent: as JSON, or as bytes behind the JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OutputForm {
    /// For outputs that `each` does not cover.
    all_binary: bool,
    /// For each requested output, in order.
    each: SmallVec<[bool; 4]>,
}

impl OutputForm {
    pub(super) fn all(binary: bool) -> Self {
        Self { all_binary: binary, each: SmallVec::new() }
    }

    pub(super) fn each(binary: SmallVec<[bool; 4]>) -> Self {
        Self { all_binary: false, each: binary }
    }

    fn is_binary(&self, index: usize) -> bool {
        self.each.get(index).copied().unwrap_or(self.all_binary)
    }
}

/// A body, and the length of the JSON in it if bytes follow.
#[derive(Debug)]
pub(super) struct Encoded {
    pub(super) body: Vec<u8>,
    pub(super) json_length: Option<usize>,
}

/// Writes a response.
pub(super) fn encode(
    response: &InferenceResponse,
    id: Option<&str>,
    form: &OutputForm,
    slots: &Slots,
) -> Result<Encoded> {
    let outputs = || response.outputs.iter().enumerate();
    let slot = |index: usize| slots.get(index).and_then(Option::as_ref);
    let is_binary = |index: usize| slot(index).is_none() && form.is_binary(index);
    let binary_bytes: usize = outputs()
        .filter(|(index, _)| is_binary(*index))
        .map(|(_, (_, tensor))| binary::encoded_size(tensor))
        .sum();
    let mut body = Vec::with_capacity(192 + binary_bytes);
    body.extend_from_slice(b"{\"model_name\":");
    write_json(&mut body, response.served_by.name.as_str())?;
    write_text(&mut body, format_args!(",\"model_version\":\"{}\"", response.served_by.version));
    if let Some(id) = id {
        body.extend_from_slice(b",\"id\":");
        write_json(&mut body, id)?;
    }
    if let Some(variant) = &response.variant {
        body.extend_from_slice(b",\"parameters\":{\"variant\":");
        write_json(&mut body, &**variant)?;
        body.push(b'}');
    }
    body.extend_from_slice(b",\"outputs\":[");
    let mut any_binary = false;
    for (index, (name, tensor)) in outputs() {
        if index > 0 {
            body.push(b',');
        }
        body.extend_from_slice(b"{\"name\":");
        write_json(&mut body, &**name)?;
        write_text(&mut body, format_args!(",\"datatype\":\"{}\",\"shape\":", tensor.data_type()));
        write_json(&mut body, tensor.shape())?;
        if let Some(Slot { region, offset, byte_size }) = slot(index) {
            body.extend_from_slice(b",\"parameters\":{\"shared_memory_region\":");
            write_json(&mut body, region)?;
            write_text(
                &mut body,
                format_args!(
                    ",\"shared_memory_offset\":{offset},\"shared_memory_byte_size\":{byte_size}}}}}"
                ),
            );
        } else if is_binary(index) {
            any_binary = true;
            let size = binary::encoded_size(tensor);
            write_text(
                &mut body,
                format_args!(",\"parameters\":{{\"binary_data_size\":{size}}}}}"),
            );
        } else {
            body.extend_from_slice(b",\"data\":");
            write_data(&mut body, name, tensor)?;
            body.push(b'}');
        }
    }
    body.extend_from_slice(b"]}");
    let json_length = any_binary.then_some(body.len());
    for (index, (name, tensor)) in outputs() {
        if is_binary(index) {
            binary::encode(tensor, name, &mut body)?;
        }
    }
    Ok(Encoded { body, json_length })
}

/// The elements as one flat array.
fn write_data(body: &mut Vec<u8>, name: &str, tensor: &Tensor) -> Result<()> {
    fn dense<T: Element + Serialize>(body: &mut Vec<u8>, tensor: &Tensor) -> Result<()> {
        let aligned = tensor.clone().into_aligned();
        write_json(body, aligned.as_slice::<T>()?)
    }
    let unsupported = |what: &str| {
        let feature = format!("{what} of output `{name}`: ask for it as binary data");
        Err(Error::unsupported("JSON", feature))
    };
    match tensor.data_type() {
        DataType::Bool => dense::<bool>(body, tensor),
        DataType::U8 => dense::<u8>(body, tensor),
        DataType::U16 => dense::<u16>(body, tensor),
        DataType::U32 => dense::<u32>(body, tensor),
        DataType::U64 => dense::<u64>(body, tensor),
        DataType::I8 => dense::<i8>(body, tensor),
        DataType::I16 => dense::<i16>(body, tensor),
        DataType::I32 => dense::<i32>(body, tensor),
        DataType::I64 => dense::<i64>(body, tensor),
        DataType::F32 => {
            let aligned = tensor.clone().into_aligned();
            if aligned.as_slice::<f32>()?.iter().any(|value| !value.is_finite()) {
                return unsupported("the NaN or infinity");
            }
            dense::<f32>(body, &aligned)
        }
        DataType::F64 => {
            let aligned = tensor.clone().into_aligned();
            if aligned.as_slice::<f64>()?.iter().any(|value| !value.is_finite()) {
                return unsupported("the NaN or infinity");
            }
            dense::<f64>(body, &aligned)
        }
        DataType::F16 | DataType::Bf16 => unsupported("the 16-bit floats"),
        DataType::Bytes => {
            let texts = tensor.strings().unwrap_or_default().iter();
            let Ok(texts) =
                texts.map(|text| std::str::from_utf8(text)).collect::<Result<Vec<_>, _>>()
            else {
                return unsupported("a string that is not UTF-8");
            };
            write_json(body, &texts)
        }
    }
}

fn write_json(body: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) -> Result<()> {
    serde_json::to_writer(body, value).map_err(|error| Error::backend("JSON", error))
}

fn write_text(body: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    body.write_fmt(text).expect("writing to a vector cannot fail");
}
