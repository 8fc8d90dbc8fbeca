use mik_sdk::prelude::*;

fn main() {
    let _ = fetch!(GTE "https://example.org");
    let _ = fetch!(GET "example.org/a");
    let _ = fetch!(GET "/a");
    let _ = fetch!(GET "https://example.org", header: { "a": "b" });
    let _ = fetch!(GET "https://example.org", headers: { a: "b" });
    let _ = fetch!(POST "https://example.org", json: {}, body: "x");
    let _ = fetch!(GET "https://example.org", timeout: 5);
    let _ = fetch!(GET "https://example.org", timeout: 5sec, query: {}, query: {});
    let _ = call!("orders", POST "create");
    let _ = call!("orders/create", POST "/");
    let _ = call!(POST "orders");
}
