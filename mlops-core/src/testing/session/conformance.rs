//! The suite for [`InferenceSession`].

use std::sync::Arc;

use crate::{
    Error,
    inference::{CancelHandle, InferenceSession, RunOptions},
    tensor::{NamedTensors, Tensor, TensorName},
    testing::{
        approx_eq,
        suite::{Build, Case, Outcome, Report, Violation, check, run, sync_cases},
    },
};

/// What the suite needs: a session, and inputs that it takes.
#[derive(Debug)]
pub struct Subject {
    /// The session.
    pub session: Box<dyn InferenceSession>,
    /// At least two different valid inputs; of more than one row if the model is batchable.
    pub samples: Vec<NamedTensors>,
    /// How far floating-point outputs of the same row may differ between runs.
    pub tolerance: f64,
}

/// Tests an [`InferenceSession`] against its contract.
pub async fn test_all<B: Build<Subject>>(builder: &B) -> Report {
    run(&all(), builder).await
}

fn all() -> Vec<Case<Subject>> {
    sync_cases! {
        1 the_signature_stays: "the signature stays the same";
        2 wrong_inputs_are_refused: "wrong inputs are refused, naming the tensor";
        3 outputs_are_as_declared: "outputs are as declared and requested";
        4 unknown_outputs_are_refused: "unknown outputs are refused, naming them";
        5 a_failed_run_is_survived: "a refused run leaves the session usable";
        6 outputs_outlive_the_session: "outputs outlive later runs and the session";
        7 equal_inputs_give_equal_outputs: "equal inputs give equal outputs";
        8 a_cancelled_run_does_not_start: "a run cancelled before it starts fails with Cancelled";
        9 rows_are_independent: "rows of a batchable model are independent";
    }
}

impl Subject {
    fn run(&mut self, sample: usize) -> crate::Result<NamedTensors> {
        self.session.run(&self.samples[sample], &RunOptions::default())
    }

    fn run_for(&mut self, requested: Vec<TensorName>) -> crate::Result<NamedTensors> {
        let options = RunOptions::default().with_requested_outputs(requested);
        self.session.run(&self.samples[0], &options)
    }

    fn output_names(&self) -> Vec<TensorName> {
        self.session.signature().outputs.iter().map(|spec| Arc::clone(&spec.name)).collect()
    }
}

fn the_signature_stays(mut subject: Subject) -> Outcome {
    let before = Arc::clone(subject.session.signature());
    before.check()?;
    subject.run(0)?;
    subject.run(1)?;
    check(before == *subject.session.signature(), "the signature changed")
}

fn wrong_inputs_are_refused(mut subject: Subject) -> Outcome {
    let signature = Arc::clone(subject.session.signature());
    let good = subject.samples[0].clone();
    for spec in &signature.inputs {
        let others = || good.iter().filter(|(name, _)| **name != spec.name);
        let with = |tensor: Option<(TensorName, Tensor)>| -> crate::Result<NamedTensors> {
            let mut inputs = NamedTensors::new();
            for (name, tensor) in others() {
                inputs.insert(Arc::clone(name), tensor.clone())?;
            }
            if let Some((name, tensor)) = tensor {
                inputs.insert(name, tensor)?;
            }
            Ok(inputs)
        };
        let named = |name: &str, tensor: Tensor| with(Some((name.into(), tensor)));
        let tensor = good.require(&spec.name)?;
        let other_type = if tensor.bytes().is_some() {
            let count = tensor.element_count();
            Tensor::from_strings(tensor.shape(), vec![bytes::Bytes::new(); count])?
        } else {
            Tensor::from_array(ndarray::ArrayD::<u8>::zeros(tensor.shape()))
        };
        let mut one_axis_more = tensor.shape().to_vec();
        one_axis_more.push(1);
        let cases = [
            ("missing", &*spec.name, with(None)?),
            ("misnamed", "no such input", named("no such input", tensor.clone())?),
            ("of another type", &*spec.name, named(&spec.name, other_type)?),
            ("of another rank", &*spec.name, named(&spec.name, tensor.reshaped(&one_axis_more)?)?),
        ];
        for (how, culprit, inputs) in cases {
            let result = subject.session.run(&inputs, &RunOptions::default());
            expect_invalid(result, culprit)
                .map_err(|violation| Violation::new(format!("{how}: {}", violation.0)))?;
        }
    }
    Ok(())
}

fn outputs_are_as_declared(mut subject: Subject) -> Outcome {
    let signature = Arc::clone(subject.session.signature());
    for sample in 0..subject.samples.len() {
        let outputs = subject.run(sample)?;
        signature.validate_outputs(&outputs, None)?;
        check(outputs.len() == signature.outputs.len(), "more outputs than declared")?;
    }
    let all = subject.run(0)?;
    let mut requested = subject.output_names();
    requested.reverse();
    while !requested.is_empty() {
        let outputs = subject.run_for(requested.clone())?;
        let names: Vec<_> = outputs.iter().map(|(name, _)| Arc::clone(name)).collect();
        check(names == requested, format!("asked for {requested:?}, got {names:?}"))?;
        for (name, tensor) in &outputs {
            let alone = NamedTensors::single(Arc::clone(name), tensor.clone());
            let among = NamedTensors::single(Arc::clone(name), all.require(name)?.clone());
            let same = approx_eq(&alone, &among, subject.tolerance);
            check(same, format!("`{name}` differs when requested"))?;
        }
        requested.pop();
    }
    Ok(())
}

fn unknown_outputs_are_refused(mut subject: Subject) -> Outcome {
    let mut requested = subject.output_names();
    requested.push("no such output".into());
    expect_invalid(subject.run_for(requested), "no such output")?;
    let first = subject.output_names().swap_remove(0);
    expect_invalid(subject.run_for(vec![Arc::clone(&first), Arc::clone(&first)]), &first)
}

fn a_failed_run_is_survived(mut subject: Subject) -> Outcome {
    let before = subject.run(0)?;
    check(
        subject.session.run(&NamedTensors::new(), &RunOptions::default()).is_err(),
        "a run without inputs succeeded",
    )?;
    check(subject.run_for(vec!["no such output".into()]).is_err(), "unknown output accepted")?;
    let after = subject.run(0)?;
    check(approx_eq(&before, &after, subject.tolerance), "outputs differ after a refused run")
}

fn outputs_outlive_the_session(mut subject: Subject) -> Outcome {
    let outputs = subject.run(0)?;
    let copies: Vec<_> = outputs.iter().map(|(_, tensor)| tensor.detached()).collect();
    subject.run(1)?;
    subject.run(1)?;
    drop(subject);
    let unchanged = outputs.iter().zip(&copies).all(|((_, tensor), copy)| tensor == copy);
    check(unchanged, "outputs changed after later runs")
}

fn equal_inputs_give_equal_outputs(mut subject: Subject) -> Outcome {
    let first = subject.run(0)?;
    let between = subject.run(1)?;
    let second = subject.run(0)?;
    check(approx_eq(&first, &second, subject.tolerance), "the second run differs")?;
    check(
        subject.samples[0] == subject.samples[1] || !approx_eq(&first, &between, 0.0),
        "different samples gave the same outputs: the suite needs samples that tell runs apart",
    )
}

fn a_cancelled_run_does_not_start(mut subject: Subject) -> Outcome {
    let cancel = CancelHandle::new();
    cancel.cancel();
    let options = RunOptions::default().with_cancel(cancel);
    let result = subject.session.run(&subject.samples[0], &options);
    check(matches!(result, Err(Error::Cancelled)), format!("expected Cancelled, got {result:?}"))?;
    subject.run(0)?;
    Ok(())
}

fn rows_are_independent(mut subject: Subject) -> Outcome {
    if !subject.session.signature().is_batchable() {
        return Ok(());
    }
    let sample = subject.samples[0].clone();
    let rows = sample.iter().filter_map(|(_, tensor)| tensor.row_count()).min().unwrap_or(0);
    check(rows > 1, "the suite needs a sample of more than one row")?;
    let together = subject.run(0)?;
    for row in 0..rows {
        let one = slice(&sample, row)?;
        let alone = subject.session.run(&one, &RunOptions::default())?;
        let same = approx_eq(&alone, &slice(&together, row)?, subject.tolerance);
        check(same, format!("row {row} differs when it runs alone"))?;
    }
    Ok(())
}

fn slice(tensors: &NamedTensors, row: usize) -> crate::Result<NamedTensors> {
    let mut rows = NamedTensors::new();
    for (name, tensor) in tensors {
        rows.insert(Arc::clone(name), tensor.rows(row..row + 1)?)?;
    }
    Ok(rows)
}

pub(crate) fn expect_invalid<T: std::fmt::Debug>(
    result: crate::Result<T>,
    culprit: &str,
) -> Outcome {
    match result {
        Err(Error::InvalidTensor { tensor, .. }) => check(
            *tensor == *culprit,
            format!("the error should name `{culprit}`, but names `{tensor}`"),
        ),
        other => Err(Violation::new(format!("expected InvalidTensor, got {other:?}"))),
    }
}
