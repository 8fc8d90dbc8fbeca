//! Waiting and working for a time, by the monotonic clock.

use std::hint::black_box;

use wasip2::clocks::monotonic_clock::{now, subscribe_duration};

const MILLISECOND: u64 = 1_000_000;

/// Gives the thread to the host for this long.
pub fn sleep(milliseconds: u64) {
    subscribe_duration(milliseconds.saturating_mul(MILLISECOND)).block();
}

/// Gives the thread to the host and never wants it back.
pub fn sleep_for_ever() -> ! {
    loop {
        sleep(3_600_000);
    }
}

/// Keeps the thread busy for this long.
pub fn spin(milliseconds: u64) {
    let end = now().saturating_add(milliseconds.saturating_mul(MILLISECOND));
    while now() < end {
        for step in 0..10_000 {
            black_box(step);
        }
    }
}

/// Keeps the thread busy and never calls the host again.
pub fn spin_for_ever() -> ! {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}
