//! [`EvidentlyOptions`].

use serde::{Deserialize, Serialize};

use super::EvidentlyMethod;

/// What can be chosen of a data drift preset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct EvidentlyOptions {
    /// The columns to look at; empty for all that have a type that is.
    pub columns: Vec<String>,
    /// How numbers are compared; by the number of rows and values if there is none.
    pub numeric_method: Option<EvidentlyMethod>,
    /// How categories are compared; by the number of rows and values if there is none.
    pub categorical_method: Option<EvidentlyMethod>,
    /// From where on numbers have drifted; the method's own if there is none.
    pub numeric_threshold: Option<f64>,
    /// From where on categories have drifted; the method's own if there is none.
    pub categorical_threshold: Option<f64>,
    /// The share of drifted columns from where on the data set has drifted.
    pub drift_share: f64,
}

impl Default for EvidentlyOptions {
    /// All columns and no choices; a data set has drifted if half of its columns have.
    fn default() -> Self {
        Self {
            columns: Vec::new(),
            numeric_method: None,
            categorical_method: None,
            numeric_threshold: None,
            categorical_threshold: None,
            drift_share: 0.5,
        }
    }
}

impl EvidentlyOptions {
    /// With these columns only.
    #[must_use]
    pub fn with_columns<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.columns = names.into_iter().map(Into::into).collect();
        self
    }

    /// With numbers compared so.
    #[must_use]
    pub fn with_numeric_method(mut self, method: EvidentlyMethod) -> Self {
        self.numeric_method = Some(method);
        self
    }

    /// With categories compared so.
    #[must_use]
    pub fn with_categorical_method(mut self, method: EvidentlyMethod) -> Self {
        self.categorical_method = Some(method);
        self
    }

    /// With this threshold of numbers.
    #[must_use]
    pub fn with_numeric_threshold(mut self, threshold: f64) -> Self {
        self.numeric_threshold = Some(threshold);
        self
    }

    /// With this threshold of categories.
    #[must_use]
    pub fn with_categorical_threshold(mut self, threshold: f64) -> Self {
        self.categorical_threshold = Some(threshold);
        self
    }

    /// With a data set drifted from this share of columns on.
    #[must_use]
    pub fn with_drift_share(mut self, share: f64) -> Self {
        self.drift_share = share;
        self
    }
}
