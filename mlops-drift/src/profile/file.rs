//! The file of a [`Profile`].

use std::{
    fs::{self, File},
    io::{Read, Write},
    path::Path,
    sync::Arc,
};

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{
    CategoricalProfile, Categories, Edges, FeatureProfile, HyperLogLog, NumericProfile, Origin,
    Profile,
    profile::{about, check_names},
};

const FORMAT_VERSION: u32 = 1;
/// Thousands of features take a hundredth of this; a bound, so that a foreign file cannot fill the memory.
const MAX_FILE_BYTES: u64 = 256 << 20;
/// Counts up to here are exact as `f64`; no data set has more rows.
const MAX_ROWS: u64 = 1 << 53;

impl Profile {
    /// The profile as JSON: what a profile's file holds.
    ///
    /// # Errors
    /// None that is known: every number in a profile is finite.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|error| Error::backend("json", error))
    }

    /// Reads what [`to_json`](Self::to_json) wrote. `name` is what errors call it.
    ///
    /// # Errors
    /// [`Error::Corrupt`], naming the part, for what is not a profile or contradicts itself;
    /// [`Error::Unsupported`] if another release wrote it in another format.
    pub fn from_json(name: &str, json: &[u8]) -> Result<Self> {
        // The version comes first, so that a newer format is not mistaken for a damaged file.
        #[derive(Deserialize)]
        struct Version {
            format_version: u32,
        }
        let corrupt = |reason: &dyn std::fmt::Display| Error::corrupt("profile", name, reason);
        let version: Version = serde_json::from_slice(json).map_err(|error| corrupt(&error))?;
        if version.format_version != FORMAT_VERSION {
            let feature = format!("profile format {} of {name}", version.format_version);
            return Err(Error::unsupported("this release", feature));
        }
        let stored: Stored = serde_json::from_slice(json).map_err(|error| corrupt(&error))?;
        Self::try_from(stored).map_err(|error| corrupt(&error.report()))
    }

    /// Writes the profile to a file, over one that is there: beside it first, then renamed, so that a reader
    /// sees the old file or the new one. Blocks on the file system.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a path without a file name, [`Error::NotFound`] for a directory that is
    /// not there, [`Error::Backend`] when the file system fails.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        write_file(path.as_ref(), &self.to_json()?)
    }

    /// Reads a profile from a file. Blocks on the file system.
    ///
    /// # Errors
    /// As [`from_json`](Self::from_json); [`Error::NotFound`] without the file, [`Error::Backend`] when the
    /// file system fails.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::from_json(&path.display().to_string(), &read_file(path)?)
    }
}

/// Writes a file, over one that is there: beside it first, then renamed.
pub(crate) fn write_file(path: &Path, content: &[u8]) -> Result<()> {
    let Some(name) = path.file_name() else {
        let reason = format!("`{}` has no file name", path.display());
        return Err(Error::invalid("profile path", reason));
    };
    let mut partial = name.to_owned();
    partial.push(".partial");
    let partial = path.with_file_name(partial);
    File::create(&partial)
        .and_then(|mut file| {
            file.write_all(content)?;
            file.sync_all()
        })
        .map_err(|error| Error::file(&partial, error))?;
    fs::rename(&partial, path).map_err(|error| Error::file(path, error))
}

/// Reads a file that is no larger than a profile can be.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut content))
        .map_err(|error| Error::file(path, error))?;
    if content.len() as u64 > MAX_FILE_BYTES {
        return Err(Error::corrupt("profile", path.display(), "larger than 256 MiB"));
    }
    Ok(content)
}

/// What is in the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stored {
    format_version: u32,
    origin: Origin,
    rows: u64,
    features: Vec<StoredFeature>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredFeature {
    name: Arc<str>,
    /// Where they are fewer than the profile's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rows: Option<u64>,
    profile: StoredProfile,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredProfile {
    Numeric(StoredNumeric),
    Categorical(StoredCategorical),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredNumeric {
    nulls: u64,
    nan: u64,
    positive_infinity: u64,
    negative_infinity: u64,
    /// The least and the greatest value, if there is one.
    range: Option<[f64; 2]>,
    shift: f64,
    squares: f64,
    edges: Box<[f64]>,
    counts: Box<[u64]>,
    offsets: Box<[f64]>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredCategorical {
    nulls: u64,
    complete: bool,
    categories: Box<[Box<str>]>,
    counts: Box<[u64]>,
    distinct: String,
}

impl From<Profile> for Stored {
    fn from(profile: Profile) -> Self {
        let features = profile.features.into_iter().map(|(name, feature)| StoredFeature {
            name,
            rows: Some(feature.rows()).filter(|rows| *rows != profile.rows),
            profile: match feature {
                FeatureProfile::Numeric(numeric) => StoredProfile::Numeric(numeric.into()),
                FeatureProfile::Categorical(categorical) => {
                    StoredProfile::Categorical(categorical.into())
                }
            },
        });
        Self {
            format_version: FORMAT_VERSION,
            origin: (*profile.origin).clone(),
            rows: profile.rows,
            features: features.collect(),
        }
    }
}

impl TryFrom<Stored> for Profile {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self> {
        if stored.format_version != FORMAT_VERSION {
            let reason = format!("{} is not {FORMAT_VERSION}", stored.format_version);
            return Err(Error::invalid("format_version", reason));
        }
        if stored.rows > MAX_ROWS {
            return Err(Error::invalid("rows", format!("{} are more than 2^53", stored.rows)));
        }
        if stored.features.is_empty() {
            return Err(Error::invalid("features", "there are none"));
        }
        let features = stored
            .features
            .into_iter()
            .map(|StoredFeature { name, rows, profile }| {
                let profile = FeatureProfile::try_from(profile).map_err(about(&name))?;
                let (found, said) = (profile.rows(), rows.unwrap_or(stored.rows));
                if found != said {
                    let reason = format!("feature `{name}` has {found}, and says {said}");
                    return Err(Error::invalid("rows", reason));
                }
                if found > stored.rows {
                    let reason =
                        format!("feature `{name}` has {found}, the profile {}", stored.rows);
                    return Err(Error::invalid("rows", reason));
                }
                Ok((name, profile))
            })
            .collect::<Result<Vec<_>>>()?;
        check_names(&features)?;
        Ok(Self { origin: Arc::new(stored.origin), features, rows: stored.rows })
    }
}

impl TryFrom<StoredProfile> for FeatureProfile {
    type Error = Error;

    fn try_from(stored: StoredProfile) -> Result<Self> {
        Ok(match stored {
            StoredProfile::Numeric(stored) => Self::Numeric(stored.try_into()?),
            StoredProfile::Categorical(stored) => Self::Categorical(stored.try_into()?),
        })
    }
}

impl From<NumericProfile> for StoredNumeric {
    fn from(profile: NumericProfile) -> Self {
        Self {
            nulls: profile.nulls,
            nan: profile.nan,
            positive_infinity: profile.positive_infinity,
            negative_infinity: profile.negative_infinity,
            range: profile.min().zip(profile.max()).map(|(min, max)| [min, max]),
            shift: profile.shift,
            squares: profile.squares,
            edges: profile.edges.as_slice().into(),
            counts: profile.counts,
            offsets: profile.offsets,
        }
    }
}

impl TryFrom<StoredNumeric> for NumericProfile {
    type Error = Error;

    fn try_from(stored: StoredNumeric) -> Result<Self> {
        let edges = Edges::from_values(stored.edges)?;
        let bins = edges.bins();
        if stored.counts.len() != bins {
            let reason = format!("{} for {bins} bins", stored.counts.len());
            return Err(Error::invalid("counts", reason));
        }
        if stored.offsets.len() != bins {
            let reason = format!("{} for {bins} bins", stored.offsets.len());
            return Err(Error::invalid("offsets", reason));
        }
        if !stored.shift.is_finite() {
            return Err(Error::invalid("shift", format!("{} is not finite", stored.shift)));
        }
        if !(stored.squares.is_finite() && stored.squares >= 0.0) {
            let reason = format!("{} is no sum of squares", stored.squares);
            return Err(Error::invalid("squares", reason));
        }
        for (bin, (count, offset)) in stored.counts.iter().zip(&stored.offsets).enumerate() {
            // Values of the first bin are below its anchor, all others not; without edges it is 0.
            let wrong_side = match bin {
                _ if edges.as_slice().is_empty() => false,
                0 => *offset > 0.0,
                _ => *offset < 0.0,
            };
            if !offset.is_finite() || wrong_side || (*count == 0 && *offset != 0.0) {
                let reason = format!("bin {bin} has {count} rows and the sum {offset}");
                return Err(Error::invalid("offsets", reason));
            }
        }
        // The least and the greatest value are in the first and the last bin that has any.
        let first = stored.counts.iter().position(|count| *count > 0);
        let last = stored.counts.iter().rposition(|count| *count > 0);
        let (min, max) = match (stored.range, first.zip(last)) {
            (None, None) => (f64::INFINITY, f64::NEG_INFINITY),
            (Some([min, max]), Some((first, last)))
                if min <= max
                    && [min, max].iter().all(|end| end.is_finite())
                    && (edges.bin(min), edges.bin(max)) == (first, last) =>
            {
                (min, max)
            }
            (range, _) => {
                let reason = format!("{range:?} does not fit the counts");
                return Err(Error::invalid("range", reason));
            }
        };
        Ok(Self {
            edges: Arc::new(edges),
            shift: stored.shift,
            counts: stored.counts,
            offsets: stored.offsets,
            squares: stored.squares,
            min,
            max,
            nulls: stored.nulls,
            nan: stored.nan,
            positive_infinity: stored.positive_infinity,
            negative_infinity: stored.negative_infinity,
        })
    }
}

impl From<CategoricalProfile> for StoredCategorical {
    fn from(profile: CategoricalProfile) -> Self {
        Self {
            nulls: profile.nulls,
            complete: profile.categories.is_complete(),
            categories: profile.categories.names().into(),
            counts: profile.counts,
            distinct: profile.distinct.to_text(),
        }
    }
}

impl TryFrom<StoredCategorical> for CategoricalProfile {
    type Error = Error;

    fn try_from(stored: StoredCategorical) -> Result<Self> {
        let categories = Categories::stored(stored.categories, stored.complete)?;
        let cells = categories.names().len() + 1;
        if stored.counts.len() != cells {
            let reason = format!("{} for {} categories", stored.counts.len(), cells - 1);
            return Err(Error::invalid("counts", reason));
        }
        Ok(Self {
            categories: Arc::new(categories),
            counts: stored.counts,
            nulls: stored.nulls,
            distinct: HyperLogLog::from_text(&stored.distinct)?,
        })
    }
}
