//! Threads and cores: how many each model gets, and where they stay.
//!
//! Sessions that each take as many threads as there are cores get in one another's way. A
//! [`ThreadBudget`] divides the machine among the instances of all models instead:
//!
//! ```
//! use mlops_serve::{batch::BatcherOptions, threads::{ThreadBudget, ThreadDemand}};
//!
//! # fn main() -> mlops_core::Result<()> {
//! let shares = ThreadBudget::new(8).divide(&[
//!     ThreadDemand::new("ranker", 2),
//!     ThreadDemand::new("embedder", 1).with_intra_threads(2),
//! ])?;
//! assert_eq!(shares[0].intra_threads, 3); // two sessions of three threads each,
//! assert_eq!(shares[1].intra_threads, 2); // and one of two
//! let options = BatcherOptions::default().with_instances(2).with_cores(shares[0].cores.clone());
//! # Ok(())
//! # }
//! ```

mod affinity;
mod budget;

pub(crate) use self::affinity::stay_on;
pub use self::budget::{ThreadBudget, ThreadDemand, ThreadShare};
