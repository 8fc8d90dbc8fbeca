use mik_sdk::prelude::*;

#[derive(Type)]
struct Generic<T> {
    value: T,
}

#[derive(Type)]
struct Borrowed {
    text: &'static str,
}

#[derive(Type)]
struct Lifetime {
    text: std::borrow::Cow<'static, str>,
}

#[derive(Type)]
struct Tuple(u8, u8);

#[derive(Type)]
struct Unit;

#[derive(Type)]
union Union {
    a: u8,
}

#[derive(Type)]
enum Choice {
    Plain,
    Tuple(u8),
    Struct { a: u8 },
}

#[derive(Type)]
enum Never {}

#[derive(Type)]
#[field(rename = "a b")]
struct Named {
    a: u8,
}

#[derive(Type)]
#[field(nmae = "a")]
enum Variants {
    #[field(rename = "a")]
    A,
    #[field(rename = "a")]
    B,
    #[field(min = 1)]
    C,
}

#[derive(Path)]
enum PathChoice {
    A,
}

#[derive(Path)]
struct PathDefault {
    #[field(default = 1)]
    id: u8,
}

#[derive(Query)]
#[field(rename = "x")]
struct QueryName {
    id: u8,
}

fn main() {}
