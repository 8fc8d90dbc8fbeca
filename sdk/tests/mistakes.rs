//! What the macros say to a mistake. `TRYBUILD=overwrite` writes anew what is expected.

#[test]
fn mistakes_are_told_at_their_place() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/mistakes/*.rs");
}
