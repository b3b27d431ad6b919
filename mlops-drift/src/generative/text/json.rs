//! [`JsonValidity`].

use std::{borrow::Cow, collections::BTreeSet, fmt};

use mlops_core::{Error, Result};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};

use super::version::versioned;
use crate::generative::{Evaluator, Exchange, Score, ScoreKind, ScoreSpec};

/// Whether a response is JSON: `json_valid`; and, where keys are required, the share of them that it has as an
/// object: `json_keys`, 0 for what is no object.
///
/// The whole response must be one JSON text (RFC 8259), white space around it aside: one in a fence of
/// Markdown or with words around it is not. Nothing is kept of what is read and no depth of nesting overflows
/// the stack.
#[derive(Debug, Clone)]
pub struct JsonValidity {
    required: BTreeSet<Box<str>>,
    scores: Vec<ScoreSpec>,
    version: Box<str>,
}

impl JsonValidity {
    /// With these keys required of an object; none, if it need not be one.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a key that is given twice.
    pub fn new<'a>(required: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let mut keys = BTreeSet::new();
        for key in required {
            if !keys.insert(Box::from(key)) {
                return Err(Error::invalid("required keys", format!("`{key}` is given twice")));
            }
        }
        let mut scores = vec![ScoreSpec::new("json_valid", ScoreKind::YesNo)];
        let mut version = Box::from("1");
        if !keys.is_empty() {
            scores.push(ScoreSpec::new("json_keys", ScoreKind::Bounded));
            version = versioned(1, keys.iter().map(|key| &**key));
        }
        Ok(Self { required: keys, scores, version })
    }
}

impl Evaluator for JsonValidity {
    fn scores(&self) -> &[ScoreSpec] {
        &self.scores
    }

    fn version(&self) -> &str {
        &self.version
    }

    fn evaluate(&self, exchange: &Exchange<'_>) -> Vec<Option<Score>> {
        let text = exchange.response;
        let is_valid = serde_json::from_str::<IgnoredAny>(text).is_ok();
        let mut scores = vec![Some(Score::YesNo(is_valid))];
        if !self.required.is_empty() {
            let keys = serde_json::from_str::<Keys>(text).map(|keys| keys.0).unwrap_or_default();
            let found = self.required.iter().filter(|key| keys.contains(&***key)).count();
            scores.push(Some(Score::Bounded(found as f64 / self.required.len() as f64)));
        }
        scores
    }
}

/// The keys of an object.
struct Keys<'a>(BTreeSet<Cow<'a, str>>);

impl<'a> Deserialize<'a> for Keys<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(KeysVisitor)
    }
}

struct KeysVisitor;

impl<'a> Visitor<'a> for KeysVisitor {
    type Value = Keys<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut keys = BTreeSet::new();
        while let Some((key, IgnoredAny)) = map.next_entry::<Cow<'a, str>, _>()? {
            keys.insert(key);
        }
        Ok(Keys(keys))
    }
}
