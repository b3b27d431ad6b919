//! Measuring two things side by side.
//!
//! The machine's speed drifts; a ratio of two figures taken one after the other in the same round
//! does not drift with it. Every bar is the median of such ratios.

/// Figures of two contestants, taken in turn.
#[derive(Debug, Clone, Default)]
pub struct Rounds {
    ours: Vec<f64>,
    theirs: Vec<f64>,
}

impl Rounds {
    /// Takes `count` rounds of both, the first of them in turn.
    pub fn measure(
        count: usize,
        mut ours: impl FnMut() -> f64,
        mut theirs: impl FnMut() -> f64,
    ) -> Self {
        let mut rounds = Self::default();
        for round in 0..count {
            if round % 2 == 0 {
                rounds.ours.push(ours());
                rounds.theirs.push(theirs());
            } else {
                let figure = theirs();
                rounds.ours.push(ours());
                rounds.theirs.push(figure);
            }
        }
        rounds
    }

    /// The median of our figures.
    #[must_use]
    pub fn ours(&self) -> f64 {
        median(self.ours.clone())
    }

    /// The median of their figures.
    #[must_use]
    pub fn theirs(&self) -> f64 {
        median(self.theirs.clone())
    }

    /// The median over the rounds of ours by theirs.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        median(self.ours.iter().zip(&self.theirs).map(|(ours, theirs)| ours / theirs).collect())
    }

    /// The median over the rounds of ours less theirs.
    #[must_use]
    pub fn difference(&self) -> f64 {
        median(self.ours.iter().zip(&self.theirs).map(|(ours, theirs)| ours - theirs).collect())
    }
}

/// The middle figure.
#[must_use]
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
