//! The law as an entry of a power of a matrix.

use std::f64::consts::TAU;

use mlops_core::stats::special::stirling_error;

/// `P(D < d)` by Durbin's matrix (1973), as Marsaglia, Tsang & Wang (2003) set it up.
///
/// With `n d = k - h`, `0 <= h < 1`, it is `n!/n^n` times the entry in the middle of `H^n`, where `H`
/// is of size `2k - 1`: `1/(i-j+1)!` on and below the diagonal above the main one, but for the first
/// column and the last row. Time is `(2k - 1)³ log n`.
pub(super) fn cdf(n: u64, d: f64) -> f64 {
    let boundary = n as f64 * d;
    let k = boundary.ceil();
    let h = k - boundary;
    let k = k as usize;
    let mut matrix = Matrix::durbin(2 * k - 1, h);
    // The row in the middle of the power is all that is needed: a vector times the squares.
    let mut row = vec![0.0; matrix.size];
    row[k - 1] = 1.0;
    let mut power = n;
    loop {
        if power & 1 == 1 {
            row = matrix.multiply_row(&row);
        }
        power >>= 1;
        if power == 0 {
            break;
        }
        matrix = matrix.square();
    }
    // `n!/n^n` is this, times `e^-n`, which is in the matrix already.
    let n = n as f64;
    row[k - 1] * (TAU * n).sqrt() * stirling_error(n).exp()
}

/// A square matrix, row by row.
struct Matrix {
    size: usize,
    entries: Vec<f64>,
}

impl Matrix {
    /// Durbin's `H`, divided by e: its powers then neither overflow nor vanish.
    fn durbin(size: usize, h: f64) -> Self {
        // One over the factorials of 1, 2, …, over e. `h` to the same powers.
        let mut inverse = (-1.0_f64).exp();
        let mut power = 1.0;
        let mut diagonal = vec![inverse];
        let mut edge = Vec::with_capacity(size);
        for order in 1..=size {
            inverse /= order as f64;
            power *= h;
            diagonal.push(inverse);
            edge.push((1.0 - power) * inverse);
        }
        let corner = (1.0 - 2.0 * power + (2.0 * h - 1.0).max(0.0).powi(size as i32)) * inverse;
        edge[size - 1] = corner;
        let mut entries = vec![0.0; size * size];
        for (i, row) in entries.chunks_exact_mut(size).enumerate() {
            row[0] = edge[i];
            for j in 1..size.min(i + 2) {
                row[j] = diagonal[i + 1 - j];
            }
            if i == size - 1 {
                for (j, entry) in row.iter_mut().enumerate() {
                    *entry = edge[size - 1 - j];
                }
            }
        }
        Self { size, entries }
    }

    fn multiply_row(&self, row: &[f64]) -> Vec<f64> {
        let mut product = vec![0.0; self.size];
        add_product(row, self, &mut product);
        product
    }

    fn square(&self) -> Self {
        let mut entries = vec![0.0; self.entries.len()];
        let rows = self.entries.chunks_exact(self.size);
        for (row, product) in rows.zip(entries.chunks_exact_mut(self.size)) {
            add_product(row, self, product);
        }
        Self { size: self.size, entries }
    }
}

/// Adds the product of a row and a matrix to `product`.
fn add_product(row: &[f64], matrix: &Matrix, product: &mut [f64]) {
    for (factor, entries) in row.iter().zip(matrix.entries.chunks_exact(matrix.size)) {
        for (sum, entry) in product.iter_mut().zip(entries) {
            *sum += factor * entry;
        }
    }
}
