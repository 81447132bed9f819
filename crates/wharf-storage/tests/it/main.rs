//! The storage drivers against their contract.
