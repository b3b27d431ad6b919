//! The binary tensor extension: tensors behind the JSON, in the order of the inputs.

use bytes::{Buf, Bytes};
use mlops_core::{
    Error, Result,
    tensor::{DataType, Tensor},
};

/// What is left of the binary part of a body.
#[derive(Debug)]
pub(crate) struct BinaryPart(Bytes);

impl BinaryPart {
    /// Splits a body into its JSON and its binary part, by the length of the JSON if the client gave
    /// one.
    pub(crate) fn split(mut body: Bytes, json_length: Option<usize>) -> Result<(Bytes, Self)> {
        let Some(length) = json_length else {
            return Ok((body, Self(Bytes::new())));
        };
        if length > body.len() {
            return Err(Error::invalid(
                "Inference-Header-Content-Length",
                format_args!("{length}, but the body has only {} bytes", body.len()),
            ));
        }
        let json = body.split_to(length);
        Ok((json, Self(body)))
    }

    /// The next `size_bytes` bytes, as the tensor of this name.
    pub(crate) fn take(&mut self, name: &str, size_bytes: usize) -> Result<Bytes> {
        if size_bytes > self.0.len() {
            return Err(Error::invalid_tensor(
                name,
                format_args!("{size_bytes} bytes of binary data"),
                format_args!("a body with {} bytes left", self.0.len()),
            ));
        }
        Ok(self.0.split_to(size_bytes))
    }

    /// Checks that nothing is left over.
    pub(crate) fn finish(&self) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let reason = format!("{} bytes are left over after the last binary input", self.0.len());
        Err(Error::invalid("binary data", reason))
    }
}

/// A tensor from its bytes on the wire.
pub(crate) fn decode(
    name: &str,
    data_type: DataType,
    shape: &[usize],
    bytes: Bytes,
) -> Result<Tensor> {
    if data_type == DataType::Bytes {
        return decode_strings(name, shape, bytes);
    }
    Tensor::from_bytes(data_type, shape, bytes).map_err(|error| {
        Error::invalid_tensor(name, format_args!("the bytes of {data_type}{shape:?}"), error)
    })
}

/// Strings, each after its length as 32-bit little-endian number.
fn decode_strings(name: &str, shape: &[usize], mut bytes: Bytes) -> Result<Tensor> {
    let invalid = |actual: &dyn std::fmt::Display| {
        let expected = format!("length-prefixed strings of BYTES{shape:?}");
        Error::invalid_tensor(name, expected, actual)
    };
    let count = shape
        .iter()
        .try_fold(1_usize, |count, size| count.checked_mul(*size))
        .ok_or_else(|| invalid(&"a shape that overflows"))?;
    // Each string takes at least its length: what the shape claims is no reason to allocate more.
    if count > bytes.len() / 4 {
        return Err(invalid(&format_args!("{} bytes", bytes.len())));
    }
    let mut strings = Vec::with_capacity(count);
    for index in 0..count {
        if bytes.len() < 4 {
            return Err(invalid(&format_args!("an end before string {index}")));
        }
        let length = bytes.get_u32_le() as usize;
        if length > bytes.len() {
            return Err(invalid(&format_args!(
                "string {index} of {length} bytes with {} bytes left",
                bytes.len()
            )));
        }
        strings.push(bytes.split_to(length));
    }
    if !bytes.is_empty() {
        return Err(invalid(&format_args!("{} bytes left over", bytes.len())));
    }
    Tensor::from_strings(shape, strings)
}

/// Appends a tensor's bytes on the wire; returns how many.
pub(crate) fn encode(tensor: &Tensor, name: &str, out: &mut Vec<u8>) -> Result<()> {
    if let Some(bytes) = tensor.bytes() {
        out.extend_from_slice(bytes);
        return Ok(());
    }
    for string in tensor.strings().unwrap_or_default() {
        let length = u32::try_from(string.len()).map_err(|error| {
            Error::unsupported("binary data", format_args!("a string of `{name}`: {error}"))
        })?;
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(string);
    }
    Ok(())
}

/// Bytes of a tensor on the wire.
pub(crate) fn encoded_size(tensor: &Tensor) -> usize {
    tensor.size_bytes() + tensor.strings().map_or(0, |strings| 4 * strings.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn strings_round_trip(strings in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..9)) {
            let strings: Vec<Bytes> = strings.into_iter().map(Bytes::from).collect();
            let tensor = Tensor::from_strings(&[strings.len()], strings).unwrap();
            let mut wire = Vec::new();
            encode(&tensor, "x", &mut wire).unwrap();
            prop_assert_eq!(wire.len(), encoded_size(&tensor));
            prop_assert_eq!(decode("x", DataType::Bytes, tensor.shape(), wire.into()).unwrap(), tensor);
        }

        #[test]
        fn any_bytes_are_decoded_or_refused(bytes: Vec<u8>, shape in prop::collection::vec(0_usize..5, 0..4)) {
            for data_type in DataType::ALL {
                if let Err(error) = decode("x", data_type, &shape, bytes.clone().into()) {
                    prop_assert_eq!(error.code(), "invalid_tensor");
                }
            }
        }
    }

    #[test]
    fn huge_claims_allocate_nothing() {
        let shape = [usize::MAX / 8, 4];
        assert!(decode("x", DataType::Bytes, &shape, Bytes::from_static(&[0; 64])).is_err());
        assert!(decode("x", DataType::F64, &shape, Bytes::from_static(&[0; 64])).is_err());
        let long = Bytes::from_static(&[0xff, 0xff, 0xff, 0xff, 1]);
        assert!(decode("x", DataType::Bytes, &[1], long).is_err());
    }
}
