//! The standard normal distribution.
//!
//! NaN gives NaN.

use std::f64::consts::{FRAC_1_SQRT_2, TAU};

/// The density at `x`.
#[must_use]
pub fn pdf(x: f64) -> f64 {
    (-0.5 * x * x).exp() / TAU.sqrt()
}

/// How probable a value of at most `x` is: `½ erfc(-x/√2)`, of full relative accuracy far below 0.
#[must_use]
pub fn cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x * FRAC_1_SQRT_2)
}

/// How probable a value above `x` is: `½ erfc(x/√2)`, of full relative accuracy far above 0.
#[must_use]
pub fn sf(x: f64) -> f64 {
    0.5 * libm::erfc(x * FRAC_1_SQRT_2)
}

/// How probable a value at least as far from 0 as `z` is: the p-value of a two-sided z test.
#[must_use]
pub fn two_sided(z: f64) -> f64 {
    libm::erfc(z.abs() * FRAC_1_SQRT_2)
}

/// The value that `cdf` takes to `p`; minus and plus infinity at 0 and 1, NaN for `p` outside `[0, 1]`.
///
/// Wichura (1988), "Algorithm AS 241", PPND16: right to about 1e-16 of its value, tails included.
#[must_use]
pub fn quantile(p: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    let central = p - 0.5;
    if central.abs() <= 0.425 {
        let r = 0.180_625 - central * central;
        return central * ratio(&CENTRAL, r);
    }
    let tail = p.min(1.0 - p);
    if tail == 0.0 {
        return f64::INFINITY.copysign(central);
    }
    let r = (-tail.ln()).sqrt();
    let distance = if r <= 5.0 { ratio(&MIDDLE, r - 1.6) } else { ratio(&FAR, r - 5.0) };
    distance.copysign(central)
}

/// Numerator and denominator, constant terms first.
type Rational = [[f64; 8]; 2];

fn ratio([numerator, denominator]: &Rational, x: f64) -> f64 {
    let at = |terms: &[f64; 8]| terms.iter().rev().fold(0.0, |sum, term| sum * x + term);
    at(numerator) / at(denominator)
}

#[expect(clippy::excessive_precision, reason = "the digits as published")]
const CENTRAL: Rational = [
    [
        3.387_132_872_796_366_608_0,
        1.331_416_678_917_843_774_5e+2,
        1.971_590_950_306_551_442_7e+3,
        1.373_169_376_550_946_112_5e+4,
        4.592_195_393_154_987_145_7e+4,
        6.726_577_092_700_870_085_3e+4,
        3.343_057_558_358_812_810_5e+4,
        2.509_080_928_730_122_672_7e+3,
    ],
    [
        1.0,
        4.231_333_070_160_091_125_2e+1,
        6.871_870_074_920_579_083_0e+2,
        5.394_196_021_424_751_107_7e+3,
        2.121_379_430_158_659_586_7e+4,
        3.930_789_580_009_271_061_0e+4,
        2.872_908_573_572_194_267_4e+4,
        5.226_495_278_852_854_561_0e+3,
    ],
];
#[expect(clippy::excessive_precision, reason = "the digits as published")]
const MIDDLE: Rational = [
    [
        1.423_437_110_749_683_577_34,
        4.630_337_846_156_545_295_90,
        5.769_497_221_460_691_405_50,
        3.647_848_324_763_204_605_04,
        1.270_458_252_452_368_382_58,
        2.417_807_251_774_506_117_70e-1,
        2.272_384_498_926_918_458_33e-2,
        7.745_450_142_783_414_076_40e-4,
    ],
    [
        1.0,
        2.053_191_626_637_758_821_87,
        1.676_384_830_183_803_849_40,
        6.897_673_349_851_000_045_50e-1,
        1.481_039_764_274_800_745_90e-1,
        1.519_866_656_361_645_719_66e-2,
        5.475_938_084_995_344_946_00e-4,
        1.050_750_071_644_416_843_24e-9,
    ],
];
#[expect(clippy::excessive_precision, reason = "the digits as published")]
const FAR: Rational = [
    [
        6.657_904_643_501_103_777_20,
        5.463_784_911_164_114_369_90,
        1.784_826_539_917_291_335_80,
        2.965_605_718_285_048_912_30e-1,
        2.653_218_952_657_612_309_30e-2,
        1.242_660_947_388_078_438_60e-3,
        2.711_555_568_743_487_578_15e-5,
        2.010_334_399_292_288_132_65e-7,
    ],
    [
        1.0,
        5.998_322_065_558_879_376_90e-1,
        1.369_298_809_227_358_053_10e-1,
        1.487_536_129_085_061_485_25e-2,
        7.868_691_311_456_132_591_00e-4,
        1.846_318_317_510_054_681_80e-5,
        1.421_511_758_316_445_888_70e-7,
        2.044_263_103_389_939_785_64e-15,
    ],
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn edges() {
        assert_eq!(
            (quantile(0.0), quantile(0.5), quantile(1.0)),
            (f64::NEG_INFINITY, 0.0, f64::INFINITY)
        );
        assert!([-0.1, 1.1, f64::NAN].into_iter().all(|p| quantile(p).is_nan()));
        assert_eq!(
            (cdf(f64::NEG_INFINITY), sf(f64::NEG_INFINITY), two_sided(0.0)),
            (0.0, 1.0, 1.0)
        );
        assert!(cdf(f64::NAN).is_nan() && two_sided(f64::NAN).is_nan());
    }

    proptest! {
        #[test]
        fn the_quantile_inverts(x in -37.0_f64..0.0) {
            // A change of x by one part in 1e15 changes the tail by x² parts.
            prop_assert!((quantile(cdf(x)) - x).abs() < 1e-14 * (1.0 + x.abs()));
            prop_assert_eq!(cdf(x), sf(-x));
            prop_assert_eq!(two_sided(x), 2.0 * cdf(x));
        }
    }
}
