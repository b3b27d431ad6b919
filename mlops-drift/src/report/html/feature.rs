//! [`FeatureView`]: what the page shows of a feature.

use minijinja::{HtmlEscape, Value};
use serde::Serialize;

use super::svg;
use crate::{
    compare::{
        Aspect, Distances, Evidence, FeatureKind, FeatureSummary, Measure, Method, Shape, Verdict,
    },
    report::{
        figure::{count, counted, number, p_value, percent, share, shortened},
        row::{self, Row, present},
    },
};

/// Characters of a name.
const NAME: usize = 80;

/// What the page shows of a feature: a row of the table, and what opens beneath it.
#[derive(Debug, Serialize)]
pub(super) struct FeatureView {
    id: String,
    class: &'static str,
    /// Its name, which lines may break in.
    name: Value,
    kind: &'static str,
    verdict: &'static str,
    lead: Option<LeadView>,
    nulls: String,
    /// By how much their share has changed, for sorting.
    nulls_change: String,
    middle: Option<[String; 2]>,
    picture: Option<Value>,
    /// What is said of it while it is closed.
    summary: String,
    reason: Option<String>,
    plot: Option<Value>,
    outside: Option<String>,
    evidence: Vec<EvidenceView>,
    figures: Vec<(&'static str, String, String)>,
    distances: Vec<(&'static str, String)>,
}

/// The evidence that decided.
#[derive(Debug, Serialize)]
struct LeadView {
    /// If it is not the distribution.
    aspect: Option<&'static str>,
    effect: String,
    /// Between the two.
    sign: &'static str,
    threshold: String,
    ratio: String,
    meter: Value,
    p: String,
    p_key: String,
}

#[derive(Debug, Serialize)]
struct EvidenceView {
    aspect: &'static str,
    method: &'static str,
    statistic: String,
    p: String,
    adjusted: String,
    effect: String,
    measure: &'static str,
    threshold: String,
    class: &'static str,
    verdict: &'static str,
}

impl FeatureView {
    /// `bars` is how many categories a picture shows at most.
    pub(super) fn of(row: &Row<'_>, id: String, bars: usize) -> Self {
        let feature = row.feature;
        let name = shortened(&feature.name, NAME);
        let nulls = row.nulls();
        Self {
            id,
            class: class(feature.verdict),
            kind: kind(feature.kind),
            verdict: row::verdict(feature.verdict),
            lead: row.lead.map(LeadView::of),
            nulls: row.nulls_text(),
            nulls_change: format!("{:.4}", (nulls[1] - nulls[0]).abs()),
            middle: row.middle(),
            picture: picture(&name, &feature.shape),
            summary: summary(row),
            reason: feature.reason.as_ref().map(|reason| shortened(reason, 400)),
            plot: plot(&name, row, bars),
            outside: outside(&feature.shape),
            evidence: feature.evidence.iter().map(EvidenceView::of).collect(),
            figures: figures(feature.kind, &feature.reference, &feature.current),
            distances: distances(feature.kind, &feature.distances),
            name: breakable(&name),
        }
    }
}

impl LeadView {
    fn of(lead: &Evidence) -> Self {
        let (aspect, effect) = (row::aspect(lead.aspect), lead.effect);
        Self {
            aspect: (lead.aspect != Aspect::Distribution).then_some(aspect),
            effect: format!("{:.3}", effect.value),
            sign: if effect.value < effect.threshold { "<" } else { "≥" },
            threshold: number(effect.threshold),
            ratio: format!("{:.3}", effect.ratio()),
            meter: Value::from_safe_string(svg::meter(effect.ratio())),
            p: p_value(lead.adjusted_p_value),
            p_key: format!("{:.2e}", lead.adjusted_p_value),
        }
    }
}

impl EvidenceView {
    fn of(evidence: &Evidence) -> Self {
        let effect = evidence.effect;
        Self {
            aspect: row::aspect(evidence.aspect),
            method: method(evidence.method),
            statistic: number(evidence.statistic),
            p: p_value(evidence.p_value),
            adjusted: p_value(evidence.adjusted_p_value),
            effect: number(effect.value),
            measure: measure(effect.measure),
            threshold: number(effect.threshold),
            class: class(evidence.verdict),
            verdict: row::verdict(evidence.verdict),
        }
    }
}

/// What styles and the script know a verdict by.
pub(super) fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Drift => "drift",
        Verdict::NoDrift => "calm",
        Verdict::Insufficient => "few",
        Verdict::Error => "error",
    }
}

fn summary(row: &Row<'_>) -> String {
    match (row.feature.verdict, &row.feature.reason) {
        (Verdict::Drift, _) => {
            let drifted = row.feature.evidence.iter().filter(|each| each.verdict == Verdict::Drift);
            match drifted.count() {
                0 | 1 => sentence(&row.change()),
                aspects => format!(
                    "{}; {} drifted too",
                    sentence(&row.change()),
                    counted(aspects as u64 - 1, "other aspect")
                ),
            }
        }
        (_, Some(reason)) => sentence(&shortened(reason, 120)),
        (_, None) => "Details".to_owned(),
    }
}

/// A name that lines may break in where its words end.
fn breakable(name: &str) -> Value {
    let mut html = HtmlEscape(name).to_string();
    for end in ["_", "."] {
        html = html.replace(end, &format!("{end}<wbr>"));
    }
    Value::from_safe_string(html)
}

/// With a capital letter.
fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

fn picture(name: &str, shape: &Shape) -> Option<Value> {
    let svg = match shape {
        Shape::Nothing => return None,
        Shape::Bars { reference, current, .. } => svg::steps(name, reference, current),
        Shape::Categories { reference, current, .. } => svg::bars(name, reference, current),
    };
    Some(Value::from_safe_string(svg))
}

fn plot(name: &str, row: &Row<'_>, bars: usize) -> Option<Value> {
    let title = format!("Distribution of {name}");
    let description = match row.middle() {
        Some([then, now]) if row.feature.kind == FeatureKind::Numeric => {
            format!("Reference and current data over each other; the means are {then} and {now}.")
        }
        Some([then, now]) => {
            format!("Reference and current data; the most frequent are {then} and {now}.")
        }
        None => "Reference and current data.".to_owned(),
    };
    let svg = match &row.feature.shape {
        Shape::Nothing => return None,
        Shape::Bars { low, high, reference, current } => {
            svg::histogram(&title, &description, (*low, *high), reference, current)
        }
        Shape::Categories { names, reference, current } => {
            svg::categories(&title, &description, names, [reference, current], bars)
        }
    };
    Some(Value::from_safe_string(svg))
}

/// What a picture leaves out, if it is enough to be said.
fn outside(shape: &Shape) -> Option<String> {
    let Shape::Bars { reference, current, .. } = shape else {
        return None;
    };
    let [reference, current] = [reference, current].map(|side| 1.0 - side.iter().sum::<f64>());
    (reference.max(current) > 5e-4).then(|| {
        let [reference, current] = [reference, current].map(|share| percent(share.max(0.0)));
        format!("Beyond both ends: {reference} of the reference, {current} of the current data")
    })
}

fn figures(
    kind: FeatureKind,
    reference: &FeatureSummary,
    current: &FeatureSummary,
) -> Vec<(&'static str, String, String)> {
    let mut figures = Vec::new();
    let mut push = |name, of: &dyn Fn(&FeatureSummary) -> Option<String>| {
        if let (Some(reference), Some(current)) = (of(reference), of(current)) {
            figures.push((name, reference, current));
        }
    };
    let of_rows = |some: u64, all: u64| {
        Some(match some {
            0 => "0".to_owned(),
            some => format!("{} ({})", count(some), percent(share(some, all))),
        })
    };
    push("rows", &|side| Some(count(side.rows)));
    push("nulls", &|side| of_rows(side.nulls, side.rows));
    let numeric = kind == FeatureKind::Numeric;
    if numeric {
        push("not finite", &|side| of_rows(side.not_finite, present(side)));
    }
    let unseen = if numeric { "beyond the reference" } else { "of new categories" };
    push(unseen, &|side| of_rows(side.unseen, present(side)));
    let maybe = |figure: Option<f64>| Some(figure.map_or_else(|| "–".to_owned(), number));
    if numeric {
        push("mean", &|side| maybe(side.mean));
        push("standard deviation", &|side| maybe(side.standard_deviation));
        for (index, name) in
            ["least", "lower quartile", "median", "upper quartile", "greatest"].iter().enumerate()
        {
            push(name, &|side| maybe(side.quartiles.map(|five| five[index])));
        }
    } else {
        push("categories", &|side| maybe(side.distinct.map(f64::round)));
    }
    figures
}

fn distances(kind: FeatureKind, distances: &Distances) -> Vec<(&'static str, String)> {
    let mut list = vec![
        ("population stability index", distances.psi),
        ("Jensen–Shannon distance", distances.jensen_shannon),
    ];
    if kind == FeatureKind::Numeric {
        list.push(("Wasserstein distance, in standard deviations", distances.wasserstein));
    }
    list.into_iter().filter_map(|(name, value)| Some((name, number(value?)))).collect()
}

fn method(method: Method) -> &'static str {
    match method {
        Method::Ks => "Kolmogorov–Smirnov",
        Method::BinnedKs => "Kolmogorov–Smirnov, of bins",
        Method::ChiSquare => "chi-square",
        Method::ProportionsZ => "z of two shares",
        Method::FisherExact => "Fisher's exact",
    }
}

fn measure(measure: Measure) -> &'static str {
    match measure {
        Measure::KsDistance => "largest difference of the distribution functions",
        Measure::CramersV => "Cramér's V, balanced",
        Measure::ShareDifference => "difference of the shares",
    }
}

fn kind(kind: FeatureKind) -> &'static str {
    match kind {
        FeatureKind::Numeric => "number",
        FeatureKind::Categorical => "category",
    }
}
