//! What can happen to a file.

use std::{
    fmt::Debug,
    panic::{AssertUnwindSafe, catch_unwind},
};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// Of an array, only so many elements at either end are damaged.
const ENDS: usize = 2;

/// Where the elements of a value are, and those of these.
fn places(value: &Value, place: &str, found: &mut Vec<String>) {
    found.push(place.to_owned());
    match value {
        Value::Array(elements) => {
            let is_end = |index: usize| index < ENDS || index + ENDS >= elements.len();
            for (index, element) in elements.iter().enumerate().filter(|(index, _)| is_end(*index))
            {
                places(element, &format!("{place}/{index}"), found);
            }
        }
        Value::Object(elements) => {
            for (key, element) in elements {
                places(element, &format!("{place}/{key}"), found);
            }
        }
        _ => {}
    }
}

/// What may be in the place of a value.
fn instead(value: &Value) -> Vec<Value> {
    match value {
        Value::Number(_) => vec![
            json!(0),
            json!(-1),
            json!(0.5),
            json!(7),
            json!(1e-300),
            json!(1e300),
            json!(-f64::MAX),
            json!(u64::MAX),
            Value::Null,
        ],
        Value::Array(elements) => {
            let mut longer = elements.clone();
            longer.extend(elements.first().cloned());
            let shorter = elements.get(1..).unwrap_or_default().to_vec();
            vec![json!([]), Value::Array(longer), Value::Array(shorter)]
        }
        Value::Bool(flag) => vec![json!(!flag)],
        Value::String(_) => vec![json!("")],
        Value::Null => vec![json!(1)],
        Value::Object(_) => vec![],
    }
}

/// Each value once in another's place.
pub(crate) fn damaged(value: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    places(value, "", &mut found);
    let mut all = Vec::new();
    for place in found {
        for other in instead(value.pointer(&place).unwrap()) {
            let mut damaged = value.clone();
            let called = format!("{place}: {other}");
            *damaged.pointer_mut(&place).unwrap() = other;
            all.push((called.chars().take(200).collect(), damaged));
        }
    }
    all
}

/// Damages what is written of a state in every way; what is read of it is used, and what is found then has
/// no number that is not one.
#[track_caller]
pub(crate) fn survives<T, F>(state: &T, mut used: impl FnMut(T) -> F)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
    F: Debug,
{
    let written = serde_json::to_value(state).unwrap();
    assert_eq!(&serde_json::from_value::<T>(written.clone()).unwrap(), state);
    let mut wrong = Vec::new();
    for (called, damaged) in damaged(&written) {
        let Ok(read) = serde_json::from_value::<T>(damaged) else { continue };
        match catch_unwind(AssertUnwindSafe(|| format!("{:?}", used(read)))) {
            Err(_) => wrong.push(format!("{called} panics")),
            Ok(found)
                if found.contains("NaN") || found.contains(" inf") || found.contains("-inf") =>
            {
                wrong.push(format!("{called} gives {found}").chars().take(300).collect());
            }
            Ok(_) => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether what is written, with this in that place, is refused.
#[track_caller]
pub(crate) fn refused<T: Serialize + DeserializeOwned + Debug>(
    state: &T,
    places: &[(&str, Value)],
) {
    let written = serde_json::to_value(state).unwrap();
    for (place, value) in places {
        let mut damaged = written.clone();
        *damaged.pointer_mut(place).unwrap() = value.clone();
        let read = serde_json::from_value::<T>(damaged);
        assert!(read.is_err(), "{place}: {value} is read as {read:?}");
    }
}
