//! [`DriftView`]: the section of a comparison.

use mlops_core::stats::correction::Correction;
use serde::Serialize;

use super::feature::{FeatureView, class};
use crate::{
    compare::{CompareOptions, Comparison, Verdict},
    report::{
        figure::{count, counted, number, shortened},
        headline::{Headline, advice},
        row,
    },
};

/// Features that the page has. More would make it too large for a browser; they are in the JSON.
const FEATURES: usize = 2000;
/// Features up to which there is room for all categories of each.
const ROOMY: usize = 100;
/// Categories in a picture if there is not.
const BARS: usize = 6;
/// Characters of a name that is part of a sentence.
const NAME: usize = 40;

/// What the page shows of a comparison.
#[derive(Debug, Serialize)]
pub(super) struct DriftView {
    class: &'static str,
    headline: String,
    names: Vec<Link>,
    more: usize,
    advice: String,
    counts: Vec<CountView>,
    rows: [String; 2],
    features: Vec<FeatureView>,
    left_out: Option<String>,
    unexpected: Option<String>,
    rule: String,
}

/// A name, and where the page has it.
#[derive(Debug, Serialize)]
struct Link {
    id: String,
    name: String,
}

/// How many features have a verdict.
#[derive(Debug, Serialize)]
struct CountView {
    class: &'static str,
    verdict: &'static str,
    count: usize,
}

impl DriftView {
    /// `section` is its place in the report.
    pub(super) fn of(comparison: &Comparison, section: usize) -> Self {
        let rows = row::sorted(comparison);
        let headline = Headline::of(comparison, &rows);
        let id = |row: usize| format!("f{section}-{row}");
        let first = rows.iter().position(|row| row.feature.verdict == comparison.verdict);
        let names = headline.names.iter().enumerate().map(|(index, name)| Link {
            id: id(first.unwrap_or(0) + index),
            name: shortened(name, NAME),
        });
        let bars = if rows.len() > ROOMY { BARS } else { usize::MAX };
        let features = rows.iter().take(FEATURES).enumerate();
        let counts = [Verdict::Drift, Verdict::Error, Verdict::Insufficient, Verdict::NoDrift];
        let left_out = rows.len().saturating_sub(FEATURES) as u64;
        Self {
            class: class(comparison.verdict),
            names: names.collect(),
            more: headline.more,
            advice: advice(&rows, isolated),
            counts: counts
                .into_iter()
                .map(|verdict| CountView {
                    class: class(verdict),
                    verdict: row::verdict(verdict),
                    count: comparison.with_verdict(verdict).count(),
                })
                .filter(|each| each.count > 0)
                .collect(),
            rows: [comparison.reference_rows, comparison.current_rows].map(count),
            features: features.map(|(index, row)| FeatureView::of(row, id(index), bars)).collect(),
            left_out: (left_out > 0).then(|| counted(left_out, "more feature")),
            unexpected: row::unexpected(&comparison.unexpected, isolated),
            rule: rule(&comparison.options),
            headline: headline.text,
        }
    }
}

/// A name in a sentence, which keeps its direction to itself.
fn isolated(name: &str) -> String {
    format!("\u{2068}{}\u{2069}", shortened(name, NAME))
}

/// What counted as drift.
fn rule(options: &CompareOptions) -> String {
    let correction = match options.correction {
        Correction::Bonferroni => "Bonferroni",
        Correction::Holm => "Holm",
        Correction::BenjaminiHochberg => "Benjamini and Hochberg",
        Correction::BenjaminiYekutieli => "Benjamini and Yekutieli",
        _ => "a correction",
    };
    format!(
        "A feature has drifted if chance does not explain a difference (p-value, adjusted by {correction} for \
         all tests of all features, at most {}) and the difference matters (effect at least {} of \
         distributions, {} of shares of nulls, of values that are not finite and of unseen categories). \
         Too few rows: a difference that matters would probably go unnoticed.",
        number(options.alpha),
        number(options.min_effect),
        number(options.min_share)
    )
}
