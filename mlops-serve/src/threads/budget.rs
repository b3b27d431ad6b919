//! [`ThreadBudget`].

use mlops_core::{Error, Result};

/// The cores that a host gives its models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadBudget {
    cores: Vec<usize>,
}

/// What a model asks of a [`ThreadBudget`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ThreadDemand {
    /// The model, for the error's sake.
    pub model: String,
    /// Sessions of it.
    pub instances: usize,
    /// Threads within an operator, for each session; `None` for a fair share of what is left.
    pub intra_threads: Option<usize>,
}

/// What a model gets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ThreadShare {
    /// Threads within an operator, for each session; the one that runs the session is one of them.
    pub intra_threads: usize,
    /// For each session as many cores as it has threads, which no other session has.
    pub cores: Vec<Vec<usize>>,
}

impl ThreadBudget {
    /// So many threads, on the cores from 0 on.
    #[must_use]
    pub fn new(threads: usize) -> Self {
        Self { cores: (0..threads).collect() }
    }

    /// These cores, by the system's numbers.
    #[must_use]
    pub fn of_cores(cores: impl IntoIterator<Item = usize>) -> Self {
        let mut cores: Vec<_> = cores.into_iter().collect();
        cores.sort_unstable();
        cores.dedup();
        Self { cores }
    }

    /// As many as this process may use: the cores it is allowed on, and no more than the processor time
    /// of its control group.
    ///
    /// # Errors
    /// [`Error::Backend`] if the system does not say.
    pub fn of_machine() -> Result<Self> {
        let threads = std::thread::available_parallelism()
            .map_err(|error| Error::backend("threads", error))?
            .get();
        Ok(Self { cores: allowed_cores(threads)? })
    }

    /// How many threads there are to give.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.cores.len()
    }

    /// Divides the threads among the sessions of these models, in their order.
    ///
    /// Models that say how many threads they want get them. The others share the rest: each thread in
    /// turn goes to a model whose sessions have the fewest, as long as there is one for each of its
    /// sessions. Never are there more threads than cores; some may be left over.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if there are not enough, with what each model asks for, or if a model
    /// asks for none.
    pub fn divide(&self, demands: &[ThreadDemand]) -> Result<Vec<ThreadShare>> {
        for demand in demands {
            if demand.instances == 0 || demand.intra_threads == Some(0) {
                let reason = format!("`{}` asks for no instances or no threads", demand.model);
                return Err(Error::invalid("thread budget", reason));
            }
        }
        let mut threads: Vec<usize> =
            demands.iter().map(|demand| demand.intra_threads.unwrap_or(1)).collect();
        let least = demands.iter().zip(&threads).try_fold(0_usize, |sum, (demand, threads)| {
            sum.checked_add(demand.instances.checked_mul(*threads)?)
        });
        let Some(mut left) = least.and_then(|least| self.threads().checked_sub(least)) else {
            return Err(self.too_few(demands));
        };
        while let Some(poorest) = (0..demands.len())
            .filter(|at| demands[*at].intra_threads.is_none() && demands[*at].instances <= left)
            .min_by_key(|at| threads[*at])
        {
            threads[poorest] += 1;
            left -= demands[poorest].instances;
        }
        let mut cores = self.cores.iter().copied();
        let share = |(demand, intra_threads): (&ThreadDemand, usize)| ThreadShare {
            intra_threads,
            cores: (0..demand.instances)
                .map(|_| cores.by_ref().take(intra_threads).collect())
                .collect(),
        };
        Ok(demands.iter().zip(threads).map(share).collect())
    }

    fn too_few(&self, demands: &[ThreadDemand]) -> Error {
        let asked: Vec<_> = demands
            .iter()
            .map(|demand| {
                let threads =
                    demand.intra_threads.map_or("at least 1".to_owned(), |n| n.to_string());
                format!("`{}` {} × {threads}", demand.model, demand.instances)
            })
            .collect();
        let reason = format!(
            "{} threads are not enough for instances × threads of {}: ask for fewer of either",
            self.threads(),
            asked.join(", ")
        );
        Error::invalid("thread budget", reason)
    }
}

impl ThreadDemand {
    /// So many sessions, with a fair share of the threads.
    #[must_use]
    pub fn new(model: impl Into<String>, instances: usize) -> Self {
        Self { model: model.into(), instances, intra_threads: None }
    }

    /// Asks for exactly so many threads for each session.
    #[must_use]
    pub fn with_intra_threads(mut self, threads: usize) -> Self {
        self.intra_threads = Some(threads);
        self
    }
}

/// The first so many of the cores this thread is allowed on.
#[cfg(target_os = "linux")]
fn allowed_cores(threads: usize) -> Result<Vec<usize>> {
    use rustix::thread::{CpuSet, sched_getaffinity};

    let set = sched_getaffinity(None)
        .map_err(|error| Error::backend("threads", std::io::Error::from(error)))?;
    Ok((0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).take(threads).collect())
}

#[cfg(not(target_os = "linux"))]
fn allowed_cores(threads: usize) -> Result<Vec<usize>> {
    Ok((0..threads).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn demand((instances, threads): (usize, usize)) -> ThreadDemand {
        let demand = ThreadDemand::new("m", instances);
        if threads == 0 { demand } else { demand.with_intra_threads(threads) }
    }

    /// Instances and threads (0 for a share) asked for on so many cores; threads given.
    #[test]
    fn threads_are_divided_as_in_the_table() {
        type Row = (usize, &'static [(usize, usize)], &'static [usize]);
        let table: [Row; 8] = [
            (8, &[(1, 0)], &[8]),
            (8, &[(2, 0)], &[4]),
            (8, &[(3, 0)], &[2]),
            (8, &[(1, 0), (1, 0)], &[4, 4]),
            (8, &[(2, 0), (1, 2)], &[3, 2]),
            (7, &[(2, 0), (1, 0)], &[2, 3]),
            (4, &[(2, 2)], &[2]),
            (2, &[(1, 0), (1, 0)], &[1, 1]),
        ];
        for (threads, asked, given) in table {
            let demands: Vec<_> = asked.iter().copied().map(demand).collect();
            let shares = ThreadBudget::new(threads).divide(&demands).unwrap();
            let got: Vec<_> = shares.iter().map(|share| share.intra_threads).collect();
            assert_eq!(got, given, "{asked:?} on {threads}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_with_who_asks_for_what() {
        let demands =
            [ThreadDemand::new("ranker", 2).with_intra_threads(2), ThreadDemand::new("tagger", 1)];
        let error = ThreadBudget::new(4).divide(&demands).unwrap_err().to_string();
        for part in ["4 threads", "`ranker` 2 × 2", "`tagger` 1 × at least 1"] {
            assert!(error.contains(part), "{error}");
        }
        for none in [demand((0, 1)), ThreadDemand::new("m", 1).with_intra_threads(0)] {
            assert!(ThreadBudget::new(4).divide(&[none]).is_err());
        }
        assert!(ThreadBudget::new(4).divide(&[demand((usize::MAX, usize::MAX))]).is_err());
    }

    #[test]
    fn the_machine_has_a_core() {
        assert!(ThreadBudget::of_machine().unwrap().threads() > 0);
    }

    proptest! {
        #[test]
        fn no_core_is_given_twice(
            threads in 0..40_usize,
            asked in prop::collection::vec((1..5_usize, 0..4_usize), 0..6),
        ) {
            let demands: Vec<_> = asked.into_iter().map(demand).collect();
            let budget = ThreadBudget::of_cores((0..threads).map(|core| core * 2));
            let least: usize =
                demands.iter().map(|demand| demand.instances * demand.intra_threads.unwrap_or(1)).sum();
            let Ok(shares) = budget.divide(&demands) else {
                prop_assert!(least > threads);
                return Ok(());
            };
            let mut given = Vec::new();
            for (demand, share) in demands.iter().zip(&shares) {
                prop_assert_eq!(share.cores.len(), demand.instances);
                if let Some(asked) = demand.intra_threads {
                    prop_assert_eq!(share.intra_threads, asked);
                }
                for cores in &share.cores {
                    prop_assert_eq!(cores.len(), share.intra_threads);
                    given.extend(cores.iter().copied());
                }
            }
            let count = given.len();
            given.sort_unstable();
            given.dedup();
            prop_assert_eq!(given.len(), count);
            prop_assert!(given.iter().all(|core| core % 2 == 0 && *core < threads * 2));
        }
    }
}
