//! Figures of all classes together: averages, and agreement beyond chance.

use mlops_core::stats::Interval;

use super::{
    confusion::{ClassFigures, ConfusionMatrix, Margins},
    figure::{Confidence, Figure},
};

/// The mean of figures of classes that vary independently.
///
/// Its interval follows from theirs: the squares of their distances add up (Zou and Donner 2008, "MOVER",
/// of which Newcombe's interval is the case of two). So it has a width where all are 1, too.
pub(super) fn mean(figures: impl Iterator<Item = Figure>) -> Option<Figure> {
    let (mut count, mut sum, mut low, mut high) = (0.0, 0.0, 0.0, 0.0);
    for Figure { value, interval } in figures {
        count += 1.0;
        sum += value;
        low += (value - interval.low).powi(2);
        high += (interval.high - value).powi(2);
    }
    let value = sum / count;
    (count > 0.0).then(|| around(value, low.sqrt() / count, high.sqrt() / count))
}

/// The mean of F1 over the classes that there are.
///
/// As [`mean`], with the correlations that the figures have because a row of one class that is taken for
/// another is an error of both (Zou 2008; the correlations by the delta method, as in Takahashi et al.
/// 2022, "Confidence interval for micro-averaged F1 and macro-averaged F1 scores"). A class without any
/// error, or with errors only, shows no correlation: then it is taken to be what it is where errors are
/// rare and spread evenly, `1 / (classes - 1)`.
pub(super) fn macro_f1(
    matrix: &ConfusionMatrix,
    margins: &Margins,
    classes: &[ClassFigures],
) -> Option<Figure> {
    struct Class {
        index: usize,
        f1: Figure,
        /// How much one more error changes it, and its standard error.
        slope: f64,
        error: f64,
    }
    let present: Vec<Class> = classes
        .iter()
        .enumerate()
        .filter_map(|(index, class)| {
            let f1 = class.f1?;
            let right = matrix.right_of(index) as f64;
            let both = (margins.actual[index] + margins.predicted[index]) as f64;
            let slope = f1.value / both;
            let wrong = both - 2.0 * right;
            let variance = right * (2.0 * (1.0 - f1.value) / both).powi(2) + wrong * slope * slope;
            Some(Class { index, f1, slope, error: variance.sqrt() })
        })
        .collect();
    let count = present.len() as f64;
    let (mut sum, mut low, mut high) = (0.0, 0.0, 0.0);
    for (place, class) in present.iter().enumerate() {
        let below = |class: &Class| class.f1.value - class.f1.interval.low;
        let above = |class: &Class| class.f1.interval.high - class.f1.value;
        sum += class.f1.value;
        low += below(class).powi(2);
        high += above(class).powi(2);
        for other in &present[..place] {
            let errors = class.error * other.error;
            let correlation = if errors > 0.0 {
                let shared = matrix.confused(class.index, other.index) as f64;
                shared * class.slope * other.slope / errors
            } else {
                1.0 / (count - 1.0)
            };
            low += 2.0 * correlation * below(class) * below(other);
            high += 2.0 * correlation * above(class) * above(other);
        }
    }
    let value = sum / count;
    (count > 0.0).then(|| around(value, low.sqrt() / count, high.sqrt() / count))
}

/// The mean of precision, weighted by the rows of each class, over the classes that have one. Interval by
/// the delta method and the logit; that of the accuracy where the method sees no spread, since that is
/// where all rows are right, or all wrong.
pub(super) fn weighted_precision(
    matrix: &ConfusionMatrix,
    margins: &Margins,
    confidence: &Confidence,
) -> Option<Figure> {
    let precision = |class: usize| {
        let predicted = margins.predicted[class];
        (predicted > 0).then(|| matrix.right_of(class) as f64 / predicted as f64)
    };
    let precisions: Vec<_> = (0..matrix.classes()).map(precision).collect();
    let (value, weight) = weighted(&precisions, &margins.actual)?;
    let estimate = matrix.estimate(value, |actual, predicted| {
        let of_weight = precisions[actual].map_or(0.0, |precision| precision - value);
        let of_precision = precisions[predicted].map_or(0.0, |precision| {
            let hit = f64::from(actual == predicted);
            (hit - precision) * margins.actual[predicted] as f64
                / margins.predicted[predicted] as f64
        });
        (of_weight + of_precision) / weight
    });
    confidence.logit(estimate).or_else(|| as_accuracy(value, margins, confidence))
}

/// The mean of F1, weighted by the rows of each class. Interval as of [`weighted_precision`].
pub(super) fn weighted_f1(
    matrix: &ConfusionMatrix,
    margins: &Margins,
    confidence: &Confidence,
) -> Option<Figure> {
    let both = |class: usize| (margins.actual[class] + margins.predicted[class]) as f64;
    let f1 = |class: usize| {
        (both(class) > 0.0).then(|| 2.0 * matrix.right_of(class) as f64 / both(class))
    };
    let f1s: Vec<_> = (0..matrix.classes()).map(f1).collect();
    let (value, weight) = weighted(&f1s, &margins.actual)?;
    let estimate = matrix.estimate(value, |actual, predicted| {
        let of = |class: usize| f1s[class].unwrap_or(0.0);
        // What one row more changes of F1 of a class, times the rows of the class.
        let share = |class: usize| margins.actual[class] as f64 / both(class);
        let of_f1 = if actual == predicted {
            2.0 * (1.0 - of(actual)) * share(actual)
        } else {
            -of(actual) * share(actual) - of(predicted) * share(predicted)
        };
        (of(actual) - value + of_f1) / weight
    });
    confidence.logit(estimate).or_else(|| as_accuracy(value, margins, confidence))
}

/// Cohen's (1960) kappa, `(a - e) / (1 - e)` of the accuracy `a` and of that which chance would give, `e`.
/// Standard error by Fleiss, Cohen and Everitt (1969), interval by Fisher's z. Where that sees no spread,
/// the interval is that of the accuracy for this `e`.
pub(super) fn cohens_kappa(
    matrix: &ConfusionMatrix,
    margins: &Margins,
    confidence: &Confidence,
) -> Option<Figure> {
    let Chance { rows, accuracy, by_chance } = Chance::of(margins)?;
    let value = (accuracy - by_chance) / (1.0 - by_chance);
    let estimate = matrix.estimate(value, |actual, predicted| {
        let hit = f64::from(actual == predicted);
        let chance = (margins.predicted[actual] + margins.actual[predicted]) as f64 / rows;
        (hit - (1.0 - value) * chance) / (1.0 - by_chance) / rows
    });
    confidence.fisher_z(estimate).or_else(|| beyond_chance(value, by_chance, margins, confidence))
}

/// The correlation of prediction and truth: Matthews (1975) for two classes, Gorodkin (2004) for more.
/// Standard error by the delta method, interval as of [`cohens_kappa`].
pub(super) fn matthews_correlation(
    matrix: &ConfusionMatrix,
    margins: &Margins,
    confidence: &Confidence,
) -> Option<Figure> {
    let Chance { rows, accuracy, by_chance } = Chance::of(margins)?;
    let spread = |counts: &[u64]| {
        1.0 - counts.iter().map(|count| (*count as f64 / rows).powi(2)).sum::<f64>()
    };
    let (of_predicted, of_actual) = (spread(&margins.predicted), spread(&margins.actual));
    let root = (of_predicted * of_actual).sqrt();
    let covariance = accuracy - by_chance;
    let constant = |counts: &[u64]| counts.contains(&margins.rows);
    if constant(&margins.predicted) || constant(&margins.actual) {
        return None;
    }
    let value = (covariance / root).clamp(-1.0, 1.0);
    let estimate = matrix.estimate(value, |actual, predicted| {
        let share = |count: u64| count as f64 / rows;
        let hit = f64::from(actual == predicted);
        let chance = share(margins.predicted[actual]) + share(margins.actual[predicted]);
        let spreads = share(margins.predicted[predicted]) / of_predicted
            + share(margins.actual[actual]) / of_actual;
        (hit - chance + covariance * spreads) / root / rows
    });
    confidence.fisher_z(estimate).or_else(|| beyond_chance(value, by_chance, margins, confidence))
}

/// The accuracy, and that of predictions that are as often of each class but otherwise drawn by chance.
struct Chance {
    rows: f64,
    accuracy: f64,
    by_chance: f64,
}

impl Chance {
    /// `None` where chance is always right, or there are no rows.
    fn of(margins: &Margins) -> Option<Self> {
        let pairs = margins.actual.iter().zip(&margins.predicted);
        let certain = pairs.clone().any(|(a, p)| *a == margins.rows && *p == margins.rows);
        let rows = margins.rows as f64;
        let by_chance = pairs.map(|(a, p)| (*a as f64 / rows) * (*p as f64 / rows)).sum();
        (!certain).then(|| Self { rows, accuracy: margins.right as f64 / rows, by_chance })
    }
}

/// The mean of values, weighted by the rows of their classes, and the sum of the weights.
fn weighted(values: &[Option<f64>], rows: &[u64]) -> Option<(f64, f64)> {
    let (mut sum, mut weight) = (0.0, 0.0);
    for (value, rows) in values.iter().zip(rows) {
        if let Some(value) = value {
            sum += value * *rows as f64;
            weight += *rows as f64;
        }
    }
    (weight > 0.0).then(|| (sum / weight, weight))
}

fn around(value: f64, below: f64, above: f64) -> Figure {
    Figure::new(value, (value - below).max(0.0), (value + above).min(1.0))
}

fn as_accuracy(value: f64, margins: &Margins, confidence: &Confidence) -> Option<Figure> {
    let Interval { low, high } = confidence.share(margins.right, margins.rows)?.interval;
    Some(Figure::new(value, low, high))
}

fn beyond_chance(
    value: f64,
    by_chance: f64,
    margins: &Margins,
    confidence: &Confidence,
) -> Option<Figure> {
    let Interval { low, high } = confidence.share(margins.right, margins.rows)?.interval;
    let scaled = |accuracy: f64| ((accuracy - by_chance) / (1.0 - by_chance)).clamp(-1.0, 1.0);
    Some(Figure::new(value, scaled(low), scaled(high)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A slope is what the figure changes by when a count does, but for what all counts have in common.
    #[test]
    fn slopes_are_those_of_the_figures() {
        let counts = [[40_u64, 7, 3], [5, 60, 11], [2, 9, 30]];
        let of = |counts: &[[u64; 3]; 3]| {
            let counts: Vec<u64> = counts.iter().flatten().copied().collect();
            let text = serde_json::json!({"classes": 3, "counts": counts}).to_string();
            serde_json::from_str::<ConfusionMatrix>(&text).unwrap()
        };
        let confidence = Confidence::new(0.95).unwrap();
        let logit: fn(f64) -> f64 = |x| (x / (1.0 - x)).ln();
        let of_share: fn(f64) -> f64 = |x| x * (1.0 - x);
        let of_correlation: fn(f64) -> f64 = |x| 1.0 - x * x;
        type Of = fn(&ConfusionMatrix, &Margins, &Confidence) -> Option<Figure>;
        for (figure, scale, slope) in [
            (weighted_precision as Of, logit, of_share),
            (weighted_f1, logit, of_share),
            (cohens_kappa, f64::atanh, of_correlation),
            (matthews_correlation, f64::atanh, of_correlation),
        ] {
            let value = |counts: &[[u64; 3]; 3]| {
                let matrix = of(counts);
                figure(&matrix, &matrix.margins(), &confidence).unwrap()
            };
            // Counts times a million, so that one row is a small step.
            let million = 1_000_000;
            let large = counts.map(|row| row.map(|count| count * million));
            let (mut sum, mut squares, mut rows) = (0.0, 0.0, 0.0);
            for actual in 0..3 {
                for predicted in 0..3 {
                    let step = 1000;
                    let mut more = large;
                    more[actual][predicted] += step;
                    let mut less = large;
                    less[actual][predicted] -= step;
                    let change = value(&more).value - value(&less).value;
                    let slope = change / (2 * step) as f64 * million as f64;
                    let count = counts[actual][predicted] as f64;
                    (rows, sum) = (rows + count, sum + count * slope);
                    squares += count * slope * slope;
                }
            }
            let error = (squares - sum * sum / rows).sqrt();
            let Figure { value, interval } = value(&counts);
            // The width of the interval, in the scale where it is symmetric, gives the error back.
            let width = scale(interval.high) - scale(interval.low);
            let found = width * slope(value) / (2.0 * confidence.z);
            assert!((found / error - 1.0).abs() < 1e-5, "{found} {error}");
        }
    }
}
