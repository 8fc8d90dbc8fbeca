use mik_sdk::prelude::*;

fn main() {
    log!(wran, "a {}", 1);
    log!(warn "a");
    log!(info, 1);
    log!();
}
