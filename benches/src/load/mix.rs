//! [`Mix`]: what each request is.

use mlops_core::{random::RandomStream, tensor::NamedTensors};

/// Requests made before the clock starts, to be sent again and again.
#[derive(Debug, Clone, Default)]
pub struct Corpus {
    /// Requests like any other.
    pub sound: Vec<NamedTensors>,
    /// Requests that the model cannot answer.
    pub poison: Vec<NamedTensors>,
}

impl Corpus {
    /// All requests, those that are poison last; [`Ticket::request`] counts in this order.
    pub fn all(&self) -> impl Iterator<Item = &NamedTensors> {
        self.sound.iter().chain(&self.poison)
    }
}

/// The shares of unusual requests.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub struct Mix {
    /// Share of requests that are poison, in 0..=1.
    pub poison: f64,
    /// Share of requests whose client goes away as soon as it has sent them, in 0..=1.
    pub disconnects: f64,
}

impl Mix {
    /// Sets the share of requests that are poison.
    #[must_use]
    pub fn with_poison(mut self, share: f64) -> Self {
        self.poison = share;
        self
    }

    /// Sets the share of requests whose client goes away.
    #[must_use]
    pub fn with_disconnects(mut self, share: f64) -> Self {
        self.disconnects = share;
        self
    }

    /// What the next request is.
    pub(super) fn draw(&self, sizes: Sizes, random: &mut RandomStream) -> Ticket {
        let is_poison = sizes.poison > 0 && random.next_unit() < self.poison;
        let leaves = random.next_unit() < self.disconnects;
        let request = if is_poison {
            sizes.sound + random.next_below(sizes.poison as u64) as usize
        } else {
            random.next_below(sizes.sound as u64) as usize
        };
        Ticket { request, is_poison, leaves }
    }
}

/// How many requests a [`Corpus`] has.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Requests like any other.
    pub sound: usize,
    /// Requests that the model cannot answer.
    pub poison: usize,
}

impl From<&Corpus> for Sizes {
    fn from(corpus: &Corpus) -> Self {
        Self { sound: corpus.sound.len(), poison: corpus.poison.len() }
    }
}

/// One request to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// Which of [`Corpus::all`].
    pub request: usize,
    /// True if the model cannot answer it.
    pub is_poison: bool,
    /// True if the client goes away as soon as it has sent it.
    pub leaves: bool,
}

#[cfg(test)]
mod tests {
    use mlops_core::random::RandomKey;

    use super::*;

    #[test]
    fn the_shares_are_those_asked_for() {
        let mix = Mix::default().with_poison(0.01).with_disconnects(0.1);
        let sizes = Sizes { sound: 7, poison: 3 };
        let mut random = RandomKey::from_seed(3).stream(0);
        let (mut poison, mut leaves, mut seen) = (0, 0, [0; 10]);
        for _ in 0..100_000 {
            let ticket = mix.draw(sizes, &mut random);
            assert_eq!(ticket.is_poison, ticket.request >= sizes.sound);
            poison += u32::from(ticket.is_poison);
            leaves += u32::from(ticket.leaves);
            seen[ticket.request] += 1;
        }
        // Standard deviations 31 and 95; 5 of each.
        assert!(poison.abs_diff(1_000) < 157, "{poison}");
        assert!(leaves.abs_diff(10_000) < 474, "{leaves}");
        assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
    }

    #[test]
    fn nothing_unusual_is_the_default() {
        let mut random = RandomKey::from_seed(3).stream(0);
        for _ in 0..1000 {
            let ticket = Mix::default().draw(Sizes { sound: 2, poison: 2 }, &mut random);
            assert!(!ticket.is_poison && !ticket.leaves);
        }
    }
}
