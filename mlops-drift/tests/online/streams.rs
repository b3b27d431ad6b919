//! Streams that `make_golden.py` makes by the same rules.

use serde::Deserialize;

/// Steele, Lea and Flood (2014), "Fast splittable pseudorandom number generators".
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// Nearly normal: twelve uniform numbers less six.
    fn bell(&mut self) -> f64 {
        (0..12).fold(0.0, |sum, _| sum + self.uniform()) - 6.0
    }
}

/// A stream as the golden file describes it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Stream {
    Values { values: Vec<f64> },
    Rule { seed: u64, segments: Vec<Segment> },
}

#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Segment {
    Bernoulli { count: u32, share: f64 },
    Normal { count: u32, mean: f64, deviation: f64 },
    Ramp { count: u32, from: f64, to: f64, deviation: f64 },
    Integers { count: u32, below: f64 },
}

impl Stream {
    pub(super) fn values(&self) -> Vec<f64> {
        let (seed, segments) = match self {
            Self::Values { values } => return values.clone(),
            Self::Rule { seed, segments } => (*seed, segments),
        };
        let mut random = SplitMix64(seed);
        let mut values = Vec::new();
        for segment in segments {
            match *segment {
                Segment::Bernoulli { count, share } => {
                    values.extend((0..count).map(|_| f64::from(u8::from(random.uniform() < share))))
                }
                Segment::Normal { count, mean, deviation } => {
                    values.extend((0..count).map(|_| mean + deviation * random.bell()));
                }
                Segment::Ramp { count, from, to, deviation } => {
                    values.extend((0..count).map(|n| {
                        from + (to - from) * f64::from(n) / f64::from(count)
                            + deviation * random.bell()
                    }))
                }
                Segment::Integers { count, below } => {
                    values.extend((0..count).map(|_| (random.uniform() * below).floor()));
                }
            }
        }
        values
    }
}

/// Independent, nearly normal values.
pub(super) fn normal(seed: u64) -> impl Iterator<Item = f64> {
    let mut random = SplitMix64(seed);
    std::iter::repeat_with(move || random.bell())
}

/// Normal values by the method of Box and Muller, for where the tails count.
pub(super) fn gaussian(seed: u64) -> impl Iterator<Item = f64> {
    let mut random = SplitMix64(seed);
    std::iter::repeat_with(move || {
        let radius = (-2.0 * (1.0 - random.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * random.uniform()).cos()
    })
}

/// Errors with this rate.
pub(super) fn errors(seed: u64, rate: f64) -> impl Iterator<Item = f64> {
    let mut random = SplitMix64(seed);
    std::iter::repeat_with(move || f64::from(u8::from(random.uniform() < rate)))
}
