//! What travels with a request, and how its answer comes back.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use mlops_core::{
    Error,
    inference::{InferenceRequest, Parameter, Predict, RequestContext},
    signature::ModelSignature,
    tensor::NamedTensors,
    testing::{predict::MockPredict, session::MockSession},
};
use mlops_serve::remote::{Remote, RemoteOptions};
use parking_lot::Mutex;
use tokio::task::JoinHandle;

use crate::{Server, batcher, descriptor, id, request, rows};

#[tokio::test]
async fn a_request_arrives_as_it_was_sent() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let model = MockPredict::new(descriptor(), move |request| {
        log.lock().push((request.clone(), Instant::now()));
        Ok(NamedTensors::single("y", request.inputs.require("x")?.clone()))
    });
    let server = Server::start([Arc::new(model) as Arc<dyn Predict>]).await;
    let remote = server.connect("m").await;

    let mut context = RequestContext::default();
    context.id = Some("r-1".into());
    context.priority = 2;
    context.trace_parent = Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into());
    context.parameters = [
        ("flag".to_owned(), Parameter::Bool(true)),
        ("count".to_owned(), Parameter::Integer(-3)),
        ("share".to_owned(), Parameter::Float(0.5)),
        ("name".to_owned(), Parameter::String("ü".into())),
    ]
    .into();
    let deadline = Instant::now() + Duration::from_secs(1000);
    let sent = InferenceRequest::new(rows(2, 0.5))
        .with_context(context)
        .with_requested_outputs(["y"])
        .with_deadline(deadline);
    remote.predict(sent.clone()).await.unwrap();
    let (arrived, at) = seen.lock().pop().unwrap();
    assert_eq!(arrived.inputs, sent.inputs);
    let (arrived_context, sent_context) = (arrived.context.unwrap(), sent.context.unwrap());
    assert_eq!(arrived_context.id, sent_context.id);
    assert_eq!(arrived_context.priority, 2);
    assert_eq!(arrived_context.requested_outputs, sent_context.requested_outputs);
    assert_eq!(arrived_context.parameters, sent_context.parameters);
    assert_eq!(arrived_context.trace_parent, sent_context.trace_parent);
    // What was left of it when it was sent, from when it arrived.
    assert!(arrived.deadline.unwrap() <= at + Duration::from_secs(1000));
    assert!(arrived.deadline.unwrap() >= at + Duration::from_secs(900));

    // Without a deadline, the limit of the options is sent.
    remote.predict(request()).await.unwrap();
    let (arrived, at) = seen.lock().pop().unwrap();
    assert!(arrived.deadline.unwrap() <= at + RemoteOptions::default().request_timeout);
}

#[tokio::test]
async fn outputs_lie_in_the_body_side_by_side() {
    let spec = descriptor().signature.outputs[0].clone();
    let mut other = spec.clone();
    other.name = "z".into();
    let inputs = descriptor().signature.inputs.clone();
    let signature = ModelSignature { inputs, outputs: vec![spec, other] };
    let session = MockSession::new(signature, |inputs| {
        let x = inputs.require("x")?;
        let mut outputs = NamedTensors::single("y", x.clone());
        outputs.insert("z", x.clone())?;
        Ok(outputs)
    });
    let server = Server::start([batcher(id("m", "1"), &session)]).await;
    let outputs = server.connect("m").await.predict(request()).await.unwrap().outputs;
    let bytes = |name| outputs.get(name).unwrap().bytes().unwrap().as_ptr_range();
    assert_eq!(bytes("y").end, bytes("z").start);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_and_waiting_requests_are_bounded() {
    let session = MockSession::identity(4);
    let log = session.log();
    let server = Server::start([batcher(id("m", "1"), &session)]).await;
    let options = RemoteOptions::default().with_max_connections(1, 1);
    let remote = Arc::new(Remote::connect(&server.url(), "m", options).await.unwrap());
    log.close_gate();
    let send = || {
        let remote = Arc::clone(&remote);
        tokio::spawn(async move { remote.predict(request()).await })
    };
    // One of three under way, one waiting, one too many.
    let mut running = vec![send(), send(), send()];
    let refused = loop {
        if let Some(index) = running.iter().position(JoinHandle::is_finished) {
            break running.swap_remove(index).await.unwrap().unwrap_err();
        }
        tokio::task::yield_now().await;
    };
    assert!(matches!(refused, Error::Overloaded { limit: 2, .. }), "{refused}");
    log.open_gate();
    for running in running {
        running.await.unwrap().unwrap();
    }
}
