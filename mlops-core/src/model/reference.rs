//! [`ModelRef`].

use std::{fmt, str::FromStr};

use semver::VersionReq;
use serde::{Deserialize, Serialize};

use crate::{
    Error, Result,
    model::{Alias, ModelName, ModelVersion, Stage},
};

/// Which version of a model is meant, as MLflow writes it.
///
/// | text | meaning |
/// | --- | --- |
/// | `models:/name/3` | version 3 |
/// | `models:/name@champion` | the version the alias stands for |
/// | `models:/name/^1.2` | the newest version whose semantic version satisfies the requirement |
/// | `models:/name/Production` | the newest version in the stage |
/// | `models:/name/latest` | the version with the highest number |
///
/// ```
/// use mlops_core::model::ModelRef;
///
/// # fn main() -> mlops_core::Result<()> {
/// let reference: ModelRef = "models:/digits@champion".parse()?;
/// assert!(matches!(reference, ModelRef::Alias { .. }));
/// assert_eq!(reference.to_string(), "models:/digits@champion");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ModelRef {
    /// A registry version.
    Version {
        /// The model.
        name: ModelName,
        /// The version.
        version: ModelVersion,
    },
    /// Whatever version an alias stands for now.
    Alias {
        /// The model.
        name: ModelName,
        /// The alias.
        alias: Alias,
    },
    /// The newest version that satisfies a semantic version requirement.
    SemVer {
        /// The model.
        name: ModelName,
        /// The requirement.
        requirement: VersionReq,
    },
    /// The newest version in a stage.
    Stage {
        /// The model.
        name: ModelName,
        /// The stage.
        stage: Stage,
    },
    /// The version with the highest number.
    Latest {
        /// The model.
        name: ModelName,
    },
}

impl ModelRef {
    /// The model it is about.
    #[must_use]
    pub fn name(&self) -> &ModelName {
        match self {
            Self::Version { name, .. }
            | Self::Alias { name, .. }
            | Self::SemVer { name, .. }
            | Self::Stage { name, .. }
            | Self::Latest { name } => name,
        }
    }
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version { name, version } => write!(f, "models:/{name}/{version}"),
            Self::Alias { name, alias } => write!(f, "models:/{name}@{alias}"),
            Self::SemVer { name, requirement } => write!(f, "models:/{name}/{requirement}"),
            Self::Stage { name, stage } => write!(f, "models:/{name}/{stage}"),
            Self::Latest { name } => write!(f, "models:/{name}/latest"),
        }
    }
}

impl FromStr for ModelRef {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let malformed = || {
            let reason =
                format!("{text:?} is neither `models:/NAME/VERSION` nor `models:/NAME@ALIAS`");
            Error::invalid("model reference", reason)
        };
        let rest = text.strip_prefix("models:/").ok_or_else(malformed)?;
        if let Some((name, version)) = rest.split_once('/') {
            return Self::parse_version(name.parse()?, version);
        }
        let (name, alias) = rest.split_once('@').ok_or_else(malformed)?;
        Ok(Self::Alias { name: name.parse()?, alias: alias.parse()? })
    }
}

impl ModelRef {
    fn parse_version(name: ModelName, text: &str) -> Result<Self> {
        if text.eq_ignore_ascii_case("latest") {
            return Ok(Self::Latest { name });
        }
        if let Ok(stage) = text.parse() {
            return Ok(Self::Stage { name, stage });
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Self::Version { name, version: text.parse()? });
        }
        let requirement = text.parse().map_err(|error: semver::Error| {
            let reason = format!(
                "{text:?} is not a version, a stage, `latest` or a semantic version requirement \
                 ({error})"
            );
            Error::invalid("model reference", reason)
        })?;
        Ok(Self::SemVer { name, requirement })
    }
}

impl TryFrom<String> for ModelRef {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<ModelRef> for String {
    fn from(reference: ModelRef) -> Self {
        reference.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_form_is_read() {
        let name = ModelName::new("digits").unwrap();
        let cases = [
            ("3", ModelRef::Version { name: name.clone(), version: ModelVersion::new(3) }),
            ("^1.2", ModelRef::SemVer { name: name.clone(), requirement: "^1.2".parse().unwrap() }),
            ("Production", ModelRef::Stage { name: name.clone(), stage: Stage::Production }),
            ("archived", ModelRef::Stage { name: name.clone(), stage: Stage::Archived }),
            ("latest", ModelRef::Latest { name }),
        ];
        for (version, expected) in cases {
            assert_eq!(format!("models:/digits/{version}").parse::<ModelRef>().unwrap(), expected);
        }
    }

    #[test]
    fn every_malformed_reference_is_refused() {
        for text in [
            "",
            "digits",
            "models:/",
            "models:/digits",
            "models:/digits/",
            "models:/@champion",
            "models:/digits@",
            "models:/digits@v1",
            "models:/digits@a@b",
            "models:/digits/1/2",
            "models:/a:b/1",
            "models:/digits/18446744073709551616",
            "models:/digits/not a version",
            "runs:/digits/1",
        ] {
            let error = text.parse::<ModelRef>().unwrap_err();
            assert!(matches!(error, Error::InvalidArgument { .. }), "{text:?}: {error}");
        }
    }

    fn any_reference() -> impl Strategy<Value = ModelRef> {
        let name = "[a-z][a-z0-9 ._é-]{0,8}[a-z]".prop_map(|name| ModelName::new(name).unwrap());
        let kind = prop_oneof![
            any::<u64>().prop_map(|version| version.to_string()),
            prop::sample::select(vec!["latest", "None", "Staging", "Production", "Archived"])
                .prop_map(String::from),
            any::<(u16, u16, u16)>().prop_map(|(a, b, c)| format!(">={a}.{b}, <{c}.0.0")),
        ];
        let by_version = (name.clone(), kind)
            .prop_map(|(name, version)| format!("models:/{name}/{version}").parse().unwrap());
        let by_alias = (name, "w[a-z0-9_-]{0,9}")
            .prop_map(|(name, alias)| ModelRef::Alias { name, alias: Alias::new(alias).unwrap() });
        prop_oneof![by_version, by_alias]
    }

    proptest! {
        #[test]
        fn text_and_json_round_trip(reference in any_reference()) {
            prop_assert_eq!(&reference.to_string().parse::<ModelRef>().unwrap(), &reference);
            let json = serde_json::to_string(&reference).unwrap();
            prop_assert_eq!(serde_json::from_str::<ModelRef>(&json).unwrap(), reference);
        }

        #[test]
        fn no_text_panics(text: String) {
            drop(text.parse::<ModelRef>());
            drop(format!("models:/{text}").parse::<ModelRef>());
        }
    }
}
