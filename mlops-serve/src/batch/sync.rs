//! The lock under [`slot`](super::slot), apart so that `tests/slot_model.rs` can put a model checker's in
//! its place.

pub(super) use parking_lot::{Mutex, MutexGuard};

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock()
}
