//! The contract of `Predict`.

use std::sync::Arc;

use async_trait::async_trait;
use mlops_core::{
    inference::Predict,
    testing::{
        Build, predict,
        session::{MockFactory, MockSession},
    },
};
use mlops_serve::{
    WarmUp,
    balance::{Balance, BalanceOptions},
    batch::{Batcher, BatcherOptions, Placement},
};

use crate::{Replica, dynamic, id, rows};

struct Batchers(Placement);

#[async_trait]
impl Build<predict::Subject> for Batchers {
    type Guard = ();

    async fn build(&self) -> (predict::Subject, ()) {
        let replica = || {
            let options = BatcherOptions::default().with_placement(self.0);
            let factory = MockFactory::new(MockSession::identity(4));
            let builder = Batcher::builder(id(), factory, options).warm_up(WarmUp::None);
            Arc::new(builder.start().unwrap()) as Arc<dyn Predict>
        };
        let replicas = (0..3).map(|_| replica()).collect();
        let predict = Arc::new(Balance::new(replicas, &BalanceOptions::default()).unwrap());
        let samples = (0..3).map(|n| rows(n + 1, n as f32)).collect();
        (predict::Subject { predict, samples, tolerance: 0.0 }, ())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn balanced_batchers_conform() {
    predict::test_all(&Batchers(Placement::Thread)).await.assert_passed();
    predict::test_all(&Batchers(Placement::CallerRuns)).await.assert_passed();
}

/// One of three can never be asked.
struct OneDead;

#[async_trait]
impl Build<predict::Subject> for OneDead {
    type Guard = ();

    async fn build(&self) -> (predict::Subject, ()) {
        let replicas = [Replica::new(), Replica::new(), Replica::new()];
        replicas[1].fail(Some(mlops_core::Error::unavailable("model", "no route")));
        let predict = Balance::new(dynamic(&replicas), &BalanceOptions::default()).unwrap();
        let samples = (0..3).map(|n| rows(n + 1, n as f32)).collect();
        (predict::Subject { predict: Arc::new(predict), samples, tolerance: 0.0 }, ())
    }
}

#[tokio::test]
async fn it_conforms_with_a_dead_replica() {
    predict::test_all(&OneDead).await.assert_passed();
}
