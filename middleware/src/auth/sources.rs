//! Where secrets come from.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use mik_core::{Settings, SettingsError};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer};
use serde_json::Value;

use super::secrets::Secrets;

/// Largest file of secrets, in bytes.
const FILE: u64 = 1 << 20;

/// A list of places that hold secrets. Whatever stands there instead is taken as well, and told when it is
/// read: without its line of `mik.toml`, which may be a secret.
#[derive(Debug, Clone, Default)]
pub(super) struct Sources(Vec<Option<Source>>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    /// The variable of that name.
    Env(String),
    /// One secret a line.
    File(PathBuf),
}

impl Sources {
    /// Reads the secrets; `key` names the list in messages.
    pub(super) fn read(&self, key: &str, settings: &Settings) -> Result<Secrets, SettingsError> {
        self.read_with(key, settings, |name| std::env::var_os(name))
    }

    /// The same with these variables.
    fn read_with(
        &self,
        key: &str,
        settings: &Settings,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Secrets, SettingsError> {
        let mut secrets = Secrets::default();
        for source in &self.0 {
            match source {
                Some(Source::Env(name)) => {
                    add_variable(&mut secrets, name, variable(name).as_deref())?;
                }
                Some(Source::File(path)) => add_file(&mut secrets, path, &settings.resolve(path))?,
                None => {
                    return Err(SettingsError::new(format!(
                        "`{key}` must say where secrets are, and no secret may stand in mik.toml itself: \
                         put it into the environment and write `{key} = [{{ env = \"NAME\" }}]`, or into a \
                         file, one a line, and write `{key} = [{{ file = \"PATH\" }}]`"
                    )));
                }
            }
        }
        Ok(secrets)
    }
}

impl Source {
    /// `{ env = "NAME" }` or `{ file = "PATH" }`.
    fn new(value: &Value) -> Option<Self> {
        let table = value.as_object().filter(|table| table.len() == 1)?;
        let (key, value) = table.iter().next()?;
        match (key.as_str(), value.as_str()?) {
            ("env", name) if !name.is_empty() && !name.contains(['=', '\0']) => {
                Some(Self::Env(name.to_owned()))
            }
            ("file", path) if !path.is_empty() => Some(Self::File(path.into())),
            _ => None,
        }
    }
}

fn add_variable(
    secrets: &mut Secrets,
    name: &str,
    value: Option<&OsStr>,
) -> Result<(), SettingsError> {
    let place = format!("the environment variable {name}");
    // What is no UTF-8 is no ASCII either.
    let value = value.map(OsStr::to_string_lossy);
    let fault = match value.as_ref().map(|value| value.trim()) {
        None => "is not set",
        Some("") => "is empty",
        Some(secret) => return secrets.add(secret, &place),
    };
    Err(SettingsError::new(format!(
        "{place} {fault}: it must hold a secret, or be taken out of mik.toml"
    )))
}

fn add_file(secrets: &mut Secrets, named: &Path, path: &Path) -> Result<(), SettingsError> {
    let place = format!("the file {}", named.display());
    let text =
        text_of(path).map_err(|e| SettingsError::new(format!("{place} cannot be read: {e}")))?;
    let mut is_empty = true;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        secrets.add(line, &format!("line {} of {place}", index + 1))?;
        is_empty = false;
    }
    match is_empty {
        true => Err(SettingsError::new(format!("{place} has no secret in it"))),
        false => Ok(()),
    }
}

fn text_of(path: &Path) -> io::Result<String> {
    // Asked before it is opened: to open a pipe would wait for somebody to write.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut text = String::new();
    File::open(path)?.take(FILE + 1).read_to_string(&mut text)?;
    match text.len() as u64 > FILE {
        true => Err(io::Error::other("it is larger than 1 MiB")),
        false => Ok(text),
    }
}

impl<'de> Deserialize<'de> for Sources {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(match Value::deserialize(from)? {
            Value::Array(list) => Self(list.iter().map(Source::new).collect()),
            _ => Self(vec![None]),
        })
    }
}

impl JsonSchema for Sources {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Sources".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let one = |key: &str, what: &str| {
            serde_json::json!({
                "type": "object",
                "properties": { (key): { "type": "string", "minLength": 1, "description": what } },
                "required": [key],
                "additionalProperties": false,
            })
        };
        let env = one("env", "The environment variable that holds a secret.");
        let file = one("file", "A file with one secret a line.");
        json_schema!({ "type": "array", "items": { "anyOf": [env, file] } })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn sources(text: &str) -> Sources {
        #[derive(serde::Deserialize)]
        struct Table {
            tokens: Sources,
        }
        let table: Table = toml::from_str(&format!("tokens = {text}")).unwrap();
        table.tokens
    }

    fn read(text: &str, variables: &[(&str, &str)]) -> Result<Secrets, String> {
        let variables: HashMap<_, _> = variables.iter().copied().collect();
        let find = |name: &str| variables.get(name).map(|value| OsString::from(*value));
        sources(text)
            .read_with("tokens", &Settings::none(), find)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_variable_holds_one_secret() {
        let secrets =
            read("[{ env = \"A\" }, { env = \"B\" }]", &[("A", "one\n"), ("B", "two")]).unwrap();
        for (presented, is_known) in
            [("one", true), ("two", true), ("three", false), ("one\n", false), ("", false)]
        {
            assert_eq!(secrets.have(presented.as_bytes()), is_known, "{presented:?}");
        }
        assert_eq!(format!("{secrets:?}"), "2 secrets");
    }

    #[test]
    fn a_variable_must_be_there_and_hold_something() {
        for (value, message) in [
            (None, "the environment variable A is not set"),
            (Some(""), "the environment variable A is empty"),
            (Some(" \n"), "the environment variable A is empty"),
            (Some("a b"), "the environment variable A has characters other than visible ASCII"),
            (Some("gehe\u{ef}m"), "other than visible ASCII"),
            (Some(&*"x".repeat(4_097)), "is longer than 4096 bytes"),
        ] {
            let variables: Vec<_> = value.map(|value| ("A", value)).into_iter().collect();
            let error = read("[{ env = \"A\" }]", &variables).unwrap_err();
            assert!(error.contains(message), "{value:?}: {error}");
        }
    }

    #[test]
    fn a_file_holds_one_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let write = |text: &str| fs::write(folder.path().join("tokens"), text).unwrap();
        let settings = Settings::none().in_folder(folder.path());
        let read = |text: &str| {
            write(text);
            let read = sources("[{ file = \"tokens\" }]").read("tokens", &settings);
            read.map_err(|error| error.to_string())
        };
        let secrets = read("# ours\none\r\n\n  two  \n").unwrap();
        for (presented, is_known) in [("one", true), ("two", true), ("# ours", false), ("", false)]
        {
            assert_eq!(secrets.have(presented.as_bytes()), is_known, "{presented:?}");
        }
        for (text, message) in [
            ("", "the file tokens has no secret in it"),
            ("\n# none yet\n", "the file tokens has no secret in it"),
            ("one\ntwo three\n", "line 2 of the file tokens has characters"),
            (&*"one\n".repeat(1_001), "line 1001 of the file tokens is one too many"),
            (&*"# \n".repeat(400_000), "larger than 1 MiB"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(message), "{error}");
            assert!(!error.contains("three"), "{error}");
        }
        for (path, message) in
            [("nowhere", "the file nowhere cannot be read"), (".", "it is no file")]
        {
            let list = sources(&format!("[{{ file = {path:?} }}]"));
            let error = list.read("tokens", &settings).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }

    #[test]
    fn what_stands_in_the_file_itself_is_refused_and_not_repeated() {
        for text in [
            "\"s3cret\"",
            "[\"s3cret\"]",
            "[{ env = \"A\" }, \"s3cret\"]",
            "[{ token = \"s3cret\" }]",
            "[{ env = \"A\", token = \"s3cret\" }]",
            "{ env = \"A\" }",
            "[{ env = 5 }]",
            "[{ env = \"\" }]",
            "5",
            "true",
            "[[\"s3cret\"]]",
        ] {
            let error = read(text, &[("A", "one")]).unwrap_err();
            assert!(error.contains("no secret may stand in mik.toml itself"), "{text}: {error}");
            assert!(error.contains("`tokens = [{ env = \"NAME\" }]`"), "{text}: {error}");
            assert!(!error.contains("s3cret"), "{text}: {error}");
        }
        assert!(read("[]", &[]).unwrap().is_empty());
    }
}
