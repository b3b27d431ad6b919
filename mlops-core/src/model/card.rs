//! [`ModelCard`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What people should know about a model (Mitchell et al. 2019, "Model Cards for Model Reporting"),
/// with the fields that Hugging Face cards carry.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelCard {
    /// What it is, what it is for and what it is not for, in Markdown.
    pub description: String,
    /// SPDX identifier of its licence.
    pub license: Option<String>,
    /// Free words to find it by.
    pub tags: BTreeMap<String, String>,
    /// How well it does.
    pub metrics: Vec<CardMetric>,
}

/// One measured figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CardMetric {
    /// What was measured, for instance `accuracy`.
    pub name: String,
    /// The figure.
    pub value: f64,
    /// The data it was measured on.
    pub dataset: Option<String>,
}
