//! Batches that run, and who waits for them.

use mlops_core::inference::CancelHandle;
use smallvec::SmallVec;

use super::slot::SlotId;

/// Batches whose callers may go away while they run.
#[derive(Debug, Default)]
pub(super) struct UnderWay {
    batches: Vec<Running>,
    begun: u64,
}

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BatchNumber(u64);

#[derive(Debug)]
struct Running {
    number: BatchNumber,
    waiting: SmallVec<[SlotId; 32]>,
    cancel: CancelHandle,
}

impl UnderWay {
    /// Takes note of a batch that these callers wait for; returns what stops it.
    pub(super) fn begin(
        &mut self,
        waiting: impl Iterator<Item = SlotId>,
    ) -> (BatchNumber, CancelHandle) {
        self.begun += 1;
        let (number, cancel) = (BatchNumber(self.begun), CancelHandle::new());
        let (waiting, remote) = (waiting.collect(), cancel.clone());
        self.batches.push(Running { number, waiting, cancel: remote });
        (number, cancel)
    }

    /// Takes note that a batch is over.
    pub(super) fn end(&mut self, number: BatchNumber) {
        self.batches.retain(|batch| batch.number != number);
    }

    /// Takes note that a caller has gone. If it was the last of its batch, returns what stops that.
    pub(super) fn leave(&mut self, caller: SlotId) -> Option<CancelHandle> {
        let batch = self.batches.iter_mut().find(|batch| batch.waiting.contains(&caller))?;
        batch.waiting.retain(|other| *other != caller);
        batch.waiting.is_empty().then(|| batch.cancel.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::slot::slot;

    #[test]
    fn the_last_to_leave_stops_it() {
        let ends: Vec<_> = (0..4).map(|_| slot::<()>()).collect();
        let ids: Vec<_> = ends.iter().map(|(responder, _)| responder.id()).collect();
        assert!(ends.iter().all(|(responder, caller)| responder.id() == caller.id()));
        let mut under_way = UnderWay::default();
        let (first, cancel) = under_way.begin([ids[0], ids[1]].into_iter());
        let (_second, other) = under_way.begin([ids[2]].into_iter());
        assert!(under_way.leave(ids[3]).is_none(), "it was in no batch");
        assert!(under_way.leave(ids[0]).is_none());
        assert!(under_way.leave(ids[0]).is_none(), "it had left");
        under_way.leave(ids[1]).unwrap().cancel();
        assert!(cancel.is_cancelled() && !other.is_cancelled());
        under_way.end(first);
        assert!(under_way.leave(ids[1]).is_none());
        assert!(under_way.leave(ids[2]).is_some());
    }
}
