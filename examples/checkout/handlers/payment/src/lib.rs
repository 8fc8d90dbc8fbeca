//! Charges cards.
//!
//! - `GET /methods`: what one may pay with
//! - `POST /charges` with `{ "amount", "currency", "card" }`: 402 when the bank declines

use exchange::{Answer, Asked};
use serde_json::{json, Value};

exchange::serve!(handle);

/// Declined above this many cents, unless the environment says another `LIMIT`.
const LIMIT: u64 = 50_000;

fn handle(asked: Asked) -> Answer {
    match asked.what.as_str() {
        "GET /methods" => Answer::new(200, json!(["card"])),
        "POST /charges" => charge(&asked.body),
        _ => Answer::error(404, "not-found"),
    }
}

fn charge(wanted: &Value) -> Answer {
    let (Some(amount), Some(card)) = (wanted["amount"].as_u64(), wanted["card"].as_str()) else {
        return Answer::error(400, "no-amount-or-no-card");
    };
    // Only what `[modules.payment] env` of mik.toml grants.
    let limit = std::env::var("LIMIT").ok().and_then(|limit| limit.parse().ok());
    if card == "expired" || amount > limit.unwrap_or(LIMIT) {
        return Answer::error(402, "declined");
    }
    let charged =
        json!({ "id": format!("ch-{amount}"), "amount": amount, "currency": wanted["currency"] });
    Answer::new(201, charged)
}
