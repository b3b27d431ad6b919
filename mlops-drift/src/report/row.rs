//! [`Row`]: a feature in one line, as every form of the report shows it.

use crate::{
    compare::{
        Aspect, Comparison, Evidence, FeatureComparison, FeatureKind, FeatureSummary, Shape,
        Verdict,
    },
    report::figure::{listed, number, percent, share, shortened, urgency},
};

/// A feature in one line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) feature: &'a FeatureComparison,
    /// The evidence that its verdict rests on: the one with the largest effect beside its threshold, of
    /// those that drifted if any did.
    pub(super) lead: Option<&'a Evidence>,
}

/// The features of a comparison, what needs somebody first.
pub(super) fn sorted(comparison: &Comparison) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = comparison.features.iter().map(Row::of).collect();
    rows.sort_by(|a, b| {
        let urgency = |row: &Row<'_>| urgency(row.feature.verdict);
        urgency(a).cmp(&urgency(b)).then(b.ratio().total_cmp(&a.ratio()))
    });
    rows
}

impl<'a> Row<'a> {
    fn of(feature: &'a FeatureComparison) -> Self {
        let key = |found: &Evidence| (found.verdict == Verdict::Drift, found.effect.ratio());
        let lead = feature.evidence.iter().max_by(|a, b| {
            let ((a_drifts, a), (b_drifts, b)) = (key(a), key(b));
            a_drifts.cmp(&b_drifts).then(a.total_cmp(&b))
        });
        Self { feature, lead }
    }

    /// How often the threshold goes into the effect.
    pub(super) fn ratio(&self) -> f64 {
        self.lead.map_or(0.0, |lead| lead.effect.ratio())
    }

    /// What is different, as part of a sentence.
    pub(super) fn change(&self) -> String {
        let Some(lead) = self.lead else {
            return "nothing was tested".to_owned();
        };
        let feature = self.feature;
        let [reference, current] = [&feature.reference, &feature.current];
        let shares = |of: fn(&FeatureSummary) -> f64| {
            let [then, now] = [of(reference), of(current)].map(percent);
            format!("from {then} to {now}")
        };
        match lead.aspect {
            Aspect::Nulls => format!("nulls went {}", shares(null_share)),
            Aspect::NotFinite => {
                let share = |side: &FeatureSummary| share(side.not_finite, present(side));
                format!("values that are NaN or infinite went {}", shares(share))
            }
            Aspect::Unseen => format!(
                "{} of its values are of categories that the reference never had",
                percent(share(current.unseen, present(current)))
            ),
            _ => match self.middle() {
                Some([then, now]) if feature.kind == FeatureKind::Categorical => {
                    format!("the most frequent category went from {then} to {now}")
                }
                Some([then, now]) => format!("the mean went from {then} to {now}"),
                None => "its values are distributed differently".to_owned(),
            },
        }
    }

    /// The share of nulls of the reference and of the current data.
    pub(super) fn nulls(&self) -> [f64; 2] {
        [&self.feature.reference, &self.feature.current].map(null_share)
    }

    /// The same as text: one figure if they are alike.
    pub(super) fn nulls_text(&self) -> String {
        if self.feature.reference.rows == 0 && self.feature.current.rows == 0 {
            return "–".to_owned();
        }
        let [then, now] = self.nulls().map(percent);
        if then == now { then } else { format!("{then} → {now}") }
    }

    /// The mean, or the most frequent category, of the reference and of the current data.
    pub(super) fn middle(&self) -> Option<[String; 2]> {
        if self.feature.kind == FeatureKind::Numeric {
            let means = [self.feature.reference.mean, self.feature.current.mean];
            return means
                .iter()
                .any(Option::is_some)
                .then(|| means.map(|mean| mean.map_or_else(|| "–".to_owned(), number)));
        }
        let Shape::Categories { names, reference, current } = &self.feature.shape else {
            return None;
        };
        Some([reference, current].map(|shares| {
            // The first of those that are equally frequent; the last share is that of all others.
            let top = names.iter().zip(shares).rev().max_by(|(_, a), (_, b)| a.total_cmp(b));
            match top {
                Some((name, share)) if *share > 0.0 => {
                    format!("{} {}", shortened(name, 24), percent(*share))
                }
                _ => "–".to_owned(),
            }
        }))
    }
}

/// Rows that are not null.
pub(super) fn present(side: &FeatureSummary) -> u64 {
    side.rows - side.nulls
}

fn null_share(side: &FeatureSummary) -> f64 {
    share(side.nulls, side.rows)
}

pub(super) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Drift => "drift",
        Verdict::NoDrift => "no drift",
        Verdict::Insufficient => "too few rows",
        Verdict::Error => "error",
    }
}

pub(super) fn aspect(aspect: Aspect) -> &'static str {
    match aspect {
        Aspect::Distribution => "distribution",
        Aspect::Nulls => "nulls",
        Aspect::NotFinite => "not finite",
        Aspect::Unseen => "unseen",
    }
}

/// Columns that only the current data has, as a sentence; `None` if there are none.
pub(super) fn unexpected(names: &[String], name: impl Fn(&str) -> String) -> Option<String> {
    const SHOWN: usize = 20;
    let mut shown: Vec<String> = names.iter().take(SHOWN).map(|each| name(each)).collect();
    if names.len() > SHOWN {
        shown.push(format!("{} more", names.len() - SHOWN));
    }
    (!names.is_empty())
        .then(|| format!("Not in the reference, and so not compared: {}.", listed(&shown)))
}
