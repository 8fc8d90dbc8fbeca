//! A project of a case, laid out in a folder.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use super::{Place, Subject};
use crate::binary::compiled;
use crate::case::{Filled, Project, Text};
use crate::clock::Clock;
use crate::setup::Setup;

/// A project in its folder.
pub(super) struct Laid {
    pub(super) setup: Setup,
    pub(super) filled: Filled,
    pub(super) clock: Option<Clock>,
}

impl Subject {
    /// Lays the project out.
    pub(super) fn lay(&self, project: &Project, origin: &str) -> Result<Laid, String> {
        let mut setup = Setup::new(&[]);
        let folder = setup.path().to_path_buf();
        let with = Filled {
            origin: origin.to_owned(),
            project: folder.display().to_string(),
            ..Filled::default()
        };
        for module in &project.modules {
            let content = match &module.content {
                Ok(guest) => {
                    self.component(guest).ok_or_else(|| format!("there is no guest {guest}"))?
                }
                Err(text) => text.bytes(&with)?,
            };
            setup = setup.file(&format!("modules/{}.wasm", module.name), content);
        }
        for (name, text) in &project.scripts {
            setup = setup.file(&format!("scripts/{name}"), text.bytes(&with)?);
        }
        for (path, text) in &project.files {
            setup = setup.file(path, text.bytes(&with)?);
        }
        let wrong = |error: std::io::Error| format!("{}: {error}", folder.display());
        for (path, to) in &project.links {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap_or(&folder)).map_err(wrong)?;
            symlink(to.text(&with)?, path).map_err(wrong)?;
        }
        for path in &project.fifos {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap_or(&folder)).map_err(wrong)?;
            let made = Command::new("mkfifo").arg(&path).status().map_err(wrong)?;
            if !made.success() {
                return Err(format!("mkfifo {} failed", path.display()));
            }
        }
        setup = setup.config(&self.config(&project.config.text(&with)?, project));
        let args: Vec<_> = project
            .args
            .iter()
            .map(|arg| Text(arg.clone()).text(&with))
            .collect::<Result<_, _>>()?;
        setup = setup.args(&args.iter().map(String::as_str).collect::<Vec<_>>());
        for (name, value) in &project.env {
            setup = setup.env(name, &value.text(&with)?);
        }
        if let Some(descriptors) = project.descriptors {
            setup = setup.descriptors(descriptors);
        }
        if let Some(descriptors) = project.soft_descriptors {
            setup = setup.soft_descriptors(descriptors);
        }
        if project.cache == Some(false) {
            setup = setup.empty_cache();
        }
        let clock = if project.clock { Clock::build() } else { None };
        if let Some(clock) = &clock {
            for (name, value) in clock.env() {
                setup = setup.env(&name, &value);
            }
        }
        if let Some(binary) = self.executable() {
            setup = setup.binary(binary);
        }
        Ok(Laid { setup, filled: with, clock })
    }

    /// Writes a project of guests alone.
    pub(crate) fn write(&self, project: &Project, folder: &Path) -> Result<(), String> {
        let told = |error: std::io::Error| format!("{}: {error}", folder.display());
        fs::create_dir_all(folder.join("modules")).map_err(told)?;
        for guest in project.guests() {
            let content =
                self.component(guest).ok_or_else(|| format!("there is no guest {guest}"))?;
            fs::write(folder.join("modules").join(guest).with_extension("wasm"), content)
                .map_err(told)?;
        }
        fs::write(folder.join("mik.toml"), &project.config.0).map_err(told)
    }

    /// A `mik.toml`, with what makes this subject the one that runs.
    fn config(&self, text: &str, project: &Project) -> String {
        let mut config = text.to_owned();
        // A binary is told by its environment where to keep what it has compiled.
        if matches!(self.place, Place::Inside(_)) && !text.contains("cache_dir") {
            add(
                &mut config,
                "engine",
                &format!("cache_dir = {:?}", compiled().display().to_string()),
            );
        }
        if !project.scripts.is_empty() {
            if let Some(name) = &self.orchestrator {
                add(&mut config, "orchestrator", &format!("name = {name:?}"));
            }
            // What cannot stop a script starts for trusted ones only.
            if !self.can("script_untrusted") {
                add(&mut config, "orchestrator", "trusted_scripts = true");
            }
        }
        if let (Some(part), Some(table)) = (&self.part, &self.table)
            && project.part.as_ref() != Some(part)
            && !config.contains(&format!("middleware.{part}"))
        {
            config = format!("{config}\n{table}\n");
        }
        config
    }
}

/// Puts a line into a table of a document.
fn add(config: &mut String, table: &str, line: &str) {
    let head = format!("[{table}]");
    let at = config.lines().position(|line| line.trim() == head);
    match at {
        Some(at) => {
            let mut lines: Vec<_> = config.lines().collect();
            lines.insert(at + 1, line);
            *config = lines.join("\n") + "\n";
        }
        None => *config = format!("{config}\n{head}\n{line}\n"),
    }
}
