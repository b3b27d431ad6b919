//! [`ReferenceKey`]: what a reference of scores was made with.

use std::{collections::BTreeMap, sync::Arc};

use mlops_core::{Error, Result, model::ModelId, timestamp::Timestamp};
use serde::{Deserialize, Serialize};

use crate::profile::{Origin, Profile};

/// What a reference of scores was made with: the version of the evaluator or judge of each score, and the model
/// that was scored.
///
/// A new version of a judge scores the same answers differently. That is not drift, so windows are only
/// compared with a reference of the same key. It travels in the reference's [`Origin`], as its source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ReferenceKey {
    /// The version behind each score, by the score's name.
    pub versions: BTreeMap<Arc<str>, Arc<str>>,
    /// The model that was scored. A reference without one stands for every model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelId>,
}

impl ReferenceKey {
    /// The key of a reference that [`EvaluatorSet::reference`](super::EvaluatorSet::reference) made.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a profile of anything else.
    pub fn of(reference: &Profile) -> Result<Self> {
        let source = &reference.origin().source;
        serde_json::from_str(source).map_err(|error| {
            let reason =
                format!("its origin, `{source}`, does not say what it was scored with: {error}");
            Error::invalid("reference of scores", reason)
        })
    }

    /// The origin of a reference of this key, made at this time.
    ///
    /// # Errors
    /// None that is known: names and versions are strings.
    pub fn origin(&self, made_at: Timestamp) -> Result<Origin> {
        let source = serde_json::to_string(self).map_err(|error| Error::backend("json", error))?;
        Ok(Origin::new(source, made_at))
    }

    /// Whether what this key made may be compared with what the other made. A key without a model fits every
    /// model.
    ///
    /// # Errors
    /// [`Error::Refused`] with every difference.
    pub fn check(&self, reference: &Self) -> Result<()> {
        let mut reasons: Vec<Box<str>> = Vec::new();
        for (name, here) in &self.versions {
            match reference.versions.get(name) {
                None => reasons.push(format!("the reference has no score `{name}`").into()),
                Some(there) if there != here => reasons.push(
                    format!("score `{name}` is of version `{here}`, the reference of `{there}`")
                        .into(),
                ),
                Some(_) => {}
            }
        }
        for name in reference.versions.keys().filter(|name| !self.versions.contains_key(*name)) {
            reasons.push(format!("only the reference has a score `{name}`").into());
        }
        if let (Some(here), Some(there)) = (&self.model, &reference.model)
            && here != there
        {
            reasons.push(format!("model `{here}` was scored, in the reference `{there}`").into());
        }
        if reasons.is_empty() {
            return Ok(());
        }
        Err(Error::Refused { what: "comparison with the reference", reasons: reasons.into() })
    }
}
