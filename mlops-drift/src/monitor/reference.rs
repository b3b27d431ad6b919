//! [`Reference`]: what live data is compared with.

use mlops_core::timestamp::Timestamp;

use super::SeasonalReference;
use crate::profile::Profile;

/// What live data is compared with.
#[derive(Debug, Clone)]
pub enum Reference {
    /// The same at all times.
    Fixed(Profile),
    /// That of the same hour or day.
    Seasonal(SeasonalReference),
}

impl Reference {
    /// The profile that data of this time is compared with.
    #[must_use]
    pub fn profile(&self, at: Timestamp) -> &Profile {
        match self {
            Self::Fixed(profile) => profile,
            Self::Seasonal(reference) => reference.profile(at),
        }
    }
}

impl From<Profile> for Reference {
    fn from(profile: Profile) -> Self {
        Self::Fixed(profile)
    }
}

impl From<&Profile> for Reference {
    fn from(profile: &Profile) -> Self {
        Self::Fixed(profile.clone())
    }
}

impl From<SeasonalReference> for Reference {
    fn from(reference: SeasonalReference) -> Self {
        Self::Seasonal(reference)
    }
}
