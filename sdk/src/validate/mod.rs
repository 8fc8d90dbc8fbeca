//! Checking what a client sent: all that is wrong is told at once.
//!
//! The rules stand at the fields of a type (`#[field(min = 1, pattern = "^[a-z]+$")]`), and what breaks them becomes
//! [`Faults`], which a client sees as the member `errors` of a problem. A handler adds its own:
//!
//! ```
//! use mik_sdk::validate::Faults;
//!
//! fn check(from: u32, to: u32) -> Result<(), Faults> {
//!     let mut faults = Faults::new();
//!     if from > to {
//!         faults.add_at("/from", "order", "must not be greater than `to`");
//!     }
//!     faults.into_result()
//! }
//! assert_eq!(check(2, 1).unwrap_err().iter().next().unwrap().code(), "order");
//! ```

mod faults;
pub mod format;
mod pattern;
mod rules;

pub use faults::{Fault, Faults, Place};
pub use format::Format;
pub use pattern::{Pattern, Step};
#[doc(hidden)]
pub use rules::{checked_member, checked_parameter};
pub use rules::{Bound, Check, Measure, Rules};
