//! [`LossProfile`]: which drifted feature made the model worse.

use mlops_core::{
    Error, Result,
    stats::{correction::Correction, mean::Summary, normal},
};
use serde::{Deserialize, Serialize};

use super::{
    Estimate, Part,
    slices::{Segmenter, add_loss, check_loss, check_losses, check_parts},
};
use crate::profile::{Profile, Value};

/// What losses the values of each feature had in a reference: what is needed, beside its [`Profile`], to say
/// what a drift of a feature does to a model.
///
/// A feature that has drifted does harm only as far as losses depend on it. Had its distribution alone moved,
/// and rows of one value kept their losses, the mean loss would have changed by `Σ (q - p) · m`, where `p` and
/// `q` are the shares of its values then and now, in the bins and categories of the profile, and `m` their
/// mean losses in the reference: the reference reweighted. Features are ranked by that, and no current label is
/// needed. (A ranking by the number of alerts, or by the correlation of drift and performance over time, takes
/// whatever drifts at the same time for a cause.)
///
/// What moves together explains the same change, each alone: expected changes are not to be added up. The
/// one that remains when labels come is a change of concept, or of features that are not known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct LossProfile {
    all: Summary,
    features: Vec<FeatureLosses>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FeatureLosses {
    name: String,
    segmenter: Segmenter,
    /// One for each part.
    losses: Vec<Summary>,
}

/// As it is stored.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    all: Summary,
    features: Vec<FeatureLosses>,
}

/// Features by what their drift does to the mean loss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RootCauses {
    /// One for each feature, the largest expected change first, whichever way it goes.
    pub causes: Vec<Cause>,
    /// By how much the mean loss has changed, if that is known.
    pub change: Option<Estimate>,
}

/// What the drift of one feature does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Cause {
    /// Its name.
    pub feature: String,
    /// How much more the mean loss would be if this feature alone had moved. The error is that of both samples
    /// of the feature and of the reference's losses.
    pub expected_change: Estimate,
    /// Of no change, by the normal distribution.
    pub p_value: f64,
    /// That, adjusted for the number of features by Benjamini and Hochberg's correction.
    pub adjusted_p_value: f64,
    /// How far its distribution has moved: half the sum of the differences of shares, from 0 to 1.
    pub drift: f64,
    /// The share of the variance of the reference's losses that its values explain (ε²; Kelley 1935).
    pub association: f64,
    /// The share of current rows with values that the reference had no rows of: what losses they have is not
    /// known, and is taken to be the mean.
    pub outside: f64,
    /// The part that adds most to the change, if there is one.
    pub strongest: Option<PartShift>,
    /// What of the change is left if this is the cause: that of concept, or of other features. The error is at
    /// most this.
    pub unexplained: Option<Estimate>,
}

/// How much more frequent some values are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PartShift {
    /// Which values.
    pub part: Part,
    /// Their share of the reference.
    pub reference_share: f64,
    /// Their share now.
    pub current_share: f64,
    /// Their mean loss in the reference.
    pub loss: f64,
}

/// Fewer losses have no spread of their own: they are taken to have that of all.
const LEAST_ROWS: u64 = 5;

impl LossProfile {
    /// The losses of no rows, in the bins and categories of a reference profile.
    ///
    /// # Errors
    /// None that is known: its categories are the profile's.
    pub fn new(reference: &Profile) -> Result<Self> {
        let features = reference.features().map(|(name, profile)| {
            let segmenter = Segmenter::of(profile)?;
            let losses = vec![Summary::default(); segmenter.parts()];
            Ok(FeatureLosses { name: name.to_owned(), segmenter, losses })
        });
        Ok(Self { all: Summary::default(), features: features.collect::<Result<_>>()? })
    }

    /// Adds a row of the reference: a value for each feature, in the order of the profile, and its loss.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`], naming the feature, for a value of the other kind; for fewer or more values
    /// than features, and a loss that is not finite or beyond ±1e140. Nothing is added then.
    pub fn observe(&mut self, row: &[Value<'_>], loss: f64) -> Result<()> {
        if row.len() != self.features.len() {
            let reason = format!("{} values for {} features", row.len(), self.features.len());
            return Err(Error::invalid("row", reason));
        }
        check_loss(loss)?;
        let cells = self.features.iter().zip(row);
        let cells = cells.map(|(feature, value)| feature.segmenter.cell(&feature.name, *value));
        let cells = cells.collect::<Result<Vec<_>>>()?;
        for (feature, cell) in self.features.iter_mut().zip(cells) {
            add_loss(&mut feature.losses[cell], loss);
        }
        add_loss(&mut self.all, loss);
        Ok(())
    }

    /// Adds the rows of another.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if it is of other features, bins or categories; nothing is added then.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        let same = |(mine, theirs): (&FeatureLosses, &FeatureLosses)| {
            mine.name == theirs.name && mine.segmenter == theirs.segmenter
        };
        if self.features.len() != other.features.len()
            || !self.features.iter().zip(&other.features).all(same)
        {
            return Err(Error::invalid("losses", "they are of another reference"));
        }
        for (mine, theirs) in self.features.iter_mut().zip(&other.features) {
            mine.losses
                .iter_mut()
                .zip(&theirs.losses)
                .for_each(|(mine, theirs)| mine.merge(theirs));
        }
        self.all.merge(&other.all);
        Ok(())
    }

    /// All rows of the reference.
    #[must_use]
    pub fn all(&self) -> &Summary {
        &self.all
    }

    /// What the drift of each feature does to the mean loss, from a profile of current rows; with the current
    /// losses, as far as they are known, also what it does not explain.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the profile is of another reference or empty, there are fewer than two
    /// losses in the reference or now, or figures of those are not ones that losses have.
    pub fn root_causes(&self, current: &Profile, losses: Option<&Summary>) -> Result<RootCauses> {
        for (what, count) in
            [("reference", Some(self.all.count)), ("losses", losses.map(|l| l.count))]
        {
            if let Some(count) = count.filter(|count| *count < 2) {
                return Err(Error::invalid(what, format!("{count} rows are less than two")));
            }
        }
        losses.map_or(Ok(()), check_losses)?;
        if current.rows() == 0 {
            return Err(Error::invalid("current profile", "it has no rows"));
        }
        if current.features().len() != self.features.len() {
            return Err(Error::invalid("current profile", "it is of another reference"));
        }
        let causes =
            self.features.iter().zip(current.features()).map(|(feature, (name, profile))| {
                let rows = feature.segmenter.rows(profile).filter(|_| *name == feature.name);
                match rows {
                    Some(rows) => Ok(feature.cause(&self.all, &rows, losses)),
                    None => {
                        let reason = format!("feature `{name}` is of another reference");
                        Err(Error::invalid("current profile", reason))
                    }
                }
            });
        let mut causes = causes.collect::<Result<Vec<_>>>()?;
        let p_values: Vec<_> = causes.iter().map(|cause| cause.p_value).collect();
        let adjusted = Correction::BenjaminiHochberg.adjust(&p_values)?;
        causes.iter_mut().zip(adjusted).for_each(|(cause, p)| cause.adjusted_p_value = p);
        let size = |cause: &Cause| cause.expected_change.value.abs();
        causes.sort_by(|a, b| size(b).total_cmp(&size(a)));
        let variance = |losses: &Summary| losses.variance / losses.count as f64;
        let change = losses.map(|now| {
            Estimate::new(now.mean - self.all.mean, variance(now) + variance(&self.all))
        });
        Ok(RootCauses { causes, change })
    }
}

impl FeatureLosses {
    /// What it does that there are so many rows of each part now, of at least one.
    fn cause(&self, all: &Summary, rows: &[u64], losses: Option<&Summary>) -> Cause {
        let total = rows.iter().fold(0.0, |sum, rows| sum + *rows as f64);
        // The spread of losses about the means of their parts, of all parts together.
        let parts = self.losses.iter().filter(|losses| losses.count > 0);
        let (mut squares, mut spare) = (0.0, 0.0);
        for part in parts {
            squares += part.variance * (part.count - 1) as f64;
            spare += (part.count - 1) as f64;
        }
        let pooled = if spare > 0.0 { squares / spare } else { all.variance };
        let association = if all.variance > 0.0 { 1.0 - pooled / all.variance } else { 0.0 };
        let (mut change, mut drift, mut outside) = (0.0, 0.0, 0.0);
        let (mut of_means, mut of_current_means) = (0.0, 0.0);
        // Second moments of the parts' means, from the mean of all, under both distributions.
        let (mut then, mut now, mut mean_now) = (0.0, 0.0, 0.0);
        for (losses, rows) in self.losses.iter().zip(rows) {
            let (p, q) = (losses.count as f64 / all.count as f64, *rows as f64 / total);
            drift += 0.5 * (q - p).abs();
            if losses.count == 0 {
                outside += q;
                continue;
            }
            let excess = losses.mean - all.mean;
            let own = if losses.count < LEAST_ROWS { pooled } else { losses.variance };
            let variance = own / losses.count as f64;
            change += (q - p) * excess;
            of_means += (q - p) * (q - p) * variance;
            of_current_means += q * q * variance;
            then += p * excess * excess;
            now += q * excess * excess;
            mean_now += q * excess;
        }
        let of_now = (now - mean_now * mean_now).max(0.0) / total;
        let expected = Estimate::new(change, of_means + of_now + then / all.count as f64);
        let p_value =
            if change == 0.0 { 1.0 } else { normal::two_sided(change / expected.standard_error) };
        let unexplained = losses.map(|losses| {
            let variance = losses.variance / losses.count as f64 + of_current_means + of_now;
            Estimate::new(losses.mean - all.mean - change, variance)
        });
        let shift = |cell: usize| PartShift {
            part: self.segmenter.part(cell),
            reference_share: self.losses[cell].count as f64 / all.count as f64,
            current_share: rows[cell] as f64 / total,
            loss: self.losses[cell].mean,
        };
        let adds = |shift: &PartShift| {
            let more = shift.current_share - shift.reference_share;
            more * (shift.loss - all.mean) * change.signum()
        };
        let shifts = (0..rows.len()).filter(|cell| self.losses[*cell].count > 0).map(shift);
        let strongest = shifts
            .max_by(|a, b| adds(a).total_cmp(&adds(b)))
            .filter(|shift| change != 0.0 && adds(shift) > 0.0);
        Cause {
            feature: self.name.clone(),
            expected_change: expected,
            p_value,
            adjusted_p_value: p_value,
            drift: drift.min(1.0),
            association: association.max(0.0),
            outside,
            strongest,
            unexplained,
        }
    }
}

impl TryFrom<Stored> for LossProfile {
    type Error = Error;

    fn try_from(Stored { all, features }: Stored) -> Result<Self> {
        match features.iter().find(|feature| feature.losses.len() != feature.segmenter.parts()) {
            Some(FeatureLosses { name, .. }) => {
                let reason = format!("feature `{name}` has not one for each of its parts");
                Err(Error::invalid("losses", reason))
            }
            None => {
                check_losses(&all)?;
                features.iter().try_for_each(|feature| check_parts(&all, &feature.losses))?;
                Ok(Self { all, features })
            }
        }
    }
}
