//! The system shared memory extension: tensors in memory that client and server share.
//!
//! Where they lie is parsed in every build, so that it can be refused by name; the feature `shm` has
//! [`SharedMemory`], which reads and writes it.

#[cfg(not(feature = "shm"))]
mod absent;
#[cfg(feature = "shm")]
mod system;

use std::fmt;

use mlops_core::{
    Error, Result,
    tensor::{DataType, NamedTensors, Tensor},
};
use smallvec::SmallVec;

use super::binary;

#[cfg(not(feature = "shm"))]
pub(super) use self::absent::SharedMemory;
#[cfg(feature = "shm")]
pub use self::system::SharedMemory;

/// Where a tensor lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) region: String,
    pub(super) offset: u64,
    pub(super) byte_size: u64,
}

/// Where each requested output goes, in order; `None` for into the answer.
pub(super) type Slots = SmallVec<[Option<Slot>; 1]>;

/// A region that is registered.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(super) struct RegionStatus {
    pub(super) name: String,
    pub(super) key: String,
    pub(super) offset: u64,
    pub(super) byte_size: u64,
}

impl Slot {
    /// From the parameters of a tensor.
    pub(super) fn new(region: String, offset: Option<u64>, byte_size: Option<u64>) -> Result<Self> {
        let Some(byte_size) = byte_size else {
            let reason = format!("`shared_memory_byte_size` is missing for region `{region}`");
            return Err(Error::invalid("shared memory", reason));
        };
        Ok(Self { region, offset: offset.unwrap_or(0), byte_size })
    }
}

/// The input of this name, of at most `limit` bytes.
pub(super) fn read_input(
    memory: Option<&SharedMemory>,
    slot: &Slot,
    (name, data_type, shape): (&str, DataType, &[usize]),
    limit: usize,
) -> Result<Tensor> {
    let memory = lent(memory, format_args!("input `{name}`"))?;
    binary::decode(name, data_type, shape, memory.read(slot, limit)?)
}

/// Writes the outputs that have a slot into it; their slots then say how many bytes those are.
pub(super) fn write_outputs(
    memory: Option<&SharedMemory>,
    outputs: &NamedTensors,
    slots: &mut Slots,
) -> Result<()> {
    for ((name, tensor), slot) in outputs.iter().zip(slots) {
        let Some(slot) = slot else { continue };
        let memory = lent(memory, format_args!("output `{name}`"))?;
        let size = binary::encoded_size(tensor) as u64;
        if size > slot.byte_size {
            let reason = format!("output `{name}` has {size} bytes, its slot {}", slot.byte_size);
            return Err(Error::invalid("shared memory", reason));
        }
        slot.byte_size = size;
        if let Some(bytes) = tensor.bytes() {
            memory.write(slot, bytes)?;
        } else {
            let mut bytes = Vec::with_capacity(binary::encoded_size(tensor));
            binary::encode(tensor, name, &mut bytes)?;
            memory.write(slot, &bytes)?;
        }
    }
    Ok(())
}

/// The memory for this tensor, if the host lends any.
pub(super) fn lent<'m>(
    memory: Option<&'m SharedMemory>,
    what: fmt::Arguments<'_>,
) -> Result<&'m SharedMemory> {
    memory.ok_or_else(|| {
        let feature = format_args!("shared memory ({what}): its host does not allow it");
        Error::unsupported("this server", feature)
    })
}
