//! Row 24: what is held for clients that stop reading, apart from what their instances take. That they are cut is
//! told by the cases.

use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

use mik_conformance::{Cases, Mik, Raw, request};

/// Ten times what the row allows: a second, and a little to notice it.
const BOUND: Duration = Duration::from_secs(20);

static MIK: LazyLock<Mik> = LazyLock::new(|| {
    Mik::run(&["hello", "stream", "sleep"], "[server.limits]\nwrite_time = \"1s\"\n")
});

/// Starts so many responses and does not read them; waits until nothing moves. Returns the connections
/// and the memory that the process then holds.
fn stalled(count: usize, target: &str) -> (Vec<Raw>, u64) {
    let connections: Vec<Raw> = (0..count)
        .map(|_| {
            let mut raw = MIK.connect();
            let _ = raw.send(request("GET", target, &[], b""));
            raw
        })
        .collect();
    thread::sleep(Duration::from_millis(700));
    (connections, MIK.memory())
}

#[test]
fn row_24_clients_that_stop_reading() {
    const CLIENTS: usize = 8;
    let hundred_mib = "/run/stream/?chunks=1600&size=65536";
    let mut cases = Cases::of("row 24");
    // Both are compiled before anything is measured.
    for target in ["/run/sleep/?ms=1", "/run/stream/?chunks=1&size=1"] {
        MIK.text(target);
    }
    // What as many instances take that have nothing to send.
    let (waiting, base) = stalled(CLIENTS, "/run/sleep/?ms=3000&after=head");
    drop(waiting);
    MIK.case(&mut cases, "100 MiB, unread", || {
        let (mut connections, held) = stalled(CLIENTS, hundred_mib);
        let grown = held.saturating_sub(base) / CLIENTS as u64;
        if !MIK.wait_in_flight(0, BOUND) {
            return Err(format!("still in flight {BOUND:?} later"));
        }
        for raw in &mut connections {
            let answer = raw.response().map_err(|stop| stop.to_string())?;
            if answer.is_whole() {
                return Err(format!("expected a body that breaks off, got {answer}"));
            }
        }
        // The row says 1 MiB; a page or two of the allocator's come on top.
        if grown > 1_536 { Err(format!("{grown} KiB are held for each")) } else { Ok(()) }
    });
    cases.finish();
}
