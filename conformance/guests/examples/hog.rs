//! Takes memory.
//!
//! - no parameter: grows its memory until that is refused, then answers `grown to {pages} pages, then refused`
//! - `mib`: allocates and touches that many MiB, then answers `{mib}`; dies if the allocator fails
//! - `how=alloc`: allocates until the allocator fails, and dies of it
//! - `how=dirty`: grows by `mib` MiB (default 16), fills them with 0xAA, answers `{mib}`
//! - `how=peek`: grows by `mib` MiB (default 16), answers how many bytes of them are not 0

use core::arch::wasm32::{memory_grow, memory_size};
use std::hint::black_box;

use guests::{IncomingRequest, Outcome, Query, Reply};

guests::serve!(handle);

const MIB: usize = 1024 * 1024;
const PAGE: usize = 64 * 1024;

fn handle(request: IncomingRequest, reply: &Reply) -> Outcome {
    let query = Query::of(&request);
    let mib = query.number("mib")?;
    if mib.is_some_and(|mib| mib > 4095) {
        return Err("`mib` must be at most 4095".to_owned());
    }
    let mib = mib.map(|mib| mib as usize);
    let answer = match (query.text("how"), mib) {
        (None, None) => format!("grown to {} pages, then refused\n", grow_until_refused()),
        (None, Some(mib)) => {
            touch(mib);
            format!("{mib}\n")
        }
        (Some("alloc"), _) => allocate_until_death(),
        (Some("dirty"), mib) => {
            let mib = mib.unwrap_or(16);
            black_box(grow(mib)?).fill(0xaa);
            format!("{mib}\n")
        }
        (Some("peek"), mib) => {
            let fresh = black_box(grow(mib.unwrap_or(16))?);
            format!("{}\n", fresh.iter().filter(|byte| **byte != 0).count())
        }
        (Some(other), _) => {
            return Err(format!("`how` must be alloc, dirty or peek, not `{other}`"))
        }
    };
    reply.text(200, answer)
}

/// Asks for much, then for less and less. Returns the size in pages.
fn grow_until_refused() -> usize {
    // What the answer needs afterwards, when nothing more is to be had.
    drop(black_box(Vec::<u8>::with_capacity(2 * PAGE)));
    let mut step = 16 * MIB / PAGE;
    while step > 0 {
        if memory_grow(0, step) == usize::MAX {
            step /= 2;
        }
    }
    memory_size(0)
}

fn touch(mib: usize) {
    let mut block = vec![0_u8; mib * MIB];
    for page in block.chunks_mut(4096) {
        page[0] = 1;
    }
    black_box(&block);
}

fn allocate_until_death() -> ! {
    let mut hoard = Vec::new();
    loop {
        hoard.push(black_box(vec![1_u8; MIB]));
    }
}

/// Memory that nobody in this instance has had before.
fn grow(mib: usize) -> Result<&'static mut [u8], String> {
    let before = memory_grow(0, mib * MIB / PAGE);
    if before == usize::MAX {
        return Err(format!("the host refused {mib} MiB more"));
    }
    // SAFETY: these pages are new, and the allocator knows nothing of them.
    Ok(unsafe { std::slice::from_raw_parts_mut((before * PAGE) as *mut u8, mib * MIB) })
}
