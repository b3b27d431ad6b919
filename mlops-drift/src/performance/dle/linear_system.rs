//! Linear equations with a matrix that is symmetric and positive definite.

/// Solves `A x = b` in place by Cholesky's decomposition, of the lower triangle of `A`, row by row.
///
/// # Errors
/// The column that is a combination of those before it, up to rounding: the equations have no one solution.
pub(super) fn solve(matrix: &mut [f64], b: &mut [f64]) -> Result<(), usize> {
    let size = b.len();
    for column in 0..size {
        let before = column * size;
        let whole = matrix[before + column];
        let explained: f64 =
            matrix[before..before + column].iter().map(|value| value * value).sum();
        let pivot = whole - explained;
        // Of a column that is a combination, rounding leaves about 1e-16 for each column before it.
        if pivot <= 1e-12 * whole {
            return Err(column);
        }
        let root = pivot.sqrt();
        matrix[before + column] = root;
        for row in column + 1..size {
            let (upper, lower) = matrix.split_at_mut(row * size);
            let product = dot(&upper[before..before + column], &lower[..column]);
            lower[column] = (lower[column] - product) / root;
        }
    }
    for row in 0..size {
        let of_row = &matrix[row * size..][..=row];
        b[row] = (b[row] - dot(&of_row[..row], &b[..row])) / of_row[row];
    }
    for row in (0..size).rev() {
        b[row] /= matrix[row * size + row];
        let value = b[row];
        b[..row].iter_mut().zip(&matrix[row * size..]).for_each(|(b, a)| *b -= a * value);
    }
    Ok(())
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_combination_of_columns_is_named() {
        // The third column is the sum of the first two.
        let mut matrix = [2.0, 0.0, 0.0, 1.0, 3.0, 0.0, 3.0, 4.0, 7.0];
        assert_eq!(solve(&mut matrix, &mut [1.0, 2.0, 3.0]), Err(2));
        assert_eq!(solve(&mut [0.0], &mut [1.0]), Err(0));
        assert_eq!(solve(&mut [], &mut []), Ok(()));
    }

    proptest! {
        #[test]
        fn the_solution_solves(values in prop::collection::vec(-3.0..3.0_f64, 20)) {
            // B Bᵗ + 1 is positive definite.
            let (b, right) = values.split_at(16);
            let at = |i: usize, j: usize| {
                dot(&b[4 * i..4 * i + 4], &b[4 * j..4 * j + 4]) + f64::from(u8::from(i == j))
            };
            let matrix: Vec<f64> = (0..16).map(|n| at(n / 4, n % 4)).collect();
            let mut x = right.to_vec();
            solve(&mut matrix.clone(), &mut x).unwrap();
            for row in 0..4 {
                let product = dot(&matrix[4 * row..4 * row + 4], &x);
                prop_assert!((product - right[row]).abs() < 1e-9, "{product} {}", right[row]);
            }
        }
    }
}
