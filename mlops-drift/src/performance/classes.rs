//! [`Classes`].

use std::{collections::HashMap, sync::Arc};

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// The classes of a classifier, in the order of its output. Cheap to clone.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Vec<Arc<str>>", into = "Vec<Arc<str>>")]
pub struct Classes(Arc<Index>);

#[derive(Debug)]
struct Index {
    names: Vec<Arc<str>>,
    places: HashMap<Arc<str>, usize>,
}

impl Classes {
    /// How many there may be: a confusion matrix has a cell for each pair.
    pub const MAX: usize = 256;

    /// The classes of these names.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for fewer than two, more than [`MAX`](Self::MAX), or two of one name.
    pub fn new(names: impl IntoIterator<Item = impl Into<Arc<str>>>) -> Result<Self> {
        let names: Vec<Arc<str>> = names.into_iter().map(Into::into).collect();
        if !(2..=Self::MAX).contains(&names.len()) {
            let reason = format!("{} are not from 2 to {}", names.len(), Self::MAX);
            return Err(Error::invalid("classes", reason));
        }
        let mut places = HashMap::with_capacity(names.len());
        for (place, name) in names.iter().enumerate() {
            if let Some(other) = places.insert(Arc::clone(name), place) {
                let reason = format!("classes {other} and {place} are both `{name}`");
                return Err(Error::invalid("classes", reason));
            }
        }
        Ok(Self(Arc::new(Index { names, places })))
    }

    /// Their names.
    #[must_use]
    pub fn names(&self) -> &[Arc<str>] {
        &self.0.names
    }

    /// How many there are: at least two.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "there are at least two")]
    pub fn len(&self) -> usize {
        self.0.names.len()
    }

    /// Which one has this name.
    #[must_use]
    pub fn index(&self, name: &str) -> Option<usize> {
        self.0.places.get(name).copied()
    }
}

impl PartialEq for Classes {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.names() == other.names()
    }
}

impl Eq for Classes {}

impl TryFrom<Vec<Arc<str>>> for Classes {
    type Error = Error;

    fn try_from(names: Vec<Arc<str>>) -> Result<Self> {
        Self::new(names)
    }
}

impl From<Classes> for Vec<Arc<str>> {
    fn from(classes: Classes) -> Self {
        classes.names().to_vec()
    }
}
