//! [`Exchange`].

/// A prompt and what a model made of it, as evaluators and judges see it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exchange<'a> {
    /// What the model was asked.
    pub prompt: Option<&'a str>,
    /// What it answered.
    pub response: &'a str,
    /// What it was given to answer from: retrieved passages, a document.
    pub context: Option<&'a str>,
}

impl<'a> Exchange<'a> {
    /// A response alone.
    #[must_use]
    pub fn new(response: &'a str) -> Self {
        Self { prompt: None, response, context: None }
    }

    /// With the prompt that it answers.
    #[must_use]
    pub fn with_prompt(mut self, prompt: &'a str) -> Self {
        self.prompt = Some(prompt);
        self
    }

    /// With what it was given to answer from.
    #[must_use]
    pub fn with_context(mut self, context: &'a str) -> Self {
        self.context = Some(context);
        self
    }
}
