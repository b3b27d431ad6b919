//! Lists in pages.

use std::num::NonZeroUsize;

/// Which part of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Where to go on: [`Paged::next`] of the page before; `None` for the first.
    pub token: Option<String>,
    /// How many items at most.
    pub limit: NonZeroUsize,
}

impl Page {
    /// The first page, of at most this many items.
    #[must_use]
    pub fn first(limit: NonZeroUsize) -> Self {
        Self { token: None, limit }
    }
}

impl Default for Page {
    /// The first 100 items.
    fn default() -> Self {
        Self::first(const { NonZeroUsize::new(100).expect("100 is not zero") })
    }
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paged<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// The token of the next page; `None` at the end.
    pub next: Option<String>,
}
