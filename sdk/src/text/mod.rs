//! Values from text: of a path, of a query, of a form.

mod field;
mod pairs;
mod params;
mod values;

pub use field::FromPairs;
#[doc(hidden)]
pub use field::{pair, pair_or};
pub use pairs::{decoded, Pairs};
#[doc(hidden)]
pub use params::param;
pub use params::Params;

use crate::schema::{Field, Schema};
use crate::validate::Faults;

/// What can be read from the text of a parameter. An enum of names can with `#[derive(Type)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from the text of a parameter",
    note = "implement `mik_sdk::text::FromText`, or, for an enum of names, `#[derive(Type)]`"
)]
pub trait FromText: Sized {
    /// The schema of the parameter.
    const SCHEMA: Schema;

    /// What is expected, in words: "an integer from 0 to 255".
    const EXPECTED: &'static str;

    /// What the fault is called if it is not that.
    #[doc(hidden)]
    const CODE: &'static str = "type";

    /// The value, if the text is one.
    fn from_text(text: &str) -> Option<Self>;
}

/// What can be read from the parameters of a path. `#[derive(Path)]` makes it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a path",
    note = "a struct of yours can with `#[derive(Path)]`"
)]
pub trait Path: Sized {
    /// The parameters.
    const PARAMETERS: &'static [Field];

    /// The value, or `None` after at least one fault was noted.
    fn read(params: &Params<'_>, faults: &mut Faults) -> Option<Self>;
}

/// What can be read from a query or a form. `#[derive(Query)]` makes it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a query or a form",
    note = "a struct of yours can with `#[derive(Query)]`"
)]
pub trait Query: Sized {
    /// The parameters.
    const PARAMETERS: &'static [Field];

    /// The value, or `None` after at least one fault was noted.
    fn read(pairs: &Pairs<'_>, faults: &mut Faults) -> Option<Self>;
}
