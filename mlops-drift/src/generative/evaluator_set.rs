//! [`EvaluatorSet`]: evaluators and judges whose scores make a profile.

use std::{collections::BTreeMap, sync::Arc};

use mlops_core::{Error, Result, model::ModelId, timestamp::Timestamp};

use super::{Evaluator, Exchange, Judge, ReferenceKey, Score, ScoreKind, ScoreSpec};
use crate::profile::{Column, Profile, ProfileOptions, Value};

/// Evaluators, and judges whose scores come later: together the columns of a
/// [`Profile`](crate::profile::Profile), in the order of their names.
///
/// ```
/// use std::sync::Arc;
/// use mlops_core::timestamp::Timestamp;
/// use mlops_drift::{
///     generative::{EvaluatorSet, Exchange, JsonValidity, Length},
///     profile::ProfileOptions,
/// };
///
/// # fn main() -> mlops_core::Result<()> {
/// let evaluators = EvaluatorSet::new(vec![Arc::new(Length::new()), Arc::new(JsonValidity::new([])?)])?;
/// let answers = ["{\"a\": 1}", "{}", "Sure! Here is the JSON: {}"];
/// let scores = answers.map(|answer| evaluators.evaluate(&Exchange::new(answer)));
/// let rows: Vec<_> = scores.into_iter().collect::<Result<_, _>>()?;
/// let reference = evaluators.reference(&rows, None, Timestamp::EPOCH, &ProfileOptions::default())?;
///
/// // Each replica counts what it serves, if it scores as the reference was scored.
/// let mut window = evaluators.window(&reference, None)?;
/// window.observe_row(&evaluators.evaluate(&Exchange::new("[]"))?.values())?;
/// assert_eq!(window.rows(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct EvaluatorSet {
    evaluators: Vec<Arc<dyn Evaluator>>,
    /// In the order of their names.
    columns: Arc<[ScoreSpec]>,
    /// The version behind each.
    versions: BTreeMap<Arc<str>, Arc<str>>,
}

/// The scores of one exchange. Those of judges are missing until they are [`set`](Self::set).
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreRow {
    columns: Arc<[ScoreSpec]>,
    scores: Vec<Option<Score>>,
}

impl EvaluatorSet {
    /// # Errors
    /// [`Error::InvalidArgument`] if a score has no name, or two have the same.
    pub fn new(evaluators: Vec<Arc<dyn Evaluator>>) -> Result<Self> {
        let mut set =
            Self { evaluators: Vec::new(), columns: Arc::new([]), versions: BTreeMap::new() };
        for evaluator in evaluators {
            let version: Arc<str> = evaluator.version().into();
            for score in evaluator.scores() {
                set.add(score, &version)?;
            }
            set.evaluators.push(evaluator);
        }
        Ok(set)
    }

    /// Adds the score of a judge, which the host asks and [`set`](ScoreRow::set)s.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if its score has no name, or that of another one.
    pub fn with_judge(mut self, judge: &dyn Judge) -> Result<Self> {
        self.add(judge.score(), &judge.version().into())?;
        Ok(self)
    }

    fn add(&mut self, score: &ScoreSpec, version: &Arc<str>) -> Result<()> {
        let ScoreSpec { name, .. } = score;
        if name.is_empty() {
            return Err(Error::invalid("evaluators", "a score has no name"));
        }
        if self.versions.insert(Arc::clone(name), Arc::clone(version)).is_some() {
            return Err(Error::invalid("evaluators", format!("two scores are called `{name}`")));
        }
        let mut columns = self.columns.to_vec();
        let place = columns.partition_point(|column| column.name < *name);
        columns.insert(place, score.clone());
        self.columns = columns.into();
        Ok(())
    }

    /// The scores, in the order of their names: the features of a profile.
    #[must_use]
    pub fn columns(&self) -> &[ScoreSpec] {
        &self.columns
    }

    /// What a reference that is made with these is known by.
    #[must_use]
    pub fn key(&self, model: Option<&ModelId>) -> ReferenceKey {
        ReferenceKey { versions: self.versions.clone(), model: model.cloned() }
    }

    /// The scores that can be computed of an exchange.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`], naming the score, if an evaluator breaks its contract: with another number of
    /// scores than it declares, or one of another kind or out of bounds.
    pub fn evaluate(&self, exchange: &Exchange<'_>) -> Result<ScoreRow> {
        let mut row =
            ScoreRow { columns: Arc::clone(&self.columns), scores: vec![None; self.columns.len()] };
        for evaluator in &self.evaluators {
            let (specs, scores) = (evaluator.scores(), evaluator.evaluate(exchange));
            if scores.len() != specs.len() {
                let reason =
                    format!("{evaluator:?} gave {} for {} declared", scores.len(), specs.len());
                return Err(Error::invalid("scores", reason));
            }
            for (spec, score) in specs.iter().zip(scores) {
                row.set(&spec.name, score)?;
            }
        }
        Ok(row)
    }

    /// The profile of a reference: what normal scores look like.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] without scores or rows, for rows of other evaluators, and for options out of
    /// their range.
    pub fn reference(
        &self,
        rows: &[ScoreRow],
        model: Option<&ModelId>,
        made_at: Timestamp,
        options: &ProfileOptions,
    ) -> Result<Profile> {
        if let Some(index) = rows.iter().position(|row| row.columns != self.columns) {
            let reason = format!("row {index} has the scores of other evaluators");
            return Err(Error::invalid("scores", reason));
        }
        let scores =
            (0..self.columns.len()).map(|place| Scores::of(&self.columns[place], place, rows));
        let scores: Vec<_> = scores.collect();
        let columns = self.columns.iter().zip(&scores);
        let columns: Vec<_> =
            columns.map(|(spec, scores)| (&*spec.name, scores.column())).collect();
        Profile::fit(&columns, self.key(model).origin(made_at)?, options)
    }

    /// An empty profile to count scores of live traffic in, for comparison with the reference.
    ///
    /// # Errors
    /// [`Error::Refused`] with every difference, if the reference was scored by other versions of evaluators
    /// or judges, or is of another model: an upgrade of a judge is not drift.
    /// [`Error::InvalidArgument`] if it is no reference of scores.
    pub fn window(&self, reference: &Profile, model: Option<&ModelId>) -> Result<Profile> {
        self.key(model).check(&ReferenceKey::of(reference)?)?;
        Ok(reference.empty_like())
    }
}

impl ScoreRow {
    /// Sets the score of this name, in place of what it was: what a judge said, later. `None` where nothing can
    /// be said, or the judge failed: it counts as a null.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a name that is not known, and a score of another kind or out of bounds.
    pub fn set(&mut self, name: &str, score: Option<Score>) -> Result<()> {
        let Ok(place) = self.columns.binary_search_by(|column| (*column.name).cmp(name)) else {
            return Err(Error::invalid("score", format!("there is none called `{name}`")));
        };
        if let Some(score) = &score {
            self.columns[place].check(score)?;
        }
        self.scores[place] = score;
        Ok(())
    }

    /// The score of this name, if there is one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Score> {
        let place = self.columns.binary_search_by(|column| (*column.name).cmp(name)).ok()?;
        self.scores[place].as_ref()
    }

    /// The row as a [`Profile`](crate::profile::Profile) takes it.
    #[must_use]
    pub fn values(&self) -> Vec<Value<'_>> {
        let values = self.scores.iter();
        values.map(|score| score.as_ref().map_or(Value::Null, Score::value)).collect()
    }
}

/// The scores of one column, as a profile is fitted to them.
enum Scores<'a> {
    Numbers(Vec<f64>, u64),
    Categories(Vec<&'a str>, u64),
}

impl<'a> Scores<'a> {
    fn of(spec: &ScoreSpec, place: usize, rows: &'a [ScoreRow]) -> Self {
        let values =
            || rows.iter().filter_map(move |row| Some(row.scores[place].as_ref()?.value()));
        let nulls = |there: usize| (rows.len() - there) as u64;
        if spec.kind == ScoreKind::Category {
            let names = values().filter_map(|value| match value {
                Value::Category(name) => Some(name),
                _ => None,
            });
            let names: Vec<_> = names.collect();
            let nulls = nulls(names.len());
            return Self::Categories(names, nulls);
        }
        let numbers = values().filter_map(|value| match value {
            Value::Number(number) => Some(number),
            _ => None,
        });
        let numbers: Vec<_> = numbers.collect();
        let nulls = nulls(numbers.len());
        Self::Numbers(numbers, nulls)
    }

    fn column(&self) -> Column<'_> {
        match self {
            Self::Numbers(values, nulls) => Column::Numeric { values, nulls: *nulls },
            Self::Categories(values, nulls) => Column::Categorical { values, nulls: *nulls },
        }
    }
}
