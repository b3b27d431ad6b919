//! The exact law of the largest difference of two empirical distribution functions.
//!
//! If both samples are from one continuous distribution, every order of `n1` values of the one and
//! `n2` of the other is as probable as any: each is a path of steps over a lattice from `(0, 0)` to
//! `(n1, n2)`, and the difference at `(i, j)` is `i/n1 - j/n2`.

/// Whether a path may go as far as it likes on one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sides {
    One,
    Both,
}

/// The probability that a path reaches a difference of `reach / (n1 n2)` or more, on the upper side or
/// on either.
pub(super) fn sf(n1: u64, n2: u64, reach: u64, sides: Sides) -> f64 {
    if reach == 0 {
        return 1.0;
    }
    let p = if n1 == n2 {
        equal_sizes(n1, reach.div_ceil(n1), sides)
    } else {
        lattice(n1, n2, i128::from(reach), sides)
    };
    p.clamp(0.0, 1.0)
}

/// The probability that the largest difference is `reach / (n1 n2)` or more on either side.
pub(crate) fn two_sided_sf(n1: u64, n2: u64, reach: u64) -> f64 {
    sf(n1, n2, reach, Sides::Both)
}

/// By reflection: `C(2n, n-h) / C(2n, n)` of the paths touch `+h`; those that touch either side are
/// `2 Σ_k (-1)^(k-1) C(2n, n-kh) / C(2n, n)` (Gnedenko & Korolyuk 1951). Nested, so that every factor
/// is between 0 and 1 and what cancels is small.
fn equal_sizes(n: u64, h: u64, sides: Sides) -> f64 {
    // C(2n, n-(k+1)h) over C(2n, n-kh), zero beyond the lattice.
    let ratio = |k: u64| -> f64 {
        (0..h)
            .map(|step| {
                let left = n.saturating_sub(k * h + step) as f64;
                left / (n + k * h + step + 1) as f64
            })
            .product()
    };
    match sides {
        Sides::One => ratio(0),
        Sides::Both => 2.0 * (0..n / h).rev().fold(0.0, |rest, k| ratio(k) * (1.0 - rest)),
    }
}

/// For any sizes: the share of the paths to each point that have left the band, along one
/// anti-diagonal of the lattice after the other. The share at `(i, j)` is the average of those at
/// `(i-1, j)` and `(i, j-1)`, weighed by `i` and `j`, and outside the band it is one (Hodges 1958;
/// Viehmann 2021 for the shares instead of the counts). Nothing cancels, nothing overflows, and the
/// points of one anti-diagonal do not depend on each other, so that several are computed at once.
fn lattice(n1: u64, n2: u64, reach: i128, sides: Sides) -> f64 {
    let (wide, high) = (i128::from(n1), i128::from(n2));
    // Shares of paths to the points `i + j = sum`, at `i + 1`, with ones on both sides of the band.
    let mut shares = vec![1.0; n1 as usize + 3];
    let mut next = shares.clone();
    shares[1] = 0.0;
    for sum in 1..=n1 + n2 {
        // Inside is `-reach < i n2 - (sum - i) n1 < reach`, so `i` times the sum of both sizes is
        // between these.
        let middle = i128::from(sum) * wide;
        let above = (middle + reach - 1).div_euclid(wide + high);
        let below = match sides {
            Sides::One => 0,
            Sides::Both => (middle - reach).div_euclid(wide + high) + 1,
        };
        let first = below.max(i128::from(sum) - high).max(0) as usize;
        let last = above.min(i128::from(sum)).min(wide);
        if last < first as i128 {
            return 1.0;
        }
        let last = last as usize;
        let total = sum as f64;
        let inverse = 1.0 / total;
        let before = &shares[first..=last + 1];
        for (offset, (share, pair)) in
            next[first + 1..=last + 1].iter_mut().zip(before.windows(2)).enumerate()
        {
            // A sample has at most 2^30 values; many of these convert at once, unlike longer ones.
            let i = f64::from((first + offset) as i32);
            *share = (i * pair[0] + (total - i) * pair[1]) * inverse;
        }
        next[first] = 1.0;
        next[last + 2] = 1.0;
        std::mem::swap(&mut shares, &mut next);
    }
    shares[n1 as usize + 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The share of all paths that reach a difference, by walking each of them.
    fn by_hand(n1: u64, n2: u64, reach: u64, sides: Sides) -> f64 {
        fn walk(at: (i64, i64), end: (i64, i64), out: &impl Fn(i64, i64) -> bool) -> (u64, u64) {
            if at == end {
                return (u64::from(out(at.0, at.1)), 1);
            }
            let mut counts = (0, 0);
            for next in [(at.0 + 1, at.1), (at.0, at.1 + 1)] {
                if next.0 <= end.0 && next.1 <= end.1 {
                    let (outside, all) = walk(next, end, out);
                    counts.0 += if out(at.0, at.1) { all } else { outside };
                    counts.1 += all;
                }
            }
            counts
        }
        let (m, n, reach) = (n1 as i64, n2 as i64, reach as i64);
        let out = |i: i64, j: i64| match sides {
            Sides::One => i * n - j * m >= reach,
            Sides::Both => (i * n - j * m).abs() >= reach,
        };
        let (outside, all) = walk((0, 0), (m, n), &out);
        outside as f64 / all as f64
    }

    #[test]
    fn it_is_the_share_of_paths() {
        for (n1, n2) in [(1, 1), (1, 4), (3, 3), (5, 5), (4, 6), (6, 4), (7, 5), (2, 9), (6, 6)] {
            for reach in 0..=n1 * n2 {
                for sides in [Sides::One, Sides::Both] {
                    let reach = if n1 == n2 { reach / n1 * n1 } else { reach };
                    let (found, expected) =
                        (sf(n1, n2, reach, sides), by_hand(n1, n2, reach, sides));
                    let message = format!("{n1} {n2} {reach} {sides:?}: {found} {expected}");
                    assert!((found - expected).abs() <= 1e-14 * expected, "{message}");
                }
            }
        }
    }

    #[test]
    fn both_ways_agree_on_equal_sizes() {
        for (n, h) in [(50, 3), (200, 40), (700, 350)] {
            for sides in [Sides::One, Sides::Both] {
                let (one, other) =
                    (equal_sizes(n, h, sides), lattice(n, n, i128::from(h * n), sides));
                assert!((one / other - 1.0).abs() < 1e-12, "{n} {h} {sides:?}: {one} {other}");
            }
        }
    }
}
