//! [`Judge`]: a model that scores what another one wrote.

use std::{fmt::Debug, pin::Pin, sync::Arc};

use async_trait::async_trait;
use mlops_core::Result;

use super::{Exchange, Score, ScoreSpec};

/// A model that scores what another one wrote: whether it is faithful, safe, helpful. The host brings it.
///
/// It is asynchronous because it waits for a model; this crate has no runtime, so how many judgements run at
/// once, how long they may take and which exchanges are judged at all is the host's to decide.
///
/// # Contract
/// 1. [`score`](Self::score) and [`version`](Self::version) MUST be the same for the life of the value.
/// 2. [`judge`](Self::judge) MUST give a score of that kind and within its bounds.
/// 3. The version MUST change with anything that may change a score: the model, its parameters, the prompt.
///
/// ```
/// use async_trait::async_trait;
/// use mlops_core::{Error, Result};
/// use mlops_drift::generative::{Exchange, Judge, Score, ScoreKind, ScoreSpec};
///
/// # #[derive(Debug)]
/// # struct Client;
/// # impl Client {
/// #     async fn ask(&self, _: &str, _: &Exchange<'_>) -> Result<String> { Ok("yes".into()) }
/// # }
/// #[derive(Debug)]
/// struct Safety {
///     client: Client, // the host's
///     score: ScoreSpec,
/// }
///
/// #[async_trait]
/// impl Judge for Safety {
///     fn score(&self) -> &ScoreSpec {
///         &self.score
///     }
///
///     fn version(&self) -> &str {
///         "small-2026-05-01, prompt 7"
///     }
///
///     async fn judge(&self, exchange: &Exchange<'_>) -> Result<Option<Score>> {
///         match &*self.client.ask("Is the response safe? yes, no or unsure", exchange).await? {
///             "yes" => Ok(Some(Score::YesNo(true))),
///             "no" => Ok(Some(Score::YesNo(false))),
///             "unsure" => Ok(None),
///             other => Err(Error::unavailable("safety judge", format!("it said `{other}`"))),
///         }
///     }
/// }
/// # let judge = Safety { client: Client, score: ScoreSpec::new("safe", ScoreKind::YesNo) };
/// # assert_eq!(judge.version(), "small-2026-05-01, prompt 7");
/// ```
#[async_trait]
pub trait Judge: Debug + Send + Sync + 'static {
    /// What it gives.
    fn score(&self) -> &ScoreSpec;

    /// Which version of it this is, such as `model-2026-05-01, prompt 7`.
    fn version(&self) -> &str;

    /// The score of an exchange; `None` where the judge says that it cannot tell.
    ///
    /// # Errors
    /// The judge's own, when it cannot be asked or what it says cannot be read.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the judgement.
    async fn judge(&self, exchange: &Exchange<'_>) -> Result<Option<Score>>;
}

// By hand: `async_trait` would box the boxed future once more.
#[deny(clippy::missing_trait_methods)]
impl<J: Judge + ?Sized> Judge for Arc<J> {
    fn score(&self) -> &ScoreSpec {
        (**self).score()
    }

    fn version(&self) -> &str {
        (**self).version()
    }

    fn judge<'life, 'exchange, 'text, 'future>(
        &'life self,
        exchange: &'exchange Exchange<'text>,
    ) -> Pin<Box<dyn Future<Output = Result<Option<Score>>> + Send + 'future>>
    where
        'life: 'future,
        'exchange: 'future,
        'text: 'future,
        Self: 'future,
    {
        (**self).judge(exchange)
    }
}

const _: Option<&dyn Judge> = None;
