//! What several instruments share.

use http::StatusCode;

/// Upper bounds of the buckets of durations, in seconds.
pub(super) const SECONDS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// What a call is, or a request that leaves, whose answer nobody waited for.
pub(super) const CANCELLED: &str = "cancelled";

/// Classes of statuses, as labels; see [`class`].
pub(super) const CLASSES: [&str; 6] = ["other", "1xx", "2xx", "3xx", "4xx", "5xx"];

/// The place in [`CLASSES`] of a status.
pub(super) fn class(status: StatusCode) -> usize {
    let class = usize::from(status.as_u16() / 100);
    if class < CLASSES.len() { class } else { 0 }
}
