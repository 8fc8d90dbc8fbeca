//! Files of a project that a build writes. Each comes into its place as a whole, by a rename.

use std::fs::{self, File, Metadata, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use mik_core::ModuleName;

use super::BuildError;
use super::openapi::Document;
use super::process::Progress;
use crate::project::Project;

/// Waits until no other build of this project goes on; what is given back ends the turn when it is dropped.
pub(super) fn take_turn(
    project: &Project,
    progress: &mut dyn Progress,
) -> Result<File, BuildError> {
    let folder = own_folder(project)?;
    let path = folder.join("lock");
    let lock = File::create(&path).and_then(|file| match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::Error(error)) => Err(error),
        Err(TryLockError::WouldBlock) => {
            progress.step("waiting for another build of this project");
            file.lock().map(|()| file)
        }
    });
    lock.map_err(|reason| BuildError::Unwritable { path, reason })
}

/// The folder of what mik keeps in a project; git is told to leave it alone.
fn own_folder(project: &Project) -> Result<PathBuf, BuildError> {
    let folder = project.own();
    make_folder(&folder)?;
    let ignore = folder.join(".gitignore");
    if !ignore.exists() {
        write(&ignore, b"*\n")?;
    }
    Ok(folder)
}

/// Where the component of a project goes.
#[derive(Debug)]
pub(super) struct Dist<'a> {
    project: &'a Project,
    /// The component's file.
    component: PathBuf,
    /// The file of the module, where modules are served.
    module: Option<PathBuf>,
    /// The file that was served last.
    last: PathBuf,
}

impl<'a> Dist<'a> {
    /// # Errors
    /// When a module of that name is there that is not this project's.
    pub(super) fn of(project: &'a Project, is_composed: bool) -> Result<Self, BuildError> {
        let name = project.name();
        let ending = if is_composed { "-composed" } else { "" };
        let component = project.dist().join(format!("{name}{ending}.wasm"));
        let last = project.own().join("served").join(format!("{name}.wasm"));
        let module = project.modules().map(|folder| folder.join(format!("{name}.wasm")));
        let dist = Self { project, component, module, last };
        dist.refuse_strangers()?;
        Ok(dist)
    }

    /// What would be lost, or answer to the same name, must have been put there by an earlier build.
    fn refuse_strangers(&self) -> Result<(), BuildError> {
        let Some(module) = &self.module else { return Ok(()) };
        let Some(folder) = module.parent().filter(|folder| folder.is_dir()) else { return Ok(()) };
        let name = self.project.name();
        let entries =
            fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let is_module = |path: &PathBuf| {
            let named = ModuleName::from_file(path).is_ok_and(|other| other == *name);
            named && path.extension().is_some_and(|end| end == "wasm")
        };
        match entries.filter(is_module).find(|path| !self.is_own(path)) {
            None => Ok(()),
            Some(path) => Err(BuildError::Taken { path, name: name.to_string() }),
        }
    }

    /// Whether a file is one that a build of this project has made.
    fn is_own(&self, path: &Path) -> bool {
        let name = self.project.name();
        let made = ["", "-composed"].map(|ending| format!("{name}{ending}.wasm"));
        let mut made = made.into_iter().map(|file| self.project.dist().join(file));
        is_same(path, &self.last) || made.any(|made| is_same(path, &made))
    }

    /// Writes the component.
    pub(super) fn put(&self, component: &[u8]) -> Result<PathBuf, BuildError> {
        make_folder(&self.project.dist())?;
        write(&self.component, component)?;
        Ok(self.component.clone())
    }

    /// Writes the description of its routes, or takes away that of an earlier build.
    pub(super) fn describe(
        &self,
        document: Option<&Document>,
    ) -> Result<Option<PathBuf>, BuildError> {
        let path = self.project.dist().join(format!("{}.openapi.json", self.project.name()));
        match document {
            Some(document) => {
                make_folder(&self.project.dist())?;
                write(&path, document.to_text().as_bytes())?;
                Ok(Some(path))
            }
            None => match fs::remove_file(&path) {
                Err(reason) if reason.kind() != io::ErrorKind::NotFound => {
                    Err(BuildError::Unwritable { path, reason })
                }
                _ => Ok(None),
            },
        }
    }

    /// Puts the component where modules are served from: the same file once more, or a copy of it.
    pub(super) fn serve(&self) -> Result<Option<PathBuf>, BuildError> {
        let Some(module) = &self.module else { return Ok(None) };
        let folder = module.parent().unwrap_or(Path::new("."));
        make_folder(folder)?;
        let [served, made] = [folder, &self.project.dist()].map(|path| path.canonicalize().ok());
        if served == made {
            return Ok(Some(self.component.clone()));
        }
        link(&self.component, module)?;
        make_folder(self.last.parent().unwrap_or(Path::new(".")))?;
        link(&self.component, &self.last)?;
        Ok(Some(module.clone()))
    }
}

/// Whether two paths lead to one file, or to two with the same content.
fn is_same(one: &Path, other: &Path) -> bool {
    let (Ok(first), Ok(second)) = (one.metadata(), other.metadata()) else { return false };
    is_one(&first, &second)
        || (first.len() == second.len() && fs::read(one).ok() == fs::read(other).ok())
}

fn is_one(first: &Metadata, second: &Metadata) -> bool {
    (first.dev(), first.ino()) == (second.dev(), second.ino())
}

/// Writes a file as a whole. One with the same content stays as it is: a host has nothing to load anew.
fn write(path: &Path, content: &[u8]) -> Result<(), BuildError> {
    if fs::read(path).is_ok_and(|there| there == content) {
        return Ok(());
    }
    put(path, |new| fs::write(new, content))
}

/// Makes `to` the same file as `from`.
fn link(from: &Path, to: &Path) -> Result<(), BuildError> {
    let files = from.metadata().ok().zip(to.metadata().ok());
    // A rename of a file onto itself would leave both.
    if files.is_some_and(|(from, to)| is_one(&from, &to)) {
        return Ok(());
    }
    put(to, |new| fs::hard_link(from, new).or_else(|_| fs::copy(from, new).map(drop)))
}

/// Puts what `make` makes at a path of the same folder in place of `path`.
fn put(path: &Path, make: impl FnOnce(&Path) -> io::Result<()>) -> Result<(), BuildError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // Hidden, so that nobody takes it for a module.
    let new = path.with_file_name(format!(".{name}.new"));
    // A build that was killed may have left one.
    let _ = fs::remove_file(&new);
    let put = make(&new).and_then(|()| fs::rename(&new, path));
    put.map_err(|reason| {
        let _ = fs::remove_file(&new);
        BuildError::Unwritable { path: path.to_owned(), reason }
    })
}

fn make_folder(path: &Path) -> Result<(), BuildError> {
    fs::create_dir_all(path)
        .map_err(|reason| BuildError::Unwritable { path: path.to_owned(), reason })
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn project(config: &str) -> (TempDir, Project) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("Cargo.toml"), "[package]\nname = \"cart\"\n").unwrap();
        fs::write(folder.path().join("mik.toml"), config).unwrap();
        let project = Project::find(folder.path()).unwrap();
        (folder, project)
    }

    /// Counts the steps.
    struct Quiet(usize);

    impl Progress for Quiet {
        fn step(&mut self, _: &str) {
            self.0 += 1;
        }

        fn tool(&mut self, _: &str) {}
    }

    #[test]
    fn builds_of_one_project_take_turns() {
        let (_folder, project) = project("");
        let mut quiet = Quiet(0);
        let first = take_turn(&project, &mut quiet).unwrap();
        assert_eq!(quiet.0, 0);
        let thread = std::thread::spawn(move || {
            let mut waiting = Quiet(0);
            take_turn(&project, &mut waiting).unwrap();
            waiting.0
        });
        std::thread::sleep(std::time::Duration::from_millis(100));
        assert!(!thread.is_finished());
        drop(first);
        assert_eq!(thread.join().unwrap(), 1);
    }

    /// Builds as if the compiler had made this.
    fn build(
        project: &Project,
        is_composed: bool,
        content: &str,
    ) -> Result<Option<PathBuf>, BuildError> {
        let _turn = take_turn(project, &mut Quiet(0))?;
        let dist = Dist::of(project, is_composed)?;
        dist.put(content.as_bytes())?;
        dist.serve()
    }

    fn inode(path: &Path) -> u64 {
        path.metadata().unwrap().ino()
    }

    #[test]
    fn the_module_is_the_same_file_and_each_build_a_new_one() {
        let (folder, project) = project("");
        let at = |path: &str| folder.path().join(path);
        assert_eq!(build(&project, true, "one").unwrap(), Some(at("modules/cart.wasm")));
        let first = inode(&at("modules/cart.wasm"));
        assert_eq!(first, inode(&at("dist/cart-composed.wasm")));
        // With the same content there is nothing to load anew.
        build(&project, true, "one").unwrap();
        assert_eq!(inode(&at("modules/cart.wasm")), first);
        build(&project, true, "two").unwrap();
        assert_ne!(inode(&at("modules/cart.wasm")), first);
        build(&project, false, "three").unwrap();
        assert_eq!(fs::read_to_string(at("modules/cart.wasm")).unwrap(), "three");
        assert_eq!(fs::read_to_string(at("dist/cart-composed.wasm")).unwrap(), "two");
        let left = fs::read_dir(at("modules")).unwrap().count();
        assert_eq!(left, 1, "something else was left");
    }

    #[test]
    fn a_module_of_somebody_else_is_kept() {
        for name in ["cart.wasm", "cart-composed.wasm"] {
            let (folder, project) = project("");
            let module = folder.path().join("modules").join(name);
            fs::create_dir(folder.path().join("modules")).unwrap();
            fs::write(&module, "precious").unwrap();
            let error = build(&project, true, "one").unwrap_err();
            assert!(matches!(&error, BuildError::Taken { path, .. } if *path == module), "{error}");
            assert_eq!(fs::read_to_string(&module).unwrap(), "precious");
            assert!(!folder.path().join("dist").exists());
        }
    }

    #[test]
    fn what_an_earlier_build_has_served_is_known_again() {
        for lost in ["dist", ".mik"] {
            let (folder, project) = project("");
            build(&project, true, "one").unwrap();
            fs::remove_dir_all(folder.path().join(lost)).unwrap();
            build(&project, true, "two").unwrap();
            let module = folder.path().join("modules/cart.wasm");
            assert_eq!(fs::read_to_string(module).unwrap(), "two", "{lost}");
        }
    }

    #[test]
    fn what_is_served_from_dist_needs_no_link() {
        let (folder, project) = project("[server]\nmodules = \"dist\"\n");
        let served = build(&project, true, "one").unwrap();
        assert_eq!(served, Some(folder.path().join("dist/cart-composed.wasm")));
        assert!(!folder.path().join("modules").exists());
        build(&project, true, "two").unwrap();
    }

    #[test]
    fn what_a_killed_build_has_left_is_no_harm() {
        let (folder, project) = project("");
        fs::create_dir_all(folder.path().join("dist")).unwrap();
        fs::write(folder.path().join("dist/.cart-composed.wasm.new"), "half").unwrap();
        build(&project, true, "one").unwrap();
        let left = fs::read_dir(folder.path().join("dist")).unwrap().count();
        assert_eq!(left, 1);
        let ignored = fs::read_to_string(folder.path().join(".mik/.gitignore")).unwrap();
        assert_eq!(ignored, "*\n");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_told() {
        let (folder, project) = project("");
        fs::write(folder.path().join("dist"), "a file").unwrap();
        let error = build(&project, false, "one").unwrap_err().to_string();
        assert!(error.starts_with("cannot write ") && error.contains("dist"), "{error}");
    }

    #[test]
    fn the_description_of_an_earlier_build_does_not_outlive_its_routes() {
        let (folder, project) = project("");
        let path = folder.path().join("dist/cart.openapi.json");
        fs::create_dir_all(folder.path().join("dist")).unwrap();
        fs::write(&path, "{}").unwrap();
        let dist = Dist::of(&project, true).unwrap();
        assert_eq!(dist.describe(None).unwrap(), None);
        assert!(!path.exists());
        assert_eq!(dist.describe(None).unwrap(), None);
    }
}
