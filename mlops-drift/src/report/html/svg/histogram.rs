//! The large picture of numbers.

use minijinja::HtmlEscape;

use super::{
    At, LEGEND,
    axis::ticks,
    outline::{HEIGHT, largest, steps},
};
use crate::report::figure::percent;

const WIDTH: f64 = 440.0;
const LEFT: f64 = 42.0;
const TOP: f64 = 24.0;
const BOTTOM: f64 = 184.0;

/// Shares of numbers between two values, in bars, with axes and a legend.
pub(in crate::report::html) fn histogram(
    title: &str,
    description: &str,
    (low, high): (f64, f64),
    reference: &[f64],
    current: &[f64],
) -> String {
    let largest = largest(reference, current);
    let mut svg = format!(
        "<svg class=\"plot\" viewBox=\"0 0 {WIDTH} 220\" role=\"img\"><title>{}</title><desc>{}</desc>{LEGEND}\
         <text y=\"11\">share of values</text>",
        HtmlEscape(title),
        HtmlEscape(description)
    );
    for (share, _) in ticks(0.0, largest, 5.0) {
        let y = BOTTOM - share / largest * (BOTTOM - TOP);
        svg.push_str(&format!(
            "<path class=\"g\" d=\"M{LEFT} {}H{WIDTH}\"/>\
             <text class=\"e\" x=\"{}\" y=\"{}\">{}</text>",
            At(y),
            LEFT - 5.0,
            At(y + 4.0),
            percent(share)
        ));
    }
    for (value, label) in ticks(low, high, 7.0) {
        // Halved first, so that the widest range there is has a width.
        let share = (value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0);
        let x = At(LEFT + share * (WIDTH - LEFT));
        let anchor = match share {
            share if share < 0.04 => "",
            share if share > 0.96 => " class=\"e\"",
            _ => " class=\"m\"",
        };
        let y = BOTTOM + 16.0;
        svg.push_str(&format!(
            "<path class=\"k\" d=\"M{x} {BOTTOM}v4\"/><text{anchor} x=\"{x}\" y=\"{y}\">{label}</text>"
        ));
    }
    svg.push_str(&format!(
        "<text class=\"e\" x=\"{WIDTH}\" y=\"216\">value</text>\
         <svg x=\"{LEFT}\" y=\"{TOP}\" width=\"{}\" height=\"{}\" viewBox=\"0 0 {} {HEIGHT}\" \
         preserveAspectRatio=\"none\"><path class=\"r\" d=\"{}\"/><path class=\"c\" d=\"{}\"/></svg></svg>",
        WIDTH - LEFT,
        BOTTOM - TOP,
        reference.len().max(1),
        steps(reference, largest),
        steps(current, largest)
    ));
    svg
}
