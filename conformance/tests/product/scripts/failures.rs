//! Where a script has thrown something, to the column.

use super::*;

/// TypeScript whose types take room, so that only kept positions are right.
const THROWS: &str = "interface Answer { status: number }

type Explain = (answer: Answer) => never;

const explain: Explain = (answer: Answer): never => {
  throw new RangeError(`secret ${answer.status}`);
};

export default async function (input: unknown, host: { call(name: string): Promise<Answer> }) {
  const answer = await host.call(\"hello\") as Answer;
  return explain(answer);
}
";

#[test]
fn a_stack_names_the_authors_lines_and_columns() {
    on_each("positions of TypeScript", |orchestrator, cases| {
        let mik = setup(orchestrator, &[], &[("throws.ts", THROWS)], "").start();
        cases.case(&mik, "thrown", || {
            let mark = mik.log().mark();
            fails(get(&mik, "/script/throws"), 500, "exception")?;
            let line = logs(&mik, mark, &["RangeError: secret 200", "throws.ts:6:"])?;
            // Columns of the `throw`, the `new` or the name, as the engine has it; then the caller's.
            let columns = (3..=20).any(|column| line.contains(&format!("throws.ts:6:{column}")));
            let caller = (10..=25).any(|column| line.contains(&format!("throws.ts:11:{column}")));
            if columns && caller { Ok(()) } else { Err(format!("other places: {line}")) }
        });
    });
}
