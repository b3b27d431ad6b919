//! What can be balanced, and what callers see of it.

use std::sync::Arc;

use mlops_core::{
    inference::{ModelDescriptor, Predict},
    model::ModelId,
    signature::{Dim, ModelSignature},
    tensor::{DataType, NamedTensors},
    testing::predict::MockPredict,
};
use mlops_serve::balance::{Balance, BalanceOptions, Retry};

use crate::{Replica, descriptor, dynamic, id, request};

fn replica(descriptor: ModelDescriptor) -> Arc<dyn Predict> {
    Arc::new(MockPredict::new(descriptor, |_| Ok(NamedTensors::new())))
}

fn changed(change: impl FnOnce(&mut ModelSignature)) -> Arc<dyn Predict> {
    let mut descriptor = descriptor();
    change(Arc::make_mut(&mut descriptor.signature));
    replica(descriptor)
}

#[test]
fn replicas_must_be_of_one_model() {
    let balance =
        |other| Balance::new(vec![replica(descriptor()), other], &BalanceOptions::default());
    let mut renamed = descriptor();
    renamed.id = Arc::new(ModelId::new("m".parse().unwrap(), "2".parse().unwrap()));
    for (other, reason) in [
        (replica(renamed), "`m/1` and `m/2` are different models"),
        (changed(|signature| signature.inputs[0].name = "z".into()), "z: FP32[batch,4]"),
        (changed(|signature| signature.outputs[0].data_type = DataType::F64), "y: FP64[batch,4]"),
        (changed(|signature| signature.inputs[0].shape[1] = Dim::Fixed(5)), "x: FP32[batch,5]"),
        (changed(|signature| signature.inputs[0].shape[1] = Dim::Unknown), "x: FP32[batch,?]"),
        (changed(|signature| drop(signature.outputs.pop())), "-> ()"),
    ] {
        let error = balance(other).unwrap_err();
        assert_eq!(error.code(), "invalid_argument");
        assert!(error.to_string().contains(reason), "{error}");
    }
    // A remote model does not tell the names of open dimensions.
    balance(changed(|signature| signature.inputs[0].shape[0] = Dim::Unknown)).unwrap();
    let none = Balance::new(vec![], &BalanceOptions::default()).unwrap_err();
    assert_eq!(none.to_string(), "invalid replicas: there are none");
}

#[test]
fn the_descriptor_is_what_all_replicas_can_do() {
    let small = replica(descriptor().with_max_batch_size(3));
    let balance = Balance::new(vec![replica(descriptor()), small], &BalanceOptions::default());
    let balance = balance.unwrap();
    assert_eq!(balance.descriptor().max_batch_size, Some(3));
    assert_eq!(*balance.descriptor().id, id());
    assert_eq!(balance.to_string(), "Balance(MockPredict(m/1), MockPredict(m/1))");
}

#[tokio::test]
async fn the_idle_replica_is_asked() {
    let replicas = [Replica::new(), Replica::new()];
    let balance = Arc::new(Balance::new(dynamic(&replicas), &BalanceOptions::default()).unwrap());
    replicas.iter().for_each(|replica| replica.close_gate());
    let send = || {
        let balance = Arc::clone(&balance);
        tokio::spawn(async move { balance.predict(request()).await })
    };
    let mut running = Vec::new();
    for count in 1..=4 {
        running.push((send(), send()));
        while balance.in_flight() != [count, count] {
            tokio::task::yield_now().await;
        }
    }
    // Gone callers are in flight no more.
    running.drain(..2).for_each(|(left, right)| {
        left.abort();
        right.abort();
    });
    while balance.in_flight().into_iter().sum::<usize>() != 4 {
        tokio::task::yield_now().await;
    }
    replicas.iter().for_each(|replica| replica.gate.add_permits(100));
    for (left, right) in running {
        left.await.unwrap().unwrap();
        right.await.unwrap().unwrap();
    }
    assert_eq!(balance.in_flight(), [0, 0]);
}

#[test]
fn options_are_read_from_json_and_misspelt_ones_refused() {
    let options: BalanceOptions = serde_json::from_str(r#"{"retry":"any_failure"}"#).unwrap();
    assert_eq!(options, BalanceOptions::default().with_retry(Retry::AnyFailure));
    assert!(serde_json::from_str::<BalanceOptions>(r#"{"retries":3}"#).is_err());
}
