//! The page of metrics, read as strictly as Prometheus reads it, and row 51 by the hundred thousand. What the
//! numbers say of single requests stands in the cases.

mod bounded;
mod page;

pub(crate) use page::Page;
