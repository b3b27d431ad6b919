//! The live monitor: from predictions to windows that compare with a reference.
//!
//! A [`Monitor`] is a [`PredictionObserver`](mlops_core::observe::PredictionObserver). A [`FeatureMap`] says
//! which feature of the reference is where in a prediction: a column of a tensor, the class of an output,
//! latency. Threads count what they serve into memory of their own; whoever [checks](Monitor::check) the
//! monitor gathers it into [`Window`]s, by the time of the predictions, and compares those with the
//! [`Reference`], of the same season if it has any. [`Monitor::look`] instead tests everything since the start,
//! and may be called any time.

mod buffer;
mod continuous;
mod feature_map;
mod mean_shift;
#[expect(clippy::module_inception, reason = "the folder's main type is in the file of its name")]
mod monitor;
mod options;
mod pane;
mod pending;
mod read;
mod reference;
mod ring;
mod season;
mod seasonal_reference;
mod shard;
mod source;
mod window;
mod window_profile;
mod worker;

pub use self::{
    continuous::{ContinuousComparison, ContinuousFeature},
    feature_map::FeatureMap,
    mean_shift::{mean_shift, mean_shift_rule},
    monitor::{CheckedWindow, Monitor},
    options::MonitorOptions,
    pane::{Problems, Requests},
    reference::Reference,
    season::{Cycle, Season},
    seasonal_reference::SeasonalReference,
    source::FeatureSource,
    window::{Length, Window},
    window_profile::{MonitorLosses, WindowProfile},
    worker::MonitorWorker,
};
