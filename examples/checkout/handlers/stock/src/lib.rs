//! What the shop has in stock.
//!
//! - `GET /levels`: how much there is of everything
//! - `POST /reservations` with `{ "items": [{ "sku", "quantity" }] }`: puts it aside; 409 says what there
//!   is not enough of
//! - `DELETE /reservations/ID`: gives it back

use exchange::{Answer, Asked};
use serde_json::{json, Value};

exchange::serve!(handle);

const LEVELS: [(&str, u64); 3] = [("tea", 120), ("pot", 8), ("cup", 6)];

fn handle(asked: Asked) -> Answer {
    match asked.what.as_str() {
        "GET /levels" => Answer::new(200, LEVELS.into_iter().collect()),
        "POST /reservations" => reserve(&asked.body),
        what => match what.strip_prefix("DELETE /reservations/") {
            Some(id) => {
                // What a handler prints is in the log of mik.
                println!("{id} is given back");
                Answer::new(204, Value::Null)
            }
            None => Answer::error(404, "not-found"),
        },
    }
}

fn reserve(wanted: &Value) -> Answer {
    let Some(items) = wanted["items"].as_array().filter(|items| !items.is_empty()) else {
        return Answer::error(400, "no-items");
    };
    let missing: Vec<&Value> =
        items.iter().filter(|item| !is_there(item)).map(|item| &item["sku"]).collect();
    if !missing.is_empty() {
        return Answer::new(409, json!({ "error": "out-of-stock", "missing": missing }));
    }
    let pieces: u64 = items.iter().filter_map(|item| item["quantity"].as_u64()).sum();
    Answer::new(201, json!({ "id": format!("r-{pieces}-{}", items.len()), "pieces": pieces }))
}

/// Whether there is as much of it as is wanted.
fn is_there(item: &Value) -> bool {
    let level = LEVELS.iter().find(|(sku, _)| item["sku"] == **sku);
    let wanted = item["quantity"].as_u64().filter(|quantity| *quantity > 0);
    level.zip(wanted).is_some_and(|((_, level), wanted)| wanted <= *level)
}
