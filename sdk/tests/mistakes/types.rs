use mik_sdk::prelude::*;

struct Unknown;

#[derive(Type)]
struct Fields {
    unknown: Unknown,
}

#[derive(Path)]
struct PathFields {
    unknown: Unknown,
}

#[derive(Query)]
struct QueryFields {
    unknown: Vec<Unknown>,
}

fn main() {
    json!({ "a": Unknown });
}
