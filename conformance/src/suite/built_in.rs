//! The subjects that are compiled in.

use std::fs;
use std::path::Path;

use crate::subject::Subject;

/// The binary, and in process the whole of mik and each engine, orchestrator and middleware that is compiled in,
/// with what is known to fail on them.
///
/// # Errors
/// What is wrong with the files of cases or of expectations.
pub fn built_in() -> Result<Vec<Subject>, String> {
    let registry = mik::registry();
    let mut subjects = vec![Subject::mik(), Subject::inside()];
    subjects.extend(registry.engines().map(|name| Subject::engine(name, |_| {})));
    subjects.extend(registry.orchestrators().map(|name| Subject::orchestrator(name, |_| {})));
    subjects.extend(registry.middlewares().map(|name| Subject::middleware(name, |_| {})));
    subjects.into_iter().map(expecting).collect()
}

/// With the file of `expectations/` that has its name, if there is one.
fn expecting(subject: Subject) -> Result<Subject, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("expectations");
    match fs::read_to_string(folder.join(subject.name()).with_extension("toml")) {
        Ok(text) => subject.expectations(&text),
        Err(_) => Ok(subject),
    }
}
