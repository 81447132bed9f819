//! How the C library's allocator keeps what was freed.
#![expect(unsafe_code, reason = "the allocator is set by a C function")]

/// Pieces from this size on (bytes) are given back to the system when they are freed. The pieces that blobs are moved in are
/// smaller, and are kept.
const MAPPED_BYTES_MIN: libc::c_int = 1 << 20;

/// What is free at the end of a heap is given back from this size on (bytes).
const TRIMMED_BYTES_MIN: libc::c_int = 4 << 20;

/// Fixes both limits. Left alone, glibc raises the first to 32 MiB and the second to 64 as soon as something large is freed,
/// for each of its heaps: after ten manifests of 4 MiB a server held 50 MiB for good.
pub(crate) fn give_back_what_is_large() {
    // SAFETY: `mallopt` takes two numbers and may be called at any time; an option that is not known is refused and harms
    // nothing.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED_BYTES_MIN);
        libc::mallopt(libc::M_TRIM_THRESHOLD, TRIMMED_BYTES_MIN);
    }
}
