//! Languages other than Rust: the script of a package.json, componentize-py, clang, or any command.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::process::Runner;
use super::system::{System, Wanted};
use super::tools::{MissingTool, find, is_executable};
use super::{Artifact, BuildError, Options};
use crate::project::{Kind, Project, has_c, show};

/// What is missing to build this project.
pub(super) fn missing(project: &Project) -> Result<Vec<MissingTool>, BuildError> {
    match project.kind() {
        Kind::Node => missing_of_node(project),
        Kind::Python => Ok(missing_of_python(project)),
        Kind::C => Ok(missing_of_c(project)),
        // What a command takes, its shell tells.
        Kind::Custom | Kind::Rust | Kind::Scripts => Ok(Vec::new()),
    }
}

pub(super) fn build(
    project: &Project,
    options: Options,
    runner: &mut Runner<'_>,
) -> Result<Artifact, BuildError> {
    let output = match project.kind() {
        Kind::Node | Kind::Custom => project.output(),
        _ => project.own().join("build").join(format!("{}.wasm", project.name())),
    };
    make_folder_of(&output)?;
    let complete = std::path::absolute(&output).unwrap_or_else(|_| output.clone());
    let mut command = match project.kind() {
        Kind::Node => shell_free("npm", ["run", "build", "--silent"]),
        Kind::Python => python(project, &complete),
        Kind::C => c(project, options, &complete),
        _ => shell(project),
    };
    command
        .env("MIK_NAME", project.name().as_str())
        .env("MIK_OUTPUT", &complete)
        .env("MIK_RELEASE", if options.release { "1" } else { "0" });
    runner.run(command)?;
    if output.is_file() {
        return Ok(Artifact { path: output, version: None });
    }
    let whose = if project.kind() == Kind::Node { "the script `build`" } else { "the command" };
    let reason = format!(
        "{whose} has left no {}: name what it leaves with `output = \"…\"` under [build] of mik.toml",
        show(&output)
    );
    Err(BuildError::NoComponent { reason })
}

fn make_folder_of(file: &Path) -> Result<(), BuildError> {
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)
        .map_err(|reason| BuildError::Unwritable { path: folder.to_owned(), reason })
}

fn shell(project: &Project) -> Command {
    let line = project.build().command.as_deref().unwrap_or_default();
    shell_free("sh", ["-c", line])
}

fn shell_free<const N: usize>(program: &str, args: [&str; N]) -> Command {
    let mut command = Command::new(program);
    command.args(args);
    command
}

fn missing_of_node(project: &Project) -> Result<Vec<MissingTool>, BuildError> {
    let manifest = &project.package().manifest;
    if !manifest["scripts"]["build"].is_string() {
        let reason = "package.json has no script `build`: add one that leaves a component, or write \
                      `command = \"…\"` under [build] of mik.toml";
        return Err(BuildError::NoComponent { reason: reason.to_owned() });
    }
    if find("npm").is_none() || find("node").is_none() {
        let how = System::here().command(Wanted::Npm);
        return Ok(vec![MissingTool::new("npm is missing, which builds this project", how)]);
    }
    let is_empty = |key: &str| manifest[key].as_object().is_none_or(serde_json::Map::is_empty);
    let wants = !["dependencies", "devDependencies"].into_iter().all(is_empty);
    // Those of a workspace lie above.
    let folder = project.folder().canonicalize().unwrap_or_default();
    let has = folder.ancestors().any(|above| above.join("node_modules").is_dir());
    let is_missing = wants && !has;
    let tool = MissingTool::new(
        "the packages that package.json lists are not installed",
        in_folder(project, "npm install"),
    );
    Ok(is_missing.then_some(tool).into_iter().collect())
}

/// A command that is to be run in the project's folder.
fn in_folder(project: &Project, command: &str) -> String {
    match project.folder() == Path::new(".") {
        true => command.to_owned(),
        false => format!("cd {} && {command}", project.folder().display()),
    }
}

fn missing_of_python(project: &Project) -> Vec<MissingTool> {
    if componentize_py(project).is_some() {
        return Vec::new();
    }
    if find("python3").is_none() {
        let how = System::here().command(Wanted::Python);
        return vec![MissingTool::new("python3 is missing", how)];
    }
    let listed = fs::read_to_string(project.folder().join("requirements.txt")).unwrap_or_default();
    let wanted = match listed.contains("componentize-py") {
        true => "-r requirements.txt",
        false => "componentize-py",
    };
    let install = format!("python3 -m venv .venv && .venv/bin/pip install {wanted}");
    let what = "componentize-py is missing, which makes components of Python";
    vec![MissingTool::new(what, in_folder(project, &install))]
}

/// That of the project's own environment, else that of the system.
fn componentize_py(project: &Project) -> Option<PathBuf> {
    let folder = std::path::absolute(project.folder()).ok()?;
    let own = [".venv", "venv"].map(|venv| folder.join(venv).join("bin/componentize-py"));
    own.into_iter().find(|file| is_executable(file)).or_else(|| find("componentize-py"))
}

/// `app.py` for the one world of `wit/`.
fn python(project: &Project, output: &Path) -> Command {
    let program = componentize_py(project).unwrap_or_else(|| "componentize-py".into());
    let mut command = Command::new(program);
    if project.folder().join("wit").is_dir() {
        command.args(["--wit-path", "wit"]);
    }
    command.arg("componentize");
    if !project.folder().join("app.py").is_file() {
        command.args(["--python-path", "src"]);
    }
    command.arg("app").arg("--output").arg(output);
    command
}

fn missing_of_c(project: &Project) -> Vec<MissingTool> {
    let system = System::here();
    let Some(clang) = clang() else {
        let how = system.command(Wanted::Clang);
        return vec![MissingTool::new("clang is missing, which compiles C", how)];
    };
    // Clang looks for its linker beside itself first.
    let has_linker = ask(&clang, project, "--print-prog-name=wasm-ld")
        .is_some_and(|linker| find(linker).is_some());
    let has_library = ask(&clang, project, "--print-file-name=libc.a")
        .is_some_and(|file| Path::new(&file).is_file());
    let has_builtins = ask(&clang, project, "--print-libgcc-file-name")
        .is_some_and(|file| Path::new(&file).is_file());
    let mut missing = Vec::new();
    if !has_linker {
        let what = "wasm-ld is missing, which links WebAssembly";
        missing.push(MissingTool::new(what, system.command(Wanted::Linker)));
    }
    if !has_library || !has_builtins {
        let what = "clang has no C library of WASI";
        missing.push(MissingTool::new(what, system.command(Wanted::Library)));
    }
    missing
}

/// That of the WASI SDK where the environment names one, else that of the system.
fn clang() -> Option<PathBuf> {
    match env::var_os("WASI_SDK_PATH") {
        Some(sdk) => find(Path::new(&sdk).join("bin/clang")),
        None => find("clang"),
    }
}

/// What C is compiled for: the name that old and new compilers know.
const TARGET: &str = "--target=wasm32-wasi";

fn ask(clang: &Path, project: &Project, question: &str) -> Option<String> {
    let asked = Command::new(clang)
        .args([TARGET, question])
        .current_dir(project.folder())
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let answer = String::from_utf8(asked.stdout).ok()?.trim().to_owned();
    (asked.status.success() && !answer.is_empty()).then_some(answer)
}

/// All of `src/*.c`, or of `*.c`, with the objects beside them: one holds the type of the component.
fn c(project: &Project, options: Options, output: &Path) -> Command {
    let mut command = Command::new(clang().unwrap_or_else(|| "clang".into()));
    command.args([TARGET, "-mexec-model=reactor", "-Wall", "-Wextra"]);
    command.args(if options.release { ["-Os"].as_slice() } else { &["-O1", "-g"] });
    let src = Path::new("src");
    let folder = if has_c(&project.folder().join(src)) { src } else { Path::new("") };
    command.args(files_of_c(project.folder(), folder)).arg("-o").arg(output);
    command
}

/// By their paths from the project's folder.
fn files_of_c(project: &Path, folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(project.join(folder)).into_iter().flatten().flatten();
    let names = entries.map(|entry| PathBuf::from(entry.file_name()));
    let is_input =
        |name: &PathBuf| [Some(OsStr::new("c")), Some(OsStr::new("o"))].contains(&name.extension());
    let mut files: Vec<_> = names.filter(is_input).map(|name| folder.join(name)).collect();
    files.sort();
    files
}
