//! The bounded queue: a plain data structure, no locks and no clock.

use std::{collections::VecDeque, time::Instant};

use mlops_core::Error;

use super::{item::Item, policy::Queued};

/// Requests in the order they came, bounded by count and bytes.
#[derive(Debug)]
pub(super) struct Queue {
    items: VecDeque<Item>,
    rows: usize,
    size_bytes: usize,
    limits: QueueLimits,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct QueueLimits {
    pub(super) max_requests: usize,
    pub(super) max_bytes: usize,
}

impl Queue {
    pub(super) fn new(limits: QueueLimits) -> Self {
        Self { items: VecDeque::new(), rows: 0, size_bytes: 0, limits }
    }

    /// Adds a request at the end, or gives it back if there is no room.
    pub(super) fn push(&mut self, item: Item) -> Result<(), Item> {
        if self.items.len() >= self.limits.max_requests
            || item.size_bytes > self.limits.max_bytes - self.size_bytes
        {
            return Err(item);
        }
        self.rows += item.rows;
        self.size_bytes += item.size_bytes;
        self.items.push_back(item);
        Ok(())
    }

    /// Why there is no room for a request of this size.
    pub(super) fn overloaded(&self, size_bytes: usize) -> Error {
        let (what, limit) = if self.items.len() >= self.limits.max_requests {
            ("queue (requests)", self.limits.max_requests)
        } else if size_bytes > self.limits.max_bytes {
            // It would not fit an empty queue either: waiting is of no use.
            return Error::TooLarge {
                what: "request (bytes)",
                actual: size_bytes as u64,
                limit: self.limits.max_bytes as u64,
            };
        } else {
            ("queue (bytes)", self.limits.max_bytes)
        };
        Error::Overloaded { what, limit: limit as u64, retry_after: None }
    }

    /// Removes the request at the front.
    pub(super) fn pop(&mut self) -> Option<Item> {
        let item = self.items.pop_front()?;
        self.forget(&item);
        Some(item)
    }

    /// Fills `batch` with requests that stack with its first (or with the oldest, if it is empty),
    /// oldest first, up to `max_rows` rows in all. Others keep their places.
    ///
    /// Requests that are abandoned or late are removed on the way: abandoned ones are dropped, late
    /// ones come back for an answer.
    pub(super) fn fill(
        &mut self,
        batch: &mut Vec<Item>,
        max_rows: usize,
        now: Instant,
    ) -> Vec<Item> {
        let mut late = Vec::new();
        let mut skipped = VecDeque::new();
        let mut rows: usize = batch.iter().map(|item| item.rows).sum();
        while (batch.is_empty() || rows < max_rows)
            && let Some(item) = self.items.pop_front()
        {
            if item.is_abandoned() {
                self.forget(&item);
            } else if item.deadline.is_some_and(|deadline| deadline <= now) {
                self.forget(&item);
                late.push(item);
            } else if batch.first().is_some_and(|first| !first.stacks_with(&item)) {
                skipped.push_back(item);
            } else if !batch.is_empty() && rows + item.rows > max_rows {
                // It keeps its place: taking a smaller one from behind it would let it starve.
                skipped.push_back(item);
                break;
            } else {
                rows += item.rows;
                self.forget(&item);
                batch.push(item);
            }
        }
        while let Some(item) = skipped.pop_back() {
            self.items.push_front(item);
        }
        late
    }

    pub(super) fn queued(&self, closed: bool) -> Queued {
        let oldest = self.items.front().map(|item| item.queued);
        Queued { rows: self.rows, oldest, closed }
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    fn forget(&mut self, item: &Item) {
        self.rows -= item.rows;
        self.size_bytes -= item.size_bytes;
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
