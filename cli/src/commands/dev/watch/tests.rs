//! Changes of a real folder.

use std::fs;

use super::*;

/// Far more than a change takes; this bounds hanging.
const SOON: Duration = Duration::from_secs(10);
/// Within this, what is coming has come.
const A_WHILE: Duration = Duration::from_millis(500);

async fn next(watch: &mut Watch, within: Duration) -> Option<Changes> {
    tokio::time::timeout(within, watch.next()).await.ok()
}

fn sources(folder: &Path, names: &'static [&str]) -> Targets {
    let here = folder.to_owned();
    let list = move || names.iter().map(|name| here.join(name)).collect();
    Targets { sources: Some(Box::new(list)), ..Targets::default() }
}

fn targets(folder: &Path) -> Targets {
    Targets { config: Some(folder.join("mik.toml")), ..sources(folder, &["src", "Cargo.toml"]) }
}

#[tokio::test]
async fn what_changes_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = |path: &str| folder.path().join(path);
    fs::create_dir_all(path("src")).unwrap();
    fs::write(path("src/lib.rs"), "one").unwrap();
    let mut watch = Watch::start(targets(folder.path())).unwrap();
    fs::write(path("src/lib.rs"), "two").unwrap();
    fs::write(path("src/other.rs"), "two").unwrap();
    let changes = next(&mut watch, SOON).await.unwrap();
    assert_eq!(changes.sources, [path("src/lib.rs"), path("src/other.rs")]);
    assert!(!changes.config);
    fs::write(path("src/lib.rs"), "two").unwrap();
    fs::write(path("unwatched.rs"), "two").unwrap();
    assert_eq!(next(&mut watch, A_WHILE).await, None);
    fs::write(path("mik.toml"), "[project]").unwrap();
    let changes = next(&mut watch, SOON).await.unwrap();
    assert_eq!(changes, Changes { sources: Vec::new(), config: true });
}

#[tokio::test]
async fn folders_that_come_and_come_again_are_watched() {
    let folder = tempfile::tempdir().unwrap();
    let path = |path: &str| folder.path().join(path);
    let mut watch = Watch::start(targets(folder.path())).unwrap();
    for round in 0..3 {
        for depth in ["src", "src/a", "src/a/b"] {
            fs::create_dir(path(depth)).unwrap();
        }
        fs::write(path("src/a/b/part.rs"), format!("{round}")).unwrap();
        let part = || vec![path("src/a/b/part.rs")];
        let changes = next(&mut watch, SOON).await.unwrap();
        assert_eq!(changes.sources, part(), "made, round {round}");
        fs::write(path("src/a/b/part.rs"), format!("{round} again")).unwrap();
        let changes = next(&mut watch, SOON).await.unwrap();
        assert_eq!(changes.sources, part(), "written, round {round}");
        fs::remove_dir_all(path("src")).unwrap();
        let changes = next(&mut watch, SOON).await.unwrap();
        assert_eq!(changes.sources, part(), "removed, round {round}");
    }
}

#[tokio::test]
async fn another_aim_forgets_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = |path: &str| folder.path().join(path);
    for one in ["src", "other"] {
        fs::create_dir(path(one)).unwrap();
    }
    let mut watch = Watch::start(targets(folder.path())).unwrap();
    watch.aim(sources(folder.path(), &["other"]));
    assert_eq!(next(&mut watch, A_WHILE).await, None);
    fs::write(path("src/lib.rs"), "one").unwrap();
    assert_eq!(next(&mut watch, A_WHILE).await, None);
    fs::write(path("other/lib.rs"), "one").unwrap();
    let changes = next(&mut watch, SOON).await.unwrap();
    assert_eq!(changes.sources, [path("other/lib.rs")]);
}

#[tokio::test]
async fn a_list_that_grows_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().to_owned();
    let list = move || {
        let entries = fs::read_dir(&here).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).filter(|path| !path.ends_with("target")).collect()
    };
    let targets = Targets {
        sources: Some(Box::new(list)),
        folder: Some(folder.path().to_owned()),
        config: None,
    };
    let mut watch = Watch::start(targets).unwrap();
    fs::create_dir(folder.path().join("target")).unwrap();
    fs::write(folder.path().join("target/made"), "x").unwrap();
    assert_eq!(next(&mut watch, A_WHILE).await, None);
    fs::write(folder.path().join("build.rs"), "x").unwrap();
    let changes = next(&mut watch, SOON).await.unwrap();
    assert_eq!(changes.sources, [folder.path().join("build.rs")]);
}
