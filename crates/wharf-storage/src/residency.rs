//! Whether bytes of a file are in memory, so that moving them does not wait for the disk.
#![expect(
    unsafe_code,
    reason = "only `mincore` can tell without reading, and it takes a mapping"
)]

use std::fs::File;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::ptr;

/// The most that is looked at in one call: 4 MiB of pages of 4 KiB.
const PAGES_MAX: usize = 1024;

/// Whether all bytes of `range`, which must lie within the file, are in the page cache. Looks at 4 MiB at most and
/// says no to more. They may be gone a moment later; whoever relies on the answer waits for the disk then, nothing worse.
///
/// Takes some microseconds. The file is mapped for that time, but its mapping is never read: a file that is cut short
/// meanwhile does no harm.
pub fn is_in_memory(file: &File, range: Range<u64>) -> bool {
    let page_bytes = rustix::param::page_size();
    let start = range.start - range.start % page_bytes as u64;
    let (Ok(offset), Ok(length)) = (libc::off_t::try_from(start), usize::try_from(range.end - start)) else {
        return false;
    };
    let pages = length.div_ceil(page_bytes);
    if length == 0 || pages > PAGES_MAX {
        return length == 0;
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
    answered && resident[..pages].iter().all(|page| page & 1 == 1)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use rustix::fs::{Advice, fadvise};

    use super::*;

    #[test]
    fn bytes_are_in_memory_after_they_were_read_and_not_after_they_were_dropped() {
        let mut file = tempfile::NamedTempFile::new_in(".").unwrap();
        file.write_all(&vec![7; 3 << 20]).unwrap();
        file.as_file().sync_all().unwrap();
        let whole = 0..3 << 20;
        assert!(is_in_memory(file.as_file(), whole.clone()));
        assert!(is_in_memory(file.as_file(), 5..5000));
        assert!(is_in_memory(file.as_file(), 5..5));
        fadvise(file.as_file(), 0, None, Advice::DontNeed).unwrap();
        assert!(!is_in_memory(file.as_file(), whole.clone()));
        assert!(!is_in_memory(file.as_file(), 5..5000));
        file.reopen().unwrap().read_to_end(&mut Vec::new()).unwrap();
        assert!(is_in_memory(file.as_file(), whole));
    }

    #[test]
    fn more_than_can_be_looked_at_counts_as_absent() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(64 << 20).unwrap();
        assert!(!is_in_memory(&file, 0..64 << 20));
    }

    #[test]
    fn a_file_that_was_cut_short_is_no_danger() {
        let file = tempfile::tempfile().unwrap();
        assert!(!is_in_memory(&file, 0..1 << 20));
    }
}
