//! State that was stored and damaged: it is refused, or it works.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod alert;
mod damage;
mod generative;
mod multivariate;
mod online;
mod performance;
mod profile;
mod report;
