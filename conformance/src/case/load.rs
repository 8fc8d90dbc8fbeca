//! From a folder of files to cases.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::{Spanned, Table, Value};

use super::project::Project;
use super::step::{KEYS, Keys};
use super::text::told;
use super::{About, Case};

/// The project of files that have none of their own.
const STANDARD: &str = "standard.toml";

/// Cases that belong together.
#[derive(Debug, Default)]
pub(crate) struct Group {
    /// Its cases, by file, in the order of the files.
    pub(crate) cases: Vec<Case>,
    /// By middleware: the tables with which it is on and changes nothing.
    pub(crate) tables: BTreeMap<String, String>,
}

/// What is wrong in a file.
#[derive(Debug)]
pub(crate) struct Broken(Vec<String>);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Broken {}

/// A file as it stands.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    spec: Option<String>,
    #[serde(default)]
    about: Vec<About>,
    part: Option<String>,
    table: Option<String>,
    #[serde(rename = "note")]
    _note: Option<String>,
    setup: Option<Table>,
    #[serde(default)]
    case: Vec<Spanned<Table>>,
}

/// What the cases of a file share.
struct Shared<'a> {
    /// `group::topic`.
    name: String,
    /// For messages.
    path: &'a Path,
    file: File,
    standard: &'a Table,
}

/// Reads all cases below a folder.
///
/// # Errors
/// Everything that is wrong with them, with its places.
pub(crate) fn load(folder: &Path) -> Result<Group, Broken> {
    let mut group = Group::default();
    let mut wrong = Vec::new();
    let standard = table(folder)?;
    for path in files(folder) {
        match fs::read_to_string(&path).map_err(|error| error.to_string()) {
            Ok(text) => read(folder, &path, &text, &standard, &mut group, &mut wrong),
            Err(error) => wrong.push(format!("{}: {error}", path.display())),
        }
    }
    let mut seen = BTreeSet::new();
    for case in &group.cases {
        if !seen.insert(&case.name) {
            wrong.push(format!("{}: there is another case {}", case.place, case.name));
        }
    }
    if group.cases.is_empty() && wrong.is_empty() {
        wrong.push(format!("{}: there are no cases", folder.display()));
    }
    if wrong.is_empty() { Ok(group) } else { Err(Broken(wrong)) }
}

/// The project of files that have none of their own.
pub(crate) fn standard(folder: &Path) -> Result<Project, Broken> {
    let path = folder.join(STANDARD);
    let project = typed(Value::Table(table(folder)?));
    project.map_err(|error| Broken(vec![format!("{}: {error}", path.display())]))
}

fn table(folder: &Path) -> Result<Table, Broken> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Standard {
        setup: Table,
    }
    let path = folder.join(STANDARD);
    let text = fs::read_to_string(&path).map_err(|error| error.to_string());
    let read =
        text.and_then(|text| toml::from_str::<Standard>(&text).map_err(|error| error.to_string()));
    match read {
        Ok(standard) => Ok(standard.setup),
        Err(error) => Err(Broken(vec![format!("{}: {error}", path.display())])),
    }
}

/// `GROUP/TOPIC.toml`, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries =
        |folder: &Path| folder.read_dir().into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<_> = entries(folder)
        .filter(|path| path.is_dir())
        .flat_map(|path| entries(&path))
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .collect();
    files.sort();
    files
}

fn read(
    folder: &Path,
    path: &Path,
    text: &str,
    standard: &Table,
    group: &mut Group,
    wrong: &mut Vec<String>,
) {
    let file: File = match toml::from_str(text) {
        Ok(file) => file,
        Err(error) => return wrong.push(format!("{}: {error}", path.display())),
    };
    let name = path.strip_prefix(folder).unwrap_or(path).with_extension("");
    let name = name.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("::");
    if let (Some(part), Some(table)) = (&file.part, &file.table) {
        group.tables.insert(part.clone(), table.clone());
    }
    let mut shared = Shared { name, path, file, standard };
    for case in std::mem::take(&mut shared.file.case) {
        let line = text[..case.span().start].matches('\n').count() + 1;
        let place = format!("{}:{line}", path.display());
        for made in shared.variants(case.into_inner(), &place) {
            match made {
                Ok(case) => group.cases.push(case),
                Err(error) => wrong.push(format!("{place}: {error}")),
            }
        }
    }
}

impl Shared<'_> {
    /// The cases that one table is.
    fn variants(&self, mut case: Table, place: &str) -> Vec<Result<Case, String>> {
        match case.remove("each") {
            None => vec![self.case(case, None, place)],
            Some(Value::Table(each)) if !each.is_empty() => each
                .into_iter()
                .map(|(name, value)| {
                    let mut filled = Value::Table(case.clone());
                    fill(&mut filled, &value)?;
                    match filled {
                        Value::Table(case) => self.case(case, Some(&name), place),
                        _ => Err("`each` makes no case of it".to_owned()),
                    }
                })
                .collect(),
            Some(_) => vec![Err("`each` is a table of variants, by name".to_owned())],
        }
    }

    fn case(&self, mut table: Table, variant: Option<&str>, place: &str) -> Result<Case, String> {
        let id = match table.remove("id") {
            Some(Value::String(id)) => id,
            _ => return Err("a case has an `id`".to_owned()),
        };
        let id = variant.map_or_else(|| id.clone(), |variant| format!("{id}-{variant}"));
        let fails = |error: String| format!("case `{id}`: {}", error.trim_end());
        let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !id.bytes().all(is_plain) {
            return Err(fails("an id has lower case letters, digits and hyphens".to_owned()));
        }
        let spec = match table.remove("spec") {
            Some(Value::String(spec)) => spec,
            Some(_) => return Err(fails("`spec` is a text".to_owned())),
            None => {
                self.file.spec.clone().ok_or_else(|| fails("a case has a `spec`".to_owned()))?
            }
        };
        let part = match table.remove("part") {
            Some(part) => Some(typed(part).map_err(fails)?),
            None => self.file.part.clone(),
        };
        let about = match table.remove("about") {
            Some(about) => typed(about).map_err(fails)?,
            None => self.file.about.clone(),
        };
        if about.is_empty() {
            return Err(fails("`about` says which parts it proves".to_owned()));
        }
        let project = self.project(table.remove("setup")).map_err(fails)?;
        let steps = match table.remove("step") {
            Some(Value::Array(steps)) => steps,
            Some(_) => return Err(fails("steps are written `[[case.step]]`".to_owned())),
            None => vec![Value::Table(
                KEYS.iter()
                    .filter_map(|key| Some((key.to_string(), table.remove(*key)?)))
                    .collect(),
            )],
        };
        let steps = steps.into_iter().map(|step| typed::<Keys>(step)?.step());
        let steps: Result<Vec<_>, _> = steps.collect();
        let mut case = Case {
            name: format!("{}::{id}", self.name),
            place: place.to_owned(),
            spec,
            steps: steps.map_err(fails)?,
            says: typed(Value::Table(table)).map_err(fails)?,
            about,
            part,
            project,
        };
        case.project.part.clone_from(&case.part);
        case.project.clock =
            case.steps.iter().any(|step| matches!(step.action, super::Action::Clock(_)));
        if case.steps.is_empty() {
            return Err(fails("nothing is done in it".to_owned()));
        }
        Ok(case)
    }

    /// The project of the file, or the standard one, with the keys that the case has of its own.
    fn project(&self, own: Option<Value>) -> Result<Project, String> {
        let is_standard = own.is_none() && self.file.setup.is_none();
        let mut setup = self.file.setup.as_ref().unwrap_or(self.standard).clone();
        match own {
            None => {}
            Some(Value::Table(own)) => setup.extend(own),
            Some(_) => return Err("`setup` is a table".to_owned()),
        }
        let project = typed::<Project>(Value::Table(setup))
            .map_err(|error| format!("setup: {error} ({})", self.path.display()))?;
        Ok(Project { is_standard, ..project })
    }
}

fn typed<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, String> {
    T::deserialize(value).map_err(|error| error.to_string())
}

/// Puts a variant's value where `${each}` or `${each.KEY}` stands.
fn fill(into: &mut Value, variant: &Value) -> Result<(), String> {
    match into {
        Value::String(text) => {
            while let Some(at) = text.find("${each") {
                let end = text[at..].find('}').ok_or("`${each` without `}`")? + at;
                let value = match text[at + 6..end].strip_prefix('.') {
                    None if at + 6 == end => variant,
                    Some(key) => {
                        variant.get(key).ok_or_else(|| format!("`each` has no `{key}` here"))?
                    }
                    None => {
                        return Err(format!(
                            "`{}`: it is `${{each}}` or `${{each.KEY}}`",
                            &text[at..=end]
                        ));
                    }
                };
                match value {
                    Value::String(value) => text.replace_range(at..=end, value),
                    // A text that is nothing else becomes what the value is.
                    other if at == 0 && end + 1 == text.len() => {
                        *into = other.clone();
                        return Ok(());
                    }
                    other => text.replace_range(at..=end, &told(other)),
                }
            }
            Ok(())
        }
        Value::Array(all) => all.iter_mut().try_for_each(|value| fill(value, variant)),
        Value::Table(table) => table.iter_mut().try_for_each(|(_, value)| fill(value, variant)),
        _ => Ok(()),
    }
}
