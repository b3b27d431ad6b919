//! The large picture of categories.

use minijinja::HtmlEscape;

use super::{At, LEGEND, outline::largest};
use crate::report::figure::{percent, shortened};

const LEFT: f64 = 132.0;
const RIGHT: f64 = 340.0;
const TOP: f64 = 24.0;
const ROW: f64 = 22.0;
/// Characters of a name.
const NAME: usize = 20;

/// Shares of categories, the largest on either side `rows` of them and all others, in pairs of bars with
/// their names and figures, and a legend.
pub(in crate::report::html) fn categories(
    title: &str,
    description: &str,
    names: &[String],
    sides: [&[f64]; 2],
    rows: usize,
) -> String {
    let shown = shown(names, sides, rows);
    let shares = |side: usize| shown.iter().map(|bar| bar.1[side]).collect::<Vec<f64>>();
    let largest = largest(&shares(0), &shares(1));
    let mut svg = format!(
        "<svg class=\"plot\" viewBox=\"0 0 440 {}\" role=\"img\"><title>{}</title><desc>{}</desc>{LEGEND}\
         <text y=\"11\">share of values</text>",
        At(TOP + ROW * shown.len() as f64),
        HtmlEscape(title),
        HtmlEscape(description),
    );
    let (mut reference, mut current) = (String::new(), String::new());
    for (row, (name, shares)) in shown.iter().enumerate() {
        let y = TOP + ROW * row as f64;
        let [first, second] = shares.map(|share| At(share / largest * (RIGHT - LEFT)));
        reference.push_str(&format!("M{LEFT} {}h{first}v8H{LEFT}z", At(y + 2.0)));
        current.push_str(&format!("M{LEFT} {}h{second}v8H{LEFT}z", At(y + 10.0)));
        let baseline = At(y + 14.0);
        svg.push_str(&format!(
            "<text class=\"e\" x=\"{}\" y=\"{baseline}\">{}</text>\
             <text class=\"e\" x=\"440\" y=\"{baseline}\">{} → {}</text>",
            LEFT - 6.0,
            HtmlEscape(name),
            percent(shares[0]),
            percent(shares[1])
        ));
    }
    svg.push_str(&format!(
        "<path class=\"r\" d=\"{reference}\"/><path class=\"c s\" d=\"{current}\"/></svg>"
    ));
    svg
}

/// The largest bars in the order given, and all others if there are any.
fn shown(names: &[String], [x, y]: [&[f64]; 2], rows: usize) -> Vec<(String, [f64; 2])> {
    let largest = |bar: &usize| x[*bar].max(y[*bar]);
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by(|a, b| largest(b).total_cmp(&largest(a)));
    let mut others = [x, y].map(|side| side.last().copied().unwrap_or(0.0));
    for bar in order.drain(rows.min(names.len())..) {
        others = [others[0] + x[bar], others[1] + y[bar]];
    }
    order.sort_unstable();
    let named = order.into_iter().map(|bar| (shortened(&names[bar], NAME), [x[bar], y[bar]]));
    let others = others.iter().any(|share| *share > 0.0).then(|| ("all others".to_owned(), others));
    named.chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_are_shown_in_their_order_and_the_rest_together() {
        let names = ["1", "2", "3", "4"].map(str::to_owned);
        let bars = shown(&names, [&[0.1, 0.5, 0.1, 0.2, 0.1], &[0.6, 0.1, 0.1, 0.1, 0.1]], 2);
        let labels: Vec<&str> = bars.iter().map(|bar| bar.0.as_str()).collect();
        assert_eq!(labels, ["1", "2", "all others"]);
        assert!((bars[2].1[0] - 0.4).abs() < 1e-12 && (bars[2].1[1] - 0.3).abs() < 1e-12);
        let bars = shown(&names, [&[0.25, 0.25, 0.25, 0.25, 0.0], &[1.0, 0.0, 0.0, 0.0, 0.0]], 9);
        assert_eq!(bars.len(), 4);
    }

    #[test]
    fn names_are_escaped() {
        let names = ["<script>alert(1)</script>".to_owned()];
        let svg = categories("a & b", "\"", &names, [&[1.0, 0.0], &[1.0, 0.0]], 9);
        assert!(!svg.contains("<script") && svg.contains("a &amp; b"), "{svg}");
    }
}
