//! Slices: in which segment of the data a model got worse.

mod compare;
mod losses;
mod segmenter;
mod slicer;

pub(super) use self::segmenter::{Segmenter, add_loss, check_loss, check_losses, check_parts};
pub use self::{
    compare::{Difference, FeatureEffects, LossRate, SegmentChange, SliceReport, SliceTestOptions},
    losses::SlicedLosses,
    segmenter::{Part, Segment, SegmentPart},
    slicer::{SliceOptions, Slicer},
};
