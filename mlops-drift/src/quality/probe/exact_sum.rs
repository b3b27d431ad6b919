//! [`ExactSum`]: a sum without rounding.

/// A sum of doubles as a fixed-point number that is wide enough for all of them, and for their squares
/// (Kulisch 1971; as 32-bit digits with room for carries in 64 bits, Neal 2015, "Fast exact summation using
/// small and large superaccumulators"). Nothing is rounded, so the order of the summands does not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ExactSum {
    /// Digits to the base 2^32, the lowest first, each with a sign of its own until carries are propagated.
    digits: Box<[i64; DIGITS]>,
    /// Summands since carries were propagated.
    pending: u32,
}

/// The exponent of the lowest bit: the least double is 2^-1074, and its square 2^-2148.
const LOWEST: i32 = -2176;
/// From there to 2^2048, the largest square, with 2^96 of them.
const DIGITS: usize = (2176 + 2048 + 96) / 32;
/// Digits that a quotient gets below those of its dividend.
const EXTRA: usize = 5;
/// A summand adds less than 2^34 to a digit.
const MAX_PENDING: u32 = 1 << 28;

impl ExactSum {
    pub(super) fn new() -> Self {
        Self { digits: Box::new([0; DIGITS]), pending: 0 }
    }

    /// Adds a finite number.
    pub(super) fn add(&mut self, value: f64) {
        let (negative, mantissa, exponent) = parts(value);
        self.add_parts(negative, mantissa.into(), exponent);
    }

    /// Adds the square of a finite number.
    pub(super) fn add_square(&mut self, value: f64) {
        let (_, mantissa, exponent) = parts(value);
        self.add_parts(false, u128::from(mantissa) * u128::from(mantissa), 2 * exponent);
    }

    /// Adds a whole number.
    pub(super) fn add_whole(&mut self, value: i64) {
        self.add_parts(value < 0, value.unsigned_abs().into(), 0);
    }

    /// Adds the square of a whole number.
    pub(super) fn add_square_of_whole(&mut self, value: i64) {
        let magnitude = u128::from(value.unsigned_abs());
        self.add_parts(false, magnitude * magnitude, 0);
    }

    /// Adds `mantissa · 2^exponent`, with a sign.
    fn add_parts(&mut self, negative: bool, mut mantissa: u128, exponent: i32) {
        let place = (exponent - LOWEST) as usize;
        let (mut digit, shift) = (place / 32, place % 32);
        while mantissa != 0 {
            let part = i64::from(mantissa as u32) << shift;
            let part = if negative { -part } else { part };
            self.digits[digit] += part & 0xffff_ffff;
            self.digits[digit + 1] += part >> 32;
            mantissa >>= 32;
            digit += 1;
        }
        self.pending += 1;
        if self.pending == MAX_PENDING {
            self.carry();
        }
    }

    /// Brings every digit but the highest into `0..2^32`: the sign is that of the highest.
    fn carry(&mut self) {
        let mut carry = 0;
        let (last, digits) = self.digits.split_last_mut().expect("there are digits");
        for digit in digits {
            let sum = *digit + carry;
            *digit = sum & 0xffff_ffff;
            carry = sum >> 32;
        }
        *last += carry;
        self.pending = 0;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.carry();
        let mut other = other.clone();
        other.carry();
        for (mine, theirs) in self.digits.iter_mut().zip(other.digits.iter()) {
            *mine += theirs;
        }
        self.carry();
    }

    /// The sum.
    pub(super) fn total(&self) -> Whole {
        let mut sum = self.clone();
        sum.carry();
        let negative = sum.digits[DIGITS - 1] < 0;
        if negative {
            sum.digits.iter_mut().for_each(|digit| *digit = -*digit);
            sum.carry();
        }
        // The highest digit has room for 2^96 summands: it is less than 2^32.
        let digits = sum.digits.iter().map(|digit| *digit as u32).collect();
        Whole { negative, digits, exponent: LOWEST }
    }
}

/// `(negative, mantissa, exponent)` of a finite double: `± mantissa · 2^exponent`.
fn parts(value: f64) -> (bool, u64, i32) {
    let bits = value.to_bits();
    let biased = (bits >> 52) as i32 & 0x7ff;
    let fraction = bits & ((1 << 52) - 1);
    let (mantissa, exponent) =
        if biased == 0 { (fraction, -1074) } else { (fraction | 1 << 52, biased - 1075) };
    (value.is_sign_negative(), mantissa, exponent)
}

/// A number of any size, `± digits · 2^exponent`, for the few operations at the end.
#[derive(Debug, Clone)]
pub(super) struct Whole {
    negative: bool,
    /// To the base 2^32, the lowest first.
    digits: Vec<u32>,
    exponent: i32,
}

impl Whole {
    /// The count times this.
    pub(super) fn times(&self, count: u64) -> Self {
        let digits = product(&self.digits, &[count as u32, (count >> 32) as u32]);
        Self { digits, ..*self }
    }

    /// This times itself.
    pub(super) fn squared(&self) -> Self {
        // What is 0 at the low end is most of it.
        let low = self.digits.iter().position(|digit| *digit != 0).unwrap_or(0);
        let high = self.digits.iter().rposition(|digit| *digit != 0).map_or(low, |last| last + 1);
        let part = &self.digits[low..high];
        let exponent = 2 * (self.exponent + 32 * low as i32);
        Self { negative: false, digits: product(part, part), exponent }
    }

    /// This less the other, both of them not negative and the result not either, their exponents multiples of 32
    /// apart.
    pub(super) fn minus(&self, other: &Self) -> Self {
        let exponent = self.exponent.min(other.exponent);
        let shifted = |number: &Self| {
            let zeros = ((number.exponent - exponent) / 32) as usize;
            let digits = number.digits.iter().copied();
            std::iter::repeat_n(0, zeros).chain(digits).collect::<Vec<u32>>()
        };
        let (mine, theirs) = (shifted(self), shifted(other));
        let mut borrow = 0;
        let mut digits = Vec::with_capacity(mine.len());
        for place in 0..mine.len().max(theirs.len()) {
            let at = |digits: &[u32]| i64::from(digits.get(place).copied().unwrap_or(0));
            let difference = at(&mine) - at(&theirs) + borrow;
            digits.push(difference as u32);
            borrow = difference >> 32;
        }
        debug_assert_eq!(borrow, 0, "the result is negative");
        Self { negative: false, digits, exponent }
    }

    /// This divided by the divisor, with 64 bits or more that are right, and one below them that tells whether
    /// anything is left.
    pub(super) fn divided(&self, divisor: u64) -> Self {
        let mut digits = vec![0; EXTRA];
        digits.extend(&self.digits);
        let mut rest = 0_u128;
        for digit in digits.iter_mut().rev() {
            let part = rest << 32 | u128::from(*digit);
            *digit = (part / u128::from(divisor)) as u32;
            rest = part % u128::from(divisor);
        }
        digits[0] |= u32::from(rest != 0);
        Self { digits, exponent: self.exponent - 32 * EXTRA as i32, ..*self }
    }

    /// As `(m, e)` for `m · 2^e`, with `m` of 64 bits rounded to a double, or 0.
    pub(super) fn to_parts(&self) -> (f64, i32) {
        let Some(top) = self.digits.iter().rposition(|digit| *digit != 0) else { return (0.0, 0) };
        let at =
            |back: usize| top.checked_sub(back).map_or(0, |place| u128::from(self.digits[place]));
        let leading = at(0) << 64 | at(1) << 32 | at(2);
        let shift = 128 - 64 - leading.leading_zeros();
        let mut mantissa = (leading >> shift) as u64;
        // One bit for all that is cut off, so that halves are told from more than halves.
        let rest = leading & ((1 << shift) - 1) != 0
            || self.digits[..top.saturating_sub(2)].iter().any(|digit| *digit != 0);
        mantissa |= u64::from(rest);
        let exponent = self.exponent + 32 * (top as i32 - 2) + shift as i32;
        let magnitude = mantissa as f64;
        (if self.negative { -magnitude } else { magnitude }, exponent)
    }
}

fn product(a: &[u32], b: &[u32]) -> Vec<u32> {
    let mut digits = vec![0_u32; a.len() + b.len()];
    for (i, x) in a.iter().enumerate().filter(|(_, x)| **x != 0) {
        let mut carry = 0_u64;
        for (j, y) in b.iter().enumerate() {
            let sum = u64::from(digits[i + j]) + u64::from(*x) * u64::from(*y) + carry;
            digits[i + j] = sum as u32;
            carry = sum >> 32;
        }
        digits[i + b.len()] = carry as u32;
    }
    digits
}

/// `m · 2^e`, without over- or underflow on the way.
pub(super) fn scaled(m: f64, e: i32) -> f64 {
    let mut value = m;
    let mut left = e;
    while left != 0 && value != 0.0 && value.is_finite() {
        let step = left.clamp(-900, 900);
        value *= 2.0_f64.powi(step);
        left -= step;
    }
    value
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sum(values: &[f64]) -> f64 {
        let mut sum = ExactSum::new();
        values.iter().for_each(|value| sum.add(*value));
        let (m, e) = sum.total().to_parts();
        scaled(m, e)
    }

    #[test]
    fn nothing_is_rounded() {
        assert_eq!(sum(&[]), 0.0);
        assert_eq!(sum(&[1e308, 1.0, -1e308, 5e-324]), 1.0);
        assert_eq!(sum(&[f64::MAX, f64::MAX, -f64::MAX]), f64::MAX);
        assert_eq!(sum(&[5e-324, 5e-324, -1e300, 1e300]), 1e-323);
        assert_eq!(sum(&[0.1; 10]), 1.0);
        assert_eq!(sum(&[-0.1; 10]), -1.0);
        // Halves go to even, and more than halves up.
        assert_eq!(sum(&[9_007_199_254_740_992.0, 1.0]), 9_007_199_254_740_992.0);
        assert_eq!(sum(&[9_007_199_254_740_992.0, 1.0, 5e-324]), 9_007_199_254_740_994.0);
    }

    #[test]
    fn squares_of_the_largest_and_the_least_have_room() {
        let mut sum = ExactSum::new();
        for value in [f64::MAX, f64::MAX, 5e-324] {
            sum.add_square(value);
        }
        let (m, e) = sum.total().to_parts();
        // (2^53 - 1)² is 2^106 - 2^54 + 1: 52 ones, to begin with.
        assert_eq!((m, e), (2.0_f64.powi(64) - 2.0_f64.powi(12), 2048 + 1 - 64));
        let mut whole = ExactSum::new();
        whole.add_square_of_whole(i64::MIN);
        let (m, e) = whole.total().to_parts();
        assert_eq!(scaled(m, e), 2.0_f64.powi(126));
    }

    #[test]
    fn carries_are_propagated_in_time() {
        // As many as fit, as though that many had been added.
        let mut sum = ExactSum::new();
        sum.add(-1.0);
        sum.pending = MAX_PENDING - 1;
        sum.add(3.0);
        assert_eq!(sum.pending, 0);
        let (m, e) = sum.total().to_parts();
        assert_eq!(scaled(m, e), 2.0);
    }

    proptest! {
        #[test]
        fn it_is_the_sum_of_whole_numbers(
            values in prop::collection::vec(any::<i64>(), 0..40), cut: usize,
        ) {
            let exact: i128 = values.iter().map(|value| i128::from(*value)).sum();
            let cut = cut % (values.len() + 1);
            let mut parts = [ExactSum::new(), ExactSum::new()];
            for (place, value) in values.iter().enumerate() {
                parts[usize::from(place >= cut)].add_whole(*value);
            }
            let [mut all, rest] = parts;
            all.merge(&rest);
            let (m, e) = all.total().to_parts();
            prop_assert_eq!(scaled(m, e), exact as f64);
            if let Some(square) = exact.checked_mul(exact) {
                let (m, e) = all.total().squared().to_parts();
                prop_assert_eq!(scaled(m, e), square as f64);
            }
        }

        #[test]
        fn any_order_gives_the_same(mut values in prop::collection::vec(any::<f64>(), 0..40), seed: u64) {
            values.retain(|value| value.is_finite());
            let there = sum(&values);
            let count = values.len().max(1);
            values.rotate_left(seed as usize % count);
            values.reverse();
            prop_assert_eq!(there.to_bits(), sum(&values).to_bits());
        }
    }
}
