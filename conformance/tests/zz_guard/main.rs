#![allow(dead_code)]
#[path = "../product/cli.rs"]
mod cli;
#[path = "../product/guard.rs"]
mod guard;
use mik_conformance::{Cases, Mik, Outcome, Received, told_with};
fn exchange(mik: &Mik, cases: &mut Cases, name: &str, sent: &[u8], judge: impl FnOnce(&Received) -> Outcome) {
    mik.case(cases, name, || {
        let mut raw = mik.connect();
        let _ = raw.send(sent);
        let received = raw.collect();
        told_with(judge(&received), sent, &received)
    });
}
