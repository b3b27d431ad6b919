//! The contracts of `Predict` and `InferenceSession`.

use std::sync::Arc;

use async_trait::async_trait;
use mlops_core::{
    inference::{Predict, SessionFactory},
    testing::{
        Build, predict, sample_inputs,
        session::{self, MockSession},
    },
};
use mlops_serve::{
    batch::{Batcher, BatcherOptions, Placement},
    ensemble::{Ensemble, Step},
};

use crate::{bytes, halve, id, inline, stack, summarise};

enum Subject {
    Inline,
    Batched(Placement),
    Stack,
    Nested,
}

#[async_trait]
impl Build<predict::Subject> for Subject {
    type Guard = ();

    async fn build(&self) -> (predict::Subject, ()) {
        let predict: Arc<dyn Predict> = match self {
            Self::Inline => inline("halve", halve()),
            Self::Batched(placement) => {
                let options = BatcherOptions::default().with_placement(*placement);
                Arc::new(Batcher::start(id("halve"), halve(), options).unwrap())
            }
            Self::Stack => Arc::new(stack(&MockSession::identity(4))),
            Self::Nested => {
                let inner = Arc::new(stack(&MockSession::identity(4)));
                let step = Step::new(inner).map_input("bytes", "image").map_output("whole", "w");
                Arc::new(Ensemble::builder(id("outer")).step(step).build().unwrap())
            }
        };
        let name = &predict.descriptor().signature.inputs[0].name;
        let samples = (0..3).map(|n| {
            let (_, tensor) = bytes(n + 1, n as u8 * 3).into_iter().next().unwrap();
            mlops_core::tensor::NamedTensors::single(Arc::clone(name), tensor)
        });
        (predict::Subject { samples: samples.collect(), predict, tolerance: 0.0 }, ())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_conform() {
    for subject in [
        Subject::Inline,
        Subject::Batched(Placement::Thread),
        Subject::Batched(Placement::CallerRuns),
        Subject::Stack,
        Subject::Nested,
    ] {
        predict::test_all(&subject).await.assert_passed();
    }
}

struct Session;

#[async_trait]
impl Build<session::Subject> for Session {
    type Guard = ();

    async fn build(&self) -> (session::Subject, ()) {
        let session = summarise().open().unwrap();
        let samples =
            (0..2).map(|seed| sample_inputs(session.signature(), 3, seed).unwrap()).collect();
        (session::Subject { session, samples, tolerance: 1e-6 }, ())
    }
}

#[tokio::test]
async fn a_transform_is_a_session() {
    session::test_all(&Session).await.assert_passed();
}
