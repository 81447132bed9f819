//! From the system's errors to the driver's.

use std::io;

use rustix::io::Errno;

use crate::{StorageError, StorageKey};

/// What a call wants of a key, which decides what the same error means.
#[derive(Clone, Copy, Debug)]
pub(super) enum Intent {
    /// To look at what is there.
    Find,
    /// To change or remove what is there.
    Change,
    /// To make what need not be there yet.
    Make,
}

impl Intent {
    /// For `map_err`: names the error after `operation` (a verb) and `key`.
    pub(super) fn error(self, operation: &'static str, key: &StorageKey) -> impl Fn(io::Error) -> StorageError {
        move |source| self.classify(operation, key.clone(), source)
    }

    fn classify(self, operation: &'static str, key: StorageKey, source: io::Error) -> StorageError {
        use io::ErrorKind as Kind;

        let changes = !matches!(self, Self::Find);
        match source.kind() {
            // A name or path too long for the file system cannot exist on it.
            Kind::NotFound | Kind::NotADirectory | Kind::InvalidFilename if !matches!(self, Self::Make) => {
                StorageError::NotFound { key }
            }
            Kind::IsADirectory => StorageError::NotFile { key },
            // A pipe without a reader, a socket, a device without a driver; a symbolic link that leads in circles.
            _ if [Errno::NXIO, Errno::LOOP]
                .iter()
                .any(|odd| source.raw_os_error() == Some(odd.raw_os_error())) =>
            {
                StorageError::NotFile { key }
            }
            Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => {
                StorageError::NoSpace { operation, key, source }
            }
            Kind::ReadOnlyFilesystem | Kind::PermissionDenied if changes => {
                StorageError::ReadOnly { operation, key, source }
            }
            _ => StorageError::Io { operation, key, source },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(intent: Intent, errno: Errno) -> StorageError {
        intent.error("write", &"a/b".parse().unwrap())(errno.into())
    }

    #[test]
    fn what_is_absent_depends_on_the_intent() {
        for errno in [Errno::NOENT, Errno::NOTDIR, Errno::NAMETOOLONG] {
            assert!(error(Intent::Find, errno).is_not_found());
            assert!(error(Intent::Change, errno).is_not_found());
            assert!(matches!(error(Intent::Make, errno), StorageError::Io { .. }));
        }
    }

    #[test]
    fn a_full_disk_is_told_from_a_read_only_one() {
        for errno in [Errno::NOSPC, Errno::DQUOT, Errno::FBIG] {
            assert!(error(Intent::Make, errno).is_no_space());
        }
        for errno in [Errno::ROFS, Errno::ACCESS, Errno::PERM] {
            assert!(error(Intent::Change, errno).is_read_only());
            assert!(matches!(error(Intent::Find, errno), StorageError::Io { .. }));
        }
    }

    #[test]
    fn the_message_names_operation_and_key_and_leaves_the_source_to_its_own() {
        let error = error(Intent::Make, Errno::IO);
        assert_eq!(error.to_string(), "cannot write `a/b`");
        let source = std::error::Error::source(&error).unwrap();
        assert_eq!(source.to_string(), io::Error::from(Errno::IO).to_string());
    }
}
