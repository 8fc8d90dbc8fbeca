//! Imports that lead nowhere, told to the author.

use super::files::{Absence, Root};
use super::kind::{ENDS, Kind};
use super::report::{Place, Report};
use super::specifier::Refusal;
use super::{Source, SourceError};

/// One import.
#[derive(Clone, Copy)]
pub(super) struct Import<'a> {
    /// The file that it stands in.
    pub(super) from: &'a str,
    /// That file, where it is known.
    pub(super) source: Option<&'a Source>,
    /// What it says.
    pub(super) specifier: &'a str,
}

impl Import<'_> {
    /// It may not be.
    pub(super) fn refused(self, refusal: Refusal) -> SourceError {
        SourceError::Import(self.report(refusal.reason).help(refusal.help))
    }

    /// It means `name`, a file that cannot be had.
    pub(super) fn absent(self, root: &Root, name: &str, absence: &Absence) -> SourceError {
        let specifier = self.specifier;
        let report =
            self.report(format!("cannot import `{specifier}`: `{name}` {}", absence.words()));
        match absence {
            Absence::Outside | Absence::Unreadable(_) => SourceError::Import(report),
            Absence::Missing | Absence::Folder => {
                let meant = self.meant(root, name);
                let help = meant.map(|meant| format!("did you mean `{meant}`?"));
                let help = help.or_else(|| Kind::of(name).err().map(|refusal| refusal.help.into()));
                SourceError::Missing(match help {
                    Some(help) => report.help(help),
                    None => report,
                })
            }
        }
    }

    /// What it could have said to mean a file that is there.
    fn meant(self, root: &Root, name: &str) -> Option<String> {
        let (name, specifier) = (name, self.specifier.trim_end_matches('/'));
        let longer = ENDS.map(|end| (format!("{name}.{end}"), format!("{specifier}.{end}")));
        let folder =
            ENDS.map(|end| (format!("{name}/index.{end}"), format!("{specifier}/index.{end}")));
        let stems = name.rsplit_once('.').zip(specifier.rsplit_once('.'));
        let other = stems.filter(|_| Kind::of(name).is_ok()).map(|((name, _), (specifier, _))| {
            ENDS.map(|end| (format!("{name}.{end}"), format!("{specifier}.{end}")))
        });
        let mut candidates = longer.into_iter().chain(other.into_iter().flatten()).chain(folder);
        candidates.find(|(name, _)| root.find(name).is_ok()).map(|(_, specifier)| specifier)
    }

    fn report(self, message: String) -> Report {
        Report::new(self.from, message).at(self.place())
    }

    /// Where it stands: engines do not tell.
    fn place(self) -> Option<Place> {
        let text = self.source?.original.as_str();
        let is_import = |start: usize| {
            let before = text[..start].trim_end();
            before.ends_with("from") || before.ends_with("import") || before.ends_with("import(")
        };
        let found = ['"', '\'', '`'].into_iter().filter_map(|quote| {
            let literal = format!("{quote}{}{quote}", self.specifier);
            text.match_indices(&literal).map(|(start, _)| start).find(|start| is_import(*start))
        });
        found.min().map(|start| Place::of_byte(text, start))
    }
}
