//! What becomes of requests while a script changes.

use super::*;

#[test]
fn no_request_is_lost_while_a_script_changes() {
    on_each("changes under load", |orchestrator, cases| {
        let text = |number: usize| format!("export default () => {number};");
        let mik = setup(orchestrator, &[], &[("n.js", &text(0))], "").start();
        cases.case(&mik, "again and again", || {
            for number in 1..=5 {
                mik.replace(&mik.path().join("scripts/n.js"), text(number));
                let becomes = eventually(BOUND, || match mik.get("/script/n") {
                    Ok(answer) if answer.status() == 200 => answer.text() == number.to_string(),
                    other => panic!("{}", told(&other)),
                });
                if !becomes {
                    return Err(format!("it has not become {number}"));
                }
            }
            Ok(())
        });
    });
}
