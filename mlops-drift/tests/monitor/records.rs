//! What is counted of predictions.

use mlops_core::{half::f16, ndarray::Array1, observe::Interest, random::RandomKey};

use super::*;

fn window(monitor: &Monitor) -> mlops_drift::monitor::WindowProfile {
    let mut windows = monitor.collect(second(200));
    assert_eq!(windows.len(), 2, "of the minute of the rows, and the one after it");
    windows.remove(0)
}

fn good() -> (NamedTensors, NamedTensors) {
    let inputs = tensors([
        ("x", f32s(&[[0.1, 30.0], [0.3, 40.0]])),
        ("city", strings(&[b"Bern", b"Paris"])),
    ]);
    let outputs = tensors([("y", f32s(&[[0.1, 0.7, 0.2], [0.5, 0.0, 0.5]]))]);
    (inputs, outputs)
}

#[test]
fn every_source_is_counted() {
    let monitor = watched();
    assert_eq!(monitor.interest(), Interest::Tensors);
    let (inputs, outputs) = good();
    observe(&monitor, &inputs, Ok(outputs), second(10));
    let window = window(&monitor);
    let profile = window.profile();
    assert_eq!((profile.rows(), window.requests().total, window.requests().failed), (2, 1, 0));
    assert_eq!(window.problems().count(), 0);
    assert_eq!(numeric(profile, "age").mean(), Some(35.0));
    assert_eq!(numeric(profile, "x[0]").max(), Some(f64::from(0.3_f32)));
    assert_eq!(numeric(profile, "y[2]").min(), Some(f64::from(0.2_f32)));
    assert_eq!(numeric(profile, "y.confidence").max(), Some(f64::from(0.7_f32)));
    // Once a request, not once a row.
    assert_eq!(
        (numeric(profile, "latency").rows(), numeric(profile, "latency").mean()),
        (1, Some(0.25))
    );
    assert_eq!((rows_of(profile, "city", "Bern"), rows_of(profile, "city", "Paris")), (1, 1));
    // The first of two equal values is the class.
    assert_eq!((rows_of(profile, "y.class", "dog"), rows_of(profile, "y.class", "cat")), (1, 1));
    assert_eq!((rows_of(profile, "error", "false"), rows_of(profile, "error", "true")), (1, 0));
    // What a window is can be kept.
    let json = profile.to_json().unwrap();
    assert_eq!(&Profile::from_json("window", &json).unwrap(), profile);
}

#[test]
fn failures_count_as_such_and_so_does_their_latency() {
    let monitor = watched();
    let (inputs, outputs) = good();
    observe(&monitor, &inputs, Ok(outputs), second(10));
    observe(
        &monitor,
        &inputs,
        Err(Error::DeadlineExceeded { elapsed: Duration::ZERO }),
        second(11),
    );
    observe(&monitor, &inputs, Err(Error::Cancelled), second(12));
    let window = window(&monitor);
    let (profile, requests) = (window.profile(), window.requests());
    assert_eq!((requests.total, requests.failed, requests.cancelled), (3, 1, 1));
    assert_eq!((rows_of(profile, "error", "false"), rows_of(profile, "error", "true")), (1, 1));
    assert_eq!(numeric(profile, "latency").rows(), 3);
    assert_eq!((numeric(profile, "age").rows(), profile.rows()), (6, 6));
    // There were no outputs, which is not a null: the failure is told by itself.
    assert_eq!((numeric(profile, "y[2]").rows(), numeric(profile, "y[2]").nulls()), (2, 0));
    assert_eq!(window.problems().count(), 0);
}

#[test]
fn what_is_not_a_number_has_counters() {
    let monitor = watched();
    let inputs = tensors([
        ("x", f32s(&[[f32::NAN, f32::INFINITY], [f32::NEG_INFINITY, f32::MAX]])),
        ("city", strings(&[b"\xff\xfe", b""])),
    ]);
    let outputs = tensors([("y", f32s(&[[0.1, f32::NAN, 0.2], [f32::INFINITY, 1.0, 2.0]]))]);
    observe(&monitor, &inputs, Ok(outputs), second(10));
    let window = window(&monitor);
    let profile = window.profile();
    assert_eq!(
        (numeric(profile, "x[0]").nan(), numeric(profile, "x[0]").negative_infinity()),
        (1, 1)
    );
    assert_eq!(
        (numeric(profile, "age").positive_infinity(), numeric(profile, "age").above()),
        (1, 1)
    );
    assert_eq!(rows_of(profile, "city", "\u{fffd}"), 2);
    assert_eq!(
        (profile.feature("y.class").unwrap().nulls(), rows_of(profile, "y.class", "cat")),
        (1, 1)
    );
    let confidence = numeric(profile, "y.confidence");
    assert_eq!((confidence.nan(), confidence.positive_infinity()), (1, 1));
}

#[test]
fn what_cannot_be_read_is_counted_by_name() {
    let monitor = watched();
    let (inputs, outputs) = good();
    // Without a tensor, of another type, with too few columns, with none, with no axis at all.
    let only_x = tensors([("x", f32s(&[[1.0, 2.0]]))]);
    observe(&monitor, &only_x, Ok(NamedTensors::new()), second(10));
    let wrong_type = tensors([
        ("x", Tensor::from_array(Array2::<f64>::zeros((1, 2)))),
        ("city", strings(&[b"a"])),
    ]);
    observe(&monitor, &wrong_type, Ok(outputs.clone()), second(10));
    let narrow = tensors([("x", f32s(&[[1.0]])), ("city", f32s(&[[1.0]]))]);
    observe(&monitor, &narrow, Ok(tensors([("y", f32s::<0>(&[[]]))])), second(10));
    let scalar = tensors([(
        "x",
        Tensor::from_array(Array1::from(vec![1.0_f32]).into_shape_with_order(()).unwrap()),
    )]);
    observe(&monitor, &scalar, Ok(outputs), second(10));
    let model = model();
    let blind = PredictionRecord::new(&model, Err(&Error::Cancelled), Duration::ZERO, second(10));
    monitor.observe(&blind);
    let no_rows = tensors([("x", f32s::<2>(&[])), ("city", strings(&[]))]);
    observe(&monitor, &no_rows, Ok(tensors([("y", f32s::<3>(&[]))])), second(10));
    observe(&monitor, &inputs, Err(Error::Cancelled), second(10));

    let window = window(&monitor);
    let problems: Vec<_> = window
        .problems()
        .map(|(name, problems)| (name, problems.absent, problems.mismatched))
        .collect();
    assert_eq!(
        problems,
        [
            ("x[0]", 1, 1),
            ("age", 1, 3),
            ("city", 3, 1),
            ("y[2]", 1, 1),
            ("y.class", 1, 1),
            ("y.confidence", 1, 1),
        ]
    );
    // Each prediction is at least one row: of latency.
    assert_eq!(numeric(window.profile(), "latency").rows(), 7);
    assert_eq!((window.requests().total, window.profile().rows()), (7, 1 + 2 + 1 + 2 + 1 + 1 + 2));
    assert_eq!(numeric(window.profile(), "x[0]").rows(), 1 + 1 + 1 + 2);
}

#[test]
fn small_requests_are_counted_like_large_ones() {
    let numbers = [0.1, 0.2, 0.5, 0.9];
    let reference = fit(&[
        ("x[0]", Column::numeric(&numbers)),
        ("x[1]", Column::numeric(&numbers)),
        ("y.class", Column::categorical(&["0", "1", "2", "2"])),
    ]);
    let mut signature = signature();
    signature.inputs[0].shape[1] = Dim::Symbolic("width".into());
    let map = FeatureMap::new::<&str>(&reference, &signature, []).unwrap();
    let monitor = Monitor::new(&reference, map, &minute()).unwrap();

    let mut expected = [reference.empty_like(), reference.empty_like()];
    let mut stream = RandomKey::from_seed(7).stream(0);
    let mut class = 0;
    for request in 0..3000 {
        // Mostly as small as can be, of one width for a while, in two minutes that take turns.
        let rows =
            1 + if stream.next_unit() < 0.8 { 0 } else { (stream.next_unit() * 80.0) as usize };
        let (width, minute) = (2 + request / 50 % 2, request / 170 % 2);
        let mut number = || if stream.next_unit() < 0.1 { f64::NAN } else { stream.next_unit() };
        let x = Array2::from_shape_fn((rows, width), |_| number() as f32);
        let mut y = Array2::<f32>::zeros((rows, 3));
        for row in 0..rows {
            class = (class + 1) % 3;
            y[[row, class]] = 1.0;
            let [first, second] = [0, 1].map(|column| Value::Number(f64::from(x[[row, column]])));
            let row = [first, second, Value::Category(["0", "1", "2"][class])];
            expected[minute].observe_row(&row).unwrap();
        }
        let inputs = tensors([("x", Tensor::from_array(x)), ("city", strings(&[b"Bern"]))]);
        let outputs = NamedTensors::single("y", Tensor::from_array(y));
        observe(&monitor, &inputs, Ok(outputs), second(60 * minute as i64 + 10));
        if request % 1000 == 999 {
            // What is collected in between is in no window yet.
            assert_eq!(monitor.collect(second(61)).len(), 0);
        }
    }
    let windows = monitor.collect(second(300));
    for (window, expected) in windows.iter().zip(&expected) {
        assert_eq!(window.problems().count(), 0);
        let found = window.profile();
        assert_eq!(found.rows(), expected.rows());
        for name in ["x[0]", "x[1]"] {
            let (found, expected) = (numeric(found, name), numeric(expected, name));
            assert_eq!((found.counts(), found.nan()), (expected.counts(), expected.nan()));
            assert_eq!((found.min(), found.max()), (expected.min(), expected.max()));
            let [found, expected] =
                [found, expected].map(|it| (it.mean().unwrap(), it.variance().unwrap()));
            assert!((found.0 - expected.0).abs() < 1e-12 && (found.1 - expected.1).abs() < 1e-12);
        }
        assert_eq!(found.feature("y.class"), expected.feature("y.class"));
    }
}

/// A reference of one feature and a model with one input, of which a prediction is shown.
fn one(column: Column<'_>, source: FeatureSource, tensor: Tensor, shape: Vec<Dim>) -> Profile {
    let reference = fit(&[("f", column)]);
    let signature = ModelSignature {
        inputs: vec![TensorSpec::new("t", tensor.data_type(), shape)],
        outputs: vec![TensorSpec::new("y", DataType::F32, [batch()])],
    };
    let map = FeatureMap::new(&reference, &signature, [("f", source)]).unwrap();
    let monitor = Monitor::new(&reference, map, &minute()).unwrap();
    let inputs = NamedTensors::single("t", tensor);
    observe(&monitor, &inputs, Ok(NamedTensors::new()), second(10));
    window(&monitor).profile().clone()
}

#[test]
fn every_element_type_is_a_number() {
    fn check<T: mlops_core::tensor::Element>(elements: [T; 4], expected: [f64; 2]) {
        let tensor = Tensor::from_array(Array2::from_shape_vec((2, 2), elements.to_vec()).unwrap());
        let column = Column::numeric(&[0.0, 1.0]);
        let shape = vec![batch(), Dim::Fixed(2)];
        let profile = one(column, FeatureSource::input("t", 1), tensor.clone(), shape.clone());
        let found = numeric(&profile, "f");
        assert_eq!((found.min(), found.max()), (Some(expected[0]), Some(expected[1])));
        // Off its alignment, as it may come over a wire.
        let bytes = tensor.bytes().unwrap();
        let shifted = Bytes::from([&[0], &**bytes].concat()).slice(1..);
        let tensor = Tensor::from_bytes(T::DATA_TYPE, &[2, 2], shifted).unwrap();
        assert_eq!(one(column, FeatureSource::input("t", 1), tensor, shape), profile);
    }
    check([false, false, true, true], [0.0, 1.0]);
    check([0_u8, 1, 2, 255], [1.0, 255.0]);
    check([0_u16, 1, 2, u16::MAX], [1.0, 65535.0]);
    check([0_u32, 1, 2, u32::MAX], [1.0, 4_294_967_295.0]);
    check([0_u64, 1, 2, u64::MAX], [1.0, u64::MAX as f64]);
    check([0_i8, -128, 2, 127], [-128.0, 127.0]);
    check([0_i16, -3, 2, 3], [-3.0, 3.0]);
    check([0_i32, i32::MIN, 2, 3], [f64::from(i32::MIN), 3.0]);
    check([0_i64, i64::MIN, 2, 3], [i64::MIN as f64, 3.0]);
    check([0.0, 0.5, 1.0, 1.5].map(f16::from_f32), [0.5, 1.5]);
    check([0.0, 0.5, 1.0, 1.5].map(mlops_core::half::bf16::from_f32), [0.5, 1.5]);
    check([0.0_f32, 0.25, 1.0, 1.5], [0.25, 1.5]);
    check([0.0_f64, 0.1, 1.0, 1e300], [0.1, 1e300]);
}

#[test]
fn integers_and_booleans_may_be_categories() {
    let integers = [i64::MIN, -1, 0, 7];
    let names = integers.map(|integer| integer.to_string());
    let names = names.each_ref().map(String::as_str);
    let tensor = Tensor::from_array(Array1::from(integers.to_vec()));
    let profile =
        one(Column::categorical(&names), FeatureSource::input("t", 0), tensor, vec![batch()]);
    assert!(names.iter().all(|name| rows_of(&profile, "f", name) == 1), "{profile:?}");

    let tensor = Tensor::from_array(Array1::from(vec![u64::MAX, 0]));
    let largest = ["18446744073709551615"];
    let profile =
        one(Column::categorical(&largest), FeatureSource::input("t", 0), tensor, vec![batch()]);
    assert_eq!((rows_of(&profile, "f", largest[0]), rows_of(&profile, "f", "new")), (1, 1));

    let tensor = Tensor::from_array(Array1::from(vec![true, false, true]));
    let flags = ["false", "true"];
    let profile =
        one(Column::categorical(&flags), FeatureSource::input("t", 0), tensor, vec![batch()]);
    assert_eq!((rows_of(&profile, "f", "true"), rows_of(&profile, "f", "false")), (2, 1));
}

#[test]
fn lengths_and_tokens() {
    let mask = Tensor::from_array(Array2::from(vec![[1_i64, 1, 1, 0], [1, 0, 0, 0]]));
    let shape = || vec![batch(), Dim::Symbolic("length".into())];
    let column = Column::numeric(&[0.0, 10.0]);
    let tokens = one(column, FeatureSource::tokens("t"), mask.clone(), shape());
    assert_eq!((numeric(&tokens, "f").rows(), numeric(&tokens, "f").mean()), (2, Some(2.0)));
    let length = one(column, FeatureSource::input_length("t", 1), mask, shape());
    assert_eq!((numeric(&length, "f").rows(), numeric(&length, "f").mean()), (1, Some(4.0)));
}

#[test]
fn of_a_model_without_a_batch_axis_a_tensor_is_a_row() {
    let reference =
        fit(&[("image[3]", Column::numeric(&[0.0, 1.0])), ("score", Column::numeric(&[0.0, 1.0]))]);
    let signature = ModelSignature {
        inputs: vec![TensorSpec::new("image", DataType::F32, [Dim::Fixed(2), Dim::Fixed(2)])],
        outputs: vec![TensorSpec::new("score", DataType::F32, [])],
    };
    let map = FeatureMap::new::<&str>(&reference, &signature, []).unwrap();
    let monitor = Monitor::new(&reference, map, &minute()).unwrap();
    let score =
        Tensor::from_bytes(DataType::F32, &[], Bytes::copy_from_slice(&0.5_f32.to_le_bytes()));
    let inputs = NamedTensors::single("image", f32s(&[[1.0, 2.0], [3.0, 4.0]]));
    observe(&monitor, &inputs, Ok(NamedTensors::single("score", score.unwrap())), second(10));
    let window = window(&monitor);
    assert_eq!(window.profile().rows(), 1);
    assert_eq!(numeric(window.profile(), "image[3]").mean(), Some(4.0));
    assert_eq!(numeric(window.profile(), "score").mean(), Some(0.5));
}
