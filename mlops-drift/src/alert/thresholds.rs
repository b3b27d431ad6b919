//! [`Thresholds`]: how a figure is judged.

use mlops_core::{Error, Result, alert::Severity};
use serde::{Deserialize, Serialize};

/// On which side of a threshold a figure is bad.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bad {
    /// The larger, the worse: latency, error rate, drift.
    #[default]
    Above,
    /// The smaller, the worse: accuracy, confidence.
    Below,
}

/// How a figure is judged: two levels at which it is bad, and one at which it is good again.
///
/// Between the level at which it is good again and the first at which it is bad lies the hysteresis: a
/// figure there changes nothing, so that one that hovers about a level does not fire again and again.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, try_from = "Levels", into = "Levels")]
pub struct Thresholds(Levels);

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Levels {
    #[serde(default)]
    bad: Bad,
    warning: f64,
    #[serde(default)]
    critical: Option<f64>,
    #[serde(default)]
    clear: Option<f64>,
}

/// What [`Thresholds`] say of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// It is bad.
    Bad(Severity),
    /// It is neither bad nor good again.
    Between,
    /// It is good.
    Good,
}

impl Thresholds {
    /// Bad at `warning` and beyond it on the bad side; good everywhere else.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the level is not finite.
    pub fn new(bad: Bad, warning: f64) -> Result<Self> {
        Levels { bad, warning, critical: None, clear: None }.try_into()
    }

    /// Sets the level at which it is critical.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if that is not finite, or less bad than the level of a warning.
    pub fn with_critical(self, critical: f64) -> Result<Self> {
        Levels { critical: Some(critical), ..self.0 }.try_into()
    }

    /// Sets the level at which it is good again; the figure must be strictly on the good side of it.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if that is not finite, or worse than the level of a warning.
    pub fn with_clear(self, clear: f64) -> Result<Self> {
        Levels { clear: Some(clear), ..self.0 }.try_into()
    }

    /// The level that a figure of this severity was judged against.
    #[must_use]
    pub fn level(&self, severity: Severity) -> f64 {
        match severity {
            Severity::Critical => self.0.critical.unwrap_or(self.0.warning),
            Severity::Warning | Severity::Info => self.0.warning,
        }
    }

    /// On which side a figure is bad.
    #[must_use]
    pub fn bad(&self) -> Bad {
        self.0.bad
    }

    /// Judges a figure. Of NaN nothing can be said: it is [`Between`](Judgement::Between).
    #[must_use]
    pub fn judge(&self, value: f64) -> Judgement {
        let Levels { warning, critical, clear, .. } = self.0;
        if critical.is_some_and(|critical| self.reaches(value, critical)) {
            Judgement::Bad(Severity::Critical)
        } else if self.reaches(value, warning) {
            Judgement::Bad(Severity::Warning)
        } else if value.is_nan() || clear.is_some_and(|clear| self.reaches(value, clear)) {
            Judgement::Between
        } else {
            Judgement::Good
        }
    }

    /// Whether a figure is at a level or beyond it.
    fn reaches(&self, value: f64, level: f64) -> bool {
        match self.0.bad {
            Bad::Above => value >= level,
            Bad::Below => value <= level,
        }
    }
}

impl TryFrom<Levels> for Thresholds {
    type Error = Error;

    fn try_from(levels: Levels) -> Result<Self> {
        let invalid = |reason: String| Err(Error::invalid("thresholds", reason));
        let Levels { warning, critical, clear, .. } = levels;
        for (name, level) in [("warning", Some(warning)), ("critical", critical), ("clear", clear)]
        {
            if let Some(level) = level.filter(|level| !level.is_finite()) {
                return invalid(format!("`{name}` is {level}"));
            }
        }
        let thresholds = Self(levels);
        if let Some(critical) = critical.filter(|critical| !thresholds.reaches(*critical, warning))
        {
            return invalid(format!("`critical`, {critical}, is better than `warning`, {warning}"));
        }
        if let Some(clear) = clear.filter(|clear| !thresholds.reaches(warning, *clear)) {
            return invalid(format!("`clear`, {clear}, is worse than `warning`, {warning}"));
        }
        Ok(thresholds)
    }
}

impl From<Thresholds> for Levels {
    fn from(thresholds: Thresholds) -> Self {
        thresholds.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WARNING: Judgement = Judgement::Bad(Severity::Warning);
    const CRITICAL: Judgement = Judgement::Bad(Severity::Critical);

    #[test]
    fn figures_are_judged_on_either_side() {
        let above = Thresholds::new(Bad::Above, 2.0).unwrap();
        let above = above.with_critical(3.0).unwrap().with_clear(1.0).unwrap();
        let below = Thresholds::new(Bad::Below, -2.0).unwrap();
        let below = below.with_critical(-3.0).unwrap().with_clear(-1.0).unwrap();
        for (value, expected) in [
            (f64::NEG_INFINITY, Judgement::Good),
            (0.999, Judgement::Good),
            (1.0, Judgement::Between),
            (1.999, Judgement::Between),
            (2.0, WARNING),
            (2.999, WARNING),
            (3.0, CRITICAL),
            (f64::INFINITY, CRITICAL),
            (f64::NAN, Judgement::Between),
        ] {
            assert_eq!(above.judge(value), expected, "{value}");
            assert_eq!(below.judge(-value), expected, "{}", -value);
        }
        assert_eq!((above.level(Severity::Warning), above.level(Severity::Critical)), (2.0, 3.0));
    }

    #[test]
    fn without_a_level_to_clear_what_is_not_bad_is_good() {
        let simple = Thresholds::new(Bad::Above, 2.0).unwrap();
        assert_eq!((simple.judge(1.999), simple.judge(2.0)), (Judgement::Good, WARNING));
        assert_eq!(simple.judge(f64::NAN), Judgement::Between);
    }

    #[test]
    fn levels_that_contradict_each_other_are_refused() {
        let above = Thresholds::new(Bad::Above, 2.0).unwrap();
        let below = Thresholds::new(Bad::Below, 2.0).unwrap();
        for (result, named) in [
            (Thresholds::new(Bad::Above, f64::NAN), "`warning` is NaN"),
            (above.with_critical(f64::INFINITY), "`critical` is inf"),
            (above.with_critical(1.9), "`critical`, 1.9"),
            (below.with_critical(2.1), "`critical`, 2.1"),
            (above.with_clear(2.1), "`clear`, 2.1"),
            (below.with_clear(1.9), "`clear`, 1.9"),
        ] {
            let error = result.unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn they_are_checked_when_they_are_read() {
        let text = r#"{"bad":"below","warning":0.9,"critical":0.8,"clear":0.95}"#;
        let thresholds: Thresholds = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&thresholds).unwrap(), text);
        for wrong in [r#"{"warning":1.0,"critical":0.5}"#, r#"{"warning":1.0,"hold":2}"#, "{}"] {
            serde_json::from_str::<Thresholds>(wrong).unwrap_err();
        }
    }
}
