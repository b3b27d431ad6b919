//! The suite for [`Predict`].

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::Poll,
    time::Instant,
};

use crate::{
    Error, Result,
    inference::{InferenceRequest, InferenceResponse, Predict},
    tensor::{NamedTensors, TensorName},
    testing::{
        approx_eq,
        session::expect_invalid,
        suite::{Build, Case, Outcome, Report, cases, check, run},
    },
};

/// What the suite needs: a [`Predict`], and inputs that it takes.
#[derive(Debug)]
pub struct Subject {
    /// The model.
    pub predict: Arc<dyn Predict>,
    /// At least two different valid inputs.
    pub samples: Vec<NamedTensors>,
    /// How far floating-point outputs may differ between batches.
    pub tolerance: f64,
}

/// Tests a [`Predict`] against its contract.
pub async fn test_all<B: Build<Subject>>(builder: &B) -> Report {
    run(&all(), builder).await
}

fn all() -> Vec<Case<Subject>> {
    cases! {
        1 the_descriptor_stays: "the descriptor stays the same";
        2 wrong_requests_are_refused: "wrong requests are refused, naming the tensor";
        3 answers_are_as_requested: "answers hold what was requested, row for row";
        4 neighbours_do_not_matter: "answers do not depend on what else runs";
        5 a_passed_deadline_is_an_error: "a passed deadline is DeadlineExceeded";
        6 dropped_requests_disturb_nobody: "dropped requests disturb nobody";
    }
}

impl Subject {
    fn request(&self, sample: usize) -> InferenceRequest {
        InferenceRequest::new(self.samples[sample % self.samples.len()].clone())
    }

    async fn outputs(&self, sample: usize) -> Result<NamedTensors> {
        Ok(self.predict.predict(self.request(sample)).await?.outputs)
    }
}

async fn the_descriptor_stays(subject: Subject) -> Outcome {
    let before = subject.predict.descriptor().clone();
    before.signature.check()?;
    subject.outputs(0).await?;
    let after = subject.predict.descriptor();
    check(
        (before.id, before.signature, before.max_batch_size)
            == (Arc::clone(&after.id), Arc::clone(&after.signature), after.max_batch_size),
        "the descriptor changed",
    )
}

async fn wrong_requests_are_refused(subject: Subject) -> Outcome {
    let (name, tensor) =
        &subject.samples[0].clone().into_iter().next().expect("models have inputs");
    let result = subject.predict.predict(InferenceRequest::default()).await;
    expect_invalid(result, &subject.predict.descriptor().signature.inputs[0].name)?;

    let misnamed = NamedTensors::single("no such input", tensor.clone());
    let result = subject.predict.predict(InferenceRequest::new(misnamed)).await;
    expect_invalid(result, "no such input")?;

    let mut shape = tensor.shape().to_vec();
    shape.push(1);
    let mut wrong_rank = NamedTensors::single(Arc::clone(name), tensor.reshaped(&shape)?);
    for (name, tensor) in subject.samples[0].iter().skip(1) {
        wrong_rank.insert(Arc::clone(name), tensor.clone())?;
    }
    let result = subject.predict.predict(InferenceRequest::new(wrong_rank)).await;
    expect_invalid(result, name)?;

    let request = subject.request(0).with_requested_outputs(["no such output"]);
    expect_invalid(subject.predict.predict(request).await, "no such output")?;
    subject.outputs(0).await?;
    Ok(())
}

async fn answers_are_as_requested(subject: Subject) -> Outcome {
    let descriptor = subject.predict.descriptor().clone();
    let response = subject.predict.predict(subject.request(0)).await?;
    descriptor.signature.validate_outputs(&response.outputs, None)?;
    check(response.served_by == descriptor.id, "served by another model")?;
    if descriptor.signature.is_batchable() {
        let rows = |tensors: &NamedTensors| {
            tensors.iter().map(|(_, tensor)| tensor.row_count()).collect::<Vec<_>>()
        };
        let expected = rows(&subject.samples[0])[0];
        check(
            rows(&response.outputs).iter().all(|rows| *rows == expected),
            format!("{expected:?} rows in, {:?} out", rows(&response.outputs)),
        )?;
    }
    let mut requested: Vec<TensorName> =
        descriptor.signature.outputs.iter().map(|spec| Arc::clone(&spec.name)).collect();
    requested.reverse();
    while !requested.is_empty() {
        let request = subject.request(0).with_requested_outputs(requested.clone());
        let outputs = subject.predict.predict(request).await?.outputs;
        let names: Vec<_> = outputs.iter().map(|(name, _)| Arc::clone(name)).collect();
        check(names == requested, format!("asked for {requested:?}, got {names:?}"))?;
        requested.pop();
    }
    Ok(())
}

async fn neighbours_do_not_matter(subject: Subject) -> Outcome {
    let mut alone = Vec::new();
    for sample in 0..subject.samples.len() {
        alone.push(subject.outputs(sample).await?);
    }
    check(
        !approx_eq(&alone[0], &alone[1], 0.0),
        "different samples have the same answer: the suite needs samples that tell requests apart",
    )?;
    let requests = (0..32).map(|number| subject.predict.predict(subject.request(number))).collect();
    for (number, result) in join_all(requests).await.into_iter().enumerate() {
        let outputs = result?.outputs;
        let same = approx_eq(&outputs, &alone[number % alone.len()], subject.tolerance);
        check(same, format!("request {number} differs among others"))?;
    }
    Ok(())
}

async fn a_passed_deadline_is_an_error(subject: Subject) -> Outcome {
    let request = subject.request(0).with_deadline(Instant::now());
    let result = subject.predict.predict(request).await;
    check(
        matches!(result, Err(Error::DeadlineExceeded { .. })),
        format!("expected DeadlineExceeded, got {result:?}"),
    )?;
    subject.outputs(0).await?;
    Ok(())
}

async fn dropped_requests_disturb_nobody(subject: Subject) -> Outcome {
    let expected = subject.outputs(1).await?;
    for _ in 0..20 {
        let mut dropped = subject.predict.predict(subject.request(0));
        // Polled once, so that it has begun, and not to its end (unless it needs no more).
        poll_fn(|context| {
            drop(dropped.as_mut().poll(context));
            Poll::Ready(())
        })
        .await;
        drop(dropped);
        let outputs = subject.outputs(1).await?;
        check(approx_eq(&outputs, &expected, subject.tolerance), "another answer than before")?;
    }
    Ok(())
}

type Answer<'a> = Pin<Box<dyn Future<Output = Result<InferenceResponse>> + Send + 'a>>;

/// Polls all futures side by side until each has its result.
async fn join_all(futures: Vec<Answer<'_>>) -> Vec<Result<InferenceResponse>> {
    let mut pending: Vec<_> = futures.into_iter().map(Some).collect();
    let mut results: Vec<_> = pending.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (future, result) in pending.iter_mut().zip(&mut results) {
            if let Some(running) = future
                && let Poll::Ready(done) = running.as_mut().poll(context)
            {
                *result = Some(done);
                *future = None;
            }
        }
        if pending.iter().all(Option::is_none) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    results.into_iter().flatten().collect()
}
