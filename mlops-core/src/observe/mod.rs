//! Watching a model in service: every prediction as it is answered, and the truth when it is known.

mod join;
mod observed;
mod observer;
mod outcome;
mod record;
mod sampled;

pub use self::{
    join::{JoinLimits, OutcomeJoin},
    observed::Observed,
    observer::{Interest, PredictionObserver},
    outcome::{Outcome, OutcomeObserver, OutcomeValue},
    record::PredictionRecord,
    sampled::Sampled,
};
