//! [`HyperLogLog`]: about how many different values there are.

use mlops_core::{Error, Result};

/// An estimate of how many different values were inserted, in 2048 bytes.
///
/// HyperLogLog (Flajolet et al. 2007) with 2^11 registers and a 64-bit hash: a register keeps the longest
/// run of leading zeros, plus one, among the hashes that fall to it. The estimate is Ertl's (2017, "New
/// cardinality estimation algorithms for HyperLogLog sketches", algorithm 6), which needs neither tables of
/// bias nor a switch to linear counting for few values. Its relative standard error is
/// `1.04 / √2048 = 2.3 %`, less for fewer values than registers.
///
/// The hash is fixed (FNV-1a of 64 bits, then the finaliser of MurmurHash3), so that estimates made by
/// different processes merge. Whoever can choose the values can therefore mislead it: it is for reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HyperLogLog {
    registers: Box<[u8; REGISTERS]>,
}

const INDEX_BITS: u32 = 11;
const REGISTERS: usize = 1 << INDEX_BITS;
/// Bits of a hash that are left for the run of zeros; a register is at most one more.
const RUN_BITS: u32 = u64::BITS - INDEX_BITS;
/// A printable character for each value of a register: the alphabet of base 64.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

impl HyperLogLog {
    /// Nothing inserted yet.
    #[must_use]
    pub fn new() -> Self {
        Self { registers: Box::new([0; REGISTERS]) }
    }

    /// Forgets what was inserted.
    pub(super) fn clear(&mut self) {
        self.registers.fill(0);
    }

    /// Inserts a value.
    pub fn insert(&mut self, value: &[u8]) {
        self.insert_hash(hash(value));
    }

    /// Inserts a value by its hash.
    pub(super) fn insert_hash(&mut self, hash: u64) {
        let register = &mut self.registers[(hash >> RUN_BITS) as usize];
        let run = (hash << INDEX_BITS).leading_zeros().min(RUN_BITS);
        *register = (*register).max(run as u8 + 1);
    }

    /// Adds what was inserted into the other.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.registers.iter_mut().zip(other.registers.iter()) {
            *mine = (*mine).max(*theirs);
        }
    }

    /// About how many different values were inserted; 0 if none.
    #[must_use]
    pub fn estimate(&self) -> f64 {
        let mut counts = [0.0; RUN_BITS as usize + 2];
        for register in self.registers.iter() {
            counts[usize::from(*register)] += 1.0;
        }
        let size = REGISTERS as f64;
        let full = counts[RUN_BITS as usize + 1];
        let mut z = size * tau(1.0 - full / size);
        for count in counts[1..=RUN_BITS as usize].iter().rev() {
            z = 0.5 * (z + count);
        }
        z += size * sigma(counts[0] / size);
        // There are no more hashes than 2^64.
        (size * size / (2.0 * std::f64::consts::LN_2 * z)).min(2.0_f64.powi(64))
    }

    /// The registers, a character for each.
    pub(super) fn to_text(&self) -> String {
        self.registers.iter().map(|register| char::from(ALPHABET[usize::from(*register)])).collect()
    }

    /// Reads what [`to_text`](Self::to_text) wrote.
    pub(super) fn from_text(text: &str) -> Result<Self> {
        let invalid = |reason: String| Error::invalid("distinct", reason);
        if text.len() != REGISTERS {
            return Err(invalid(format!("{} registers, not {REGISTERS}", text.len())));
        }
        let mut read = Self::new();
        for (register, letter) in read.registers.iter_mut().zip(text.bytes()) {
            *register = ALPHABET
                .iter()
                .position(|known| *known == letter)
                .and_then(|value| u8::try_from(value).ok())
                .filter(|value| u32::from(*value) <= RUN_BITS + 1)
                .ok_or_else(|| invalid(format!("{letter:#04x} is not a register")))?;
        }
        Ok(read)
    }
}

impl Default for HyperLogLog {
    fn default() -> Self {
        Self::new()
    }
}

/// `x + Σ x^(2^k) 2^(k-1)`, for the registers that are empty; infinite if all are.
fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut power, mut sum) = (1.0, x);
    loop {
        x *= x;
        let before = sum;
        sum += x * power;
        power *= 2.0;
        if sum == before {
            return sum;
        }
    }
}

/// `(1 - x - Σ (1 - x^(2^-k))² 2^-k) / 3`, for the registers that are full.
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut power, mut sum) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = sum;
        power *= 0.5;
        sum -= (1.0 - x).powi(2) * power;
        if sum == before {
            return sum / 3.0;
        }
    }
}

/// FNV-1a, then the finaliser of MurmurHash3. It never changes: stored sketches depend on it.
pub(super) fn hash(value: &[u8]) -> u64 {
    let mixed = value.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    mixed ^ (mixed >> 33)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: std::ops::Range<u64>) -> HyperLogLog {
        let mut sketch = HyperLogLog::new();
        for value in values {
            sketch.insert(value.to_string().as_bytes());
        }
        sketch
    }

    #[test]
    fn the_hash_never_changes() {
        // Stored sketches depend on it. Without the finaliser, FNV-1a of "a" is af63dc4c8601ec8c
        // (the published vector); of nothing it is the offset basis.
        let finaliser = |x: u64| {
            let x = (x ^ (x >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
            let x = (x ^ (x >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
            x ^ (x >> 33)
        };
        assert_eq!(hash(b"a"), finaliser(0xaf63_dc4c_8601_ec8c));
        assert_eq!(hash(b""), finaliser(0xcbf2_9ce4_8422_2325));
    }

    #[test]
    fn the_error_is_as_documented() {
        assert_eq!(HyperLogLog::new().estimate(), 0.0);
        // The root of the mean square of relative errors, over independent sets of values of one size; its
        // own standard error is about 1/√(2 sets) of it.
        for size in [1_u64, 10, 100, 1000, 10_000, 50_000] {
            let sets = 200_000_u64.div_ceil(size).min(200);
            let squares: f64 = (0..sets)
                .map(|set| {
                    let start = (set + 1) * 10_000_000;
                    (of(start..start + size).estimate() / size as f64 - 1.0).powi(2)
                })
                .sum();
            let error = (squares / sets as f64).sqrt();
            let allowed =
                1.04 / (REGISTERS as f64).sqrt() * (1.0 + 3.5 / (2.0 * sets as f64).sqrt());
            assert!(error < allowed, "{size}: {error} > {allowed}");
        }
    }

    #[test]
    fn full_registers_give_a_finite_number() {
        let text = char::from(ALPHABET[RUN_BITS as usize + 1]).to_string().repeat(REGISTERS);
        let full = HyperLogLog::from_text(&text).unwrap();
        assert!(full.estimate() > 1e18, "{}", full.estimate());
    }

    #[test]
    fn what_is_not_a_sketch_is_refused() {
        let short = "A".repeat(REGISTERS - 1);
        let beyond = "/".repeat(REGISTERS);
        let foreign = "é".repeat(REGISTERS / 2);
        for text in ["", &short, &beyond, &foreign] {
            assert!(HyperLogLog::from_text(text).is_err());
        }
    }

    proptest! {
        #[test]
        fn merging_is_a_union(a in 0_u64..500, b in 0_u64..500, more in 0_u64..500) {
            let (first, second) = (of(a..a + more), of(b..b + more));
            let mut merged = first.clone();
            merged.merge(&second);
            let mut other_way = second;
            other_way.merge(&first);
            prop_assert_eq!(&merged, &other_way);
            let mut both = of(a..a + more);
            for value in b..b + more {
                both.insert(value.to_string().as_bytes());
            }
            prop_assert_eq!(&merged, &both);
            prop_assert_eq!(&HyperLogLog::from_text(&merged.to_text()).unwrap(), &merged);
            let again = merged.clone();
            merged.merge(&again);
            prop_assert_eq!(&merged, &again);
        }
    }
}
