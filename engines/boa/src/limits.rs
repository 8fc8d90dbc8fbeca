//! What one realm may use.

use boa_engine::context::HostHooks;
use boa_engine::realm::Realm;
use boa_engine::vm::RuntimeLimits;
use boa_engine::{Context, JsNativeError, JsResult, JsString, JsValue};
use mik_javascript::WorldLimits;

use crate::convert::text;

/// Stack of a thread that runs scripts, in bytes.
pub(crate) const STACK: usize = 24 << 20;
/// Instructions of one realm, which are the end of a script that nothing else can stop. Boa runs 40 to 120
/// million a second, so that it takes minutes: more than a script is given.
pub(crate) const INSTRUCTIONS: usize = 10_000_000_000;
/// Calls within calls, at most. Where they go by way of Boa's own functions they cost up to 3 KiB of [`STACK`]
/// each, of which the parser needs some as well.
const CALLS: usize = 2_000;
/// Bytes of a script's stack for one call, so that the default comes out at about [`CALLS`].
const CALL: usize = 256;
/// Brackets within brackets in a source text, at most. Boa's parser calls itself for each, and takes up to 32 KiB
/// of [`STACK`]; past its end the process dies.
const BRACKETS: usize = 250;

/// The limits that Boa itself knows.
pub(crate) fn runtime(limits: &WorldLimits) -> RuntimeLimits {
    let mut runtime = RuntimeLimits::default();
    runtime.set_recursion_limit((limits.stack / CALL).clamp(16, CALLS));
    runtime.set_stack_size_limit((limits.stack / size_of::<JsValue>()).max(1_024));
    runtime
}

/// Where a source text is nested deeper than Boa can take: line and column.
///
/// Every bracket counts, those in strings and comments too: a text that has so many of them open has no
/// business here either way.
pub(crate) fn too_deep(text: &str) -> Option<(u32, u32)> {
    let mut depth = 0_usize;
    let (mut line, mut column) = (1, 0);
    for letter in text.chars() {
        column += 1;
        match letter {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '\n' => (line, column) = (line + 1, 0),
            _ => {}
        }
        if depth > BRACKETS {
            return Some((line, column));
        }
    }
    None
}

/// What is said of such a text.
pub(crate) fn refusal() -> String {
    format!("more than {BRACKETS} brackets within each other")
}

/// What Boa asks its host.
pub(crate) struct Hooks {
    memory: u64,
}

impl Hooks {
    pub(crate) fn new(limits: &WorldLimits) -> Self {
        Self { memory: limits.memory as u64 }
    }
}

impl HostHooks for Hooks {
    fn ensure_can_compile_strings(
        &self,
        _: Realm,
        parameters: &[JsString],
        body: &JsString,
        _: bool,
        _: &mut Context,
    ) -> JsResult<()> {
        let mut texts = parameters.iter().chain([body]);
        match texts.any(|code| too_deep(&text(code)).is_some()) {
            true => Err(JsNativeError::range().with_message(refusal()).into()),
            false => Ok(()),
        }
    }

    /// Of all that a script allocates, only this can be refused.
    fn max_buffer_size(&self, _: &mut Context) -> u64 {
        self.memory
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use boa_engine::Source;

    use super::*;

    const LIMITS: WorldLimits = WorldLimits { memory: 8 << 20, stack: 512 << 10 };

    /// What a script comes to, on a stack like that of the threads that run scripts.
    fn run(script: &str) -> String {
        let script = script.to_owned();
        let run = move || {
            let mut context = Context::builder()
                .host_hooks(Rc::new(Hooks::new(&LIMITS)))
                .instructions_remaining(10_000_000)
                .build()
                .unwrap();
            context.set_runtime_limits(runtime(&LIMITS));
            let result = context.eval(Source::from_bytes(&script)).and_then(|value| {
                context.run_jobs()?;
                Ok(value)
            });
            match result {
                Ok(value) => value.display().to_string(),
                Err(error) => match crate::failure::broken(error, None, &mut context) {
                    mik_javascript::Broken::Threw { message, .. } => message,
                    broken => broken.to_string(),
                },
            }
        };
        std::thread::Builder::new().stack_size(STACK).spawn(run).unwrap().join().unwrap()
    }

    #[test]
    fn deep_recursion_is_a_range_error_whatever_it_goes_through() {
        for script in [
            "const f = () => f() + 1; f()",
            "const f = () => [1].map(f); f()",
            "const f = () => [2, 1].sort(f); f()",
            "const f = () => 'a'.replace(/a/, f); f()",
            "const f = () => JSON.parse('[1]', f); f()",
            "const f = () => eval('f()'); f()",
            "const f = async () => { await f() }; f()",
            "const o = { get a() { return this.a + 1 } }; o.a",
            "const o = { toJSON: () => JSON.stringify(o) }; JSON.stringify(o)",
            "const o = { [Symbol.iterator]: () => [...o] }; [...o]",
            "const p = new Proxy({}, { get: (_, key, self) => self[key] }); p.x",
            "class A { x = new A() }; new A()",
            "function* g() { yield* g() }; [...g()]",
        ] {
            assert_eq!(run(script), "RangeError: maximum call stack size exceeded", "{script}");
        }
    }

    #[test]
    fn deeply_nested_input_is_refused() {
        for (script, expected) in [
            ("JSON.parse('['.repeat(1e6))", "SyntaxError: recursion limit exceeded"),
            ("eval('('.repeat(1e6))", "RangeError: more than 250 brackets"),
            ("new Function('{'.repeat(1e6))", "RangeError: more than 250 brackets"),
            ("new RegExp('('.repeat(1e6))", "SyntaxError"),
            ("new RegExp('(?:'.repeat(1e4) + ')'.repeat(1e4))", "SyntaxError"),
        ] {
            let told = run(script);
            assert!(told.starts_with(expected), "{script}: {told}");
        }
        // What is just not refused is parsed.
        let nested =
            |open: &str, close: &str| [open.repeat(250), "1".into(), close.repeat(250)].concat();
        let functions = ["(function(){".repeat(124), "})".repeat(124)].concat();
        let templates = ["`${".repeat(249), "1".into(), "}`".repeat(249)].concat();
        for text in [nested("(", ")"), nested("[", "]"), functions, templates] {
            assert_eq!(too_deep(&text), None);
            let told = run(&text);
            assert!(!told.contains("Error"), "{told}");
        }
    }

    #[test]
    fn a_loop_without_end_is_out_of_instructions_in_the_end() {
        for script in ["for (;;);", "const f = n => n && f(n - 1) + f(n - 1); f(100)"] {
            let told = run(script);
            assert!(told.contains("more instructions"), "{script}: {told}");
        }
    }

    #[test]
    fn buffers_stay_within_the_memory() {
        assert!(run("new Uint8Array(2 ** 24)").starts_with("RangeError"));
        assert_eq!(run("new Uint8Array(2 ** 20).length"), "1048576");
    }

    #[test]
    fn the_place_of_the_bracket_that_is_one_too_many_is_told() {
        let text = format!("a\n{}", "[".repeat(300));
        assert_eq!(too_deep(&text), Some((2, 251)));
        assert_eq!(too_deep(&"[](){}".repeat(1_000)), None);
    }
}
