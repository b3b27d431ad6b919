//! Dynamic batching: many callers, one run.
//!
//! [`Batcher`] is a `Predict` over a `SessionFactory`. Requests wait in one bounded queue, in buckets of
//! those that can share a run; whoever owns a free session takes as many as fit (`policy`, `queue`),
//! stacks and pads their rows (`stack`), runs once and hands each caller its rows (`run`). A session is
//! owned by a thread of its own (`worker`) or by whichever caller comes first (`leader`); one that breaks
//! is opened anew (`revive`). How long runs take is learned (`latency`), and decides whether to wait for
//! more and whom to refuse (`forecast`).

mod batcher;
mod bucket;
mod builder;
mod demand;
mod forecast;
mod item;
mod latency;
mod leader;
mod memory;
mod observer;
mod opener;
mod options;
mod pad;
mod padding;
mod parts;
mod policy;
mod queue;
mod queued;
mod revive;
mod run;
mod shared;
mod slot;
mod stack;
mod sync;
mod threads;
mod under_way;
mod worker;

pub use self::{
    batcher::{Batcher, BatcherLoad},
    builder::BatcherBuilder,
    observer::{BatchObserver, BatchRecord, Release},
    options::{BatcherOptions, Batching, OnFull, Placement, PriorityOptions, Waiting},
    padding::{Padding, Rounding},
};
