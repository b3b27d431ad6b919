//! How large an effect is beside its threshold.

use super::At;

/// Where the threshold is.
const THRESHOLD: f64 = 16.0;
const WIDTH: f64 = 64.0;

/// A bar as long as the effect, up to four times the threshold, and a line at the threshold. What it shows
/// stands beside it in figures, so that it has no words of its own.
pub(in crate::report::html) fn meter(ratio: f64) -> String {
    let length = (ratio * THRESHOLD).min(WIDTH);
    format!(
        "<svg class=\"meter\" viewBox=\"0 0 64 12\" aria-hidden=\"true\"><path class=\"b\" d=\"M0 3h64v6H0z\"/>\
         <path class=\"v\" d=\"M0 3h{}v6H0z\"/><path class=\"t\" d=\"M{THRESHOLD} 0v12\"/></svg>",
        At(length)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_reaches_the_line_when_the_effect_matters() {
        assert!(meter(0.5).contains("class=\"v\" d=\"M0 3h8v6"));
        assert!(meter(1.0).contains("class=\"v\" d=\"M0 3h16v6"));
        assert!(meter(100.0).contains("M0 3h64v6H0z\"/><path class=\"t\""));
    }
}
