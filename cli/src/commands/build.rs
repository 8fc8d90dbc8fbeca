//! `mik build`: makes the component of a project, and says what came of it.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::args::BuildArgs;
use crate::build::{Builder, Built, Options, Progress};
use crate::failure::Failure;
use crate::output::{columns, complain, print};
use crate::project::{Kind, Project, show};

pub(super) fn build(args: &BuildArgs) -> Result<(), Failure> {
    let outcome = run(args);
    if args.json {
        let told = match &outcome {
            Ok((builder, built)) => to_json(builder, built.as_ref()),
            Err(failure) => json!({ "ok": false, "error": failure.to_string() }),
        };
        print(format_args!("{told:#}"));
    } else if let Ok((builder, built)) = &outcome {
        print(to_text(builder, built.as_ref()).trim_end());
    }
    outcome.map(drop)
}

/// What was built; `None` where there is nothing to build.
fn run(args: &BuildArgs) -> Result<(Builder, Option<Built>), Failure> {
    let project = Project::find(args.path.as_deref().unwrap_or(Path::new(".")))?;
    let options = Options { release: args.release, compose: args.compose };
    let is_empty = project.kind() == Kind::Scripts;
    let mut builder = Builder::new(project, options);
    if is_empty {
        return Ok((builder, None));
    }
    let built = builder.build(&mut Terminal)?;
    Ok((builder, Some(built)))
}

/// Tools write for themselves: on a terminal in colour, and with what they are at.
struct Terminal;

impl Progress for Terminal {
    fn step(&mut self, step: &str) {
        complain(format_args!("{step}"));
    }

    fn tool(&mut self, line: &str) {
        let _ = io::stderr().lock().write_all(line.as_bytes());
    }
}

fn to_text(builder: &Builder, built: Option<&Built>) -> String {
    let Some(built) = built else {
        return "nothing to build: scripts run as they are, `mik run` serves them".to_owned();
    };
    let name = builder.project().name();
    let size = match built.size < built.raw_size {
        true => format!("{}, of {} compiled", bytes(built.size), bytes(built.raw_size)),
        false => bytes(built.size),
    };
    let mut rows = vec![["component".to_owned(), show(&built.component).to_string(), size]];
    if let Some(module) = &built.module {
        let served = format!("served at /run/{name}/");
        rows.push(["module".to_owned(), show(module).to_string(), served]);
    }
    if let Some(openapi) = &built.openapi {
        let count = match built.operations {
            1 => "1 operation".to_owned(),
            many => format!("{many} operations"),
        };
        rows.push(["description".to_owned(), show(openapi).to_string(), count]);
    }
    let mut text = columns(&rows);
    text.extend(built.notes.iter().map(|note| format!("\nnote: {note}\n")));
    text.push_str(&format!("\nbuilt {name} in {}", seconds(built.time)));
    if built.module.is_none() && built.is_servable {
        text.push_str(&format!("; serve it with `mik run {}`", show(&built.component)));
    }
    text
}

fn to_json(builder: &Builder, built: Option<&Built>) -> Value {
    let project = builder.project();
    let mut told = json!({
        "ok": true,
        "project": {
            "name": project.name().as_str(), "kind": project.kind(),
            "folder": project.folder().display().to_string(),
        },
    });
    if let Some(built) = built {
        let path = |path: &Path| show(path).to_string();
        told["component"] = json!({
            "path": path(&built.component), "bytes": built.size, "compiled_bytes": built.raw_size,
            "world": built.world,
        });
        told["module"] = built.module.as_deref().map(path).into();
        told["openapi"] = built.openapi.as_deref().map(path).into();
        told["operations"] = built.operations.into();
        told["duration_ms"] = u64::try_from(built.time.as_millis()).unwrap_or(u64::MAX).into();
        told["servable"] = built.is_servable.into();
        told["notes"] = built.notes.clone().into();
    }
    told
}

/// A size for people.
fn bytes(count: u64) -> String {
    let units = [("MiB", 1 << 20), ("KiB", 1 << 10)];
    let unit = units.into_iter().find(|(_, size)| count >= *size);
    unit.map_or_else(
        || format!("{count} B"),
        |(unit, size)| format!("{:.1} {unit}", count as f64 / size as f64),
    )
}

fn seconds(time: Duration) -> String {
    match time.as_secs_f64() {
        short @ ..1.0 => format!("{:.0} ms", short * 1_000.0),
        long => format!("{long:.1} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_for_people() {
        assert_eq!([10, 2_048, 3 << 20].map(bytes), ["10 B", "2.0 KiB", "3.0 MiB"]);
        assert_eq!(seconds(Duration::from_millis(42)), "42 ms");
        assert_eq!(seconds(Duration::from_millis(61_240)), "61.2 s");
    }
}
