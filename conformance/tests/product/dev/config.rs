//! `mik.toml` that changes under `mik dev`.

use std::time::Duration;

use mik_conformance::eventually;

use super::{CONFIG, HELLO, NOTICED, becomes, builds, edit, project, says};

#[test]
fn it_is_put_in_force_and_a_broken_one_is_shown_and_left() {
    let mik = project("hello").dev();
    becomes(&mik, "/run/app/", 200, HELLO).unwrap();
    edit(&mik, "mik.toml", &format!("{CONFIG}[modules.app]\nroute = \"/api\"\n"));
    becomes(&mik, "/api", 200, HELLO).unwrap();
    says(&mik, &["mik.toml read again"]);
    says(&mik, &["/api/", "is module app"]);
    let before = builds(mik.path());

    edit(&mik, "mik.toml", &format!("{CONFIG}[modules.app]\nrouet = \"/other\"\n"));
    says(&mik, &["rouet"]);
    says(&mik, &["did you mean `route`?"]);
    says(&mik, &["nothing was changed"]);
    assert_eq!(mik.text("/api"), HELLO);

    edit(&mik, "mik.toml", &format!("{CONFIG}[modules.app]\nroute = \"/other\"\n"));
    becomes(&mik, "/other", 200, HELLO).unwrap();
    becomes(&mik, "/api", 404, "").unwrap();
    assert_eq!(builds(mik.path()), before, "none of this is about building");
}

#[test]
fn another_build_command_builds_anew() {
    let mik = project("hello").file("other.sh", "cp parts/inspect.wasm \"$MIK_OUTPUT\"").dev();
    becomes(&mik, "/run/app/", 200, HELLO).unwrap();
    edit(&mik, "mik.toml", &CONFIG.replace("compiler.sh", "other.sh"));
    becomes(&mik, "/run/app/", 200, "\"calls\"").unwrap();
}

#[test]
fn a_signal_reads_it_too() {
    let mik = project("hello").dev();
    becomes(&mik, "/run/app/", 200, HELLO).unwrap();
    let read = || mik.log().lines().iter().filter(|line| line.contains("read again")).count();
    assert_eq!(read(), 0);
    mik.reload();
    assert!(eventually(NOTICED, || read() == 1), "stderr:\n{}", mik.stderr());
    assert!(mik.lives());
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(mik.text("/run/app/"), HELLO);
}
