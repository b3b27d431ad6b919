//! What GPUs there are, and how busy they are: cargo feature `nvml`.
//!
//! ```no_run
//! use mlops_core::gpu::{GpuProbe, GpuProbeOptions};
//!
//! # fn main() -> mlops_core::Result<()> {
//! let probe = GpuProbe::open(&GpuProbeOptions::default())?;
//! for gpu in probe.gpus()? {
//!     println!("{}: {:?} % busy", gpu.name, gpu.utilization_percent);
//! }
//! probe.require(&[0])?; // an error that says which GPU is gone
//! # Ok(())
//! # }
//! ```

mod probe;

pub use self::probe::{Gpu, GpuProbe, GpuProbeOptions};
