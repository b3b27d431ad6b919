//! [`FeatureSource`]: where in a prediction a feature is.

use serde::{Deserialize, Serialize};

/// Where in a prediction the values of a feature are.
///
/// # Rows and columns
/// Where the model is [batchable](mlops_core::signature::ModelSignature::is_batchable), axis 0 of a tensor
/// is its rows, and the elements of a row are its columns, in C order over the other axes. Of any other
/// model a whole tensor is one row.
///
/// # Values
/// Every numeric element type is a number; integers and booleans are categories too (`-3`, `true`) if the
/// reference counts the feature as one; strings are categories. A string that is not UTF-8 is the category
/// `\u{fffd}`.
///
/// # Once a row or once a request
/// A column, a class, a confidence and the tokens of a mask have a value in each row. The length of an
/// axis, latency and whether there was an error have one in each prediction, however many rows it has:
/// they are one observation, and a test that took them for many would see more evidence than there is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum FeatureSource {
    /// A column of an input.
    Input {
        /// The input.
        tensor: String,
        /// Which of its columns; 0 if it has only one.
        column: usize,
    },
    /// A column of an output: a value, or the probability of a class.
    Output {
        /// The output.
        tensor: String,
        /// Which of its columns; 0 if it has only one.
        column: usize,
    },
    /// The class that an output speaks for: the column of its largest value, the first of equal ones. A
    /// row with a NaN has none and is null.
    Class {
        /// The output with a column for each class.
        output: String,
        /// What the classes are called, in the order of the columns; without names they are `0`, `1`, ….
        #[serde(default)]
        names: Vec<String>,
    },
    /// How sure the model is: the largest value of a row of an output, its highest probability. NaN if one
    /// of them is.
    Confidence {
        /// The output with a probability for each class.
        output: String,
    },
    /// The size of an axis of an input, such as the length that sequences are padded to.
    InputLength {
        /// The input.
        tensor: String,
        /// Which of its axes; 0 is the rows of a batchable model.
        axis: usize,
    },
    /// The size of an axis of an output, such as how many tokens were generated.
    OutputLength {
        /// The output.
        tensor: String,
        /// Which of its axes.
        axis: usize,
    },
    /// The tokens of a row: the sum of its attention mask.
    Tokens {
        /// The input that is the mask.
        mask: String,
    },
    /// Seconds from the request to its answer, or to its failure.
    Latency,
    /// Whether the prediction failed: 1 or 0, as a category `true` or `false`. Of one whose caller went away
    /// that is not known, and it is not counted.
    Error,
    /// Not in predictions: it comes in rows that the host gives itself, or not at all.
    Nowhere,
}

impl FeatureSource {
    /// A column of an input.
    pub fn input(tensor: impl Into<String>, column: usize) -> Self {
        Self::Input { tensor: tensor.into(), column }
    }

    /// A column of an output: a value, or the probability of a class.
    pub fn output(tensor: impl Into<String>, column: usize) -> Self {
        Self::Output { tensor: tensor.into(), column }
    }

    /// The class of the largest value of an output, by its index.
    pub fn class(output: impl Into<String>) -> Self {
        Self::Class { output: output.into(), names: Vec::new() }
    }

    /// The class of the largest value of an output, by its name.
    pub fn named_class<N: Into<String>>(
        output: impl Into<String>,
        names: impl IntoIterator<Item = N>,
    ) -> Self {
        let names = names.into_iter().map(Into::into).collect();
        Self::Class { output: output.into(), names }
    }

    /// The largest value of an output.
    pub fn confidence(output: impl Into<String>) -> Self {
        Self::Confidence { output: output.into() }
    }

    /// The size of an axis of an input.
    pub fn input_length(tensor: impl Into<String>, axis: usize) -> Self {
        Self::InputLength { tensor: tensor.into(), axis }
    }

    /// The size of an axis of an output.
    pub fn output_length(tensor: impl Into<String>, axis: usize) -> Self {
        Self::OutputLength { tensor: tensor.into(), axis }
    }

    /// The sum of an attention mask.
    pub fn tokens(mask: impl Into<String>) -> Self {
        Self::Tokens { mask: mask.into() }
    }
}
