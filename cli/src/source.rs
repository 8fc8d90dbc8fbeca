//! From the argument of a command to what it means: a project, a folder of modules, or one component.

use std::path::{Path, PathBuf};

use crate::config::{DEFAULT_MODULES, DEFAULT_SCRIPTS, FILE_NAME};

/// What a command is to work on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The `mik.toml`, where there is one.
    pub config: Option<PathBuf>,
    /// The folder of modules or the component, where the argument names it.
    pub modules: Option<PathBuf>,
}

/// An argument that leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// No argument, and nothing here.
    #[error(
        "nothing to serve in {}: there is neither a mik.toml nor a folder modules/ or scripts/\n\n\
         Say what to serve:\n  \
         mik run app.wasm    one component, at /run/app/\n  \
         mik run folder/     every .wasm file of a folder, or the project of its mik.toml\n\
         or put components into modules/, or scripts into scripts/, and run `mik run` again", here.display()
    )]
    Nothing {
        /// The current folder.
        here: PathBuf,
    },
    /// The path does not exist.
    #[error("there is no file or folder {}", path.display())]
    Missing {
        /// What was asked for.
        path: PathBuf,
    },
    /// A project's folder, and another configuration.
    #[error("{} has a {FILE_NAME} of its own: leave out --config (and MIK_CONFIG), or name a folder of modules", path.display())]
    TwoConfigs {
        /// The project's folder.
        path: PathBuf,
    },
}

impl Source {
    /// Finds out what `path` means, seen from the folder `here`. `config` is what `--config` names. Paths
    /// stay as they were given.
    pub fn resolve(
        path: Option<&Path>,
        config: Option<&Path>,
        here: &Path,
    ) -> Result<Self, SourceError> {
        let Some(path) = path else {
            return Self::unnamed(config, here);
        };
        let full = here.join(path);
        if full.is_dir() {
            let own = path.join(FILE_NAME);
            return match (here.join(&own).is_file(), config) {
                (true, Some(_)) => Err(SourceError::TwoConfigs { path: path.into() }),
                (true, None) => Ok(Self { config: Some(own), modules: None }),
                (false, config) => {
                    Ok(Self { config: config.map(Into::into), modules: Some(path.into()) })
                }
            };
        }
        if !full.exists() {
            return Err(SourceError::Missing { path: path.into() });
        }
        Ok(Self { config: config.map(Into::into), modules: Some(path.into()) })
    }

    fn unnamed(config: Option<&Path>, here: &Path) -> Result<Self, SourceError> {
        if let Some(config) = config {
            return Ok(Self { config: Some(config.into()), modules: None });
        }
        if here.join(FILE_NAME).is_file() {
            return Ok(Self { config: Some(FILE_NAME.into()), modules: None });
        }
        if here.join(DEFAULT_MODULES).is_dir() {
            return Ok(Self { config: None, modules: Some(DEFAULT_MODULES.into()) });
        }
        if here.join(DEFAULT_SCRIPTS).is_dir() {
            return Ok(Self { config: None, modules: None });
        }
        Err(SourceError::Nothing { here: here.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn source(config: Option<&str>, modules: Option<&str>) -> Source {
        Source { config: config.map(Into::into), modules: modules.map(Into::into) }
    }

    #[test]
    fn without_an_argument_a_project_goes_before_a_folder() {
        let here = tempfile::tempdir().unwrap();
        let resolve = || Source::resolve(None, None, here.path());
        assert!(resolve().unwrap_err().to_string().contains("mik run app.wasm"));
        fs::create_dir(here.path().join("scripts")).unwrap();
        assert_eq!(resolve(), Ok(source(None, None)));
        fs::create_dir(here.path().join("modules")).unwrap();
        assert_eq!(resolve(), Ok(source(None, Some("modules/"))));
        fs::write(here.path().join("mik.toml"), "").unwrap();
        assert_eq!(resolve(), Ok(source(Some("mik.toml"), None)));
        let named = Source::resolve(None, Some(Path::new("x.toml")), here.path());
        assert_eq!(named, Ok(source(Some("x.toml"), None)));
    }

    #[test]
    fn an_argument_is_a_project_a_folder_or_a_file() {
        let here = tempfile::tempdir().unwrap();
        fs::create_dir(here.path().join("shop")).unwrap();
        fs::write(here.path().join("app.wasm"), "").unwrap();
        let resolve = |path: &str, config: Option<&str>| {
            Source::resolve(Some(Path::new(path)), config.map(Path::new), here.path())
        };
        assert_eq!(resolve("shop", None), Ok(source(None, Some("shop"))));
        assert_eq!(
            resolve("app.wasm", Some("c.toml")),
            Ok(source(Some("c.toml"), Some("app.wasm")))
        );
        assert!(matches!(resolve("no", None), Err(SourceError::Missing { .. })));
        fs::write(here.path().join("shop/mik.toml"), "").unwrap();
        assert_eq!(resolve("shop", None), Ok(source(Some("shop/mik.toml"), None)));
        assert!(matches!(resolve("shop", Some("c.toml")), Err(SourceError::TwoConfigs { .. })));
    }
}
