//! Without the feature `shm` there is no shared memory.

use bytes::Bytes;
use mlops_core::Result;

use super::{RegionStatus, Slot};

/// There is none.
#[derive(Debug)]
pub(in crate::protocol::oip) enum SharedMemory {}

impl SharedMemory {
    pub(in crate::protocol::oip) fn register(&self, _: RegionStatus) -> Result<()> {
        match *self {}
    }

    pub(in crate::protocol::oip) fn unregister(&self, _: Option<&str>) {
        match *self {}
    }

    pub(in crate::protocol::oip) fn status(&self, _: Option<&str>) -> Result<Vec<RegionStatus>> {
        match *self {}
    }

    pub(super) fn read(&self, _: &Slot, _: usize) -> Result<Bytes> {
        match *self {}
    }

    pub(super) fn write(&self, _: &Slot, _: &[u8]) -> Result<()> {
        match *self {}
    }
}
