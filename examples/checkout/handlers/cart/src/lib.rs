//! The carts of a shop.
//!
//! `GET /ID` says what lies in a cart. A real one would ask a database; these are the ones there are.

use exchange::{Answer, Asked};
use serde_json::json;

exchange::serve!(handle);

fn handle(asked: Asked) -> Answer {
    let Some(id) = asked.what.strip_prefix("GET /") else {
        return Answer::error(405, "method");
    };
    let items = match id {
        "42" => json!([
            { "sku": "tea", "name": "Green tea", "quantity": 2, "price": 450 },
            { "sku": "pot", "name": "Tea pot", "quantity": 1, "price": 2900 },
        ]),
        // More cups than there are.
        "43" => json!([{ "sku": "cup", "name": "Cup", "quantity": 12, "price": 700 }]),
        _ => return Answer::error(404, "no-such-cart"),
    };
    Answer::new(200, json!({ "id": id, "items": items }))
}
