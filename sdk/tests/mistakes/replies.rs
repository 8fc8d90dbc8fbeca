use mik_sdk::prelude::*;
use mik_sdk::Response;

fn replies() {
    ok!();
    ok!({ a: 1 });
    ok!(1, 2);
    no_content!(1);
    redirect!(200, "/a");
    redirect!();
    error!();
    error!(200, "fine");
    error!(404, { "status": 1 }, "x");
    error!(404, { "type": [1] }, "x");
    error!(404, "x", "y");
}

fn guards() -> Response {
    guard!(true);
    ensure!(Some(1));
    let _: u8 = ensure!(true, 404, "x");
    no_content!()
}

fn number() -> u8 {
    guard!(true, 404, "x");
    1
}

fn main() {}
