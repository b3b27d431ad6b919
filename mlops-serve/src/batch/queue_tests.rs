use std::{sync::Arc, time::Duration};

use mlops_core::{
    inference::{InferenceRequest, ModelDescriptor},
    model::{ModelId, ModelName, ModelVersion},
    signature::{Dim, ModelSignature, TensorSpec},
    tensor::{DataType, NamedTensors, Tensor},
};
use ndarray::Array2;
use proptest::prelude::*;
use tokio::sync::oneshot;

use super::*;
use crate::batch::item::Reply;

/// A request of this many rows and columns; the receiver is its caller.
fn request(rows: usize, columns: usize) -> (Item, oneshot::Receiver<Reply>) {
    request_for(rows, columns, None, None)
}

fn request_for(
    rows: usize,
    columns: usize,
    deadline: Option<Instant>,
    output: Option<&str>,
) -> (Item, oneshot::Receiver<Reply>) {
    let free = || [Dim::Symbolic("batch".into()), Dim::Unknown];
    let spec = |name| TensorSpec::new(name, DataType::U8, free());
    let signature = ModelSignature { inputs: vec![spec("x")], outputs: vec![spec("y"), spec("z")] };
    let id = ModelId::new(ModelName::new("m").unwrap(), ModelVersion::new(1));
    let descriptor = ModelDescriptor::new(Arc::new(id), Arc::new(signature), "mock")
        .with_max_batch_size(usize::MAX);
    let x = Tensor::from_array(Array2::<u8>::zeros((rows, columns)));
    let mut request = InferenceRequest::new(NamedTensors::single("x", x));
    request.deadline = deadline;
    if let Some(output) = output {
        request = request.with_requested_outputs([output]);
    }
    let (reply, caller) = oneshot::channel();
    let before = Instant::now() - Duration::from_secs(3600);
    (Item::admit(request, &descriptor, before, reply).unwrap(), caller)
}

fn queue(max_requests: usize, max_bytes: usize) -> Queue {
    Queue::new(QueueLimits { max_requests, max_bytes })
}

fn rows(items: &[Item]) -> Vec<usize> {
    items.iter().map(|item| item.rows).collect()
}

fn fill(queue: &mut Queue, max_rows: usize) -> Vec<usize> {
    let mut batch = Vec::new();
    assert!(queue.fill(&mut batch, max_rows, Instant::now()).is_empty());
    rows(&batch)
}

#[test]
fn a_batch_is_the_oldest_that_fit() {
    let mut queue = queue(100, 100_000);
    let mut callers = Vec::new();
    for rows in [3, 4, 2, 1, 8, 9, 0, 0, 5] {
        let (item, caller) = request(rows, 1);
        queue.push(item).unwrap();
        callers.push(caller);
    }
    // 3 + 4 = 7; 2 does not fit and is not overtaken by 1.
    assert_eq!(fill(&mut queue, 8), [3, 4]);
    assert_eq!(fill(&mut queue, 8), [2, 1]);
    assert_eq!(fill(&mut queue, 8), [8]);
    // Larger than a batch: alone (admission refuses it for real models).
    assert_eq!(fill(&mut queue, 8), [9]);
    assert_eq!(fill(&mut queue, 8), [0, 0, 5]);
    assert_eq!((queue.len(), queue.size_bytes(), queue.queued(false).rows), (0, 0, 0));
}

#[test]
fn other_shapes_and_outputs_keep_their_places() {
    let mut queue = queue(100, 100_000);
    let mut callers = Vec::new();
    let kinds = [(1, None), (2, None), (1, None), (1, Some("y")), (2, None), (1, None)];
    for (columns, output) in kinds {
        let (item, caller) = request_for(1, columns, None, output);
        queue.push(item).unwrap();
        callers.push(caller);
    }
    for expected in [vec![1, 1, 1], vec![2, 2], vec![1]] {
        let mut batch = Vec::new();
        queue.fill(&mut batch, 8, Instant::now());
        let columns: Vec<_> =
            batch.iter().map(|item| item.inputs.get("x").unwrap().shape()[1]).collect();
        assert_eq!(columns, expected);
    }
}

#[test]
fn abandoned_requests_vanish_and_late_ones_come_back() {
    let mut queue = queue(100, 100_000);
    let now = Instant::now();
    let mut callers = Vec::new();
    for deadline in [None, Some(now), Some(now + Duration::from_secs(1)), None] {
        let (item, caller) = request_for(1, 1, deadline, None);
        queue.push(item).unwrap();
        callers.push(caller);
    }
    drop(callers.remove(0));
    let mut batch = Vec::new();
    let late = queue.fill(&mut batch, 8, now);
    assert_eq!((batch.len(), late.len(), queue.len(), queue.size_bytes()), (2, 1, 0, 0));
    assert_eq!(late[0].deadline, Some(now));
}

#[test]
fn it_is_bounded_by_count_and_bytes() {
    let mut queue = queue(2, 10);
    let (one, _a) = request(1, 4);
    let (two, _b) = request(1, 6);
    queue.push(one).unwrap();
    queue.push(two).unwrap();
    let (three, _c) = request(0, 0);
    assert!(queue.push(three).is_err());
    assert!(matches!(
        queue.overloaded(0),
        Error::Overloaded { what: "queue (requests)", limit: 2, .. }
    ));
    queue.pop().unwrap();
    let (four, _d) = request(1, 5);
    assert!(queue.push(four).is_err());
    assert!(matches!(
        queue.overloaded(5),
        Error::Overloaded { what: "queue (bytes)", limit: 10, .. }
    ));
    assert!(matches!(queue.overloaded(11), Error::TooLarge { actual: 11, limit: 10, .. }));
    let (five, _e) = request(1, 4);
    queue.push(five).unwrap();
}

proptest! {
    /// Against what a queue is: nothing lost, nothing twice, order kept within a kind, books right.
    #[test]
    fn nothing_is_lost_or_reordered(requests in prop::collection::vec((0_usize..6, 1_usize..3, any::<bool>()), 0..40), max_rows in 1_usize..10) {
        let mut queue = queue(100, 100_000);
        let mut callers = Vec::new();
        let mut expected = Vec::new();
        for (number, (rows, columns, abandoned)) in requests.into_iter().enumerate() {
            let (mut item, caller) = request(rows, columns);
            item.queued += Duration::from_secs(number as u64);
            if !abandoned {
                expected.push((columns, item.queued));
                callers.push(caller);
            }
            queue.push(item).unwrap();
        }
        let mut taken = Vec::new();
        while !queue.is_empty() {
            let mut batch = Vec::new();
            queue.fill(&mut batch, max_rows, Instant::now());
            let total: usize = batch.iter().map(|item| item.rows).sum();
            prop_assert!(total <= max_rows || batch.len() == 1);
            prop_assert!(batch.windows(2).all(|pair| pair[0].stacks_with(&pair[1])));
            taken.extend(batch.iter().map(|item| (item.inputs.get("x").unwrap().shape()[1], item.queued)));
        }
        prop_assert_eq!((queue.size_bytes(), queue.queued(false).rows), (0, 0));
        for columns in 1..3 {
            let of = |list: &[(usize, Instant)]| list.iter().filter(|(c, _)| *c == columns).map(|(_, at)| *at).collect::<Vec<_>>();
            prop_assert_eq!(of(&taken), of(&expected));
        }
    }
}
