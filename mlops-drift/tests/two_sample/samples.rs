//! Samples made by the same rule here and in `make_golden.py`.

use mlops_drift::stats::Sample;

/// SplitMix64 (Steele, Lea & Flood 2014).
pub(crate) struct SplitMix64(pub(crate) u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A value of this kind, in operations that every machine rounds alike.
    pub(crate) fn value(&mut self, kind: &str) -> f64 {
        match kind {
            "uniform" => self.unit(),
            "bell" => self.unit() + self.unit() + self.unit() + self.unit() - 2.0,
            "heavy" => {
                let u = self.unit();
                u / (1.0 - u)
            }
            "five" => (self.unit() * 5.0).floor(),
            "forty" => (self.unit() * 40.0).floor() / 8.0,
            "constant" => 1.0,
            _ => panic!("{kind}"),
        }
    }

    pub(crate) fn sample(&mut self, name: &'static str, count: usize, kind: &str) -> Sample {
        Sample::new(name, (0..count).map(|_| self.value(kind)).collect()).unwrap()
    }
}

pub(crate) fn sample(values: &[f64]) -> Sample {
    Sample::from_slice("reference", values).unwrap()
}

/// Each value times `scale`, plus `shift`.
pub(crate) fn moved(sample: &Sample, scale: f64, shift: f64) -> Sample {
    let values = sample.values().iter().map(|value| value * scale + shift).collect();
    Sample::new("current", values).unwrap()
}
