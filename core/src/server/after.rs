//! Drops that wait until the answer has left.
//!
//! To tear down what served a request (an instance, its memory) takes longer than to write a small
//! answer. An engine hands such a value to [`drop_after_flush`]; it is dropped when hyper has written what
//! it could, so the client does not wait for it.

use std::any::Any;
use std::cell::RefCell;

type Kept = Box<dyn Any + Send>;

thread_local! {
    /// What waits on this thread; `None` outside of a poll of a connection.
    static WAITING: RefCell<Option<Waiting>> = const { RefCell::new(None) };
}

/// Almost always there is exactly one value, so the first needs no list.
#[derive(Default)]
struct Waiting {
    first: Option<Kept>,
    rest: Vec<Kept>,
}

/// Drops `value` after the connection that is being polled on this thread has written its answer.
/// Anywhere else it is dropped at once.
pub fn drop_after_flush(value: impl Send + 'static) {
    let mut value = Some(value);
    let _ = WAITING.try_with(|waiting| {
        // Not to be borrowed only where a drop calls this again; then at once is right too.
        if let Ok(mut waiting) = waiting.try_borrow_mut()
            && let Some(waiting) = &mut *waiting
            && let Some(value) = value.take()
        {
            match waiting.first {
                None => waiting.first = Some(Box::new(value)),
                Some(_) => waiting.rest.push(Box::new(value)),
            }
        }
    });
    drop(value);
}

/// Runs one poll of a connection, then drops what it left behind, also when it panics.
pub(super) fn scope<T>(poll: impl FnOnce() -> T) -> T {
    let _scope = Scope { outer: WAITING.with(|waiting| waiting.replace(Some(Waiting::default()))) };
    poll()
}

struct Scope {
    outer: Option<Waiting>,
}

impl Drop for Scope {
    fn drop(&mut self) {
        let outer = self.outer.take();
        // The values are dropped when the borrow is over: their drops may come back here.
        let left = WAITING.try_with(|waiting| waiting.replace(outer));
        drop(left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    struct Counts(Arc<AtomicUsize>);

    impl Drop for Counts {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
            // A drop that defers another one must not deadlock or lose it.
            drop_after_flush(());
        }
    }

    #[test]
    fn outside_of_a_poll_it_is_at_once() {
        let drops = Arc::new(AtomicUsize::new(0));
        drop_after_flush(Counts(drops.clone()));
        assert_eq!(drops.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn inside_it_waits_for_the_end_of_its_own_poll() {
        let drops = Arc::new(AtomicUsize::new(0));
        let seen = || drops.load(Ordering::Relaxed);
        scope(|| {
            drop_after_flush(Counts(drops.clone()));
            drop_after_flush(Counts(drops.clone()));
            scope(|| drop_after_flush(Counts(drops.clone())));
            assert_eq!(seen(), 1, "the inner poll is over");
        });
        assert_eq!(seen(), 3);
    }

    #[test]
    fn a_panic_leaves_nothing_behind() {
        let drops = Arc::new(AtomicUsize::new(0));
        let inner = drops.clone();
        let result = std::panic::catch_unwind(|| {
            scope(|| {
                drop_after_flush(Counts(inner));
                panic!("a poll that panics");
            });
        });
        assert!(result.is_err());
        assert_eq!(drops.load(Ordering::Relaxed), 1);
        drop_after_flush(Counts(drops.clone()));
        assert_eq!(drops.load(Ordering::Relaxed), 2, "outside again");
    }
}
