//! What the suite is told beside what libtest understands.

use std::path::PathBuf;

use libtest_mimic::Arguments;

/// Arguments.
pub(super) struct Options {
    /// Those of libtest.
    pub(super) arguments: Arguments,
    /// Where the report goes.
    pub(super) report: Option<PathBuf>,
    /// Where the cases lie.
    pub(super) cases: Option<PathBuf>,
}

impl Options {
    /// Takes its own from the arguments, and leaves the rest to libtest.
    pub(super) fn take(args: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut rest = Vec::new();
        let (mut report, mut cases) = (None, None);
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            let (name, value) = match arg.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (arg.clone(), None),
            };
            let place = match name.as_str() {
                "--report" => &mut report,
                "--cases" => &mut cases,
                _ => {
                    rest.push(arg);
                    continue;
                }
            };
            let value =
                value.or_else(|| args.next()).ok_or_else(|| format!("{name} needs a folder"))?;
            *place = Some(PathBuf::from(value));
        }
        Ok(Self { arguments: Arguments::from_iter(rest), report, cases })
    }
}
