//! Whether bytes of a file are in memory, so that moving them does not wait for the disk.
#![expect(
    unsafe_code,
    reason = "only system calls without a safe wrapper can tell without reading"
)]

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::ptr;

/// The most that older systems look at in one call: 4 MiB of pages of 4 KiB.
const PAGES_MAX: usize = 1024;

/// Whether all bytes of `range`, which must lie within the file, are in the page cache. They may be gone a moment later; whoever relies
/// on the answer waits for the disk then, nothing worse.
///
/// Takes a few microseconds for a mebibyte. Who may not know, because the file is another user's and not writable, is told no. Systems
/// without `cachestat` (Linux before 6.5) say no to more than 4 MiB.
pub fn is_in_memory(file: &File, range: Range<u64>) -> bool {
    if range.is_empty() {
        return true;
    }
    let page_bytes = rustix::param::page_size() as u64;
    let pages = range.start / page_bytes..range.end.div_ceil(page_bytes);
    match cached_pages(file, &range) {
        Ok(cached) => cached >= pages.end - pages.start,
        Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => {
            are_in_core(file, pages.start * page_bytes..pages.end * page_bytes)
        }
        Err(_) => false,
    }
}

/// The pages of `range` that are in the page cache: `cachestat(2)`.
fn cached_pages(file: &File, range: &Range<u64>) -> io::Result<u64> {
    /// One number on all architectures.
    const SYS_CACHESTAT: libc::c_long = 451;
    #[repr(C)]
    struct Span {
        offset: u64,
        length: u64,
    }
    #[repr(C)]
    #[derive(Default)]
    struct Counts {
        cached: u64,
        dirty: u64,
        writeback: u64,
        evicted: u64,
        recently_evicted: u64,
    }
    let span = Span {
        offset: range.start,
        length: range.end - range.start,
    };
    let mut counts = Counts::default();
    // SAFETY: the two structs have the layout of Linux's `cachestat_range` and `cachestat`, and live during the call.
    let result = unsafe {
        libc::syscall(
            SYS_CACHESTAT,
            file.as_raw_fd(),
            ptr::from_ref(&span),
            ptr::from_mut(&mut counts),
            0_u32,
        )
    };
    if result == 0 {
        Ok(counts.cached)
    } else {
        Err(io::Error::last_os_error())
    }
}

/// The same question to an older system, for whole pages: `mincore(2)`. The file is mapped for that time, but its mapping is never read:
/// a file that is cut short meanwhile does no harm.
fn are_in_core(file: &File, pages: Range<u64>) -> bool {
    let (Ok(offset), Ok(length)) = (
        libc::off_t::try_from(pages.start),
        usize::try_from(pages.end - pages.start),
    ) else {
        return false;
    };
    let count = length / rustix::param::page_size();
    if count > PAGES_MAX {
        return false;
    }
    let mut resident = [0_u8; PAGES_MAX];
    // SAFETY: a new mapping at an address that the system chooses harms no memory in use; the file is open.
    let address = unsafe {
        libc::mmap(
            ptr::null_mut(),
            length,
            libc::PROT_NONE,
            libc::MAP_SHARED,
            file.as_raw_fd(),
            offset,
        )
    };
    if address == libc::MAP_FAILED {
        return false;
    }
    // SAFETY: the mapping has `length` bytes, and `resident` a byte for each of its pages.
    let answered = unsafe { libc::mincore(address, length, resident.as_mut_ptr()) } == 0;
    // SAFETY: exactly the mapping made above, of which nothing has a pointer.
    unsafe { libc::munmap(address, length) };
    answered && resident[..count].iter().all(|page| page & 1 == 1)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::fs::FileExt as _;

    use rustix::fs::{Advice, fadvise};

    use super::*;

    /// Both ways to ask.
    fn is_there(file: &File, range: Range<u64>) -> bool {
        let page_bytes = rustix::param::page_size() as u64;
        let pages = range.start / page_bytes * page_bytes..range.end.div_ceil(page_bytes) * page_bytes;
        let answer = is_in_memory(file, range);
        assert_eq!(are_in_core(file, pages), answer);
        answer
    }

    #[test]
    fn bytes_are_in_memory_after_they_were_read_and_not_after_they_were_dropped() {
        let mut file = tempfile::NamedTempFile::new_in(".").unwrap();
        file.write_all(&vec![7; 3 << 20]).unwrap();
        file.as_file().sync_all().unwrap();
        let whole = 0..3 << 20;
        assert!(is_there(file.as_file(), whole.clone()));
        assert!(is_there(file.as_file(), 5..5000));
        assert!(is_in_memory(file.as_file(), 5..5));
        fadvise(file.as_file(), 0, None, Advice::DontNeed).unwrap();
        assert!(!is_there(file.as_file(), whole.clone()));
        assert!(!is_there(file.as_file(), 5..5000));
        file.reopen().unwrap().read_to_end(&mut Vec::new()).unwrap();
        assert!(is_there(file.as_file(), whole));
    }

    #[test]
    fn a_range_that_is_there_in_part_is_not_there() {
        let mut file = tempfile::NamedTempFile::new_in(".").unwrap();
        file.write_all(&vec![7; 3 << 20]).unwrap();
        file.as_file().sync_all().unwrap();
        fadvise(file.as_file(), 0, None, Advice::DontNeed).unwrap();
        // Nothing is read ahead.
        fadvise(file.as_file(), 0, None, Advice::Random).unwrap();
        file.as_file().read_exact_at(&mut [0], 1 << 20).unwrap();
        assert!(is_there(file.as_file(), 1 << 20..(1 << 20) + 1));
        assert!(!is_there(file.as_file(), 0..3 << 20));
    }

    #[test]
    fn a_file_that_was_cut_short_is_no_danger() {
        let file = tempfile::tempfile().unwrap();
        assert!(!is_there(&file, 0..1 << 20));
    }
}
