use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use super::*;

const HOUR: Duration = Duration::from_secs(3_600);

fn limits() -> ThreadLimits {
    ThreadLimits { usual: 1, most: 3, queue: 2, grace: Duration::from_millis(20) }
}

fn soon() -> Arc<Watch> {
    Arc::new(Watch::new(Instant::now() + HOUR, HOUR))
}

fn eventually(what: &str, is_it: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !is_it() {
        assert!(Instant::now() < end, "{what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Holds a thread until the sender is gone.
fn hold(threads: &Threads, watch: Arc<Watch>) -> mpsc::Sender<()> {
    let (go, leave) = mpsc::channel::<()>();
    let (begun, has_begun) = mpsc::channel();
    let run = move || {
        let _ = begun.send(());
        let _ = leave.recv();
    };
    assert_eq!(threads.submit(watch, run), Ok(()));
    assert_eq!(has_begun.recv_timeout(Duration::from_secs(10)), Ok(()));
    go
}

#[test]
fn threads_are_added_while_all_are_busy_and_the_queue_is_bounded() {
    let threads = Threads::new(limits());
    let held: Vec<_> = (0..3).map(|_| hold(&threads, soon())).collect();
    assert_eq!(threads.count(), 3);
    threads.submit(soon(), || {}).unwrap();
    threads.submit(soon(), || {}).unwrap();
    assert_eq!(threads.submit(soon(), || {}), Err(Refused::Full));
    drop(held);
    let (done, is_done) = mpsc::channel();
    eventually("room again", || {
        let done = done.clone();
        let run = move || {
            let _ = done.send(());
        };
        threads.submit(soon(), run).is_ok()
    });
    is_done.recv_timeout(Duration::from_secs(10)).unwrap();
}

#[test]
fn a_thread_that_does_not_return_is_replaced_four_at_most() {
    let threads = Threads::new(ThreadLimits { queue: 10, ..limits() });
    let over = || Arc::new(Watch::new(Instant::now(), HOUR));
    let mut held = Vec::new();
    for lost in 1..=LOST {
        held.push(hold(&threads, over()));
        eventually("it is lost", || threads.lost() == lost);
    }
    assert_eq!(threads.submit(soon(), || {}), Err(Refused::Stuck));
    held.pop();
    eventually("one is back", || threads.lost() == LOST - 1);
    drop(hold(&threads, soon()));
}

#[test]
fn a_panic_costs_no_thread() {
    let threads = Threads::new(limits());
    threads.submit(soon(), || panic!("of a test")).unwrap();
    drop(hold(&threads, soon()));
    assert_eq!(threads.count(), 1);
}

#[test]
fn threads_end_with_their_last_handle() {
    let threads = Threads::new(limits());
    drop(hold(&threads, soon()));
    let crew = Arc::downgrade(&threads.0.crew);
    drop(threads);
    eventually("the crew is gone", || crew.strong_count() == 0);
}

#[test]
fn a_watch_can_be_moved_and_stopped() {
    let watch = Watch::new(Instant::now() + HOUR, HOUR);
    assert!(!watch.is_over());
    watch.stop();
    assert!(watch.is_over() && !watch.is_over_by(HOUR));
    watch.move_to(Instant::now() + HOUR);
    assert!(!watch.is_over());
}

#[test]
fn steps_take_from_the_time_on_a_thread_and_rests_do_not() {
    let watch = Watch::new(Instant::now() + HOUR, Duration::from_millis(20));
    thread::sleep(Duration::from_millis(30));
    watch.begin();
    assert!(!watch.is_over());
    thread::sleep(Duration::from_millis(30));
    assert!(watch.is_over());
    watch.end();
    assert!(!watch.is_over() && watch.is_spent());
    watch.begin();
    assert!(watch.is_over());
}
