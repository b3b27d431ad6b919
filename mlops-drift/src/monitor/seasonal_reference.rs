//! [`SeasonalReference`]: a profile for each season.

use std::path::Path;

use mlops_core::{Error, Result, timestamp::Timestamp};
use serde::{Deserialize, Serialize};

use super::Season;
use crate::profile::{Column, Origin, Profile, ProfileOptions, Value};

const FORMAT_VERSION: u32 = 1;

/// A reference that differs by the hour or the day: a [`Profile`] for each, counted between the same edges.
///
/// A window of Monday morning is compared with the reference's Monday mornings, so that what comes back
/// each week is no drift. Windows are at most as long as a season, and are compared with the one that their
/// middle is in.
///
/// ```
/// use mlops_core::timestamp::Timestamp;
/// use mlops_drift::monitor::{Cycle, Season, SeasonalReference};
/// use mlops_drift::profile::{Origin, ProfileOptions, Value};
///
/// # fn main() -> mlops_core::Result<()> {
/// let hour = |hour: i64| Timestamp::from_micros(hour * 3_600_000_000);
/// let times: Vec<_> = (0..48).map(hour).collect();
/// let loads: Vec<_> = (0..48).map(|hour| Value::Number(f64::from(hour % 24))).collect();
/// let reference = SeasonalReference::fit(
///     Season::new(Cycle::HourOfDay),
///     &times,
///     &[("load", &loads)],
///     Origin::new("two days", Timestamp::EPOCH),
///     &ProfileOptions::default(),
/// )?;
/// assert_eq!(reference.profile(hour(7)).rows(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct SeasonalReference {
    season: Season,
    /// One for each season, of the same edges and categories.
    profiles: Vec<Profile>,
}

impl SeasonalReference {
    /// The reference of rows with their times: a value of each column for each row.
    ///
    /// # Errors
    /// As [`Profile::fit`]; [`Error::InvalidArgument`] for a column that has not as many values as there are
    /// times, or both numbers and categories.
    pub fn fit(
        season: Season,
        times: &[Timestamp],
        columns: &[(&str, &[Value<'_>])],
        origin: Origin,
        options: &ProfileOptions,
    ) -> Result<Self> {
        let split: Vec<Split<'_>> = columns
            .iter()
            .map(|(name, values)| Split::new(name, values, times.len()))
            .collect::<Result<_>>()?;
        let names = columns.iter().map(|(name, _)| *name);
        let whole: Vec<(&str, Column<'_>)> = names.zip(split.iter().map(Split::column)).collect();
        let whole = Profile::fit(&whole, origin, options)?;
        let mut reference = Self::new(season, &whole)?;
        let mut row = Vec::with_capacity(columns.len());
        for (index, at) in times.iter().enumerate() {
            row.clear();
            row.extend(columns.iter().map(|(_, values)| values[index]));
            reference.observe_row(&row, *at)?;
        }
        Ok(reference)
    }

    /// A reference without rows, counted as another is; for [`observe_row`](Self::observe_row).
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a season of no local time there is.
    pub fn new(season: Season, like: &Profile) -> Result<Self> {
        season.check()?;
        let profiles = (0..season.count()).map(|_| like.empty_like()).collect();
        Ok(Self { season, profiles })
    }

    /// Counts a row that was seen at this time.
    ///
    /// # Errors
    /// As [`Profile::observe_row`].
    pub fn observe_row(&mut self, values: &[Value<'_>], at: Timestamp) -> Result<()> {
        self.profiles[self.season.of(at)].observe_row(values)
    }

    /// What is kept apart.
    #[must_use]
    pub fn season(&self) -> Season {
        self.season
    }

    /// The reference of this time. It has no rows if the data had none then.
    #[must_use]
    pub fn profile(&self, at: Timestamp) -> &Profile {
        &self.profiles[self.season.of(at)]
    }

    /// The references of all seasons, in order.
    #[must_use]
    pub fn profiles(&self) -> &[Profile] {
        &self.profiles
    }

    /// The reference as JSON: what its file holds.
    ///
    /// # Errors
    /// None that is known: every number in a profile is finite.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|error| Error::backend("json", error))
    }

    /// Reads what [`to_json`](Self::to_json) wrote. `name` is what errors call it.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for what is not such a reference or contradicts itself; [`Error::Unsupported`] if
    /// another release wrote it in another format.
    pub fn from_json(name: &str, json: &[u8]) -> Result<Self> {
        // The version comes first, so that a newer format is not mistaken for a damaged file.
        #[derive(Deserialize)]
        struct Version {
            format_version: u32,
        }
        let corrupt = |error| Error::corrupt("seasonal reference", name, error);
        let version: Version = serde_json::from_slice(json).map_err(corrupt)?;
        if version.format_version != FORMAT_VERSION {
            let feature = format!("seasonal reference format {} of {name}", version.format_version);
            return Err(Error::unsupported("this release", feature));
        }
        serde_json::from_slice(json).map_err(corrupt)
    }

    /// Writes the reference to a file, as [`Profile::save`] does.
    ///
    /// # Errors
    /// As there.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        crate::profile::write_file(path.as_ref(), &self.to_json()?)
    }

    /// Reads a reference from a file. Blocks on the file system.
    ///
    /// # Errors
    /// As [`from_json`](Self::from_json) and [`Profile::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::from_json(&path.display().to_string(), &crate::profile::read_file(path)?)
    }
}

/// A column, its nulls apart.
enum Split<'a> {
    Numeric(Vec<f64>, u64),
    Categorical(Vec<&'a str>, u64),
}

impl<'a> Split<'a> {
    fn new(name: &str, values: &[Value<'a>], rows: usize) -> Result<Self> {
        let invalid = |reason: String| Error::invalid("columns", format!("`{name}`: {reason}"));
        if values.len() != rows {
            return Err(invalid(format!("{} values for {rows} times", values.len())));
        }
        let (mut numbers, mut categories, mut nulls) = (Vec::new(), Vec::new(), 0);
        for (row, value) in values.iter().enumerate() {
            match value {
                Value::Null => nulls += 1,
                Value::Number(number) => numbers.push(*number),
                Value::Category(category) => categories.push(*category),
            }
            if !numbers.is_empty() && !categories.is_empty() {
                return Err(invalid(format!("row {row} is of another kind than those before")));
            }
        }
        Ok(match categories.is_empty() {
            true => Self::Numeric(numbers, nulls),
            false => Self::Categorical(categories, nulls),
        })
    }

    fn column(&self) -> Column<'_> {
        match self {
            Self::Numeric(values, nulls) => Column::Numeric { values, nulls: *nulls },
            Self::Categorical(values, nulls) => Column::Categorical { values, nulls: *nulls },
        }
    }
}

/// What is in the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format_version: u32,
    season: Season,
    profiles: Vec<Profile>,
}

impl From<SeasonalReference> for Stored {
    fn from(SeasonalReference { season, profiles }: SeasonalReference) -> Self {
        Self { format_version: FORMAT_VERSION, season, profiles }
    }
}

impl TryFrom<Stored> for SeasonalReference {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self> {
        if stored.format_version != FORMAT_VERSION {
            let reason = format!("{} is not {FORMAT_VERSION}", stored.format_version);
            return Err(Error::invalid("format_version", reason));
        }
        stored.season.check()?;
        let count = stored.season.count();
        if stored.profiles.len() != count {
            let reason = format!("{} for {count} seasons", stored.profiles.len());
            return Err(Error::invalid("profiles", reason));
        }
        // Merged into empty ones of the first, so that they share its edges.
        let first = stored.profiles[0].empty_like();
        let profiles = stored.profiles.iter().map(|profile| {
            let mut shared = first.empty_like();
            shared.merge(profile)?;
            Ok(shared)
        });
        Ok(Self { season: stored.season, profiles: profiles.collect::<Result<_>>()? })
    }
}
