//! That memory goes back to what a first run left, whatever guests do. What each of them comes to is told by the
//! cases.

use mik_conformance::Mik;

#[test]
fn memory_is_what_a_first_run_left() {
    let mik = Mik::run(&["hello", "trap", "hog", "half", "flood"], "");
    let round = || {
        for target in
            ["trap/", "trap/?how=oob", "hog/", "hog/?how=alloc", "half/?bytes=1000000", "flood/"]
        {
            for _ in 0..3 {
                let _ = mik.get(&format!("/run/{target}"));
            }
        }
    };
    round();
    let first = mik.memory();
    (0..4).for_each(|_| round());
    let grown = mik.memory().saturating_sub(first) / 1_024;
    assert!(
        grown < 24,
        "after four more identical runs, {grown} MiB more are held ({first} KiB before)"
    );
}
