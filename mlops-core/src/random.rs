//! Randomness that is addressed, not drawn: the same key and counter give the same number.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// A key from which independent streams of random numbers are made, by counter.
///
/// A number depends only on the key, the stream's counter and its position in the stream: not on
/// which thread asks, in what order, or how often. That makes a decision (is this request sampled?
/// which row comes next?) repeatable across restarts and across machines. The generator is ChaCha8
/// (Bernstein 2008; eight rounds), statistically sound and not meant to keep secrets here.
///
/// ```
/// use mlops_core::random::RandomKey;
///
/// let key = RandomKey::from_seed(7).derive("sampling");
/// assert_eq!(key.stream(42).next_u64(), key.stream(42).next_u64());
/// assert_ne!(key.stream(42).next_u64(), key.stream(43).next_u64());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RandomKey([u8; 32]);

impl RandomKey {
    /// The key that stands for this seed.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        Self(blake3::derive_key("mlops-core 1 RandomKey::from_seed", &seed.to_le_bytes()))
    }

    /// A key for one purpose. Different labels give unrelated keys.
    #[must_use]
    pub fn derive(&self, label: &str) -> Self {
        Self(*blake3::keyed_hash(&self.0, label.as_bytes()).as_bytes())
    }

    /// The stream of random numbers at `counter`.
    #[must_use]
    pub fn stream(&self, counter: u64) -> RandomStream {
        let mut generator = ChaCha8Rng::from_seed(self.0);
        generator.set_stream(counter);
        RandomStream(generator)
    }
}

/// A stream of random numbers, see [`RandomKey::stream`].
#[derive(Debug, Clone)]
pub struct RandomStream(ChaCha8Rng);

impl RandomStream {
    /// The next number, uniform over all of `u64`.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// The next number, uniform over the 2^53 multiples of 2^-53 in `[0, 1)`.
    pub fn next_unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// The next number, uniform over `0..bound`, without bias (Lemire 2019, "Fast random integer
    /// generation in an interval", algorithm 5). Zero if `bound` is zero.
    pub fn next_below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        // Numbers whose low half falls under the threshold would be drawn once too often.
        let threshold = bound.wrapping_neg() % bound;
        loop {
            let wide = u128::from(self.next_u64()) * u128::from(bound);
            if wide as u64 >= threshold {
                return (wide >> 64) as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_never_change() {
        // Pinned: assignments and samples made with an older release must come out the same.
        let key = RandomKey::from_seed(1).derive("pinned");
        let drawn: Vec<u64> = (0..3).map(|counter| key.stream(counter).next_u64()).collect();
        assert_eq!(drawn, PINNED);
    }

    const PINNED: [u64; 3] =
        [2_121_326_757_026_664_833, 8_827_065_292_263_167_735, 1_713_647_633_175_647_521];

    #[test]
    fn streams_are_uniform() {
        // Each of 10 cells of 100 000 draws has mean 10 000 and standard deviation 95; 5 sigma.
        let key = RandomKey::from_seed(2);
        let mut below = [0_u32; 10];
        let mut unit = [0_u32; 10];
        for counter in 0..100_000 {
            let mut stream = key.stream(counter);
            below[stream.next_below(10) as usize] += 1;
            unit[(stream.next_unit() * 10.0) as usize] += 1;
        }
        for count in below.into_iter().chain(unit) {
            assert!(count.abs_diff(10_000) < 475, "{below:?} {unit:?}");
        }
    }

    #[test]
    fn a_bound_is_never_reached() {
        let mut stream = RandomKey::from_seed(3).stream(0);
        for bound in [1, 2, 3, 1 << 63, u64::MAX] {
            for _ in 0..100 {
                assert!(stream.next_below(bound) < bound);
            }
        }
        assert_eq!(stream.next_below(0), 0);
    }
}
