//! The store of compiled components: a folder of our own, so that a restart compiles nothing.

use std::fs::{self, DirBuilder, File};
use std::hash::{Hash, Hasher};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

/// Past this the least recently written files go.
const MAX_BYTES: u64 = 1 << 30;

/// A folder of compiled components, each with the digest that it must have.
///
/// A file is used only if it belongs to this user, nobody else may write it, and its digest is the one
/// that was noted when it was written: running it is running machine code.
#[derive(Debug)]
pub(crate) struct Artifacts {
    dir: PathBuf,
    /// Stands for compiler, flags and version: what they differ in must not be mixed up.
    compatibility: String,
}

impl Artifacts {
    /// Opens the folder, makes it where necessary. A folder that others may write is not used.
    pub(crate) fn open(dir: &Path, engine: &Engine) -> io::Result<Self> {
        let dir = dir.join("components");
        DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
        let metadata = fs::symlink_metadata(&dir)?;
        if !metadata.is_dir() || metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(io::Error::other("it is not a folder of this user"));
        }
        if metadata.permissions().mode() & 0o022 != 0 {
            return Err(io::Error::other("others may write it: make it mode 0700 and empty it"));
        }
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o700))?;
        let mut hasher = Hash64(Sha256::new());
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Ok(Self { dir, compatibility: hex(&hasher.0.finalize()[..8]) })
    }

    /// The compiled form of `bytes`, if it is there and sound.
    pub(crate) fn load(&self, engine: &Engine, bytes: &[u8]) -> Option<Component> {
        let (code, digest) = self.paths(bytes);
        let noted = is_ours(&digest).and_then(|()| fs::read_to_string(&digest)).ok()?;
        let found = is_ours(&code).and_then(|()| fs::read(&code)).ok()?;
        if noted != hex(&Sha256::digest(&found)) {
            tracing::warn!(file = %code.display(), "compiled component is damaged; compiling it again");
            return None;
        }
        drop(found);
        deserialize(engine, &code)
            .inspect_err(
                |error| tracing::debug!(file = %code.display(), "cannot be used: {error:#}"),
            )
            .ok()
    }

    /// Keeps a compiled component. Failing to is no failure of anything else.
    pub(crate) fn save(&self, component: &Component, bytes: &[u8]) {
        let (code, digest) = self.paths(bytes);
        let result = component.serialize().map_err(io::Error::other).and_then(|compiled| {
            // The digest comes last: without it the code is not looked at.
            self.write(&code, &compiled)?;
            self.write(&digest, hex(&Sha256::digest(&compiled)).as_bytes())
        });
        if let Err(error) = result {
            tracing::warn!(dir = %self.dir.display(), "cannot keep a compiled component: {error}");
        }
        if let Err(error) = self.prune() {
            tracing::debug!(dir = %self.dir.display(), "cannot prune: {error}");
        }
    }

    fn paths(&self, bytes: &[u8]) -> (PathBuf, PathBuf) {
        let key = format!("{}-{}", hex(&Sha256::digest(bytes)), self.compatibility);
        (self.dir.join(format!("{key}.cwasm")), self.dir.join(format!("{key}.sha256")))
    }

    /// Writes beside the place and moves it there: a reader sees all of it or nothing.
    fn write(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let temporary = self.dir.join(format!(".{}-{}", std::process::id(), fresh()));
        let written = File::create(&temporary).and_then(|mut file| {
            file.set_permissions(fs::Permissions::from_mode(0o600))?;
            file.write_all(content)
        });
        let moved = written.and_then(|()| fs::rename(&temporary, path));
        if moved.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        moved
    }

    fn prune(&self) -> io::Result<()> {
        let mut files = Vec::new();
        for file in fs::read_dir(&self.dir)? {
            let file = file?;
            let metadata = file.metadata()?;
            files.push((metadata.modified()?, metadata.len(), file.path()));
        }
        files.sort();
        let mut total: u64 = files.iter().map(|(_, len, _)| len).sum();
        for (_, len, path) in files {
            if total <= MAX_BYTES {
                break;
            }
            fs::remove_file(path)?;
            total -= len;
        }
        Ok(())
    }
}

#[expect(
    unsafe_code,
    reason = "wasmtime trusts what it is given here; `Artifacts` says why it may"
)]
fn deserialize(engine: &Engine, code: &Path) -> wasmtime::Result<Component> {
    // SAFETY: the file lies in a folder that only this user may enter, belongs to this user, nobody
    // else may write it, and its content has the digest that was noted when this program wrote it.
    // wasmtime checks by itself that engine and flags fit.
    unsafe { Component::deserialize_file(engine, code) }
}

fn is_ours(path: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    let ours = metadata.is_file() && metadata.uid() == rustix::process::geteuid().as_raw();
    if ours && metadata.permissions().mode() & 0o022 == 0 {
        Ok(())
    } else {
        Err(io::Error::other("somebody else could have written it"))
    }
}

fn fresh() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Feeds what `Hash` writes into SHA-256: stable between runs, unlike the standard hasher.
struct Hash64(Sha256);

impl Hasher for Hash64 {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest = self.0.clone().finalize();
        digest.iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
    }
}
