//! [`GpuProbe`].

use std::{ffi::OsStr, fmt, path::PathBuf};

use nvml_wrapper::{Device, Nvml, error::NvmlError};

use crate::{Error, Result};

const LIBRARY: &str = "NVIDIA's management library";

/// Asks NVIDIA's management library (NVML, a part of the driver) for what GPUs do.
///
/// The library is loaded when the probe is opened, and closed when it is dropped. Each question takes the
/// driver some microseconds to milliseconds: ask at every scrape, not at every request.
pub struct GpuProbe {
    library: Nvml,
}

/// Where [`GpuProbe::open`] finds the library.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GpuProbeOptions {
    /// This file; without it, the system's loader looks for `libnvidia-ml.so.1` (or `nvml.dll`).
    pub library: Option<PathBuf>,
}

/// A GPU at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gpu {
    /// Its number, as CUDA counts with `CUDA_DEVICE_ORDER=PCI_BUS_ID` and without `CUDA_VISIBLE_DEVICES`.
    pub index: u32,
    /// What it is called wherever it is plugged in, such as `GPU-8f6d…`.
    pub uuid: String,
    /// Its model, such as `NVIDIA L4`.
    pub name: String,
    /// The part of the last sample period (up to a second) in which a kernel ran, from 0 to 100; `None`
    /// if it does not say, as when it is divided (MIG).
    pub utilization_percent: Option<u32>,
    /// Memory taken, by whomever.
    pub memory_used_bytes: u64,
    /// Memory built in.
    pub memory_total_bytes: u64,
}

impl GpuProbeOptions {
    /// Loads this library and no other.
    #[must_use]
    pub fn with_library(mut self, path: impl Into<PathBuf>) -> Self {
        self.library = Some(path.into());
        self
    }
}

impl GpuProbe {
    /// Loads the library and starts it.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if there is no library, or another one under its name: there is no NVIDIA
    /// driver. [`Error::Unavailable`] if there is one, but it does not start.
    pub fn open(options: &GpuProbeOptions) -> Result<Self> {
        let mut builder = Nvml::builder();
        if let Some(path) = &options.library {
            builder.lib_path(path.as_os_str());
        }
        let library = builder.init().map_err(|error| match &error {
            NvmlError::LibloadingError(_) | NvmlError::FailedToLoadSymbol(_) => {
                let path = options
                    .library
                    .as_deref()
                    .map_or(OsStr::new("libnvidia-ml"), |path| path.as_os_str());
                Error::unsupported("GPU probe", format_args!("`{}`: {error}", path.display()))
            }
            _ => Error::unavailable(LIBRARY, error),
        })?;
        Ok(Self { library })
    }

    /// Every GPU that answers, in the order of their numbers. One that has fallen off the bus is left out.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the library does not even say how many there are.
    pub fn gpus(&self) -> Result<Vec<Gpu>> {
        let count =
            self.library.device_count().map_err(|error| Error::unavailable(LIBRARY, error))?;
        Ok((0..count).filter_map(|index| self.gpu(index).ok()).collect())
    }

    /// The GPU of this number.
    ///
    /// # Errors
    /// [`Error::Unavailable`] with its number if it is not there or does not answer.
    pub fn gpu(&self, index: u32) -> Result<Gpu> {
        let read = || {
            let device = self.library.device_by_index(index)?;
            let memory = device.memory_info()?;
            Ok(Gpu {
                index,
                uuid: device.uuid()?,
                name: device.name()?,
                utilization_percent: utilization(&device)?,
                memory_used_bytes: memory.used,
                memory_total_bytes: memory.total,
            })
        };
        read()
            .map_err(|error: NvmlError| Error::unavailable("GPU", format_args!("{index}: {error}")))
    }

    /// Checks that each of these GPUs is there and answers: for a readiness probe.
    ///
    /// # Errors
    /// As [`gpu`](Self::gpu), for the first that does not.
    pub fn require(&self, indices: &[u32]) -> Result<()> {
        indices.iter().try_for_each(|index| self.gpu(*index).map(drop))
    }
}

fn utilization(device: &Device<'_>) -> std::result::Result<Option<u32>, NvmlError> {
    match device.utilization_rates() {
        Ok(rates) => Ok(Some(rates.gpu)),
        Err(NvmlError::NotSupported) => Ok(None),
        Err(error) => Err(error),
    }
}

impl fmt::Debug for GpuProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GpuProbe").finish_non_exhaustive()
    }
}
