//! Confidence-based performance estimation: how well a classifier does, from its scores alone.

mod binary;
mod calibration_check;
mod multiclass;
mod ranking;

pub use self::{
    binary::{Cbpe, CbpeEstimate, ExpectedConfusion},
    calibration_check::CalibrationCheck,
    multiclass::{MulticlassCbpe, MulticlassEstimate},
};
