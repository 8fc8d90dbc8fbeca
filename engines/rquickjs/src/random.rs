//! `Math.random` of a world that is used more than once.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rquickjs::{Ctx, Function, Object, Result};

/// What the numbers of a world come from. A clone is the same.
#[derive(Debug, Clone)]
pub(crate) struct Seed(Arc<AtomicU64>);

impl Seed {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(fresh())))
    }

    /// Lets numbers come that say nothing of those before, nor those of them.
    pub(crate) fn renew(&self) {
        self.0.store(fresh(), Ordering::Relaxed);
    }
}

fn fresh() -> u64 {
    RandomState::new().hash_one("seed") | 1
}

/// Puts a `Math.random` in place whose state does not lie in the heap of the world: written back with it, it
/// would give each run the same numbers.
pub(crate) fn install<'js>(ctx: &Ctx<'js>, seed: &Seed) -> Result<Function<'js>> {
    let state = seed.0.clone();
    let random = Function::new(ctx.clone(), move || {
        // One thread at a time has the world.
        let (next, number) = next(state.load(Ordering::Relaxed));
        state.store(next, Ordering::Relaxed);
        number
    })?;
    random.set_name("random")?;
    ctx.globals().get::<_, Object<'_>>("Math")?.set("random", random.clone())?;
    Ok(random)
}

/// The next state of xorshift64*, as QuickJS has it, and a number from 0 to below 1.
fn next(mut state: u64) -> (u64, f64) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    let bits = state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 12;
    // The mantissa of a number from 1 to below 2.
    (state, f64::from_bits(0x3ff0_0000_0000_0000 | bits) - 1.0)
}

#[cfg(test)]
mod tests {
    use rquickjs::{Context, Runtime};

    use super::*;

    #[test]
    fn numbers_spread_over_all_tenths() {
        let mut state = 1;
        let mut tenths = [0; 10];
        for _ in 0..10_000 {
            let (after, number) = next(state);
            assert!((0.0..1.0).contains(&number), "{number}");
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 9")]
            let tenth = (number * 10.0) as usize;
            tenths[tenth] += 1;
            state = after;
        }
        assert!(tenths.iter().all(|count| (850..1150).contains(count)), "{tenths:?}");
    }

    #[test]
    fn it_looks_like_the_one_of_the_language() {
        let runtime = Runtime::new().unwrap();
        Context::full(&runtime).unwrap().with(|ctx| {
            install(&ctx, &Seed::new()).unwrap();
            let looks = "const d = Object.getOwnPropertyDescriptor(Math, 'random');
                [d.enumerable, d.writable, d.configurable, Math.random.name, Math.random.length].join()";
            assert_eq!(ctx.eval::<String, _>(looks).unwrap(), "false,true,true,random,0");
        });
    }
}
