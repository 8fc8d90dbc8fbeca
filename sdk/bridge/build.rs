//! Makes the linker leave a core module behind, cut to `component.wat`.

fn main() {
    for argument in [
        // `assemble` makes the component.
        "--skip-wit-component",
        // The memory is there before this module is: what it imports is lowered into it.
        "--import-memory",
        // Stack, data and the first of the heap lie on one page of the machine.
        "-zstack-size=1024",
    ] {
        println!("cargo::rustc-link-arg-cdylib={argument}");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
