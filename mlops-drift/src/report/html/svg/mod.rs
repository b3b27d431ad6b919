//! Pictures: functions from numbers to a piece of SVG.
//!
//! The reference is filled, the current data is an outline over it or a bar beneath it; blue and orange are
//! told apart by those who see few colours (Okabe and Ito 2008), and shape by those who print in grey.
//! Coordinates are rounded, so that a picture takes few bytes. Colours, strokes and fonts are the page's.

mod axis;
mod bars;
mod categories;
mod histogram;
mod meter;
mod outline;

use std::fmt;

pub(super) use self::{
    bars::{bars, steps},
    categories::categories,
    histogram::histogram,
    meter::meter,
};

/// A coordinate: a tenth is fine enough.
struct At(f64);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = (self.0 * 10.0).round() as i64;
        let (sign, size) = (if tenths < 0 { "-" } else { "" }, tenths.unsigned_abs());
        match size % 10 {
            0 => write!(f, "{sign}{}", size / 10),
            tenth if size < 10 => write!(f, "{sign}.{tenth}"),
            tenth => write!(f, "{sign}{}.{tenth}", size / 10),
        }
    }
}

/// What stands above a large picture: which side is which.
const LEGEND: &str = "<path class=\"r\" d=\"M296 3h12v8h-12z\"/><text x=\"312\" y=\"11\">reference</text>\
    <path class=\"c\" d=\"M374 3h12v8h-12z\"/><text x=\"390\" y=\"11\">current</text>";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (12.0, "12"),
            (0.26, ".3"),
            (-0.26, "-.3"),
            (-12.34, "-12.3"),
            (9.99, "10"),
        ] {
            assert_eq!(At(value).to_string(), text);
        }
    }
}
