//! A host that uses ONNX Runtime by itself. One test, because the environment is one for the process.
#![cfg(feature = "onnxruntime")]

#[expect(dead_code, reason = "one of its runtimes is not for here")]
mod fixture;

use mlops_core::inference::SessionFactory;
use mlops_serve::session::onnxruntime::{
    DiscoverOptions, OnnxRuntime, OnnxRuntimeError, OnnxSessionFactory, SessionOptions,
};

#[test]
fn the_environment_of_the_host_is_used_once_it_is_handed_over() {
    let own = ort::init_from(fixture::library()).unwrap().with_name("host").build().unwrap();
    for _ in 0..2 {
        let error = OnnxRuntime::load(fixture::library()).unwrap_err();
        assert!(matches!(error, OnnxRuntimeError::NotStarted { .. }), "{error}");
        assert!(error.to_string().contains("OnnxRuntime::adopt"), "{error}");
    }
    let runtime = OnnxRuntime::adopt(own.clone());
    for runtime in [&runtime, &OnnxRuntime::discover(&DiscoverOptions::default()).unwrap()] {
        let model = fixture::model("dense.onnx");
        OnnxSessionFactory::from_file(runtime, model, SessionOptions::default()).open().unwrap();
    }
    let error = OnnxRuntime::load(fixture::library()).unwrap_err();
    assert!(matches!(error, OnnxRuntimeError::AlreadyLoaded { .. }), "{error}");
    // The host goes on as before.
    let model = fixture::model("dense.onnx");
    ort::session::Session::builder(&own).unwrap().commit_from_file(model).unwrap();
}
