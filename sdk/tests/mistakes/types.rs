use mik_sdk::prelude::*;

struct Unknown;

#[derive(Type)]
struct Fields {
    unknown: Unknown,
}

type Alias = bool;

#[derive(Type)]
struct ByAlias {
    #[field(min = 1)]
    alias: Alias,
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
