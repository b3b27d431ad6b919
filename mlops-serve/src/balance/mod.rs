//! One model on several replicas.
//!
//! [`Balance`] sends each request to the better of two replicas drawn at random: the one whose
//! latency times requests under way is lower. It is a [`Predict`](mlops_core::inference::Predict)
//! over others: batchers on several devices, or remote models on several hosts.

mod balancer;
mod budget;
mod options;
mod policy;

pub use self::{
    balancer::Balance,
    options::{BalanceOptions, Retry},
};
