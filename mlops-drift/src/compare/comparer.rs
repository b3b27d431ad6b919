//! [`Comparer`]: gathers evidence feature by feature, and decides when all are there.

use mlops_core::{Error, Result};

use super::{
    categories::{self, CategoryCounts},
    comparison::{Comparison, FeatureComparison},
    distribution,
    evidence::{Aspect, Evidence},
    finding::Finding,
    numbers::{BinnedNumbers, Numbers},
    options::CompareOptions,
    shape::Shape,
    shares,
    summary::{Distances, FeatureKind, FeatureSummary, normed},
    verdict::Verdict,
};
use crate::{
    profile::{FeatureProfile, Profile},
    stats::wasserstein,
};

/// Gathers evidence feature by feature, so that only one has to be in memory, and decides at the end.
#[derive(Debug)]
pub struct Comparer {
    options: CompareOptions,
    rows: [u64; 2],
    features: Vec<(FeatureComparison, Vec<Finding>)>,
    unexpected: Vec<String>,
}

/// Compares the profiles of two data sets, of which the second is counted in the bins and categories of the
/// first.
///
/// # Errors
/// [`InvalidArgument`](mlops_core::Error::InvalidArgument) for options out of their range, or profiles of different references.
pub fn compare(
    reference: &Profile,
    current: &Profile,
    options: &CompareOptions,
) -> Result<Comparison> {
    reference.check_same(current)?;
    let mut comparer = Comparer::new(options, reference.rows(), current.rows())?;
    for ((name, reference), (_, current)) in reference.features().zip(current.features()) {
        comparer.profiles(name, reference, current)?;
    }
    comparer.finish()
}

impl Comparer {
    /// No features yet, of data sets with so many rows.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::Error::InvalidArgument) for options out of their range.
    pub fn new(options: &CompareOptions, reference_rows: u64, current_rows: u64) -> Result<Self> {
        options.check()?;
        Ok(Self {
            options: *options,
            rows: [reference_rows, current_rows],
            features: Vec::new(),
            unexpected: Vec::new(),
        })
    }

    /// Takes a feature's profiles, the second of which is counted in the cells of the first.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::Error::InvalidArgument) if it is not, or for 2^53 rows or more.
    pub fn profiles(
        &mut self,
        name: &str,
        reference: &FeatureProfile,
        current: &FeatureProfile,
    ) -> Result<()> {
        self.profiles_above(name, reference, current, None)
    }

    /// The same, where it is known how many rows of the reference a category that is not kept can have.
    pub(crate) fn profiles_above(
        &mut self,
        name: &str,
        reference: &FeatureProfile,
        current: &FeatureProfile,
        least: Option<u64>,
    ) -> Result<()> {
        reference.check_same(current)?;
        check_rows(name, [reference.rows(), current.rows()])?;
        let rare = match reference {
            FeatureProfile::Categorical(categories) if categories.categories().is_complete() => {
                Some(categories::rare(categories.counts().iter().copied()))
            }
            _ => None,
        };
        self.take(Gathered {
            name,
            kind: FeatureKind::of(reference),
            sides: [reference, current].map(FeatureSummary::of),
            distribution: distribution::of_profiles(
                reference,
                current,
                least,
                self.options.min_effect,
            )?,
            rare,
            distances: Distances::of(reference, current)?,
            shape: Shape::of_profiles(reference, current),
        })
    }

    /// Takes a feature's numbers.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::Error::InvalidArgument) for 2^53 rows or more.
    pub fn numbers(&mut self, name: &str, reference: &Numbers, current: &Numbers) -> Result<()> {
        self.binned_numbers(name, &BinnedNumbers::new(reference)?, current)
    }

    /// As [`numbers`](Self::numbers), of a reference that is compared with more than one.
    pub(crate) fn binned_numbers(
        &mut self,
        name: &str,
        reference: &BinnedNumbers<'_>,
        current: &Numbers,
    ) -> Result<()> {
        let BinnedNumbers { numbers: reference, profile, deviation } = reference;
        check_rows(name, [reference.rows(), current.rows()])?;
        let binned = [profile.clone(), current.profile_like(profile)];
        let (mut distribution, mut wasserstein) = (None, None);
        if let (Some(first), Some(second)) = (reference.sample(), current.sample()) {
            distribution = Some(distribution::of_samples(
                (first, &binned[0]),
                (second, &binned[1]),
                self.options.min_effect,
            )?);
            let distance = wasserstein::distance(first, second);
            wasserstein = normed(distance, *deviation);
        }
        let discrete = binned[0].is_discrete();
        let [first, second] = binned.map(FeatureProfile::Numeric);
        self.take(Gathered {
            name,
            kind: FeatureKind::Numeric,
            sides: [&first, &second].map(FeatureSummary::of),
            distribution,
            rare: None,
            distances: Distances { wasserstein, ..Distances::of(&first, &second)? },
            shape: if discrete {
                Shape::of_profiles(&first, &second)
            } else {
                Shape::of_samples([reference.sample(), current.sample()])
            },
        })
    }

    /// Takes a feature's categories.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::Error::InvalidArgument) for 2^53 rows or more.
    pub fn categories(
        &mut self,
        name: &str,
        reference: &CategoryCounts,
        current: &CategoryCounts,
    ) -> Result<()> {
        check_rows(name, [reference.rows(), current.rows()])?;
        let cells = reference.joined(current);
        let summary = |side: usize, counts: &CategoryCounts| {
            let unseen = cells.iter().filter(|(_, rows)| rows[0] == 0).map(|(_, rows)| rows[side]);
            FeatureSummary {
                rows: counts.rows(),
                nulls: counts.nulls(),
                unseen: unseen.sum(),
                distinct: Some(counts.counts().len() as f64),
                ..FeatureSummary::default()
            }
        };
        self.take(Gathered {
            name,
            kind: FeatureKind::Categorical,
            sides: [summary(0, reference), summary(1, current)],
            distribution: distribution::of_categories(&cells, self.options.min_effect)?,
            rare: Some(categories::rare(reference.counts().map(|(_, rows)| rows))),
            distances: Distances::of_categories(&cells)?,
            shape: Shape::of_named(cells, [0, 0]),
        })
    }

    /// Takes note of a feature that cannot be compared, and why.
    pub fn failed(&mut self, name: &str, kind: FeatureKind, reason: impl Into<String>) {
        let feature = FeatureComparison {
            name: name.to_owned(),
            kind,
            verdict: Verdict::Error,
            reason: Some(reason.into()),
            evidence: Vec::new(),
            distances: Distances::default(),
            reference: FeatureSummary::default(),
            current: FeatureSummary::default(),
            shape: Shape::Nothing,
        };
        self.features.push((feature, Vec::new()));
    }

    /// Takes note of a feature that only the current data has.
    pub fn unexpected(&mut self, name: impl Into<String>) {
        self.unexpected.push(name.into());
    }

    fn take(&mut self, gathered: Gathered<'_>) -> Result<()> {
        let Gathered { name, kind, sides: [reference, current], distribution, .. } = gathered;
        let share = self.options.min_share;
        let present = |side: &FeatureSummary| side.rows - side.nulls;
        let mut findings: Vec<Finding> = distribution.into_iter().collect();
        findings.extend(shares::test(
            Aspect::Nulls,
            (reference.nulls, reference.rows),
            (current.nulls, current.rows),
            share,
        )?);
        findings.extend(shares::test(
            Aspect::NotFinite,
            (reference.not_finite, present(&reference)),
            (current.not_finite, present(&current)),
            share,
        )?);
        if let Some(rare) = gathered.rare {
            let (n, m) = (present(&reference), present(&current));
            findings.extend(shares::unseen(rare, n, current.unseen, m, share)?);
        }
        let feature = FeatureComparison {
            name: name.to_owned(),
            kind,
            // Until all features are there.
            verdict: Verdict::Insufficient,
            reason: distribution.is_none().then(|| nothing_to_test(&reference, &current)),
            evidence: Vec::new(),
            distances: gathered.distances,
            reference,
            current,
            shape: gathered.shape,
        };
        self.features.push((feature, findings));
        Ok(())
    }

    /// Decides.
    ///
    /// # Errors
    /// None that is known.
    pub fn finish(self) -> Result<Comparison> {
        let Self { options, rows, features, unexpected } = self;
        let p_values: Vec<f64> =
            features.iter().flat_map(|(_, found)| found).map(|found| found.p_value).collect();
        let mut adjusted = options.correction.adjust(&p_values)?.into_iter();
        let features: Vec<FeatureComparison> = features
            .into_iter()
            .map(|(feature, findings)| {
                let evidence = findings
                    .into_iter()
                    .zip(adjusted.by_ref())
                    .map(|(finding, p_value)| finding.judged(p_value, options.alpha))
                    .collect();
                decided(feature, evidence)
            })
            .collect();
        let any = |verdict| features.iter().any(|feature| feature.verdict == verdict);
        let verdict =
            [Verdict::Drift, Verdict::Error, Verdict::NoDrift].into_iter().find(|each| any(*each));
        Ok(Comparison {
            verdict: verdict.unwrap_or(Verdict::Insufficient),
            options,
            reference_rows: rows[0],
            current_rows: rows[1],
            features,
            unexpected,
        })
    }
}

/// Rows of both sides together from where on counts are not exact as `f64`; no data sets have so many.
const MAX_ROWS: u64 = 1 << 53;

fn check_rows(name: &str, [reference, current]: [u64; 2]) -> Result<()> {
    if reference.saturating_add(current) < MAX_ROWS {
        return Ok(());
    }
    let reason = format!("feature `{name}` has {reference} and {current}, together 2^53 or more");
    Err(Error::invalid("rows", reason))
}

/// A feature of which everything is known but the verdict.
struct Gathered<'a> {
    name: &'a str,
    kind: FeatureKind,
    sides: [FeatureSummary; 2],
    distribution: Option<Finding>,
    /// How many categories the reference has one row and two rows of, if it tells a new one from a rare one.
    rare: Option<[u64; 2]>,
    distances: Distances,
    shape: Shape,
}

/// Why the distributions cannot be tested.
fn nothing_to_test(reference: &FeatureSummary, current: &FeatureSummary) -> String {
    let has_none = |side: &FeatureSummary| side.rows == side.nulls + side.not_finite;
    let what = |side: &FeatureSummary| if side.rows == 0 { "no rows" } else { "no values" };
    match [has_none(reference), has_none(current)] {
        [true, true] => "neither the reference nor the current data has values".to_owned(),
        [true, false] => format!("the reference has {}", what(reference)),
        [false, true] => format!("the current data has {}", what(current)),
        [false, false] => "each category of the reference is too rare to be tested".to_owned(),
    }
}

/// The feature with its evidence, and what follows from that.
fn decided(mut feature: FeatureComparison, evidence: Vec<Evidence>) -> FeatureComparison {
    let has = |verdict| evidence.iter().any(|found: &Evidence| found.verdict == verdict);
    if has(Verdict::Drift) {
        (feature.verdict, feature.reason) = (Verdict::Drift, None);
    } else if feature.verdict != Verdict::Error && feature.reason.is_none() {
        feature.verdict = Verdict::NoDrift;
        if has(Verdict::Insufficient) {
            feature.verdict = Verdict::Insufficient;
            let values = |side: &FeatureSummary| side.rows - side.nulls - side.not_finite;
            let rows = values(&feature.reference).min(values(&feature.current));
            feature.reason = Some(format!(
                "with {rows} values a difference that matters would rather be missed"
            ));
        }
    }
    feature.evidence = evidence;
    feature
}
