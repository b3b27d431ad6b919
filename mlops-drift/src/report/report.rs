//! [`Report`] and its JSON.

use mlops_core::{Error, Result, timestamp::Timestamp};
use serde::{Deserialize, Serialize};

use super::check;
use crate::{
    compare::Comparison,
    performance::{Degradation, PerformanceComparison},
    quality::QualityReport,
};

/// The format that this release writes, and the newest that it reads. What adds anything to it, a kind of
/// section too, makes a new one.
const FORMAT_VERSION: u32 = 1;

/// What was found of a data set, for people and for programs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
#[non_exhaustive]
pub struct Report {
    /// What it is about.
    pub title: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// What the reference is, in words that its readers know it by: a path, a period.
    pub reference: String,
    /// The same of the current data.
    pub current: String,
    /// What was found, in the order in which it is shown.
    pub sections: Vec<Section>,
}

/// What was found by one kind of examination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Section {
    /// How the current data differs from the reference.
    Drift(Comparison),
    /// Whether the current data is what is expected of it.
    Quality(QualityReport),
    /// Service figures beside those of a baseline.
    Degradation(Degradation),
    /// How well the model does beside how well it did, by labels.
    Performance(PerformanceComparison),
}

impl Report {
    /// A report without sections yet.
    #[must_use]
    pub fn new(
        title: impl Into<String>,
        made_at: Timestamp,
        reference: impl Into<String>,
        current: impl Into<String>,
    ) -> Self {
        Self {
            title: title.into(),
            made_at,
            reference: reference.into(),
            current: current.into(),
            sections: Vec::new(),
        }
    }

    /// With this section after the others.
    #[must_use]
    pub fn with_section(mut self, section: Section) -> Self {
        self.sections.push(section);
        self
    }

    /// The report as JSON: the source of every other form.
    ///
    /// # Errors
    /// None that is known: every number in a report is finite.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|error| Error::backend("json", error))
    }

    /// Reads what [`to_json`](Self::to_json) wrote. `name` is what errors call it.
    ///
    /// # Errors
    /// [`Error::Corrupt`], naming the part, for what is not a report or contradicts itself;
    /// [`Error::Unsupported`] if a later release wrote it in a newer format.
    pub fn from_json(name: &str, json: &[u8]) -> Result<Self> {
        // The version comes first, so that a newer format is not mistaken for a damaged file.
        #[derive(Deserialize)]
        struct Version {
            format_version: u32,
        }
        let corrupt = |reason: &dyn std::fmt::Display| Error::corrupt("report", name, reason);
        let version: Version = serde_json::from_slice(json).map_err(|error| corrupt(&error))?;
        if version.format_version > FORMAT_VERSION {
            let feature = format!("report format {} of {name}", version.format_version);
            return Err(Error::unsupported("this release", feature));
        }
        serde_json::from_slice(json).map_err(|error| corrupt(&error))
    }
}

/// What is in the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format_version: u32,
    title: String,
    made_at: Timestamp,
    reference: String,
    current: String,
    sections: Vec<Section>,
}

impl From<Report> for Stored {
    fn from(report: Report) -> Self {
        let Report { title, made_at, reference, current, sections } = report;
        Self { format_version: FORMAT_VERSION, title, made_at, reference, current, sections }
    }
}

impl TryFrom<Stored> for Report {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Self, String> {
        let Stored { format_version, title, made_at, reference, current, sections } = stored;
        if format_version != FORMAT_VERSION {
            return Err(format!("there is no format {format_version}"));
        }
        for section in &sections {
            if let Section::Drift(comparison) = section {
                check::comparison(comparison)?;
            }
        }
        Ok(Self { title, made_at, reference, current, sections })
    }
}
