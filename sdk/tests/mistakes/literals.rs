use mik_sdk::prelude::*;

fn main() {
    json!({ a: 1 });
    json!({ "a": 1, "b": 2, "a": 3 });
    json!({ "a" => 1 });
    json!({ "a" = 1 });
    json!({ "a": });
    json!({ "a": 1 "b": 2 });
    json!({ "a" });
    json!({ 1: 2 });
    json!(1, 2);
    json!();
    json!({ "a": { b: 1, "c" } });
}
