//! The C allocator that QuickJS takes its memory from.
#![allow(unsafe_code, reason = "the allocator is set up through C")]

/// Has memory that scripts gave back go back to the system. Left to itself, glibc takes the first large block
/// that is freed for a sign that more will come, and keeps up to 64 MiB for each thread from then on.
pub(crate) fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        /// From this size on a block is a mapping of its own.
        const MAPPED: libc::c_int = 256 << 10;
        /// What may stay free at the end of a heap.
        const KEPT: libc::c_int = 1 << 20;
        // SAFETY: it sets two numbers of the allocator, under the allocator's own lock.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED);
            libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
        }
    }
}
