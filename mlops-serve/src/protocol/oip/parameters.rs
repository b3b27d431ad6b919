//! The parameters of a request: those that the protocol reserves, and those for the model.

use std::{collections::BTreeMap, fmt, time::Duration};

use mlops_core::{Error, Result, inference::Parameter};

/// What keys that clients must not use begin with.
const RESERVED: &str = "triton_";

/// Parameters of an inference request.
#[derive(Debug, Default)]
pub(super) struct RequestParameters {
    /// 0 for the model's default.
    pub(super) priority: u32,
    /// How long the client waits.
    pub(super) timeout: Option<Duration>,
    /// Everything else, for the model.
    pub(super) others: BTreeMap<String, Parameter>,
}

impl RequestParameters {
    /// Takes one parameter in.
    pub(super) fn insert(&mut self, key: String, value: Parameter) -> Result<()> {
        match &*key {
            "priority" => self.priority = whole_number("priority", &value)?,
            "timeout" => {
                let micros: u64 = whole_number("timeout (microseconds)", &value)?;
                self.timeout = (micros > 0).then(|| Duration::from_micros(micros));
            }
            _ if key.starts_with(RESERVED) => {
                let reason = format!("`{key}`: keys that start with `{RESERVED}` are reserved");
                return Err(Error::invalid("parameter", reason));
            }
            _ => drop(self.others.insert(key, value)),
        }
        Ok(())
    }
}

/// A parameter that counts something.
pub(super) fn whole_number<T>(what: &'static str, value: &Parameter) -> Result<T>
where
    T: TryFrom<i64, Error: fmt::Display>,
{
    let Parameter::Integer(number) = value else {
        return Err(Error::invalid(what, format_args!("{value:?} is not a whole number in range")));
    };
    T::try_from(*number).map_err(|error| Error::invalid(what, format_args!("{number}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert(key: &str, value: Parameter) -> Result<RequestParameters> {
        let mut parameters = RequestParameters::default();
        parameters.insert(key.into(), value)?;
        Ok(parameters)
    }

    #[test]
    fn reserved_ones_are_taken_out_and_checked() {
        assert_eq!(insert("priority", Parameter::Integer(2)).unwrap().priority, 2);
        let timeout = |micros| insert("timeout", Parameter::Integer(micros)).unwrap().timeout;
        assert_eq!(timeout(1500), Some(Duration::from_micros(1500)));
        assert_eq!(timeout(0), None);
        let other = insert("sequence", Parameter::Bool(true)).unwrap();
        assert_eq!(other.others["sequence"], Parameter::Bool(true));
        for (key, value) in [
            ("priority", Parameter::Integer(-1)),
            ("priority", Parameter::Integer(1 << 32)),
            ("priority", Parameter::String("high".into())),
            ("timeout", Parameter::Float(1e19)),
            ("timeout", Parameter::Integer(-5)),
            ("triton_anything", Parameter::Integer(1)),
        ] {
            let error = insert(key, value).unwrap_err();
            assert_eq!(error.code(), "invalid_argument", "{key}");
            assert!(error.to_string().contains(key), "{error}");
        }
    }
}
