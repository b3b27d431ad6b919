//! The exact law of the Cramér-von Mises statistic.

use std::cmp::Ordering;

/// How many orders of two samples have each value of a statistic; ascending.
type Law = Vec<(u64, u64)>;

/// The probability of a statistic of at least `zeta`, Xiao, Gordon & Yakovlev's (2006): the sum of
/// `(u a - v b)²` over the points `(u, v)` of a path from `(0, 0)` to `(n1, n2)`, where `a` and `b` are
/// the least common multiple of the sizes over each of them.
///
/// The law of paths to a point is that of paths to its neighbours, together, moved by its own square.
pub(super) fn sf(n1: u64, n2: u64, zeta: i128) -> f64 {
    let multiple = n1 / gcd(n1, n2) * n2;
    let (a, b) = (multiple / n1, multiple / n2);
    let mut column: Vec<Law> = vec![Law::new(); n2 as usize + 1];
    for u in 0..=n1 {
        let mut below = Law::new();
        for (v, law) in column.iter_mut().enumerate() {
            let mut paths = if u == 0 && v == 0 { vec![(0, 1)] } else { merge(law, &below) };
            let step = (u * a).abs_diff(v as u64 * b);
            for (value, _) in &mut paths {
                *value += step * step;
            }
            below.clone_from(&paths);
            *law = paths;
        }
    }
    let (mut extreme, mut all) = (0, 0);
    for (value, count) in &column[n2 as usize] {
        all += count;
        if i128::from(*value) >= zeta {
            extreme += count;
        }
    }
    extreme as f64 / all as f64
}

fn merge(first: &Law, second: &Law) -> Law {
    let mut merged = Law::with_capacity(first.len() + second.len());
    let (mut i, mut j) = (0, 0);
    while let (Some(x), Some(y)) = (first.get(i), second.get(j)) {
        match x.0.cmp(&y.0) {
            Ordering::Less => {
                merged.push(*x);
                i += 1;
            }
            Ordering::Greater => {
                merged.push(*y);
                j += 1;
            }
            Ordering::Equal => {
                merged.push((x.0, x.1 + y.1));
                i += 1;
                j += 1;
            }
        }
    }
    merged.extend_from_slice(&first[i..]);
    merged.extend_from_slice(&second[j..]);
    merged
}

pub(super) fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
