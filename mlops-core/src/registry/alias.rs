//! Aliases: what they stand for, how they are moved and followed.

use crate::{
    Result,
    model::{Alias, ModelName, ModelVersion},
    registry::ModelRegistry,
};

/// What an alias stands for, and how often it has been changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AliasBinding {
    /// The version.
    pub version: ModelVersion,
    /// Grows with every change of the alias: whoever polls sees A → B → A.
    pub revision: u64,
}

/// How to change an alias.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SetAlias {
    /// What the alias must be for the change to happen.
    pub expected: Expected,
    /// Who changes it, for the record.
    pub actor: Option<String>,
    /// Why, for the record.
    pub reason: Option<String>,
}

impl SetAlias {
    /// Changes the alias only if it is as expected.
    #[must_use]
    pub fn with_expected(mut self, expected: Expected) -> Self {
        self.expected = expected;
        self
    }

    /// Says who changes it.
    #[must_use]
    pub fn with_actor(mut self, actor: impl Into<String>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// Says why.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }
}

/// What an alias must be for a change to happen: compare-and-set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Expected {
    /// Anything.
    #[default]
    Any,
    /// Not set.
    Absent,
    /// Set, at this revision.
    Revision(u64),
}

impl Expected {
    /// True if an alias with this binding is as expected.
    #[must_use]
    pub fn holds(self, binding: Option<AliasBinding>) -> bool {
        match self {
            Self::Any => true,
            Self::Absent => binding.is_none(),
            Self::Revision(revision) => binding.is_some_and(|found| found.revision == revision),
        }
    }
}

/// Follows an alias: says when it has been changed since the last look.
///
/// It does not wait: the host decides how often to look.
#[derive(Debug, Clone)]
pub struct AliasWatch {
    name: ModelName,
    alias: Alias,
    last: Option<AliasBinding>,
}

impl AliasWatch {
    /// Follows this alias; the first look reports it if it is set.
    #[must_use]
    pub fn new(name: ModelName, alias: Alias) -> Self {
        Self { name, alias, last: None }
    }

    /// Looks once. `Some` if the alias was changed since the last look: to a binding, or to nothing.
    ///
    /// # Errors
    /// The registry's, except that a missing model or alias counts as not set.
    ///
    /// # Cancel safety
    /// A dropped look is as if it had not happened.
    pub async fn look(
        &mut self,
        registry: &(impl ModelRegistry + ?Sized),
    ) -> Result<Option<Option<AliasBinding>>> {
        let found = match registry.get_alias(&self.name, &self.alias).await {
            Ok(binding) => Some(binding),
            Err(error) if error.is_not_found() => None,
            Err(error) => return Err(error),
        };
        if found == self.last {
            return Ok(None);
        }
        self.last = found;
        Ok(Some(found))
    }
}
