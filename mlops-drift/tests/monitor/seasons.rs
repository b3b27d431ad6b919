//! References by the hour and the day.

use mlops_drift::{
    compare::Verdict,
    monitor::{Cycle, Season, SeasonalReference},
};

use super::*;

fn hour(hour: i64) -> Timestamp {
    Timestamp::from_micros(hour * 3_600_000_000)
}

/// Four weeks of a load that is its hour of the day, give or take one; 60 rows an hour.
fn load() -> SeasonalReference {
    let minutes = 4 * 7 * 24 * 60;
    let times: Vec<_> = (0..minutes).map(|minute| second(minute * 60)).collect();
    let loads: Vec<_> = (0..minutes).map(|minute| Value::Number(load_at(minute))).collect();
    let origin = Origin::new("four weeks", Timestamp::EPOCH);
    SeasonalReference::fit(
        Season::new(Cycle::HourOfDay),
        &times,
        &[("load", &loads)],
        origin,
        &ProfileOptions::default(),
    )
    .unwrap()
}

fn load_at(minute: i64) -> f64 {
    (minute / 60 % 24) as f64 + (minute * 37 % 101) as f64 / 50.0
}

fn options(hours: u64) -> MonitorOptions {
    MonitorOptions::default().with_window(Window::tumbling(Duration::from_secs(hours * 3600)))
}

#[test]
fn a_window_is_compared_with_its_own_season() {
    let reference = load();
    assert_eq!((reference.profiles().len(), reference.profile(hour(30)).rows()), (24, 4 * 7 * 60));
    let map = FeatureMap::nowhere(&reference.profiles()[0]);
    let monitor = Monitor::new(reference, map, &options(1)).unwrap();
    // A day as ever, and one that is six hours late.
    for minute in 0..48 * 600 {
        let at = Timestamp::from_micros(minute * 6_000_000);
        let late = if minute < 24 * 600 { 0 } else { 6 * 60 };
        send(&monitor, load_at(minute / 10 + late), at);
        if minute % 6000 == 0 {
            // Now and then, as a host does.
            assert!(monitor.look().is_err());
        }
    }
    let checked = monitor.check(hour(49)).unwrap();
    assert_eq!(checked.len(), 48);
    for (hour, checked) in checked.iter().enumerate() {
        let expected = if hour < 24 { Verdict::NoDrift } else { Verdict::Drift };
        assert_eq!(checked.comparison.verdict, expected, "hour {hour}");
    }
}

#[test]
fn windows_longer_than_a_season_are_refused() {
    let reference = load();
    let map = FeatureMap::nowhere(&reference.profiles()[0]);
    for (options, reason) in [
        (options(2), "longer than a season"),
        (MonitorOptions::default().with_window(Window::tumbling_rows(10)), "a window of rows"),
    ] {
        let error = Monitor::new(reference.clone(), map.clone(), &options).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn it_is_stored_like_a_profile() {
    let reference = load();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("reference.json");
    reference.save(&path).unwrap();
    assert_eq!(SeasonalReference::open(&path).unwrap(), reference);
    let json = String::from_utf8(reference.to_json().unwrap()).unwrap();
    for (from, to, reason) in [
        ("hour_of_day", "day_of_week", "24 for 7 seasons"),
        ("\"utc_offset_minutes\":0", "\"utc_offset_minutes\":1441", "1441 minutes"),
        ("four weeks", "five weeks", "the reference is"),
    ] {
        let damaged = json.replacen(from, to, 1);
        assert_ne!(damaged, json, "{from}");
        let error = SeasonalReference::from_json("r.json", damaged.as_bytes()).unwrap_err();
        assert!(matches!(&error, Error::Corrupt { name, .. } if **name == *"r.json"), "{error}");
        assert!(error.report().contains(reason), "{}", error.report());
    }
    // Another format is told from damage, whatever else is in it.
    let newer = br#"{"format_version":2,"seasons":[]}"#;
    let error = SeasonalReference::from_json("r.json", newer).unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    assert!(error.to_string().contains("seasonal reference format 2 of r.json"), "{error}");
    assert!(matches!(
        SeasonalReference::open(directory.path().join("none")),
        Err(Error::NotFound { .. })
    ));
}

#[test]
fn columns_that_are_not_rows_are_refused_by_name() {
    let fit = |values: &[Value<'_>]| {
        SeasonalReference::fit(
            Season::new(Cycle::HourOfWeek),
            &[hour(0), hour(1)],
            &[("f", values)],
            Origin::new("none", Timestamp::EPOCH),
            &ProfileOptions::default(),
        )
    };
    for (values, reason) in [
        (&[Value::Null] as &[_], "`f`: 1 values for 2 times"),
        (&[Value::Number(1.0), Value::Category("a")], "`f`: row 1 is of another kind"),
    ] {
        let error = fit(values).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    let nulls = fit(&[Value::Null, Value::Category("a")]).unwrap();
    assert_eq!(nulls.profile(hour(0)).feature("f").unwrap().nulls(), 1);
    assert_eq!(nulls.profile(hour(5)).rows(), 0);
    let far = Season::new(Cycle::HourOfDay).with_utc_offset_minutes(i32::MIN);
    assert!(SeasonalReference::new(far, &numbers()).is_err());
}
