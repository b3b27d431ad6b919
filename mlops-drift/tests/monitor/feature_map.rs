//! Which feature is where.

use super::*;

#[test]
fn names_are_sources() {
    let reference = reference();
    let map = FeatureMap::new(&reference, &signature(), sources()).unwrap();
    let expected = [
        ("x[0]", FeatureSource::input("x", 0)),
        ("age", FeatureSource::input("x", 1)),
        ("city", FeatureSource::input("city", 0)),
        ("y[2]", FeatureSource::output("y", 2)),
        ("y.class", FeatureSource::named_class("y", ["cat", "dog", "cow"])),
        ("y.confidence", FeatureSource::confidence("y")),
        ("latency", FeatureSource::Latency),
        ("error", FeatureSource::Error),
    ];
    assert!(map.features().eq(expected.iter().map(|(name, source)| (*name, source))));
    for (_, source) in &expected {
        let json = serde_json::to_string(source).unwrap();
        assert_eq!(&serde_json::from_str::<FeatureSource>(&json).unwrap(), source);
    }
    assert!(Monitor::new(numbers(), map, &minute()).is_err());
}

#[test]
fn what_does_not_fit_is_named() {
    let text = Column::categorical(&["a", "b"]);
    let number = Column::numeric(&[1.0, 2.0]);
    let class = |names: &[&str]| FeatureSource::named_class("y", names.iter().copied());
    for (column, name, source, reason) in [
        (
            number,
            "weight",
            None,
            "it is not in the predictions of `(x: FP32[batch,2], city: BYTES[batch,1])",
        ),
        (number, "x", None, "`x: FP32[batch,2]` may have many columns"),
        (number, "x[2]", None, "`x: FP32[batch,2]` has no column 2"),
        (number, "z.class", None, "it is not in the predictions"),
        (number, "x.class", None, "it is not in the predictions"),
        (number, "f", Some(FeatureSource::input("y", 0)), "`y` is none of the inputs (x, city)"),
        (number, "f", Some(FeatureSource::output("x", 0)), "`x` is none of the outputs (y)"),
        (number, "city", None, "it is a string, and the reference has numbers"),
        (text, "x[0]", None, "it is a number, and the reference has categories"),
        (text, "latency", None, "it is a number, and the reference has categories"),
        (text, "y.confidence", None, "it is a number, and the reference has categories"),
        (number, "f", Some(FeatureSource::tokens("city")), "the tensor has strings"),
        (number, "f", Some(FeatureSource::input_length("x", 2)), "has no axis 2"),
        (text, "f", Some(class(&["a", "b"])), "2 names for the 3 columns of `y`"),
        (number, "f", Some(class(&["a", "b", "c"])), "its classes have names"),
    ] {
        let reference = fit(&[(name, column)]);
        let sources = source.map(|source| (name, source));
        let error = FeatureMap::new(&reference, &signature(), sources).unwrap_err().to_string();
        let start = format!("invalid feature map: feature `{name}`: ");
        assert!(error.starts_with(&start) && error.contains(reason), "{error}");
    }
    let twice = [("n", FeatureSource::Nowhere), ("n", FeatureSource::Latency)];
    let error = FeatureMap::new(&numbers(), &signature(), twice).unwrap_err().to_string();
    assert!(error.contains("`n` has two sources"), "{error}");
    let unknown = [("m", FeatureSource::Nowhere)];
    let error = FeatureMap::new(&numbers(), &signature(), unknown).unwrap_err().to_string();
    assert!(error.contains("no feature `m`"), "{error}");
}

#[test]
fn a_name_of_both_an_input_and_an_output_says_nothing() {
    let spec = || TensorSpec::new("n", DataType::F32, [batch()]);
    let signature = ModelSignature { inputs: vec![spec()], outputs: vec![spec()] };
    let error = FeatureMap::new::<&str>(&numbers(), &signature, []).unwrap_err().to_string();
    assert!(error.contains("both an input and an output are called `n`"), "{error}");
    FeatureMap::new(&numbers(), &signature, [("n", FeatureSource::output("n", 0))]).unwrap();
    let class = [("n", FeatureSource::class("n"))];
    let error = FeatureMap::new(&numbers(), &signature, class).unwrap_err().to_string();
    assert!(error.contains("`n` has one column, so no classes"), "{error}");
}

#[test]
fn inputs_are_asked_for_only_if_a_feature_is_there() {
    let reference = fit(&[("latency", Column::numeric(&[0.1, 0.2]))]);
    let map = FeatureMap::new::<&str>(&reference, &signature(), []).unwrap();
    let monitor = Monitor::new(&reference, map, &minute()).unwrap();
    assert_eq!(monitor.interest(), mlops_core::observe::Interest::Metadata);
}

#[test]
fn a_map_of_other_kinds_is_refused() {
    // Where the reference of the map has a category, this one has a number of the same name.
    let made_for = fit(&[("city", Column::categorical(&["Bern", "Oslo"]))]);
    let map = FeatureMap::new(&made_for, &signature(), [] as [(&str, FeatureSource); 0]).unwrap();
    let other = fit(&[("city", Column::numeric(&[1.0, 2.0]))]);
    let error = Monitor::new(&other, map, &minute()).unwrap_err().to_string();
    assert!(error.contains("feature `city` is a number, and was a category"), "{error}");
}
