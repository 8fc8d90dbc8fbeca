use mik_sdk::prelude::*;

#[derive(Type)]
struct Fields {
    #[field(patern = "^a$")]
    close: String,
    #[field(regex = "^a$")]
    other: String,
    #[field(color = "red")]
    unknown: String,
    #[field(min = 3, max = 2)]
    order: u8,
    #[field(min = 1)]
    bool: bool,
    #[field(max = 1)]
    maybe: Option<char>,
    #[field(pattern = "^a$")]
    number: u8,
    #[field(format = "emial")]
    format: String,
    #[field(format = "url")]
    other_format: String,
    #[field(format = "uuid")]
    list: Vec<String>,
    #[field(min = 0.5)]
    whole: Option<u8>,
    #[field(min = -1)]
    length: String,
    #[field(min = "1")]
    text: u8,
    #[field(min = 1, min = 2)]
    twice: u8,
    #[field(min)]
    no_value: u8,
    #[field(min: 1)]
    colon: u8,
    #[field(min = 1 max = 2)]
    comma: u8,
    #[field]
    nothing: u8,
    #[field(rename = "")]
    no_name: u8,
    #[field(rename = name)]
    word: u8,
    #[field(default = 1)]
    optional: Option<u8>,
    #[field(rename = "nothing")]
    same: u8,
}

fn main() {}
