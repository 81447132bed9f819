//! One binary for the whole life of a container image.
fn main() {}
