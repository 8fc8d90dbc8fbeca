use mik_sdk::prelude::*;

#[derive(Type)]
struct Patterns {
    #[field(pattern = "^[a-z+$")]
    class: String,
    #[field(pattern = r"^\p{L}+$")]
    property: String,
    #[field(pattern = "^(?=a)$")]
    ahead: String,
    #[field(pattern = 1)]
    number: String,
}

fn main() {}
