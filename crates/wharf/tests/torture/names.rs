//! Names and digests (NAME).

mod digests;
mod grammar;
mod on_disk;
mod paths;
mod tags;
