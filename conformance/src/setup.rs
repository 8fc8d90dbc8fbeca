//! A project to run: which guests, which configuration, which arguments.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::binary::{compiled, guest, mik};
use crate::mik::Mik;

/// An environment variable of the host that no guest may ever see.
pub const SECRET: (&str, &str) = ("MIK_CONFORMANCE_SECRET", "of the host");

/// A project in a folder of its own, and how `mik` is to be started on it.
#[derive(Debug)]
pub struct Setup {
    folder: TempDir,
    args: Vec<String>,
    env: Vec<(String, String)>,
    /// What `ulimit` is called with.
    descriptors: Option<String>,
    /// `mik` of this build, unless it is another.
    binary: Option<PathBuf>,
    cache: PathBuf,
}

/// A command that has ended.
#[derive(Debug)]
pub struct Finished {
    /// The exit status.
    pub status: ExitStatus,
    /// All of stdout.
    pub stdout: String,
    /// All of stderr.
    pub stderr: String,
}

impl Setup {
    /// A project with an empty `mik.toml` and these guests in `modules/`.
    pub fn new(guests: &[&str]) -> Self {
        let setup = Self {
            folder: TempDir::with_prefix("mik-").expect("a temporary folder can be made"),
            args: Vec::new(),
            env: Vec::new(),
            descriptors: None,
            binary: None,
            // Shared by all tests: a guest is compiled once.
            cache: compiled(),
        };
        let setup = setup.config("").file("modules/.keep", "");
        guests.iter().fold(setup, |setup, name| setup.guest(name, name))
    }

    /// A copy of what `mik run` looks at in the folder of a project, such as one of `examples/`.
    ///
    /// # Panics
    /// Where there is no such project.
    pub fn of(project: &Path) -> Self {
        let setup = Self::new(&[]);
        let config = fs::read_to_string(project.join("mik.toml"));
        let setup = setup.config(&config.expect("a project has a mik.toml"));
        for part in ["modules", "scripts"] {
            copy(&project.join(part), &setup.path().join(part));
        }
        setup
    }

    /// Its `mik.toml`.
    #[must_use]
    pub fn config(self, text: &str) -> Self {
        self.file("mik.toml", text)
    }

    /// A file of the project.
    #[must_use]
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().expect("a file lies in a folder"))
            .expect("the folder can be made");
        fs::write(path, content).expect("the project's folder can be written");
        self
    }

    /// What is added to its `mik.toml`.
    #[must_use]
    pub fn more_config(self, text: &str) -> Self {
        let config = fs::read_to_string(self.path().join("mik.toml")).unwrap_or_default();
        self.config(&format!("{config}\n{text}"))
    }

    /// A guest as the module of that name.
    #[must_use]
    pub fn guest(self, source: &str, name: &str) -> Self {
        let content = fs::read(guest(source)).expect("a guest can be read");
        self.file(&format!("modules/{name}.wasm"), content)
    }

    /// A guest that is a handler of `mik:core`, composed with the bridge by `mik build`, as the module of that
    /// name, which is the project's as well.
    ///
    /// # Panics
    /// With what the build says, if it fails.
    #[must_use]
    pub fn composed(self, source: &str, name: &str) -> Self {
        let content = fs::read(guest(source)).expect("a guest can be read");
        let config = format!(
            "[project]\nname = \"{name}\"\n[build]\ncommand = \"true\"\noutput = \"{name}.wasm\"\n"
        );
        let setup = self.more_config(&config).file(&format!("{name}.wasm"), content);
        let built = setup.run(&["build", "--compose"]);
        let Finished { stdout, stderr, .. } = &built;
        assert_eq!(built.code(), Some(0), "stdout: {stdout}\nstderr: {stderr}");
        setup
    }

    /// Arguments of `mik run` or `mik dev`, after those that every test has.
    #[must_use]
    pub fn args(mut self, args: &[&str]) -> Self {
        self.args.extend(args.iter().map(ToString::to_string));
        self
    }

    /// An environment variable of the process.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts it with `ulimit -n`, hard and soft.
    #[must_use]
    pub fn descriptors(mut self, limit: u32) -> Self {
        self.descriptors = Some(format!("-n {limit}"));
        self
    }

    /// Starts it with a soft `ulimit -n` below the hard one.
    #[must_use]
    pub fn soft_descriptors(mut self, limit: u32) -> Self {
        self.descriptors = Some(format!("-S -n {limit}"));
        self
    }

    /// Runs another binary than `mik`.
    #[must_use]
    pub fn binary(mut self, binary: impl Into<PathBuf>) -> Self {
        self.binary = Some(binary.into());
        self
    }

    /// Starts without anything compiled.
    #[must_use]
    pub fn empty_cache(mut self) -> Self {
        self.cache = self.path().join(".cache");
        self
    }

    /// The project's folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs `mik run` on the project until it listens.
    ///
    /// # Panics
    /// With its stderr, if it does not.
    pub fn start(self) -> Mik {
        self.start_as("run")
    }

    /// The same with `mik dev`.
    ///
    /// # Panics
    /// With its stderr, if it does not listen.
    pub fn dev(self) -> Mik {
        self.start_as("dev")
    }

    fn start_as(self, command: &str) -> Mik {
        let mut args = vec![command, "--host", "127.0.0.1", "--port", "0"];
        args.extend(self.args.iter().map(String::as_str));
        if !args.iter().any(|arg| arg.starts_with("./")) {
            args.push(".");
        }
        let command = self.command(&args);
        Mik::start(command, self)
    }

    /// Runs `mik` with these arguments in the project's folder, to its end, which must come within a
    /// minute.
    pub fn run(&self, args: &[&str]) -> Finished {
        self.run_within(Duration::from_secs(60), args)
    }

    /// The same for what may take longer.
    ///
    /// # Panics
    /// With what it has written, if it takes longer still.
    pub fn run_within(&self, time: Duration, args: &[&str]) -> Finished {
        let mut child = self.command(args).spawn().expect("mik runs");
        let stdout = drain(child.stdout.take());
        let stderr = drain(child.stderr.take());
        let started = Instant::now();
        let status = loop {
            match child.try_wait().expect("a child can be waited for") {
                Some(status) => break Some(status),
                None if started.elapsed() > time => break None,
                None => thread::sleep(Duration::from_millis(10)),
            }
        };
        let ended = status.is_some();
        if !ended {
            let _ = child.kill();
            let _ = child.wait();
        }
        let text = |thread: thread::JoinHandle<String>| thread.join().unwrap_or_default();
        let (stdout, stderr) = (text(stdout), text(stderr));
        let status = status.unwrap_or_else(|| {
            panic!("mik {args:?} has not ended after {time:?}\nstdout: {stdout}\nstderr: {stderr}")
        });
        Finished { status, stdout, stderr }
    }

    /// `mik` with these arguments, in the project's folder, with a bare environment.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let binary = self.binary.as_deref().unwrap_or_else(|| mik());
        let mut command = match &self.descriptors {
            None => Command::new(binary),
            Some(limit) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("ulimit {limit} && exec \"$0\" \"$@\"")]).arg(binary);
                shell
            }
        };
        command
            .args(args)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path())
            .env("XDG_CACHE_HOME", &self.cache)
            .env(SECRET.0, SECRET.1)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

impl Finished {
    /// The exit code.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }
}

/// Copies a folder with all that lies below it. One that is not there is none.
fn copy(from: &Path, to: &Path) {
    let Ok(entries) = from.read_dir() else { return };
    fs::create_dir_all(to).expect("the folder can be made");
    for entry in entries.flatten() {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("the project's folder can be written");
        }
    }
}

/// Reads all of a pipe in a thread of its own.
fn drain(pipe: Option<impl std::io::Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut all = Vec::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.read_to_end(&mut all);
        }
        String::from_utf8_lossy(&all).into_owned()
    })
}
