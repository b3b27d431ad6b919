//! [`SharedMemory`].

use std::{collections::BTreeMap, fs::File, io, os::unix::fs::FileExt, sync::Arc};

use bytes::Bytes;
use mlops_core::{Error, Result};
use parking_lot::RwLock;
use rustix::{
    fs::Mode,
    shm::{self, OFlags},
};

use super::{RegionStatus, Slot};

/// Regions at once: each holds a file descriptor.
const MAX_REGIONS: usize = 1024;

/// POSIX shared memory that clients have registered, for both transports of a server.
///
/// A client that may register a region makes the server read and write memory by its name: lend it
/// only to clients on the same machine that you trust with what the process may open.
///
/// Regions are not mapped: tensors are copied in and out with system calls. So a client that changes
/// its memory meanwhile changes numbers and nothing else, and one that truncates it is told so.
#[derive(Debug, Default)]
pub struct SharedMemory(RwLock<BTreeMap<String, Arc<Region>>>);

#[derive(Debug)]
struct Region {
    status: RegionStatus,
    file: File,
}

impl SharedMemory {
    /// Without regions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens a region. Its key is the name of POSIX shared memory: `/NAME`.
    pub(in crate::protocol::oip) fn register(&self, status: RegionStatus) -> Result<()> {
        let invalid = |reason: &dyn std::fmt::Display| {
            let reason = format!("region `{}` with key `{}`: {reason}", status.name, status.key);
            Error::invalid("shared memory", reason)
        };
        let name = status.key.strip_prefix('/').unwrap_or(&status.key);
        if name.is_empty()
            || name.len() > 254
            || name.contains(['/', '\0'])
            || name.starts_with('.')
        {
            return Err(invalid(&"a key is one name, like `/region`"));
        }
        let end = status.offset.checked_add(status.byte_size);
        let end = end.ok_or_else(|| invalid(&"offset and size overflow"))?;
        let file = shm::open(name, OFlags::RDWR, Mode::empty()).map(File::from);
        let file = file.map_err(|error| invalid(&io::Error::from(error)))?;
        let has = file.metadata().map_err(|error| invalid(&error))?.len();
        if end > has {
            return Err(invalid(&format_args!("it has {has} bytes, {end} were asked for")));
        }
        let mut regions = self.0.write();
        if regions.contains_key(&status.name) {
            return Err(Error::already_exists("shared memory region", &status.name));
        }
        if regions.len() >= MAX_REGIONS {
            let limit = MAX_REGIONS as u64;
            return Err(Error::Overloaded {
                what: "shared memory (regions)",
                limit,
                retry_after: None,
            });
        }
        regions.insert(status.name.clone(), Arc::new(Region { status, file }));
        Ok(())
    }

    /// Closes a region, or all. Requests under way still finish with theirs.
    pub(in crate::protocol::oip) fn unregister(&self, name: Option<&str>) {
        let mut regions = self.0.write();
        match name {
            Some(name) => drop(regions.remove(name)),
            None => regions.clear(),
        }
    }

    /// The region of this name, or all.
    pub(in crate::protocol::oip) fn status(&self, name: Option<&str>) -> Result<Vec<RegionStatus>> {
        match name {
            Some(name) => Ok(vec![self.region(name)?.status.clone()]),
            None => Ok(self.0.read().values().map(|region| region.status.clone()).collect()),
        }
    }

    /// A copy of what lies in a slot, of at most `limit` bytes.
    pub(super) fn read(&self, slot: &Slot, limit: usize) -> Result<Bytes> {
        let region = self.region(&slot.region)?;
        let start = region.start(slot)?;
        let size = usize::try_from(slot.byte_size).unwrap_or(usize::MAX);
        if size > limit {
            let (actual, limit) = (slot.byte_size, limit as u64);
            return Err(Error::TooLarge { what: "tensor in shared memory (bytes)", actual, limit });
        }
        let mut bytes = vec![0; size];
        region.file.read_exact_at(&mut bytes, start).map_err(|error| region.failed(&error))?;
        Ok(bytes.into())
    }

    /// Writes into a slot.
    pub(super) fn write(&self, slot: &Slot, bytes: &[u8]) -> Result<()> {
        let region = self.region(&slot.region)?;
        let start = region.start(slot)?;
        region.file.write_all_at(bytes, start).map_err(|error| region.failed(&error))
    }

    fn region(&self, name: &str) -> Result<Arc<Region>> {
        let regions = self.0.read();
        let region = regions.get(name).map(Arc::clone);
        region.ok_or_else(|| Error::not_found("shared memory region", name))
    }
}

impl Region {
    /// Where a slot begins, which must lie within the region.
    fn start(&self, slot: &Slot) -> Result<u64> {
        let end = slot.offset.checked_add(slot.byte_size);
        if end.is_none_or(|end| end > self.status.byte_size) {
            let Slot { region, offset, byte_size } = slot;
            let has = self.status.byte_size;
            let reason = format!(
                "{byte_size} bytes at {offset} are not within the {has} of region `{region}`"
            );
            return Err(Error::invalid("shared memory", reason));
        }
        // Checked when the region was registered.
        Ok(self.status.offset + slot.offset)
    }

    fn failed(&self, error: &io::Error) -> Error {
        let reason = format!("region `{}` is no longer as it was: {error}", self.status.name);
        Error::invalid("shared memory", reason)
    }
}
