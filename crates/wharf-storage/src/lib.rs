//! Keys and bytes: the storage driver, its local file system and its drivers for tests.
