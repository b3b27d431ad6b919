use std::time::Duration;

use proptest::prelude::*;

use super::*;

/// A request of a test: what it asks, its kind (which requests it shares a run with), and its number.
#[derive(Debug, Clone, PartialEq)]
struct Request {
    demand: Demand,
    key: BucketKey,
    kind: usize,
    number: usize,
}

impl Waits for Request {
    fn demand(&self) -> &Demand {
        &self.demand
    }

    fn key(&self) -> &BucketKey {
        &self.key
    }
}

const MS: Duration = Duration::from_millis(1);

/// Requests that come a millisecond apart and are due when they come.
struct Source {
    start: Instant,
    made: usize,
}

impl Source {
    fn new() -> Self {
        Self { start: Instant::now(), made: 0 }
    }

    fn at(&self, millis: u32) -> Instant {
        self.start + millis * MS
    }

    fn request(&mut self, rows: usize, kind: usize) -> Request {
        self.made += 1;
        let arrived = self.at(self.made as u32);
        let demand =
            Demand { rows, cost: rows, size_bytes: rows, arrived, due: arrived, deadline: None };
        Request { demand, key: BucketKey::of_sizes([kind]), kind, number: self.made }
    }
}

fn queue(max_requests: usize, max_bytes: usize) -> Queue<Request> {
    Queue::new(QueueLimits { max_requests, max_bytes })
}

/// A batch from the bucket that is due first.
fn take(queue: &mut Queue<Request>, max_rows: usize, now: Instant) -> (Vec<Request>, Vec<Request>) {
    let mut batch = Vec::new();
    let first = queue.gathered().next();
    let limits = BatchLimits { max_rows, max_cost: usize::MAX };
    let late = first
        .map_or_else(Vec::new, |first| queue.fill(first.bucket, &mut batch, now, limits, |_| None));
    (batch, late)
}

fn rows(batch: &[Request]) -> Vec<usize> {
    batch.iter().map(|request| request.demand.rows).collect()
}

#[test]
fn a_batch_is_those_due_first_that_fit() {
    let (mut queue, mut source) = (queue(100, 100_000), Source::new());
    for rows in [3, 4, 2, 1, 8, 9, 0, 0, 5] {
        queue.push(source.request(rows, 0)).unwrap();
    }
    let mut batch = || rows(&take(&mut queue, 8, Instant::now()).0);
    // 3 + 4 = 7: 2 does not fit, 1 does; 2 is the first of the next.
    assert_eq!(batch(), [3, 4, 1]);
    assert_eq!(batch(), [2, 0, 0, 5]);
    assert_eq!(batch(), [8]);
    // Larger than a batch: alone.
    assert_eq!(batch(), [9]);
    assert_eq!((queue.len(), queue.size_bytes(), queue.gathered().count()), (0, 0, 0));
}

#[test]
fn the_bucket_that_is_due_first_is_next() {
    let (mut queue, mut source) = (queue(100, 100_000), Source::new());
    for kind in [1, 2, 1, 2, 3, 1] {
        queue.push(source.request(1, kind)).unwrap();
    }
    let mut urgent = source.request(1, 3);
    urgent.demand.due = source.start;
    queue.push(urgent).unwrap();
    let numbers = |queue: &mut Queue<Request>| -> Vec<usize> {
        take(queue, 8, Instant::now()).0.iter().map(|request| request.number).collect()
    };
    assert_eq!(numbers(&mut queue), [7, 5]);
    assert_eq!(numbers(&mut queue), [1, 3, 6]);
    assert_eq!(queue.pop().unwrap().number, 2);
    assert_eq!(numbers(&mut queue), [4]);
    assert_eq!(queue.pop(), None);
}

#[test]
fn what_is_gathered_knows_who_has_waited_longest() {
    let (mut queue, mut source) = (queue(100, 100_000), Source::new());
    let first = source.request(2, 0);
    let mut urgent = source.request(3, 0);
    urgent.demand.due = source.start;
    let oldest = first.demand.arrived;
    queue.push(first).unwrap();
    let ticket = queue.push(urgent.clone()).unwrap();
    let gathered = |queue: &Queue<Request>| {
        queue.gathered().map(|found| (found.rows, found.oldest)).collect::<Vec<_>>()
    };
    assert_eq!(gathered(&queue), [(5, oldest)]);
    assert_eq!(queue.remove(ticket), Some(urgent));
    assert_eq!(queue.remove(ticket), None);
    assert_eq!(gathered(&queue), [(2, oldest)]);
}

#[test]
fn a_batch_costs_no_more_than_allowed() {
    let (mut queue, mut source) = (queue(100, 100_000), Source::new());
    for cost in [10, 50, 60, 30, 200] {
        let mut request = source.request(1, 0);
        request.demand.cost = cost;
        queue.push(request).unwrap();
    }
    let mut costs = || -> Vec<usize> {
        let limits = BatchLimits { max_rows: 8, max_cost: 100 };
        let mut batch = Vec::new();
        let bucket = queue.gathered().next().unwrap().bucket;
        queue.fill(bucket, &mut batch, Instant::now(), limits, |_| None);
        batch.iter().map(|request| request.demand.cost).collect()
    };
    assert_eq!(costs(), [10, 50, 30]);
    assert_eq!(costs(), [60]);
    assert_eq!(costs(), [200]);
}

#[test]
fn a_batch_is_no_larger_than_its_first_deadline_allows() {
    let (mut queue, mut source) = (queue(100, 100_000), Source::new());
    let now = source.at(100);
    // A millisecond a row. The first can never be in time and does not hold up the others; the second
    // allows for four rows.
    for (rows, deadline) in [(1, Some(0)), (1, Some(4)), (1, None), (1, Some(90)), (1, None)] {
        let mut request = source.request(rows, 0);
        request.demand.deadline = deadline.map(|left| now + left * MS + MS / 2);
        queue.push(request).unwrap();
    }
    let mut batch = || -> Vec<usize> {
        let limits = BatchLimits { max_rows: 8, max_cost: usize::MAX };
        let run_time = |cost| Some(cost as u32 * MS);
        let (mut batch, bucket) = (Vec::new(), queue.gathered().next().unwrap().bucket);
        let late = queue.fill(bucket, &mut batch, now, limits, run_time);
        assert!(late.is_empty());
        batch.iter().map(|request| request.number).collect()
    };
    assert_eq!(batch(), [1, 2, 3, 4]);
    assert_eq!(batch(), [5]);
}

#[test]
fn what_is_ahead_is_what_is_due_before() {
    let (mut queue, mut source) = (queue(100, 100_000), Source::new());
    for (rows, kind) in [(2, 0), (2, 0), (4, 1), (2, 0), (4, 1)] {
        queue.push(source.request(rows, kind)).unwrap();
    }
    // They are due at 1 to 5 ms.
    let ahead = [0, 1, 2, 3, 4, 99].map(|millis| queue.ahead_of(source.at(millis)));
    assert_eq!(ahead, [0, 2, 4, 8, 10, 14]);
}

#[test]
fn late_requests_come_back() {
    let (mut queue, mut source) = (queue(100, 100_000), Source::new());
    let now = source.at(1000);
    for deadline in [None, Some(now), Some(now + MS), None] {
        let mut request = source.request(1, 0);
        request.demand.deadline = deadline;
        queue.push(request).unwrap();
    }
    let (batch, late) = take(&mut queue, 8, now);
    assert_eq!((batch.len(), late.len(), queue.len(), queue.size_bytes()), (3, 1, 0, 0));
    assert_eq!(late[0].demand.deadline, Some(now));
}

#[test]
fn it_is_bounded_by_count_and_bytes() {
    let (mut queue, mut source) = (queue(2, 10), Source::new());
    queue.push(source.request(4, 0)).unwrap();
    queue.push(source.request(6, 1)).unwrap();
    queue.push(source.request(0, 2)).unwrap_err();
    assert!(matches!(
        queue.overloaded(0),
        Error::Overloaded { what: "queue (requests)", limit: 2, .. }
    ));
    queue.pop().unwrap();
    queue.push(source.request(5, 0)).unwrap_err();
    assert!(matches!(
        queue.overloaded(5),
        Error::Overloaded { what: "queue (bytes)", limit: 10, .. }
    ));
    assert!(matches!(queue.overloaded(11), Error::TooLarge { actual: 11, limit: 10, .. }));
    queue.push(source.request(4, 0)).unwrap();
}

#[test]
fn buckets_that_empty_leave_nothing_behind() {
    let (mut queue, mut source) = (queue(10, 1000), Source::new());
    for kind in 0..1000 {
        queue.push(source.request(1, kind)).unwrap();
        assert_eq!(queue.pop().unwrap().kind, kind);
    }
    assert!(queue.buckets.len() <= EMPTY_BUCKETS + 2, "{}", queue.buckets.len());
    assert!(queue.by_key.len() <= EMPTY_BUCKETS + 1, "{}", queue.by_key.len());
}

#[test]
fn nobody_is_passed_over_without_end() {
    let (mut queue, mut source) = (queue(1000, 100_000), Source::new());
    queue.push(source.request(1, 0)).unwrap();
    for _ in 0..500 {
        queue.push(source.request(2, 0)).unwrap();
    }
    queue.push(source.request(1, 0)).unwrap();
    // One row of room, behind 500 that need two: it is not looked for that far.
    assert_eq!(rows(&take(&mut queue, 2, Instant::now()).0), [1]);
    assert_eq!(rows(&take(&mut queue, 2, Instant::now()).0), [2]);
}

/// The same queue, slowly: a list in which everything is searched for.
#[derive(Default)]
struct Model {
    waiting: Vec<Request>,
}

impl Model {
    fn in_order(&self) -> Vec<Request> {
        let mut waiting = self.waiting.clone();
        waiting.sort_by_key(|request| (request.demand.due, request.number));
        waiting
    }

    fn remove(&mut self, number: usize) -> Option<Request> {
        let index = self.waiting.iter().position(|request| request.number == number)?;
        Some(self.waiting.remove(index))
    }

    fn take(&mut self, max_rows: usize, now: Instant) -> (Vec<Request>, Vec<Request>) {
        let (mut batch, mut late, mut rows): (Vec<Request>, _, _) = (vec![], vec![], 0);
        let Some(kind) = self.in_order().first().map(|request| request.kind) else {
            return (batch, late);
        };
        for request in self.in_order() {
            if request.kind != kind || (!batch.is_empty() && rows >= max_rows) {
                continue;
            }
            if request.demand.is_late(now) {
                late.extend(self.remove(request.number));
            } else if batch.is_empty() || rows + request.demand.rows <= max_rows {
                rows += request.demand.rows;
                batch.extend(self.remove(request.number));
            }
        }
        (batch, late)
    }
}

#[derive(Debug, Clone)]
enum Step {
    Push { rows: usize, kind: usize, due: u32, deadline: Option<u32> },
    Withdraw(prop::sample::Index),
    Take { max_rows: usize, now: u32 },
    Pop,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_usize..6, 0_usize..4, 0_u32..40, prop::option::of(0_u32..60))
            .prop_map(|(rows, kind, due, deadline)| Step::Push { rows, kind, due, deadline }),
        1 => any::<prop::sample::Index>().prop_map(Step::Withdraw),
        2 => (1_usize..10, 0_u32..60).prop_map(|(max_rows, now)| Step::Take { max_rows, now }),
        1 => Just(Step::Pop),
    ]
}

proptest! {
    #[test]
    fn it_does_what_the_slow_one_does(steps in prop::collection::vec(step(), 0..60)) {
        let (mut queue, mut model, mut source) = (queue(100, 100_000), Model::default(), Source::new());
        let mut tickets = Vec::new();
        for step in steps {
            match step {
                Step::Push { rows, kind, due, deadline } => {
                    let mut request = source.request(rows, kind);
                    request.demand.due = source.at(due);
                    request.demand.deadline = deadline.map(|deadline| source.at(deadline));
                    model.waiting.push(request.clone());
                    tickets.push((request.number, queue.push(request).unwrap()));
                }
                Step::Withdraw(index) if !tickets.is_empty() => {
                    let (number, ticket) = tickets[index.index(tickets.len())];
                    prop_assert_eq!(queue.remove(ticket), model.remove(number));
                }
                Step::Withdraw(_) => {}
                Step::Take { max_rows, now } => {
                    let now = source.at(now);
                    prop_assert_eq!(take(&mut queue, max_rows, now), model.take(max_rows, now));
                }
                Step::Pop => {
                    let first = model.in_order().first().map(|request| request.number);
                    prop_assert_eq!(queue.pop(), first.and_then(|number| model.remove(number)));
                }
            }
            prop_assert_eq!(queue.len(), model.waiting.len());
            let rows: usize = model.waiting.iter().map(|request| request.demand.rows).sum();
            prop_assert_eq!(queue.size_bytes(), rows);
            let gathered: Vec<_> = queue.gathered().collect();
            prop_assert_eq!(gathered.iter().map(|found| found.rows).sum::<usize>(), rows);
            let oldest = model.waiting.iter().map(|request| request.demand.arrived).min();
            prop_assert_eq!(gathered.iter().map(|found| found.oldest).min(), oldest);
        }
    }
}
