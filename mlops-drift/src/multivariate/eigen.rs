//! Eigenvalues and eigenvectors of a symmetric matrix.

use ndarray::{Array1, Array2};

/// Of a symmetric matrix: eigenvalues, the largest first, and eigenvectors as rows, by Jacobi's rotations
/// (Golub & Van Loan 2013, section 8.5): slow beyond some hundreds of columns, and as exact as the matrix.
pub(super) fn symmetric(mut matrix: Array2<f64>) -> (Array1<f64>, Array2<f64>) {
    /// Six are enough for what is not made to take more.
    const SWEEPS: usize = 30;

    let size = matrix.nrows();
    let mut vectors = Array2::<f64>::eye(size);
    let scale = matrix.iter().map(|value| value * value).sum::<f64>();
    for _ in 0..SWEEPS {
        let mut beside = 0.0;
        for p in 0..size {
            for q in p + 1..size {
                let off = matrix[[p, q]];
                beside += off * off;
                if off * off <= 1e-40 * scale {
                    continue;
                }
                let ratio = (matrix[[q, q]] - matrix[[p, p]]) / (2.0 * off);
                let tangent = ratio.signum() / (ratio.abs() + ratio.hypot(1.0));
                let cosine = tangent.hypot(1.0).recip();
                rotate(&mut matrix, p, q, cosine, tangent * cosine);
                matrix.swap_axes(0, 1);
                rotate(&mut matrix, p, q, cosine, tangent * cosine);
                rotate(&mut vectors, p, q, cosine, tangent * cosine);
            }
        }
        if beside <= 1e-30 * scale {
            break;
        }
    }
    let values = matrix.diag();
    let mut order: Vec<_> = (0..size).collect();
    order.sort_by(|a, b| values[*b].total_cmp(&values[*a]));
    let sorted = order.iter().map(|index| values[*index]).collect();
    (sorted, vectors.select(ndarray::Axis(0), &order))
}

/// Turns two rows into each other.
fn rotate(matrix: &mut Array2<f64>, p: usize, q: usize, cosine: f64, sine: f64) {
    for column in 0..matrix.ncols() {
        let (a, b) = (matrix[[p, column]], matrix[[q, column]]);
        matrix[[p, column]] = cosine * a - sine * b;
        matrix[[q, column]] = sine * a + cosine * b;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_and_values_make_the_matrix() {
        let root =
            Array2::from_shape_fn((6, 9), |(i, j)| ((3 * i + 5 * j * j + i * j) % 11) as f64);
        // Of rank 6, so that three eigenvalues are 0 and as good as equal.
        let matrix = root.t().dot(&root);
        let (values, vectors) = symmetric(matrix.clone());
        assert!(values.as_slice().unwrap().is_sorted_by(|a, b| a >= b));
        assert!(values.iter().skip(6).all(|value| value.abs() < 1e-11), "{values}");
        let again = vectors.t().dot(&Array2::from_diag(&values).dot(&vectors));
        assert!((&again - &matrix).iter().all(|error| error.abs() < 1e-10));
        let unit = vectors.dot(&vectors.t()) - Array2::<f64>::eye(9);
        assert!(unit.iter().all(|error| error.abs() < 1e-13));
    }

    #[test]
    fn a_matrix_without_anything_beside_its_diagonal() {
        let (values, _) = symmetric(Array2::from_diag(&Array1::from(vec![1.0, 3.0, 2.0])));
        assert_eq!(values.to_vec(), [3.0, 2.0, 1.0]);
        assert_eq!(symmetric(Array2::zeros((2, 2))).0.to_vec(), [0.0, 0.0]);
    }
}
