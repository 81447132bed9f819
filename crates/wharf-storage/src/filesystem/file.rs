//! Open files: reading at an offset, writing at the end.

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::failure::Intent;
use super::root::Root;
use crate::{Appender, Object, StorageError, StorageKey};

/// A file opened for reading.
#[derive(Debug)]
pub(super) struct FileObject {
    file: File,
    key: StorageKey,
    size_bytes: u64,
}

impl FileObject {
    pub(super) fn open(path: &Path, key: &StorageKey) -> Result<Self, StorageError> {
        let file = without_waiting()
            .read(true)
            .open(path)
            .map_err(Intent::Find.error("open", key))?;
        let size_bytes = file_size(&file, key)?;
        Ok(Self {
            file,
            key: key.clone(),
            size_bytes,
        })
    }

    /// The whole file, when it has at most `max_bytes`.
    pub(super) fn read_all(self, max_bytes: u64) -> Result<Vec<u8>, StorageError> {
        let too_large = || StorageError::TooLarge {
            key: self.key.clone(),
            max_bytes,
        };
        if self.size_bytes > max_bytes {
            return Err(too_large());
        }
        let mut bytes = Vec::with_capacity(usize::try_from(self.size_bytes).unwrap_or(0));
        // The file may have grown since; one byte more than allowed is enough to know.
        (&self.file)
            .take(max_bytes.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(Intent::Find.error("read", &self.key))?;
        if bytes.len() as u64 > max_bytes {
            return Err(too_large());
        }
        Ok(bytes)
    }
}

impl Object for FileObject {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, StorageError> {
        loop {
            match self.file.read_at(buffer, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result.map_err(Intent::Find.error("read", &self.key)),
            }
        }
    }

    fn file(&self) -> Option<&File> {
        Some(&self.file)
    }
}

/// A file opened for writing at its end.
#[derive(Debug)]
pub(super) struct FileAppender {
    root: Arc<Root>,
    file: File,
    key: StorageKey,
    size_bytes: u64,
    name_is_durable: bool,
    failed: bool,
}

impl FileAppender {
    /// Opens the file of `key`, which is made at offset 0, and cuts it to `offset`.
    pub(super) fn open(root: &Arc<Root>, key: &StorageKey, offset: u64) -> Result<Self, StorageError> {
        let path = root.path(key);
        let mut options = without_waiting();
        options.write(true);
        let file = if offset == 0 {
            options.create(true);
            root.with_parents(key, || options.open(&path))
                .map_err(Intent::Make.error("append to", key))?
        } else {
            options.open(&path).map_err(Intent::Change.error("append to", key))?
        };
        let have = file_size(&file, key)?;
        if have < offset {
            return Err(StorageError::Short {
                key: key.clone(),
                have,
                want: offset,
            });
        }
        if have > offset {
            file.set_len(offset).map_err(Intent::Make.error("cut", key))?;
        }
        Ok(Self {
            root: Arc::clone(root),
            file,
            key: key.clone(),
            size_bytes: offset,
            name_is_durable: false,
            failed: false,
        })
    }

    /// Runs `change`; once it failed, it is never run again.
    fn unless_failed(
        &mut self,
        change: impl FnOnce(&mut Self) -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        if self.failed {
            return Err(StorageError::Failed { key: self.key.clone() });
        }
        let result = change(self);
        self.failed = result.is_err();
        result
    }
}

impl Appender for FileAppender {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        self.unless_failed(|this| {
            this.file
                .write_all_at(bytes, this.size_bytes)
                .map_err(Intent::Make.error("append to", &this.key))?;
            this.size_bytes += bytes.len() as u64;
            Ok(())
        })
    }

    fn write_pieces(&mut self, pieces: &[IoSlice<'_>]) -> Result<(), StorageError> {
        self.unless_failed(|this| {
            let mut pieces = pieces.to_vec();
            let mut left = pieces.as_mut_slice();
            IoSlice::advance_slices(&mut left, 0);
            while !left.is_empty() {
                let written = match rustix::io::pwritev(&this.file, left, this.size_bytes) {
                    Err(Errno::INTR) => continue,
                    Ok(0) => Err(io::ErrorKind::WriteZero.into()),
                    written => written.map_err(io::Error::from),
                };
                let written = written.map_err(Intent::Make.error("append to", &this.key))?;
                this.size_bytes += written as u64;
                IoSlice::advance_slices(&mut left, written);
            }
            Ok(())
        })
    }

    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        self.unless_failed(|this| {
            this.file.sync_data().map_err(Intent::Make.error("sync", &this.key))?;
            if !this.name_is_durable {
                this.root
                    .sync_parents(&this.key)
                    .map_err(Intent::Change.error("sync the directory of", &this.key))?;
                this.name_is_durable = true;
            }
            Ok(())
        })
    }
}

/// Options that never wait for the other end of a pipe, should one lie in the tree.
fn without_waiting() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    options
}

/// The size in bytes of what must be a regular file.
fn file_size(file: &File, key: &StorageKey) -> Result<u64, StorageError> {
    let metadata = file.metadata().map_err(Intent::Find.error("stat", key))?;
    if !metadata.is_file() {
        return Err(StorageError::NotFile { key: key.clone() });
    }
    Ok(metadata.len())
}
