//! Rows made by the same rule here and in `make_golden.py`.

use mlops_drift::ndarray::Array2;

/// SplitMix64 (Steele, Lea & Flood 2014).
pub(crate) struct SplitMix64(pub(crate) u64);

impl SplitMix64 {
    pub(crate) fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Nearly normal, with variance 1/3, in operations that every machine rounds alike.
    pub(crate) fn bell(&mut self) -> f64 {
        self.unit() + self.unit() + self.unit() + self.unit() - 2.0
    }

    /// Each row has a part in common, so that columns are correlated, in units of 1, 2, 3, …
    pub(crate) fn rows(&mut self, count: usize, columns: usize) -> Array2<f64> {
        let mut rows = Array2::zeros((count, columns));
        for mut row in rows.rows_mut() {
            let common = self.bell();
            for (j, value) in row.iter_mut().enumerate() {
                *value = (self.bell() + 0.5 * common) * (j as f64 + 1.0);
            }
        }
        rows
    }

    /// Rows of independent columns in one unit.
    pub(crate) fn independent(&mut self, count: usize, columns: usize) -> Array2<f64> {
        Array2::from_shape_simple_fn((count, columns), || self.bell())
    }
}
