//! How much of each device's memory the models take.

use std::{collections::BTreeMap, sync::Arc};

use mlops_core::{Error, clock::Signal, model::ModelId};
use parking_lot::Mutex;

use super::options::DeviceOptions;

/// How much of a device's memory its models take, by the estimates of their loaders.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeviceMemory {
    /// What they may take together; `None` for any.
    pub budget_bytes: Option<u64>,
    /// What must stay free after a load.
    pub headroom_bytes: u64,
    /// What models take that are loaded, being loaded, kept for a rollback or drained.
    pub used_bytes: u64,
    /// The part of it that is being drained.
    pub draining_bytes: u64,
    /// Models that are being drained.
    pub draining_models: usize,
}

/// The books of all devices.
#[derive(Debug)]
pub(super) struct Ledger {
    devices: Mutex<BTreeMap<String, DeviceMemory>>,
    /// Raised whenever memory comes back.
    pub(super) released: Arc<Signal>,
}

/// Memory that a model takes, for as long as this lives.
#[derive(Debug)]
pub(super) struct Reservation {
    ledger: Arc<Ledger>,
    pub(super) device: String,
    pub(super) bytes: u64,
    is_draining: bool,
}

/// What a load needs that does not fit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shortage {
    memory: DeviceMemory,
    needed_bytes: u64,
}

impl Ledger {
    pub(super) fn new(devices: &BTreeMap<String, DeviceOptions>) -> Arc<Self> {
        let devices = devices.iter().map(|(name, options)| {
            let memory = DeviceMemory {
                budget_bytes: options.memory_budget_bytes,
                headroom_bytes: options.headroom_bytes,
                ..DeviceMemory::default()
            };
            (name.clone(), memory)
        });
        Arc::new(Self { devices: Mutex::new(devices.collect()), released: Arc::default() })
    }

    pub(super) fn devices(&self) -> BTreeMap<String, DeviceMemory> {
        self.devices.lock().clone()
    }

    /// Takes memory of a device, if it is within the budget.
    pub(super) fn try_reserve(
        self: &Arc<Self>,
        device: &str,
        bytes: u64,
    ) -> Result<Reservation, Shortage> {
        let mut devices = self.devices.lock();
        let memory = devices.entry(device.to_owned()).or_default();
        let shortage = Shortage { memory: *memory, needed_bytes: bytes };
        if !shortage.fits_without(0) {
            return Err(shortage);
        }
        memory.used_bytes = memory.used_bytes.saturating_add(bytes);
        Ok(Reservation {
            ledger: Arc::clone(self),
            device: device.to_owned(),
            bytes,
            is_draining: false,
        })
    }

    /// How many models of a device are being drained.
    pub(super) fn draining_models(&self, device: &str) -> usize {
        self.devices.lock().get(device).map_or(0, |memory| memory.draining_models)
    }

    fn change(&self, device: &str, change: impl FnOnce(&mut DeviceMemory)) {
        if let Some(memory) = self.devices.lock().get_mut(device) {
            change(memory);
        }
    }
}

impl Reservation {
    /// Says that this memory will come back soon.
    pub(super) fn drain(&mut self) {
        if !self.is_draining {
            self.is_draining = true;
            self.ledger.change(&self.device, |memory| {
                memory.draining_bytes = memory.draining_bytes.saturating_add(self.bytes);
                memory.draining_models += 1;
            });
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.ledger.change(&self.device, |memory| {
            memory.used_bytes = memory.used_bytes.saturating_sub(self.bytes);
            if self.is_draining {
                memory.draining_bytes = memory.draining_bytes.saturating_sub(self.bytes);
                memory.draining_models = memory.draining_models.saturating_sub(1);
            }
        });
        self.ledger.released.raise();
    }
}

impl Shortage {
    /// True if what is drained already will make enough room.
    pub(super) fn fits_after_draining(self) -> bool {
        self.fits_without(self.memory.draining_bytes)
    }

    /// True if what is drained already and these bytes will make enough room.
    pub(super) fn fits_after_draining_also(self, bytes: u64) -> bool {
        self.fits_without(self.memory.draining_bytes.saturating_add(bytes))
    }

    fn fits_without(self, bytes: u64) -> bool {
        let DeviceMemory { budget_bytes, headroom_bytes, used_bytes, .. } = self.memory;
        let needed = used_bytes
            .saturating_sub(bytes)
            .saturating_add(self.needed_bytes)
            .saturating_add(headroom_bytes);
        budget_bytes.is_none_or(|budget| needed <= budget)
    }

    pub(super) fn into_error(self, id: &ModelId, device: &str) -> Error {
        let DeviceMemory { budget_bytes, headroom_bytes, used_bytes, .. } = self.memory;
        let reason = format!(
            "`{id}` needs {} bytes of `{device}` and {headroom_bytes} must stay free, but \
             {used_bytes} of {} are taken",
            self.needed_bytes,
            budget_bytes.unwrap_or(u64::MAX),
        );
        Error::Refused { what: "load", reasons: Arc::new([reason.into()]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_and_the_headroom_stay_within_the_budget() {
        let device = DeviceOptions::default().with_memory_budget_bytes(100).with_headroom_bytes(10);
        let ledger = Ledger::new(&BTreeMap::from([("gpu".to_owned(), device)]));
        let mut first = ledger.try_reserve("gpu", 50).unwrap();
        let second = ledger.try_reserve("gpu", 40).unwrap();
        let shortage = ledger.try_reserve("gpu", 1).unwrap_err();
        assert!(!shortage.fits_after_draining());
        assert!(shortage.fits_after_draining_also(1));
        first.drain();
        first.drain();
        let shortage = ledger.try_reserve("gpu", 51).unwrap_err();
        assert!(!shortage.fits_after_draining());
        assert!(shortage.fits_after_draining_also(1));
        let error =
            shortage.into_error(&ModelId::new("m".parse().unwrap(), "3".parse().unwrap()), "gpu");
        let text = error.to_string();
        assert!(
            text.contains("m/3") && text.contains("51") && text.contains("90 of 100"),
            "{text}"
        );

        let seen = ledger.released.seen();
        drop(first);
        assert_ne!(ledger.released.seen(), seen);
        let memory = ledger.devices()["gpu"];
        assert_eq!((memory.used_bytes, memory.draining_bytes), (40, 0));
        drop(second);
        assert_eq!(ledger.devices()["gpu"].used_bytes, 0);
        assert!(ledger.try_reserve("gpu", u64::MAX).is_err());
    }
}
