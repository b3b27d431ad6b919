//! Every error that a server sends comes back as what it was.

use std::{sync::Arc, time::Duration};

use mlops_core::{Error, inference::Predict, testing::predict::MockPredict};

use crate::{Server, descriptor, request};

fn every_error() -> Vec<Error> {
    let kinds = ["model", "model version", "tensor", "run"];
    let mut errors: Vec<_> = kinds.map(|kind| Error::not_found(kind, "a/1")).into();
    errors.extend([
        Error::already_exists("model", "a"),
        Error::Conflict { kind: "alias", name: "a".into(), reason: "moved".into() },
        Error::Refused { what: "request", reasons: Arc::new(["no".into(), "never".into()]) },
        Error::invalid_tensor("x", "FP32[batch,4]", "FP32[1,5]"),
        Error::invalid("request body", "JSON: odd"),
        Error::TooLarge { what: "batch (rows)", actual: 65, limit: 64 },
        Error::unsupported("onnxruntime", "tensor `x` of FLOAT8"),
        Error::corrupt("model", "a.onnx", "half a file"),
        Error::Overloaded { what: "queue (requests)", limit: 256, retry_after: None },
        Error::Overloaded {
            what: "queue (bytes)",
            limit: 1 << 40,
            retry_after: Some(Duration::from_secs(3)),
        },
        Error::DeadlineExceeded { elapsed: Duration::from_millis(3) },
        Error::Cancelled,
        Error::OutOfMemory { what: "onnxruntime" },
        Error::unavailable("model", "`a/1` is being loaded"),
        Error::Closed { what: "batcher" },
        Error::backend("onnxruntime", "node 3 failed"),
    ]);
    errors
}

#[tokio::test]
async fn every_variant_comes_back_with_its_message() {
    for sent in every_error() {
        let failing = sent.clone();
        let model = MockPredict::new(descriptor(), move |_| Err(failing.clone()));
        let server = Server::start([Arc::new(model) as Arc<dyn Predict>]).await;
        let got = server.connect("m").await.predict(request()).await.unwrap_err();
        assert_eq!(got.code(), sent.code(), "{}", got.report());
        let (got_text, sent_text) = (got.report(), sent.report());
        match (&got, &sent) {
            // Without a field for words, numbers must do.
            (
                Error::Overloaded { limit, retry_after, .. },
                Error::Overloaded { limit: sent_limit, retry_after: sent_after, .. },
            ) => assert_eq!((limit, retry_after), (sent_limit, sent_after)),
            (
                Error::TooLarge { actual, limit, .. },
                Error::TooLarge { actual: sent_actual, limit: sent_limit, .. },
            ) => assert_eq!((actual, limit), (sent_actual, sent_limit)),
            (Error::InvalidTensor { .. }, _) => assert_eq!(got_text, sent_text),
            (Error::NotFound { kind, .. }, _) if *kind != "remote object" => {
                assert_eq!(got_text, sent_text);
            }
            (Error::NotFound { name, .. }, _) => assert_eq!(&**name, "a/1"),
            (Error::AlreadyExists { .. }, _) => assert_eq!(got_text, sent_text),
            (
                Error::DeadlineExceeded { .. }
                | Error::Cancelled
                | Error::OutOfMemory { .. }
                | Error::Closed { .. },
                _,
            ) => {}
            _ => assert!(got_text.contains(&sent_text), "{got_text}, but sent {sent_text}"),
        }
        // What a host branches on is the same.
        assert_eq!(got.is_retryable(), sent.is_retryable());
        assert_eq!(got.is_invalid_request(), sent.is_invalid_request());
    }
}
