//! The bounded queue: a plain data structure, no locks and no clock.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    time::{Duration, Instant},
};

use mlops_core::Error;

use super::{
    bucket::BucketKey,
    demand::{Demand, Waits},
};

/// Requests in buckets of those that can share a run, each in the order in which they are due, all
/// together bounded by count and bytes.
#[derive(Debug)]
pub(super) struct Queue<T> {
    buckets: Vec<Bucket<T>>,
    by_key: HashMap<BucketKey, usize>,
    /// Places in `buckets` that no key has.
    free: Vec<usize>,
    /// Buckets that are not empty, by their first request.
    heads: BTreeSet<Head>,
    requests: usize,
    size_bytes: usize,
    /// Counts requests, to tell those apart that are due at the same time.
    sequence: u64,
    limits: QueueLimits,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct QueueLimits {
    pub(super) max_requests: usize,
    pub(super) max_bytes: usize,
}

/// Where a request waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticket {
    bucket: usize,
    place: Place,
}

/// A request's place in its bucket's order.
type Place = (Instant, u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Head {
    place: Place,
    bucket: usize,
}

#[derive(Debug)]
struct Bucket<T> {
    key: BucketKey,
    /// In the order of their places.
    entries: VecDeque<Entry<T>>,
    rows: usize,
    cost: usize,
    /// Whether the order is that of arrival.
    first_come: bool,
}

#[derive(Debug)]
struct Entry<T> {
    place: Place,
    item: T,
}

/// What one bucket holds, in front of a free session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gathered {
    pub(super) bucket: usize,
    pub(super) requests: usize,
    /// Rows of all its requests together.
    pub(super) rows: usize,
    /// Cost of all its requests together.
    pub(super) cost: usize,
    /// When the one that has waited longest came.
    pub(super) oldest: Instant,
}

/// How large a batch may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct BatchLimits {
    pub(super) max_rows: usize,
    pub(super) max_cost: usize,
}

/// Buckets that are empty keep their places for their next request, up to this many.
const EMPTY_BUCKETS: usize = 64;

/// Requests that do not fit a batch and are passed over while those behind them are tried. They come
/// first in the next batch, so nobody is overtaken twice.
const LOOK_AHEAD: usize = 64;

impl<T: Waits> Queue<T> {
    pub(super) fn new(limits: QueueLimits) -> Self {
        Self {
            buckets: Vec::new(),
            by_key: HashMap::new(),
            free: Vec::new(),
            heads: BTreeSet::new(),
            requests: 0,
            size_bytes: 0,
            sequence: 0,
            limits,
        }
    }

    /// Adds a request behind those due before it, or gives it back if there is no room.
    pub(super) fn push(&mut self, item: T) -> Result<Ticket, T> {
        let Demand { rows, cost, size_bytes, due, .. } = *item.demand();
        if self.requests >= self.limits.max_requests
            || size_bytes > self.limits.max_bytes - self.size_bytes
        {
            return Err(item);
        }
        let bucket = self.bucket_for(item.key());
        self.requests += 1;
        self.size_bytes += size_bytes;
        self.sequence += 1;
        let place = (due, self.sequence);
        let found = &mut self.buckets[bucket];
        found.rows += rows;
        found.cost += cost;
        let before = found.head();
        if found.entries.back().is_none_or(|last| last.place < place) {
            found.entries.push_back(Entry { place, item });
        } else {
            found.first_come = false;
            let index = found.entries.partition_point(|entry| entry.place < place);
            found.entries.insert(index, Entry { place, item });
        }
        self.update_head(bucket, before);
        Ok(Ticket { bucket, place })
    }

    /// Why there is no room for a request of this size.
    pub(super) fn overloaded(&self, size_bytes: usize) -> Error {
        let (what, limit) = if self.requests >= self.limits.max_requests {
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

    /// Removes one request, if it still waits.
    pub(super) fn remove(&mut self, ticket: Ticket) -> Option<T> {
        let found = self.buckets.get_mut(ticket.bucket)?;
        let index = found.entries.binary_search_by_key(&ticket.place, |entry| entry.place).ok()?;
        let before = found.head();
        let entry = found.entries.remove(index)?;
        let demand = *entry.item.demand();
        found.take_off(&demand);
        self.requests -= 1;
        self.size_bytes -= demand.size_bytes;
        self.update_head(ticket.bucket, before);
        Some(entry.item)
    }

    /// Removes the request that is due first.
    pub(super) fn pop(&mut self) -> Option<T> {
        let Head { place, bucket } = *self.heads.first()?;
        self.remove(Ticket { bucket, place })
    }

    /// Removes every request, those due first first.
    pub(super) fn empty(&mut self) -> Vec<T> {
        std::iter::from_fn(|| self.pop()).collect()
    }

    /// Fills `batch` from a bucket, those due first first, as long as they fit. One that is larger than
    /// any batch is taken alone. None is added that would make one in front of it miss its deadline, by
    /// `run_time`: how long a run of a cost takes, if that is known.
    ///
    /// Requests that are late are removed on the way and come back for an answer.
    pub(super) fn fill(
        &mut self,
        bucket: usize,
        batch: &mut Vec<T>,
        now: Instant,
        limits: BatchLimits,
        mut run_time: impl FnMut(usize) -> Option<Duration>,
    ) -> Vec<T> {
        let mut late = Vec::new();
        let Some(found) = self.buckets.get_mut(bucket) else {
            return late;
        };
        let before = found.head();
        let mut sum = Sum::default();
        batch.iter().for_each(|item| sum.add(item.demand(), now, &mut run_time));
        let mut skipped = Vec::new();
        while (sum.is_empty() || sum.rows < limits.max_rows)
            && skipped.len() < LOOK_AHEAD
            && let Some(entry) = found.entries.pop_front()
        {
            let demand = *entry.item.demand();
            let is_late = demand.is_late(now);
            if !is_late && !sum.takes(&demand, limits, now, &mut run_time) {
                skipped.push(entry);
                continue;
            }
            found.take_off(&demand);
            self.requests -= 1;
            self.size_bytes -= demand.size_bytes;
            if is_late {
                late.push(entry.item);
            } else {
                sum.add(&demand, now, &mut run_time);
                batch.push(entry.item);
            }
        }
        while let Some(entry) = skipped.pop() {
            found.entries.push_front(entry);
        }
        self.update_head(bucket, before);
        late
    }

    /// Cost of what is run before a request that is due then. Looks at a few buckets only: what it leaves
    /// out makes the answer too small, never too large.
    pub(super) fn ahead_of(&self, due: Instant) -> usize {
        let heads = self.heads.iter().take_while(|head| head.place.0 <= due).take(LOOK_AHEAD);
        let costs = heads.map(|head| {
            let found = &self.buckets[head.bucket];
            let ahead = found.entries.partition_point(|entry| entry.place.0 <= due);
            // As if all cost the same: the exact sum would take a walk.
            found.cost / found.entries.len().max(1) * ahead
        });
        costs.sum()
    }

    /// The bucket of requests that share a run with one of this key, if any wait.
    pub(super) fn bucket_of(&self, key: &BucketKey) -> Option<usize> {
        self.by_key.get(key).copied()
    }

    /// Rows that wait in a bucket.
    pub(super) fn rows_of(&self, bucket: usize) -> usize {
        self.buckets.get(bucket).map_or(0, |bucket| bucket.rows)
    }

    /// What each bucket holds, the one whose first request is due first first.
    pub(super) fn gathered(&self) -> impl Iterator<Item = Gathered> + Clone {
        self.heads.iter().filter_map(|head| {
            let found = &self.buckets[head.bucket];
            let oldest = found.oldest()?;
            Some(Gathered {
                bucket: head.bucket,
                requests: found.entries.len(),
                rows: found.rows,
                cost: found.cost,
                oldest,
            })
        })
    }

    pub(super) fn len(&self) -> usize {
        self.requests
    }

    pub(super) fn is_empty(&self) -> bool {
        self.requests == 0
    }

    pub(super) fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    fn bucket_for(&mut self, key: &BucketKey) -> usize {
        if let Some(bucket) = self.by_key.get(key) {
            return *bucket;
        }
        let new = Bucket {
            key: key.clone(),
            entries: VecDeque::new(),
            rows: 0,
            cost: 0,
            first_come: true,
        };
        let bucket = self.free.pop().unwrap_or(self.buckets.len());
        match self.buckets.get_mut(bucket) {
            Some(place) => *place = new,
            None => self.buckets.push(new),
        }
        self.by_key.insert(key.clone(), bucket);
        bucket
    }

    /// Puts the books right after a bucket has changed, whose first place was `before`.
    fn update_head(&mut self, bucket: usize, before: Option<Place>) {
        let found = &mut self.buckets[bucket];
        let after = found.head();
        if before != after {
            if let Some(place) = before {
                self.heads.remove(&Head { place, bucket });
            }
            if let Some(place) = after {
                self.heads.insert(Head { place, bucket });
            }
        }
        if before.is_some() && after.is_none() {
            found.first_come = true;
            if self.by_key.len() - self.heads.len() > EMPTY_BUCKETS {
                self.by_key.remove(&found.key);
                self.free.push(bucket);
            }
        }
    }
}

impl<T: Waits> Bucket<T> {
    fn head(&self) -> Option<Place> {
        self.entries.front().map(|entry| entry.place)
    }

    fn oldest(&self) -> Option<Instant> {
        let mut arrivals = self.entries.iter().map(|entry| entry.item.demand().arrived);
        if self.first_come { arrivals.next() } else { arrivals.min() }
    }
}

impl<T> Bucket<T> {
    fn take_off(&mut self, demand: &Demand) {
        self.rows -= demand.rows;
        self.cost -= demand.cost;
    }
}

/// A batch that grows.
#[derive(Debug, Default)]
struct Sum {
    requests: usize,
    rows: usize,
    cost: usize,
    /// The earliest deadline in it that a run of its size meets.
    earliest: Option<Instant>,
}

impl Sum {
    fn is_empty(&self) -> bool {
        self.requests == 0
    }

    fn takes(
        &self,
        demand: &Demand,
        limits: BatchLimits,
        now: Instant,
        run_time: &mut impl FnMut(usize) -> Option<Duration>,
    ) -> bool {
        let (rows, cost) = (self.rows + demand.rows, self.cost + demand.cost);
        self.is_empty()
            || (rows <= limits.max_rows
                && cost <= limits.max_cost
                && self.earliest.is_none_or(|earliest| {
                    run_time(cost).is_none_or(|takes| now + takes <= earliest)
                }))
    }

    fn add(
        &mut self,
        demand: &Demand,
        now: Instant,
        run_time: &mut impl FnMut(usize) -> Option<Duration>,
    ) {
        self.requests += 1;
        self.rows += demand.rows;
        self.cost += demand.cost;
        if let Some(deadline) = demand.deadline
            && run_time(self.cost).is_some_and(|takes| now + takes <= deadline)
        {
            let earliest = self.earliest.get_or_insert(deadline);
            *earliest = deadline.min(*earliest);
        }
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
