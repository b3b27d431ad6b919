//! [`Key`]: what a value, or a row of values, is known by.

use crate::quality::Values;

/// 128 bits that tell values apart.
///
/// Numbers, times and booleans map one to one: their keys differ if they do. Texts and rows are hashed by
/// MurmurHash3 (Appleby 2011, `MurmurHash3_x64_128`): among `n` different ones, two share a key with a
/// probability of about `n² / 2^129`, less than 10^-18 for a billion. It has no secret: whoever can choose
/// the texts could make two of them share one, and a unique column be reported as one that is not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::quality) struct Key(pub(super) u64, pub(super) u64);

/// The key of a value; `None` of a null.
pub(in crate::quality) fn key(values: Values<'_>, row: usize) -> Option<Key> {
    let exact = |bits: u64| Key(finalise(bits), 0);
    match values {
        Values::Integers(values) => values[row].map(|value| exact(value as u64)),
        Values::Times(values) => values[row].map(|time| exact(time.as_micros() as u64)),
        Values::Booleans(values) => values[row].map(|value| exact(value.into())),
        Values::Numbers(values) => values[row].map(|value| {
            // One NaN, and zeros without a sign.
            exact(if value.is_nan() { f64::NAN } else { value + 0.0 }.to_bits())
        }),
        Values::Texts(values) => values[row].map(|text| murmur3(text.as_bytes())),
    }
}

const C1: u64 = 0x87c3_7b91_1142_53d5;
const C2: u64 = 0x4cf5_ad43_2745_937f;

/// The hash of several keys, one after the other: what MurmurHash3 is of their bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RowHash {
    state: Key,
    keys: u64,
}

impl RowHash {
    pub(super) fn add(&mut self, key: Key) {
        self.state = mix(self.state, key);
        self.keys += 1;
    }

    pub(super) fn finish(self) -> Key {
        finish(self.state, 16 * self.keys)
    }
}

/// `MurmurHash3_x64_128` with the seed 0.
pub(super) fn murmur3(bytes: &[u8]) -> Key {
    let (blocks, tail) = bytes.as_chunks::<16>();
    let mut state = Key(0, 0);
    for block in blocks {
        let [low, high] = halves(block);
        state = mix(state, Key(low, high));
    }
    if !tail.is_empty() {
        let mut block = [0; 16];
        block[..tail.len()].copy_from_slice(tail);
        let [low, high] = halves(&block);
        state.1 ^= high.wrapping_mul(C2).rotate_left(33).wrapping_mul(C1);
        state.0 ^= low.wrapping_mul(C1).rotate_left(31).wrapping_mul(C2);
    }
    finish(state, bytes.len() as u64)
}

fn halves(block: &[u8; 16]) -> [u64; 2] {
    let both = u128::from_le_bytes(*block);
    [both as u64, (both >> 64) as u64]
}

fn mix(Key(mut h1, mut h2): Key, Key(k1, k2): Key) -> Key {
    h1 ^= k1.wrapping_mul(C1).rotate_left(31).wrapping_mul(C2);
    h1 = h1.rotate_left(27).wrapping_add(h2).wrapping_mul(5).wrapping_add(0x52dc_e729);
    h2 ^= k2.wrapping_mul(C2).rotate_left(33).wrapping_mul(C1);
    h2 = h2.rotate_left(31).wrapping_add(h1).wrapping_mul(5).wrapping_add(0x3849_5ab5);
    Key(h1, h2)
}

fn finish(Key(h1, h2): Key, length: u64) -> Key {
    let (h1, h2) = (h1 ^ length, h2 ^ length);
    let h1 = h1.wrapping_add(h2);
    let h2 = h2.wrapping_add(h1);
    let (h1, h2) = (finalise(h1), finalise(h2));
    let h1 = h1.wrapping_add(h2);
    Key(h1, h2.wrapping_add(h1))
}

/// MurmurHash3's finaliser: one to one.
fn finalise(mixed: u64) -> u64 {
    let mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    mixed ^ (mixed >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN: [(&str, u64, u64); 8] = [
        ("", 0x0, 0x0),
        ("a", 0x8555_5565_f659_7889, 0xe6b5_3a48_510e_895a),
        ("abc", 0xb496_3f3f_3fad_7867, 0x3ba2_7441_26ca_2d52),
        ("fifteen bytes !", 0x451c_992d_7e74_f2cc, 0x106d_7c06_6524_7f88),
        ("sixteen bytes !!", 0x0652_9e6e_c860_fdd5, 0xe077_450e_e71a_aa53),
        ("seventeen bytes !", 0xe229_68d8_dad4_16ce, 0xd12c_f40c_968f_c358),
        (
            "The quick brown fox jumps over the lazy dog",
            0xe34b_bc7b_bc07_1b6c,
            0x7a43_3ca9_c49a_9347,
        ),
        ("ä€𝄞", 0xcd30_ac20_2cd1_cbd5, 0x7bb5_2849_e7cb_a390),
    ];

    #[test]
    fn it_is_murmur_hash() {
        // mmh3 5.1: mmh3.hash64(text, signed=False).
        for (text, h1, h2) in GOLDEN {
            assert_eq!(murmur3(text.as_bytes()), Key(h1, h2), "{text}");
        }
    }

    #[test]
    fn a_row_is_its_keys_in_a_row() {
        let keys = [Key(1, 2), Key(u64::MAX, 0), Key(7, 1 << 63)];
        let mut hash = RowHash::default();
        let mut bytes = Vec::new();
        for key in keys {
            hash.add(key);
            bytes.extend(key.0.to_le_bytes());
            bytes.extend(key.1.to_le_bytes());
        }
        assert_eq!(hash.finish(), murmur3(&bytes));
    }

    #[test]
    fn equal_values_have_equal_keys() {
        let numbers = [Some(0.0), Some(-0.0), Some(f64::NAN), Some(-f64::NAN), Some(1.0), None];
        let keys: Vec<_> = (0..6).map(|row| key(Values::Numbers(&numbers), row)).collect();
        assert_eq!((keys[0], keys[2], keys[5]), (keys[1], keys[3], None));
        assert!(keys[0] != keys[4] && keys[0] != keys[2]);
    }
}
