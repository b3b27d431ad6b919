//! Statistics, held to what mpmath, scipy and statsmodels say (`golden.json`, made by `make_golden.py`), to
//! laws, and to simulations of what they promise.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod confidence_sequence;
mod correction;
mod distributions;
mod golden;
mod mean;
mod online_fdr;
mod proportion;
mod special;
