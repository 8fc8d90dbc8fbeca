//! The contract from end to end, with an engine, a script and middleware that live in memory.

mod calls;
mod modules;
mod parts;
mod rings;
mod scripts;
mod tower;

use std::fs;
use std::time::Duration;

use http_body_util::BodyExt;
use tempfile::TempDir;

use super::Host;
use crate::{Body, HostBuilder, Request, Response};
use parts::{Memory, Scripts};

/// A host over a folder of modules; each file's text says what its module does (see [`parts`]).
struct Fixture {
    dir: TempDir,
    host: Host,
    engine: Memory,
    scripts: Scripts,
}

fn fixture(files: &[(&str, &str)]) -> Fixture {
    fixture_with(files, |builder| builder)
}

fn fixture_with(
    files: &[(&str, &str)],
    change: impl FnOnce(HostBuilder) -> HostBuilder,
) -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("modules")).unwrap();
    fs::create_dir(dir.path().join("scripts")).unwrap();
    for (file, text) in files {
        fs::write(dir.path().join(file), text).unwrap();
    }
    let (engine, scripts) = (Memory::default(), Scripts::default());
    let builder = Host::builder()
        .engine(engine.clone())
        .orchestrator(scripts.clone())
        .modules_dir(dir.path().join("modules"))
        .scripts_dir(dir.path().join("scripts"));
    let host = change(builder).build().unwrap();
    Fixture { dir, host, engine, scripts }
}

impl Fixture {
    async fn get(&self, path: &str) -> Response {
        self.host.serve(get(path), None).await
    }

    /// Status and body of the answer to a GET.
    async fn ask(&self, path: &str) -> (u16, String) {
        read(self.get(path).await).await
    }

    fn write(&self, file: &str, text: &str) {
        // Moved into place, as a careful build does.
        let path = self.dir.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let temporary = path.with_extension("tmp");
        fs::write(&temporary, text).unwrap();
        fs::rename(temporary, path).unwrap();
    }
}

fn get(path: &str) -> Request {
    http::Request::get(path).body(Body::empty()).unwrap()
}

async fn read(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// Waits until `is_so`; a test hangs for ten seconds at most.
async fn eventually(mut is_so: impl FnMut() -> bool) {
    for _ in 0..1_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never came to be");
}
