//! Tests and checks of the project: `cargo xtask <command>`.
fn main() {}
