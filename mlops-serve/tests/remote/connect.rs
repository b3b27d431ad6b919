//! What a server says of a model.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use mlops_core::{
    Error, inference::Predict, model::ModelVersion, signature::Dim, testing::session::MockSession,
};
use mlops_serve::{
    balance::{Balance, BalanceOptions, Retry},
    remote::{Remote, RemoteOptions},
};
use tokio::net::TcpListener;

use crate::{Server, batcher, id, request};

fn versions(numbers: &[&str]) -> Vec<Arc<dyn Predict>> {
    numbers.iter().map(|n| batcher(id("m", n), &MockSession::identity(4))).collect()
}

#[tokio::test]
async fn a_model_is_described_by_its_server() {
    let server = Server::start(versions(&["1"])).await;
    let remote = server.connect("m").await;
    let descriptor = remote.descriptor();
    assert_eq!(*descriptor.id, id("m", "1"));
    // Names of open dimensions are not told.
    assert_eq!(descriptor.signature.to_string(), "(x: FP32[?,4]) -> (y: FP32[?,4])");
    assert_eq!(descriptor.signature.inputs[0].shape[0], Dim::Unknown);
    assert_eq!(&*descriptor.platform, "mock");
    assert_eq!(remote.to_string(), format!("Remote(m/1 at {})", server.url()));
}

#[tokio::test]
async fn the_newest_ready_version_is_asked_and_stays() {
    let server = Server::start(versions(&["9", "10"])).await;
    server.table.announce(&id("m", "11"));
    let newest = server.connect("m").await;
    assert_eq!(*newest.descriptor().id, id("m", "10"));
    let options = RemoteOptions::default().with_version(ModelVersion::new(9));
    let nine = Remote::connect(&server.url(), "m", options).await.unwrap();
    assert_eq!(*nine.descriptor().id, id("m", "9"));
    server.table.publish(batcher(id("m", "11"), &MockSession::identity(4)));
    let response = newest.predict(request()).await.unwrap();
    assert_eq!(*response.served_by, id("m", "10"));
    server.table.remove(&id("m", "10"));
    let error = newest.predict(request()).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test]
async fn what_cannot_be_asked_is_said() {
    let server = Server::start(versions(&["1"])).await;
    server.table.announce(&id("loading", "1"));
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    for (url, model, code) in [
        (server.url(), "other", "not_found"),
        (server.url(), "loading", "unavailable"),
        (server.url(), "a/b", "invalid_argument"),
        (format!("{}/elsewhere", server.url()), "m", "not_found"),
        (nobody, "m", "unavailable"),
        ("not a url".into(), "m", "invalid_argument"),
        ("ftp://host".into(), "m", "invalid_argument"),
        ("unix:/run/socket".into(), "m", "invalid_argument"),
    ] {
        let result = Remote::connect(&url, model, RemoteOptions::default()).await;
        let error = result.unwrap_err();
        assert_eq!(error.code(), code, "{url} {model}: {}", error.report());
    }
}

#[tokio::test]
async fn an_https_address_is_not_asked_without_tls() {
    let server = Server::start(versions(&["1"])).await;
    let url = server.url().replace("http://", "https://");
    let error = Remote::connect(&url, "m", RemoteOptions::default()).await.unwrap_err();
    // Where the machine trusts nobody, there is not even a client.
    let report = error.report();
    assert!(error.code() == "unavailable" || report.contains("CA certificates"), "{report}");
}

#[tokio::test]
async fn a_password_is_never_shown() {
    let server = Server::start(versions(&["1"])).await;
    let url = server.url().replace("http://", "http://user:secret@");
    let remote = Remote::connect(&url, "m", RemoteOptions::default()).await.unwrap();
    remote.predict(request()).await.unwrap();
    drop(server);
    let error = loop {
        match remote.predict(request()).await {
            Ok(_) => tokio::task::yield_now().await,
            Err(error) => break error,
        }
    };
    for shown in [format!("{remote:?} {remote}"), format!("{error:?} {}", error.report())] {
        assert!(!shown.contains("secret"), "{shown}");
    }
}

#[tokio::test]
async fn a_server_that_goes_away_is_unavailable_and_passed_over() {
    let (first, second) = (Server::start(versions(&["1"])), Server::start(versions(&["1"])));
    let (first, second) = (first.await, second.await);
    let gone = first.connect("m").await;
    let replicas: Vec<Arc<dyn Predict>> =
        vec![Arc::new(first.connect("m").await), Arc::new(second.connect("m").await)];
    let balance = Balance::new(replicas, &BalanceOptions::default()).unwrap();
    drop(first);
    // Its port is closed once its task is gone.
    while !matches!(gone.predict(request()).await, Err(Error::Unavailable { .. })) {
        tokio::task::yield_now().await;
    }
    for _ in 0..50 {
        balance.predict(request()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_under_load_costs_no_request_that_may_be_sent_again() {
    let servers = [Server::start(versions(&["1"])).await, Server::start(versions(&["1"])).await];
    let mut replicas: Vec<Arc<dyn Predict>> = Vec::new();
    for server in &servers {
        replicas.push(Arc::new(server.connect("m").await));
    }
    let options =
        BalanceOptions::default().with_retry(Retry::AnyFailure).with_retry_budget(1.0, 1000.0);
    let balance = Arc::new(Balance::new(replicas, &options).unwrap());
    let answered = Arc::new(AtomicUsize::new(0));
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let (balance, answered) = (Arc::clone(&balance), Arc::clone(&answered));
            tokio::spawn(async move {
                for _ in 0..100 {
                    balance.predict(request()).await?;
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                Ok::<(), Error>(())
            })
        })
        .collect();
    while answered.load(Ordering::Relaxed) < 200 {
        tokio::task::yield_now().await;
    }
    let [killed, _alive] = servers;
    drop(killed);
    for caller in callers {
        caller.await.unwrap().unwrap();
    }
    assert_eq!(answered.load(Ordering::Relaxed), 800);
}

#[test]
fn without_a_runtime_there_is_an_error_and_no_panic() {
    use std::{
        pin::pin,
        task::{Context, Poll, Waker},
    };
    fn polled<T>(future: impl Future<Output = mlops_core::Result<T>>) -> Error {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Err(error)) => error,
            Poll::Ready(Ok(_)) | Poll::Pending => panic!("there is no runtime"),
        }
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (_server, remote) = runtime.block_on(async {
        let server = Server::start(versions(&["1"])).await;
        let remote = server.connect("m").await;
        (server, remote)
    });
    let connecting = Remote::connect("http://127.0.0.1:1", "m", RemoteOptions::default());
    for error in [polled(connecting), polled(remote.predict(request()))] {
        assert!(matches!(error, Error::InvalidArgument { .. }), "{error}");
    }
}

#[test]
fn options_are_read_from_json_and_misspelt_ones_refused() {
    let options: RemoteOptions = serde_json::from_str(r#"{"version":3}"#).unwrap();
    assert_eq!(options, RemoteOptions::default().with_version(ModelVersion::new(3)));
    assert!(serde_json::from_str::<RemoteOptions>(r#"{"timeout":3}"#).is_err());
}
