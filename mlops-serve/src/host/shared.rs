//! What a host, its threads and its loads share.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use mlops_core::{
    Error, Result,
    clock::Signal,
    inference::CancelHandle,
    model::{ModelId, ModelName, ModelVersion},
    signature::ModelSignature,
};
use parking_lot::Mutex;
use tokio::sync::{oneshot, watch};

use super::{
    drain::{Drains, Gone, Hurry, Origin, Running},
    memory::{Ledger, Shortage},
    options::{HostOptions, OnNoRoom},
    roster::{CurrentLoad, HostedModel, Roster, bytes_on},
    table::ModelTable,
    update::ModelUpdate,
};

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) options: HostOptions,
    /// What requests see. Changed under the lock of `state`, read without it.
    pub(super) table: ModelTable,
    pub(super) ledger: Arc<Ledger>,
    state: Mutex<State>,
    /// Raised when there may be something to load.
    pub(super) work: Arc<Signal>,
    hurry: watch::Sender<Option<Instant>>,
    /// Whether requests were given up since the host was closed.
    has_given_up: AtomicBool,
}

#[derive(Debug)]
struct State {
    rosters: BTreeMap<ModelName, Roster>,
    /// Loads that wait, the oldest first.
    jobs: VecDeque<Job>,
    /// `None` once the host is closed.
    drains: Option<Drains>,
    /// Counts the generations of all names.
    generations: u64,
}

/// An update to carry out.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) update: ModelUpdate,
    pub(super) device: String,
    pub(super) cancel: CancelHandle,
    pub(super) reply: oneshot::Sender<Result<()>>,
    pub(super) span: tracing::Span,
}

/// What a loading thread does next.
#[derive(Debug)]
pub(super) enum Next {
    Load(Job),
    Wait,
    End,
}

impl Shared {
    pub(super) fn new(options: HostOptions, drains: Drains) -> Self {
        let state = State {
            rosters: BTreeMap::new(),
            jobs: VecDeque::new(),
            drains: Some(drains),
            generations: 0,
        };
        Self {
            ledger: Ledger::new(&options.devices),
            options,
            table: ModelTable::new(),
            state: Mutex::new(state),
            work: Arc::default(),
            hurry: watch::Sender::new(None),
            has_given_up: AtomicBool::new(false),
        }
    }

    pub(super) fn hurry(&self) -> Hurry {
        self.hurry.subscribe()
    }

    pub(super) fn announce(&self, id: &ModelId) -> Result<()> {
        let mut state = self.state.lock();
        if state.drains.is_none() {
            return Err(closed());
        }
        state.rosters.entry(id.name.clone()).or_default().announce(id.version);
        self.show(&mut state, &id.name);
        Ok(())
    }

    /// Puts an update in line, or tells whoever waits for it why not.
    pub(super) fn submit(&self, job: Job) {
        // Dropped after the lock: what loaders do then must not hold up requests.
        let mut given_up = Vec::new();
        let mut state = self.state.lock();
        match self.admit(&mut state, &job.device, &mut given_up) {
            Ok(()) => {
                state.jobs.push_back(job);
                drop(state);
                self.work.raise();
            }
            Err(error) => {
                // Whoever waited may have gone away.
                job.reply.send(Err(error)).ok();
            }
        }
    }

    fn admit(
        &self,
        state: &mut State,
        device: &str,
        given_up: &mut Vec<ModelUpdate>,
    ) -> Result<()> {
        if state.drains.is_none() {
            return Err(closed());
        }
        if !self.options.devices.contains_key(device) {
            let known: Vec<_> = self.options.devices.keys().map(String::as_str).collect();
            let reason = format!("`{device}` is not one of: {}", known.join(", "));
            return Err(Error::invalid("device of a model", reason));
        }
        let limit = self.options.max_pending_loads;
        if state.jobs.len() >= limit {
            *given_up = self.give_up(state, &Error::Cancelled, |job| job.cancel.is_cancelled());
        }
        if state.jobs.len() >= limit {
            let limit = limit as u64;
            return Err(Error::Overloaded { what: "queue of loads", limit, retry_after: None });
        }
        Ok(())
    }

    /// The oldest load for this device whose name is not being loaded by another thread.
    pub(super) fn next_job(&self, device: &str) -> Next {
        let mut state = self.state.lock();
        if state.drains.is_none() {
            return Next::End;
        }
        let is_free = |name| state.rosters.get(name).is_none_or(|roster| roster.loading.is_none());
        // An older load of the same name, to another device, goes first.
        let mut names = BTreeSet::new();
        let next = state.jobs.iter().position(|job| {
            let is_first = names.insert(&job.update.name);
            job.device == device && is_first && is_free(&job.update.name)
        });
        let Some(job) = next.and_then(|next| state.jobs.remove(next)) else {
            return Next::Wait;
        };
        let versions = job.update.load.keys().copied().collect();
        let roster = state.rosters.entry(job.update.name.clone()).or_default();
        let cancel = job.cancel.clone();
        roster.loading = Some(CurrentLoad { versions, cancel, is_withdrawn: false });
        Next::Load(job)
    }

    /// What callers of the name are used to, if the update may go on.
    pub(super) fn contract(
        &self,
        update: &ModelUpdate,
    ) -> Result<Option<(Arc<ModelId>, Arc<ModelSignature>)>> {
        let state = self.state.lock();
        let Some(roster) = state.rosters.get(&update.name) else {
            return Ok(None);
        };
        check_pin(roster, update)?;
        Ok(roster.contract())
    }

    /// Ends models that need not run, so that a load may fit once they are gone.
    pub(super) fn make_room(&self, job: &Job, shortage: Shortage) -> bool {
        let Job { update, device, .. } = job;
        let mut state = self.state.lock();
        if shortage.fits_after_draining() {
            return true;
        }
        let kept = state.rosters.values().map(|roster| roster.kept_bytes(device)).sum::<u64>();
        let roster = state.rosters.get(&update.name);
        let replaced = roster.map_or(0, |roster| roster.replaced_bytes(device, update));
        let mut unload = false;
        if !shortage.fits_after_draining_also(kept) {
            unload = self.options.on_no_room == OnNoRoom::UnloadFirst
                && shortage.fits_after_draining_also(kept + replaced);
            if !unload {
                return false;
            }
        }
        let mut freed = 0;
        if unload && let Some(roster) = state.rosters.get_mut(&update.name) {
            let ended = roster.unload_for(update);
            freed += ended.iter().map(|model| bytes_on(device, model)).sum::<u64>();
            self.drain(&mut state, &update.name, ended);
        }
        while !shortage.fits_after_draining_also(freed) {
            let kept = state
                .rosters
                .iter()
                .filter_map(|(name, roster)| Some((roster.oldest_kept_on(device)?, name.clone())));
            let Some((_, name)) = kept.min() else { break };
            let ended = state.rosters.get_mut(&name).map(Roster::end_oldest).unwrap_or_default();
            freed += ended.iter().map(|model| bytes_on(device, model)).sum::<u64>();
            self.drain(&mut state, &name, ended);
        }
        true
    }

    /// Makes loaded models serve, all at once, unless the job was cancelled meanwhile.
    pub(super) fn publish(
        &self,
        job: &Job,
        loaded: &mut BTreeMap<ModelVersion, Running>,
    ) -> Result<()> {
        let name = &job.update.name;
        let mut state = self.state.lock();
        if state.drains.is_none() {
            return Err(closed());
        }
        state.generations += 1;
        let sequence = state.generations;
        let roster = state.rosters.entry(name.clone()).or_default();
        if job.cancel.is_cancelled() || roster.is_withdrawn() {
            return Err(Error::Cancelled);
        }
        check_pin(roster, &job.update)?;
        let loaded = std::mem::take(loaded);
        let keep = self.options.keep_previous;
        let ended = roster.publish(loaded, job.update.others, keep, sequence);
        self.drain(&mut state, name, ended);
        Ok(())
    }

    /// Notes how a load ended, and tells whoever waits for it.
    pub(super) fn finish(&self, job: Job, result: Result<()>) {
        let Job { update, reply, .. } = job;
        {
            let mut state = self.state.lock();
            if let Some(roster) = state.rosters.get_mut(&update.name) {
                // Who unloaded it knows.
                if let Err(error) = &result
                    && !roster.is_withdrawn()
                {
                    roster.fail(update.load.keys().copied(), error);
                }
                roster.loading = None;
            }
            self.show(&mut state, &update.name);
        }
        // Whoever is told may rely on the loaders to be gone.
        drop(update);
        // Another load of this name may have waited.
        self.work.raise();
        // Whoever waited may have gone away.
        reply.send(result).ok();
    }

    pub(super) fn roll_back(&self, name: &str) -> Result<Vec<ModelVersion>> {
        let mut state = self.state.lock();
        let (name, roster) = state.roster(name)?;
        let Some(ended) = roster.roll_back() else {
            let reason = format!("no previous generation of `{name}` is kept");
            let reasons = Arc::new([reason.into()]);
            return Err(Error::Refused { what: "rollback", reasons });
        };
        let serving = roster.status().serving;
        self.drain(&mut state, &name, ended);
        Ok(serving)
    }

    pub(super) fn pin(&self, name: &str, version: Option<ModelVersion>) -> Result<()> {
        let mut state = self.state.lock();
        let (name, roster) = state.roster(name)?;
        if let Some(version) = version.filter(|version| !roster.serves(*version)) {
            return Err(Error::not_found("model version", format_args!("{name}/{version}")));
        }
        roster.pinned = version;
        self.show(&mut state, &name);
        Ok(())
    }

    /// Takes a version (or all) out, its loads too; what comes back tells when it is gone.
    pub(super) fn unload(&self, name: &str, version: Option<ModelVersion>) -> Result<Vec<Gone>> {
        // Dropped after the lock: what loaders do then must not hold up requests.
        let given_up;
        let mut state = self.state.lock();
        given_up = self.give_up(&mut state, &Error::Cancelled, |job| {
            let versions = &job.update.load;
            job.update.name.as_str() == name
                && version.is_none_or(|version| versions.contains_key(&version))
        });
        let (name, roster) = match state.roster(name) {
            Ok(found) => found,
            Err(_) if !given_up.is_empty() => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        if given_up.is_empty() && !roster.knows(version) {
            return Err(match version {
                Some(version) => {
                    Error::not_found("model version", format_args!("{name}/{version}"))
                }
                None => Error::not_found("model", name),
            });
        }
        let withdrawn = roster.withdraw(version);
        let ended = roster.unload(version);
        let gone = match &state.drains {
            Some(drains) => send_all(drains, ended),
            None => Vec::new(),
        };
        self.show(&mut state, &name);
        drop(state);
        withdrawn.inspect(CancelHandle::cancel);
        Ok(gone)
    }

    /// Accepts no more loads, takes every model out, and lets the threads end. What is drained must
    /// be so by `deadline`, if there is one.
    pub(super) fn close(&self, deadline: Option<Instant>) {
        if deadline.is_some() {
            self.hurry.send_replace(deadline);
        }
        // Dropped after the lock: what loaders do then must not hold up requests.
        let _given_up;
        let mut state = self.state.lock();
        let Some(drains) = state.drains.take() else {
            return;
        };
        _given_up = self.give_up(&mut state, &closed(), |_| true);
        let mut withdrawn = Vec::new();
        let names: Vec<_> = state.rosters.keys().cloned().collect();
        for name in names {
            let Some(roster) = state.rosters.get_mut(&name) else { continue };
            withdrawn.extend(roster.withdraw(None));
            drop(send_all(&drains, roster.unload(None)));
            self.show(&mut state, &name);
        }
        drop(state);
        withdrawn.iter().for_each(CancelHandle::cancel);
        self.work.raise();
    }

    /// Notes that a model is gone, and whether all its requests were answered.
    pub(super) fn gone(&self, id: &ModelId, origin: Origin, drained: &Result<()>) {
        let mut state = self.state.lock();
        if drained.is_err() && state.drains.is_none() {
            self.has_given_up.store(true, Ordering::Release);
        }
        if origin == Origin::Published
            && let Some(roster) = state.rosters.get_mut(&id.name)
        {
            roster.gone(id.version);
            self.show(&mut state, &id.name);
        }
    }

    /// True once, if requests were given up since the host was closed.
    pub(super) fn take_given_up(&self) -> bool {
        self.has_given_up.swap(false, Ordering::AcqRel)
    }

    pub(super) fn status(&self, name: &str) -> Option<HostedModel> {
        self.state.lock().rosters.get(name).map(Roster::status)
    }

    /// Takes loads out of the line; returns what they were to load.
    fn give_up(
        &self,
        state: &mut State,
        error: &Error,
        which: impl Fn(&Job) -> bool,
    ) -> Vec<ModelUpdate> {
        let (given_up, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut state.jobs).into_iter().partition(which);
        state.jobs = waiting.into();
        let updates = given_up.into_iter().map(|Job { update, reply, .. }| {
            if let Some(roster) = state.rosters.get_mut(&update.name) {
                roster.fail(update.load.keys().copied(), error);
                self.show(state, &update.name);
            }
            // Whoever waited may have gone away.
            reply.send(Err(error.clone())).ok();
            update
        });
        updates.collect()
    }

    /// Drains models that no longer run, once requests no longer find them.
    fn drain(&self, state: &mut State, name: &ModelName, ended: Vec<Running>) {
        self.show(state, name);
        if let Some(drains) = &state.drains {
            drop(send_all(drains, ended));
        }
    }

    /// Lets requests see what is known of a name.
    fn show(&self, state: &mut State, name: &ModelName) {
        let Some(roster) = state.rosters.get(name) else { return };
        self.table.set_route(name, roster.route());
        if roster.is_empty() {
            state.rosters.remove(name);
        }
    }
}

impl State {
    fn roster(&mut self, name: &str) -> Result<(ModelName, &mut Roster)> {
        let unknown = || Error::not_found("model", name);
        let known = self.rosters.get_key_value(name).map(|(name, _)| name.clone());
        let known = known.ok_or_else(unknown)?;
        let roster = self.rosters.get_mut(name).ok_or_else(unknown)?;
        Ok((known, roster))
    }
}

fn send_all(drains: &Drains, ended: Vec<Running>) -> Vec<Gone> {
    ended.into_iter().map(|model| drains.send(model, Origin::Published)).collect()
}

fn check_pin(roster: &Roster, update: &ModelUpdate) -> Result<()> {
    let Some(pinned) = roster.pin_against(update) else {
        return Ok(());
    };
    let reason =
        format!("`{}/{pinned}` is pinned as the default, and would be replaced", update.name);
    Err(Error::Refused { what: "load", reasons: Arc::new([reason.into()]) })
}

pub(super) fn closed() -> Error {
    Error::Closed { what: "model host" }
}
