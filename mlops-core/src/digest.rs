//! [`Digest`]: what a file's content is known by.

use std::{fmt, io, str::FromStr};

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::{Error, Result};

/// A hash function for [`Digest`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DigestAlgorithm {
    /// BLAKE3 with 32 bytes of output: the default, because it is several times faster than SHA-2.
    Blake3,
    /// SHA-256, as other systems record it. Parsed and compared, never computed here.
    Sha256,
}

impl DigestAlgorithm {
    /// The name in front of the colon, for instance `blake3`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blake3 => "blake3",
            Self::Sha256 => "sha256",
        }
    }

    /// Bytes in a digest of this algorithm.
    #[must_use]
    pub const fn size_bytes(self) -> usize {
        32
    }
}

/// The hash of some bytes, with the algorithm that made it: `blake3:6f1a…`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    algorithm: DigestAlgorithm,
    bytes: SmallVec<[u8; 32]>,
}

impl Digest {
    /// The BLAKE3 digest of `content`.
    #[must_use]
    pub fn of(content: &[u8]) -> Self {
        Self::blake3(blake3::hash(content))
    }

    /// The BLAKE3 digest and the size in bytes of everything `reader` gives.
    ///
    /// # Errors
    /// The reader's own.
    pub fn of_reader(mut reader: impl io::Read) -> io::Result<(Self, u64)> {
        let mut hasher = Digester::new();
        io::copy(&mut reader, &mut hasher)?;
        let size_bytes = hasher.size_bytes();
        Ok((hasher.finish(), size_bytes))
    }

    /// Which hash function made it.
    #[must_use]
    pub fn algorithm(&self) -> DigestAlgorithm {
        self.algorithm
    }

    /// The raw hash.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The raw hash in lower-case hexadecimal.
    #[must_use]
    pub fn to_hex(&self) -> String {
        self.bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn blake3(hash: blake3::Hash) -> Self {
        Self { algorithm: DigestAlgorithm::Blake3, bytes: SmallVec::from_slice(hash.as_bytes()) }
    }
}

/// Computes a BLAKE3 [`Digest`] piece by piece.
#[derive(Debug, Clone, Default)]
pub struct Digester {
    hasher: blake3::Hasher,
}

impl Digester {
    /// A digester that has seen nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes.
    pub fn update(&mut self, content: &[u8]) {
        self.hasher.update(content);
    }

    /// Bytes seen so far.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.hasher.count()
    }

    /// The digest of all bytes seen.
    #[must_use]
    pub fn finish(&self) -> Digest {
        Digest::blake3(self.hasher.finalize())
    }
}

impl io::Write for Digester {
    fn write(&mut self, content: &[u8]) -> io::Result<usize> {
        self.update(content);
        Ok(content.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm.name(), self.to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = Error;

    /// Reads `algorithm:hexadecimal`, either case.
    fn from_str(text: &str) -> Result<Self> {
        let invalid = |reason: String| Error::invalid("digest", reason);
        let (name, hex) = text
            .split_once(':')
            .ok_or_else(|| invalid(format!("`{text}` is not `algorithm:hexadecimal`")))?;
        let algorithm = [DigestAlgorithm::Blake3, DigestAlgorithm::Sha256]
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
            .ok_or_else(|| {
                invalid(format!("unknown algorithm `{name}`; known are blake3 and sha256"))
            })?;
        let digits = hex.as_bytes();
        if digits.len() != 2 * algorithm.size_bytes() {
            return Err(invalid(format!(
                "{name} has {} hexadecimal digits, not {}",
                2 * algorithm.size_bytes(),
                digits.len()
            )));
        }
        let bytes = digits
            .chunks_exact(2)
            .map(|pair| Some(hex_digit(pair[0])? << 4 | hex_digit(pair[1])?))
            .collect::<Option<_>>()
            .ok_or_else(|| invalid(format!("`{hex}` is not hexadecimal")))?;
        Ok(Self { algorithm, bytes })
    }
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn matches_the_published_vector() {
        // BLAKE3 test_vectors.json, input length 0, first 32 bytes of `hash`.
        assert_eq!(
            Digest::of(b"").to_string(),
            "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
        );
    }

    #[test]
    fn refuses_what_is_not_a_digest() {
        let short = format!("blake3:{}", "0".repeat(62));
        let odd_letter = format!("sha256:{}g", "0".repeat(63));
        let not_ascii = format!("blake3:{}", "é".repeat(32));
        for text in ["", "blake3", "md5:00", &short, &odd_letter, &not_ascii] {
            let error = text.parse::<Digest>().unwrap_err();
            assert!(matches!(error, Error::InvalidArgument { what: "digest", .. }), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_round_trips_and_pieces_do_not_matter(content: Vec<u8>, cut in 0_usize..100) {
            let digest = Digest::of(&content);
            prop_assert_eq!(&digest.to_string().parse::<Digest>().unwrap(), &digest);
            prop_assert_eq!(&digest.to_string().to_uppercase().replace("BLAKE3", "blake3").parse::<Digest>().unwrap(), &digest);
            let (head, tail) = content.split_at(cut.min(content.len()));
            let mut digester = Digester::new();
            digester.update(head);
            digester.update(tail);
            prop_assert_eq!(digester.finish(), digest.clone());
            prop_assert_eq!(Digest::of_reader(&content[..]).unwrap(), (digest, content.len() as u64));
        }
    }
}
