//! [`Finding`]: evidence before the other tests of its family are known.

use super::{
    evidence::{Aspect, Effect, Evidence, Method},
    verdict::Verdict,
};

/// A test and an effect, not yet judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Finding {
    pub(super) aspect: Aspect,
    pub(super) method: Method,
    pub(super) statistic: f64,
    pub(super) p_value: f64,
    pub(super) effect: Effect,
    /// The p-value that an effect at its threshold would have with as many rows: above alpha it would
    /// rather be missed than found.
    pub(super) p_at_threshold: f64,
}

impl Finding {
    /// The verdict at this level.
    pub(super) fn judged(self, adjusted_p_value: f64, alpha: f64) -> Evidence {
        let verdict = if adjusted_p_value <= alpha && self.effect.matters() {
            Verdict::Drift
        } else if self.p_at_threshold > alpha {
            Verdict::Insufficient
        } else {
            Verdict::NoDrift
        };
        let Self { aspect, method, statistic, p_value, effect, .. } = self;
        Evidence { aspect, method, statistic, p_value, adjusted_p_value, effect, verdict }
    }
}
