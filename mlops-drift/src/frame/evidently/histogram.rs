//! Equal bins, as NumPy makes them.

/// Counts two sorted columns in equal bins over the range of both, as many as Sturges (1926) has it for both
/// together: `⌈range / width⌉` of the width `range / (log₂ n + 1)`, or of 1 if that is more and all are whole
/// numbers.
pub(super) fn sturges(sides: &[Vec<f64>; 2], is_integer: bool) -> Vec<[u64; 2]> {
    let edges = edges(sides, is_integer);
    let mut cells = vec![[0; 2]; edges.len() - 1];
    for (side, values) in sides.iter().enumerate() {
        let mut before = 0;
        for (bin, cell) in cells.iter_mut().enumerate() {
            let end = edges[bin + 1];
            // The last bin has its upper edge.
            let after = if bin + 2 == edges.len() {
                values.partition_point(|value| *value <= end)
            } else {
                values.partition_point(|value| *value < end)
            };
            cell[side] = (after - before) as u64;
            before = after;
        }
    }
    cells
}

fn edges(sides: &[Vec<f64>; 2], is_integer: bool) -> Vec<f64> {
    let ends = |end: fn(&Vec<f64>) -> Option<&f64>| sides.iter().filter_map(end).copied();
    let low = ends(|side| side.first()).fold(f64::INFINITY, f64::min);
    let high = ends(|side| side.last()).fold(f64::NEG_INFINITY, f64::max);
    let range = high - low;
    let rows = sides.iter().map(Vec::len).sum::<usize>() as f64;
    let mut width = range / (rows.log2() + 1.0);
    if is_integer && width < 1.0 {
        width = 1.0;
    }
    let bins = (range / width).ceil();
    // The same rounding as NumPy's `linspace`: multiples of a step, and the end as it is.
    let step = range / bins;
    let bins = bins as usize;
    let mut edges: Vec<f64> = (0..=bins).map(|edge| edge as f64 * step + low).collect();
    edges[bins] = high;
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_have_bins_of_one_at_least() {
        let sides = [vec![0.0, 1.0, 2.0, 3.0], vec![3.0]];
        // Sturges: 3 / (log2(5) + 1) = 0.9.
        assert_eq!(edges(&sides, true), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(edges(&sides, false), [0.0, 0.75, 1.5, 2.25, 3.0]);
        assert_eq!(sturges(&sides, true), [[1, 0], [1, 0], [2, 1]]);
    }
}
