//! The paths of a distribution, in units of a bar across and [`HEIGHT`] up.

/// The height of the largest share.
pub(super) const HEIGHT: f64 = 400.0;

/// The largest share of either side, which the height stands for.
pub(super) fn largest(reference: &[f64], current: &[f64]) -> f64 {
    let largest = reference.iter().chain(current).copied().fold(0.0, f64::max);
    if largest > 0.0 { largest } else { 1.0 }
}

/// Bars that touch: one line over all of them.
pub(super) fn steps(shares: &[f64], largest: f64) -> String {
    let mut path = format!("M0 {HEIGHT}");
    let mut bars = shares.iter().map(|share| top(*share, largest)).peekable();
    while let Some(y) = bars.next() {
        let mut width = 1;
        while bars.next_if_eq(&y).is_some() {
            width += 1;
        }
        path.push_str(&format!("V{y}h{width}"));
    }
    path.push_str(&format!("V{HEIGHT}"));
    path
}

/// Bars that stand apart, three units wide of four.
pub(super) fn columns(shares: &[f64], largest: f64) -> String {
    let mut path = String::new();
    for (bar, share) in shares.iter().enumerate().filter(|(_, share)| **share > 0.0) {
        path.push_str(&format!("M{} {HEIGHT}V{}h3V{HEIGHT}z", 4 * bar, top(*share, largest)));
    }
    path
}

/// How far down a bar begins. What is there at all is seen.
fn top(share: f64, largest: f64) -> u32 {
    let height = (share / largest * HEIGHT).round();
    (HEIGHT - if share > 0.0 { height.max(2.0) } else { 0.0 }) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_joins_bars_of_one_height() {
        assert_eq!(steps(&[0.5, 0.25, 0.25, 0.0], 0.5), "M0 400V0h1V200h2V400h1V400");
        assert_eq!(steps(&[], 1.0), "M0 400V400");
    }

    #[test]
    fn columns_stand_apart_and_a_small_one_is_seen() {
        assert_eq!(columns(&[1.0, 0.0, 1e-9], 1.0), "M0 400V0h3V400zM8 400V398h3V400z");
    }

    #[test]
    fn nothing_is_as_high_as_it_is() {
        assert!((largest(&[0.0], &[]) - 1.0).abs() < f64::EPSILON);
        assert!((largest(&[0.1, 0.3], &[0.2]) - 0.3).abs() < f64::EPSILON);
    }
}
