//! The small pictures of a table's rows.

use minijinja::HtmlEscape;

use super::outline::{HEIGHT, columns, largest, steps as line};

/// Numbers in bars that touch. `name` is whose they are.
pub(in crate::report::html) fn steps(name: &str, reference: &[f64], current: &[f64]) -> String {
    let largest = largest(reference, current);
    let paths = [reference, current].map(|shares| line(shares, largest));
    small(name, reference.len(), &paths)
}

/// Categories, the last of which are all others.
pub(in crate::report::html) fn bars(name: &str, reference: &[f64], current: &[f64]) -> String {
    let largest = largest(reference, current);
    let paths = [reference, current].map(|shares| columns(shares, largest));
    small(name, 4 * reference.len() - 1, &paths)
}

fn small(name: &str, width: usize, [reference, current]: &[String; 2]) -> String {
    format!(
        "<svg class=\"mini\" viewBox=\"0 0 {width} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\">\
         <title>{}: reference and current</title>\
         <path class=\"r\" d=\"{reference}\"/><path class=\"c\" d=\"{current}\"/></svg>",
        HtmlEscape(name)
    )
}
