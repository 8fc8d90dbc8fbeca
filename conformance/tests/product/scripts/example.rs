//! `examples/checkout`, as it stands.

use mik_conformance::repository;

use super::*;

/// A copy of the example, and the guest of the innocent requests.
fn project(orchestrator: &str) -> Setup {
    let setup = Setup::of(&repository().join("examples/checkout")).guest("hello", "hello");
    let setup = put(setup, &INNOCENT).args(&["--orchestrator", orchestrator]);
    match orchestrator {
        "boa" => setup.more_config("[orchestrator]\ntrusted_scripts = true\n"),
        _ => setup,
    }
}

/// Calls of `stock` that `checkout` has made.
fn stock_calls(mik: &Mik, count: f64) -> Outcome {
    let labels = [("mik_module", "stock"), ("mik_outcome", "ok"), ("mik_script", "checkout")];
    measures(mik, "mik_script_calls_total", &labels, count)
}

#[test]
fn one_call_after_the_other() {
    on_each("examples/checkout: checkout.js", |orchestrator, cases| {
        let mik = project(orchestrator).start();
        let checkout = |body: &str| post_json(&mik, "/script/checkout", body);
        cases.case(&mik, "an order", || {
            let order = json!({
                "cart": "42", "reservation": "r-3-2", "charge": "ch-3800", "amount": 3800, "currency": "EUR",
            });
            gives(checkout(r#"{ "cart": "42", "card": "visa" }"#), 201, &order)?;
            stock_calls(&mik, 1.0)
        });
        cases.case(&mik, "a card that is declined gives back what was put aside", || {
            let mark = mik.log().mark();
            let declined = json!({ "error": "declined" });
            gives(checkout(r#"{ "cart": "42", "card": "expired" }"#), 402, &declined)?;
            logs(&mik, mark, &["r-3-2 is given back"])?;
            stock_calls(&mik, 3.0)
        });
        cases.case(&mik, "too few in stock", || {
            let missing = json!({ "error": "out-of-stock", "missing": ["cup"] });
            gives(checkout(r#"{ "cart": "43", "card": "visa" }"#), 409, &missing)
        });
        cases.case(&mik, "no such cart", || {
            let unknown = json!({ "error": "no-such-cart" });
            gives(checkout(r#"{ "cart": "../levels", "card": "visa" }"#), 404, &unknown)
        });
        cases.case(&mik, "what is no order", || {
            gives(checkout("{}"), 400, &json!({ "error": "no-cart-or-no-card" }))?;
            fails(checkout("{ cart"), 400, "input")?;
            let answer = get(&mik, "/script/checkout")?;
            same("allow", answer.field("allow"), Some("POST"))?;
            same("the status", answer.status(), 405)
        });
    });
}

#[test]
fn calls_at_the_same_time() {
    on_each("examples/checkout: overview.js", |orchestrator, cases| {
        let mik = project(orchestrator).start();
        cases.case(&mik, "an overview", || {
            let overview = json!({
                "cart": "43",
                "items": [{ "name": "Cup", "quantity": 12, "available": false }],
                "payment": ["card"],
            });
            gives(get(&mik, "/script/overview?cart=43"), 200, &overview)
        });
        cases.case(&mik, "no such cart", || {
            let unknown = json!({ "error": "no-such-cart" });
            gives(get(&mik, "/script/overview?cart=7"), 404, &unknown)
        });
    });
}

#[test]
fn typescript() {
    on_each("examples/checkout: receipt.ts", |orchestrator, cases| {
        let mik = project(orchestrator).start();
        cases.case(&mik, "a receipt", || {
            let receipt = get(&mik, "/script/receipt/42")?;
            let lines = [
                "Tea and more",
                "",
                "  2 × Green tea       9.00 EUR",
                "  1 × Tea pot        29.00 EUR",
                "Total                38.00 EUR",
                "",
                "Thank you for your order.",
                "",
            ];
            same("the text", receipt.text(), lines.join("\n"))?;
            same("its type", receipt.field("content-type"), Some("text/plain; charset=utf-8"))
        });
        cases.case(&mik, "a body that is handed on", || {
            let handed_on = get(&mik, "/script/receipt/42/json")?;
            let direct = get(&mik, "/run/cart/42")?;
            same("the body", handed_on.text(), direct.text())?;
            same("its type", handed_on.field("content-type"), direct.field("content-type"))
        });
        cases.case(&mik, "no such cart", || {
            gives(get(&mik, "/script/receipt/7"), 404, &json!({ "error": "no-such-cart" }))
        });
    });
}

#[test]
fn it_is_sound() {
    on_each("examples/checkout: mik check", |orchestrator, cases| {
        let checked = project(orchestrator).run(&["check", "--orchestrator", orchestrator]);
        let told = ["checkout: JavaScript", "receipt: TypeScript", "lib/money.ts", "no problems"];
        cases.note("no problems", ends(&checked, 0, &told));
    });
}

/// The types that its scripts refer to are those of this binary.
#[test]
fn its_types_are_those_that_mik_writes() {
    let written = Setup::new(&[]).run(&["types"]);
    let there = std::fs::read_to_string(repository().join("examples/checkout/mik.d.ts"));
    let there = there.expect("examples/checkout has a mik.d.ts");
    assert_eq!(
        written.stdout.trim_end(),
        there.trim_end(),
        "run `mik types examples/checkout --force`"
    );
}
