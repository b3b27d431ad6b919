//! [`HostOptions`].

use std::{collections::BTreeMap, time::Duration};

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// Options of a [`ModelHost`](super::ModelHost).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct HostOptions {
    /// The devices that models are loaded to, by the name that loaders give them. Each has a thread
    /// that loads one model after the other. By default one, `cpu`, without a budget.
    pub devices: BTreeMap<String, DeviceOptions>,
    /// Loads that may wait at most, over all devices.
    pub max_pending_loads: usize,
    /// How long a model that was replaced or unloaded may be held by callers, before what still
    /// waits in its queues is given up.
    pub drain_grace: Duration,
    /// Models of a device that may be draining at most when a load to it begins; it waits until fewer
    /// are. Bounds what swaps leave behind that come faster than the old models go.
    pub max_draining: usize,
    /// How many replaced generations of each model stay loaded, for
    /// [`roll_back`](super::ModelHost::roll_back). A load that needs their memory ends the oldest.
    pub keep_previous: usize,
    /// What happens to a load that does not fit beside the versions it replaces.
    pub on_no_room: OnNoRoom,
}

/// What there is of a device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct DeviceOptions {
    /// Bytes that all models on it may take together, by the estimates of their loaders; `None` for
    /// any.
    pub memory_budget_bytes: Option<u64>,
    /// Bytes of the budget that must stay free after a load.
    pub headroom_bytes: u64,
}

/// What happens to a load that does not fit beside the versions it replaces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnNoRoom {
    /// It is refused, with both figures, and the old ones go on.
    #[default]
    Refuse,
    /// The old ones are drained and unloaded first, if that makes enough room. Until the new ones
    /// are ready the model is unavailable, and if they fail it stays so.
    UnloadFirst,
}

impl Default for HostOptions {
    fn default() -> Self {
        Self {
            devices: BTreeMap::from([(Self::CPU.to_owned(), DeviceOptions::default())]),
            max_pending_loads: 64,
            drain_grace: Duration::from_secs(30),
            max_draining: 8,
            keep_previous: 0,
            on_no_room: OnNoRoom::default(),
        }
    }
}

impl HostOptions {
    /// The name of the one device there is by default.
    pub const CPU: &str = "cpu";

    /// Adds a device, or says more of one.
    #[must_use]
    pub fn with_device(mut self, name: impl Into<String>, options: DeviceOptions) -> Self {
        self.devices.insert(name.into(), options);
        self
    }

    /// Sets how many loads may wait.
    #[must_use]
    pub fn with_max_pending_loads(mut self, loads: usize) -> Self {
        self.max_pending_loads = loads;
        self
    }

    /// Sets how long callers may hold a model that was replaced or unloaded.
    #[must_use]
    pub fn with_drain_grace(mut self, grace: Duration) -> Self {
        self.drain_grace = grace;
        self
    }

    /// Sets how many models of a device may be draining when a load to it begins.
    #[must_use]
    pub fn with_max_draining(mut self, models: usize) -> Self {
        self.max_draining = models;
        self
    }

    /// Sets how many replaced generations of each model stay loaded.
    #[must_use]
    pub fn with_keep_previous(mut self, generations: usize) -> Self {
        self.keep_previous = generations;
        self
    }

    /// Sets what happens to a load that does not fit.
    #[must_use]
    pub fn with_on_no_room(mut self, on_no_room: OnNoRoom) -> Self {
        self.on_no_room = on_no_room;
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        let invalid = |reason: String| Err(Error::invalid("host options", reason));
        if self.devices.is_empty() {
            return invalid("there is no device to load models to".into());
        }
        if self.max_pending_loads == 0 {
            return invalid("max_pending_loads is 0".into());
        }
        if self.max_draining == 0 {
            return invalid("max_draining is 0".into());
        }
        for (name, device) in &self.devices {
            if device.memory_budget_bytes.is_some_and(|budget| budget < device.headroom_bytes) {
                return invalid(format!("the headroom of device `{name}` is over its budget"));
            }
        }
        Ok(())
    }
}

impl DeviceOptions {
    /// Sets how many bytes all models on it may take together.
    #[must_use]
    pub fn with_memory_budget_bytes(mut self, bytes: u64) -> Self {
        self.memory_budget_bytes = Some(bytes);
        self
    }

    /// Sets how many bytes of the budget must stay free after a load.
    #[must_use]
    pub fn with_headroom_bytes(mut self, bytes: u64) -> Self {
        self.headroom_bytes = bytes;
        self
    }
}
