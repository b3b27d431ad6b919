//! [`Roster`]: what a host knows of one name.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use mlops_core::{
    Error,
    inference::CancelHandle,
    model::{ModelId, ModelVersion},
    signature::ModelSignature,
};

use super::{
    drain::Running,
    models::ModelState,
    route::{Entry, Route},
    update::{ModelUpdate, Others},
};

/// What a host knows of one name. Plain data: no locks, no threads.
#[derive(Debug, Default)]
pub(super) struct Roster {
    /// What serves.
    current: Generation,
    /// What served before and is kept warm, the newest last.
    previous: VecDeque<Generation>,
    pub(super) pinned: Option<ModelVersion>,
    /// What else requests are told of versions that do not serve: announced, failed, unloaded.
    marks: BTreeMap<ModelVersion, ModelState>,
    /// Models of each version on their way out.
    draining: BTreeMap<ModelVersion, usize>,
    /// What is being loaded now.
    pub(super) loading: Option<CurrentLoad>,
    pub(super) last_failure: Option<Error>,
}

#[derive(Debug)]
pub(super) struct CurrentLoad {
    pub(super) versions: BTreeSet<ModelVersion>,
    pub(super) cancel: CancelHandle,
    /// It was unloaded meanwhile, and must not be published.
    pub(super) is_withdrawn: bool,
}

/// Versions that serve together. A version that stays through an update is in both generations.
#[derive(Debug, Clone, Default)]
struct Generation {
    /// Counts the generations of all names.
    sequence: u64,
    models: BTreeMap<ModelVersion, Arc<Running>>,
}

/// How a host keeps one name.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct HostedModel {
    /// The versions that answer requests.
    pub serving: Vec<ModelVersion>,
    /// The one that is the default whatever else serves, if one was chosen.
    pub pinned: Option<ModelVersion>,
    /// Generations that are kept warm for a rollback, the one that is next first.
    pub previous: Vec<Vec<ModelVersion>>,
    /// The versions that are being loaded now.
    pub loading: Vec<ModelVersion>,
    /// The versions that are on their way out.
    pub draining: Vec<ModelVersion>,
    /// What kept the last load from succeeding, until one does.
    pub last_failure: Option<Error>,
}

impl Roster {
    pub(super) fn announce(&mut self, version: ModelVersion) {
        if !self.current.models.contains_key(&version) {
            self.marks.entry(version).or_insert(ModelState::Loading);
        }
    }

    /// Notes why versions could not be loaded, also for requests if they were told of them.
    pub(super) fn fail(&mut self, versions: impl IntoIterator<Item = ModelVersion>, error: &Error) {
        for version in versions {
            if let Some(mark) = self.marks.get_mut(&version)
                && *mark != ModelState::Unloaded
            {
                *mark = ModelState::Failed { reason: error.report() };
            }
        }
        self.last_failure = Some(error.clone());
    }

    /// The pinned version, if this update would end it.
    pub(super) fn pin_against(&self, update: &ModelUpdate) -> Option<ModelVersion> {
        let ends = |pinned: &ModelVersion| {
            self.serves(*pinned)
                && update.others == Others::Retire
                && !update.load.contains_key(pinned)
        };
        self.pinned.filter(ends)
    }

    /// What callers are used to: the identity and signature of the default version.
    pub(super) fn contract(&self) -> Option<(Arc<ModelId>, Arc<ModelSignature>)> {
        let pinned = self.pinned.and_then(|version| self.current.models.get(&version));
        let default = pinned.or_else(|| self.current.models.values().next_back())?;
        let descriptor = default.served.predict.descriptor();
        Some((Arc::clone(&descriptor.id), Arc::clone(&descriptor.signature)))
    }

    /// Makes loaded models serve; returns those that no longer run.
    pub(super) fn publish(
        &mut self,
        loaded: BTreeMap<ModelVersion, Running>,
        others: Others,
        keep_previous: usize,
        sequence: u64,
    ) -> Vec<Running> {
        self.last_failure = None;
        match others {
            Others::Retire => self.marks.clear(),
            Others::Keep => {
                self.marks.retain(|version, state| {
                    !loaded.contains_key(version) && *state != ModelState::Unloaded
                });
            }
        }
        let mut models = match others {
            Others::Retire => BTreeMap::new(),
            Others::Keep => self.current.models.clone(),
        };
        models.extend(loaded.into_iter().map(|(version, model)| (version, Arc::new(model))));
        self.pinned = self.pinned.filter(|pinned| models.contains_key(pinned));
        let before = std::mem::replace(&mut self.current, Generation { sequence, models });
        if !before.models.is_empty() {
            self.previous.push_back(before);
        }
        let mut ended = Vec::new();
        while self.previous.len() > keep_previous {
            let oldest = self.previous.pop_front();
            ended.extend(oldest.map(|oldest| self.end(oldest)).unwrap_or_default());
        }
        ended
    }

    /// Makes the previous generation serve again; returns the models that no longer run, or `None`
    /// if no generation is kept.
    pub(super) fn roll_back(&mut self) -> Option<Vec<Running>> {
        let previous = self.previous.pop_back()?;
        self.pinned = self.pinned.filter(|pinned| previous.models.contains_key(pinned));
        let failed = std::mem::replace(&mut self.current, previous);
        self.last_failure = None;
        Some(self.end(failed))
    }

    /// Takes versions out (all of them, if `None`), kept ones too; returns the models that no longer
    /// run.
    pub(super) fn unload(&mut self, version: Option<ModelVersion>) -> Vec<Running> {
        let chosen = |other: &ModelVersion| version.is_none_or(|version| version == *other);
        self.pinned = self.pinned.filter(|pinned| !chosen(pinned));
        self.last_failure = None;
        let (out, stay): (BTreeMap<_, _>, BTreeMap<_, _>) =
            std::mem::take(&mut self.current.models)
                .into_iter()
                .partition(|(version, _)| chosen(version));
        self.current.models = stay;
        let announced = self.marks.keys().filter(|version| chosen(version)).copied();
        let unloaded: Vec<_> = announced.chain(out.keys().copied()).collect();
        self.marks.extend(unloaded.into_iter().map(|version| (version, ModelState::Unloaded)));

        let mut ended = self.end(Generation { models: out, ..Generation::default() });
        for kept in std::mem::take(&mut self.previous) {
            if kept.models.keys().any(chosen) {
                ended.extend(self.end(kept));
            } else {
                self.previous.push_back(kept);
            }
        }
        ended
    }

    /// Keeps what is being loaded of a version (of any, if `None`) from being published; returns what
    /// cancels it.
    pub(super) fn withdraw(&mut self, version: Option<ModelVersion>) -> Option<CancelHandle> {
        let load = self.loading.as_mut()?;
        if !version.is_none_or(|version| load.versions.contains(&version)) {
            return None;
        }
        load.is_withdrawn = true;
        Some(load.cancel.clone())
    }

    pub(super) fn is_withdrawn(&self) -> bool {
        self.loading.as_ref().is_some_and(|load| load.is_withdrawn)
    }

    /// Takes out what `update` replaces before its versions are loaded, which requests are told of;
    /// returns the models that no longer run.
    pub(super) fn unload_for(&mut self, update: &ModelUpdate) -> Vec<Running> {
        let (out, stay): (BTreeMap<_, _>, BTreeMap<_, _>) =
            std::mem::take(&mut self.current.models)
                .into_iter()
                .partition(|(version, _)| is_replaced(update, *version));
        self.current.models = stay;
        self.marks.extend(update.load.keys().map(|version| (*version, ModelState::Loading)));
        self.end(Generation { models: out, ..Generation::default() })
    }

    /// Ends the oldest generation that is kept; returns the models that no longer run.
    pub(super) fn end_oldest(&mut self) -> Vec<Running> {
        match self.previous.pop_front() {
            Some(oldest) => self.end(oldest),
            None => Vec::new(),
        }
    }

    /// The models of a generation that no other has, from now on draining.
    fn end(&mut self, generation: Generation) -> Vec<Running> {
        let ended: Vec<_> = generation.models.into_values().filter_map(Arc::into_inner).collect();
        for model in &ended {
            *self.draining.entry(model.id().version).or_default() += 1;
        }
        ended
    }

    /// Notes that a model of this version is gone.
    pub(super) fn gone(&mut self, version: ModelVersion) {
        if let Some(count) = self.draining.get_mut(&version) {
            *count -= 1;
            if *count == 0 {
                self.draining.remove(&version);
            }
        }
    }

    /// When the oldest generation was made that is kept and has something on this device.
    pub(super) fn oldest_kept_on(&self, device: &str) -> Option<u64> {
        // Only whole generations can be ended, oldest first.
        let oldest = self.previous.front()?;
        (self.kept_bytes(device) > 0).then_some(oldest.sequence)
    }

    /// Bytes of the device that only kept generations take.
    pub(super) fn kept_bytes(&self, device: &str) -> u64 {
        let mut counted: Vec<&Arc<Running>> = self.current.models.values().collect();
        let mut bytes = 0;
        for model in self.previous.iter().flat_map(|kept| kept.models.values()) {
            if !counted.iter().any(|other| Arc::ptr_eq(other, model)) {
                counted.push(model);
                bytes += bytes_on(device, model);
            }
        }
        bytes
    }

    /// Bytes of the device that the models take which `update` replaces.
    pub(super) fn replaced_bytes(&self, device: &str, update: &ModelUpdate) -> u64 {
        let models = self.current.models.iter();
        models
            .filter(|(version, _)| is_replaced(update, **version))
            .map(|(_, model)| bytes_on(device, model))
            .sum()
    }

    pub(super) fn serves(&self, version: ModelVersion) -> bool {
        self.current.models.contains_key(&version)
    }

    /// True if requests, or whoever unloads, can know of this version (of any, if `None`).
    pub(super) fn knows(&self, version: Option<ModelVersion>) -> bool {
        let loading = self.loading.iter().flat_map(|load| &load.versions);
        let mut known = self.current.models.keys().chain(self.marks.keys()).chain(loading);
        known.any(|other| version.is_none_or(|version| version == *other))
    }

    /// True if there is nothing left to remember.
    pub(super) fn is_empty(&self) -> bool {
        self.current.models.is_empty()
            && self.previous.is_empty()
            && self.marks.is_empty()
            && self.draining.is_empty()
            && self.loading.is_none()
            && self.last_failure.is_none()
    }

    /// What requests see.
    pub(super) fn route(&self) -> Route {
        let draining =
            self.draining.keys().map(|version| (*version, Entry::NotReady(ModelState::Draining)));
        let marks = self.marks.iter().map(|(version, state)| match state {
            // It still answers what it has accepted.
            ModelState::Unloaded if self.draining.contains_key(version) => {
                (*version, Entry::NotReady(ModelState::Draining))
            }
            state => (*version, Entry::NotReady(state.clone())),
        });
        let ready = self.current.models.iter();
        let ready =
            ready.map(|(version, model)| (*version, Entry::Ready(Arc::clone(&model.served))));
        // Of a version that is several of these, the last one counts.
        Route { versions: draining.chain(marks).chain(ready).collect(), default: self.pinned }
    }

    pub(super) fn status(&self) -> HostedModel {
        let versions = |generation: &Generation| generation.models.keys().copied().collect();
        HostedModel {
            serving: versions(&self.current),
            pinned: self.pinned,
            previous: self.previous.iter().rev().map(versions).collect(),
            loading: self.loading.iter().flat_map(|load| &load.versions).copied().collect(),
            draining: self.draining.keys().copied().collect(),
            last_failure: self.last_failure.clone(),
        }
    }
}

fn is_replaced(update: &ModelUpdate, version: ModelVersion) -> bool {
    update.others == Others::Retire || update.load.contains_key(&version)
}

pub(super) fn bytes_on(device: &str, model: &Running) -> u64 {
    if model.reservation.device == device { model.reservation.bytes } else { 0 }
}
