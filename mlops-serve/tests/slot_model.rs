//! Every interleaving of a slot's two ends, by a model checker: the source itself, over loom's lock.

#[path = "../src/batch/slot.rs"]
#[expect(dead_code, reason = "what only tells slots apart is not modelled")]
mod slot;

/// What `batch/sync.rs` is in the crate.
mod sync {
    pub(super) use loom::sync::{Mutex, MutexGuard};

    pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().expect("no test panics while it holds a lock")
    }
}

use std::sync::atomic::{AtomicUsize, Ordering};

use loom::{future::block_on, model, thread};

use crate::slot::slot;

/// An answer that counts where it ends up.
struct Answer(&'static AtomicUsize);

impl Drop for Answer {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn an_answer_arrives_whenever_it_is_sent() {
    model(|| {
        let (responder, caller) = slot();
        let answering = thread::spawn(move || responder.send(7).is_ok());
        assert_eq!(block_on(caller), Some(7));
        assert!(answering.join().unwrap());
    });
}

#[test]
fn a_responder_that_goes_away_is_noticed() {
    model(|| {
        let (responder, caller) = slot::<u32>();
        let going = thread::spawn(move || drop(responder));
        assert_eq!(block_on(caller), None);
        going.join().unwrap();
    });
}

#[test]
fn an_answer_that_nobody_takes_is_dropped_once() {
    model(|| {
        let dropped: &AtomicUsize = Box::leak(Box::new(AtomicUsize::new(0)));
        let (responder, caller) = slot();
        let answering = thread::spawn(move || drop(responder.send(Answer(dropped))));
        drop(caller);
        answering.join().unwrap();
        assert_eq!(dropped.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn a_caller_that_waits_and_goes_away_loses_nothing() {
    model(|| {
        let dropped: &AtomicUsize = Box::leak(Box::new(AtomicUsize::new(0)));
        let (responder, mut caller) = slot();
        let answering = thread::spawn(move || {
            let gone = responder.is_closed();
            let sent = responder.send(Answer(dropped)).is_ok();
            assert!(!(gone && sent), "an answer for a caller that had gone");
        });
        let waker = std::task::Waker::noop();
        let mut context = std::task::Context::from_waker(waker);
        drop(std::pin::Pin::new(&mut caller).poll(&mut context));
        drop(caller);
        answering.join().unwrap();
        assert_eq!(dropped.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn a_slot_that_carried_one_answer_carries_another() {
    model(|| {
        let (responder, mut caller) = slot();
        let first = thread::spawn(move || responder.send(1).is_ok());
        assert_eq!(block_on(&mut caller), Some(1));
        assert!(first.join().unwrap());
        let responder = caller.ask_again();
        let second = thread::spawn(move || responder.send(2).is_ok());
        assert_eq!(block_on(caller), Some(2));
        assert!(second.join().unwrap());
    });
}
