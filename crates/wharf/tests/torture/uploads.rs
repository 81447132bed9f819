//! Uploads (UPL).
