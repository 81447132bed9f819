//! Where the programs are that tests run: Debian's, and two that Go builds.
//!
//! `cargo xtask test` installs both kinds. A test that misses one fails and says so; the only exception are the Go
//! programs, where that command found no Go: it then sets [`GO_PROGRAMS`] to [`ABSENT`] and says in its summary what was
//! not tested.

use std::path::{Path, PathBuf};

/// The environment variable that names the directory of the programs built by Go, or says that there are none.
pub const GO_PROGRAMS: &str = "WHARF_GO_PROGRAMS";

/// The value of [`GO_PROGRAMS`] when Go is not installed.
pub const ABSENT: &str = "absent";

/// A program of a Debian package, which is in `/usr/bin` or `/usr/sbin`; others of the same name elsewhere are left
/// alone.
pub fn debian(name: &str) -> PathBuf {
    let found = ["/usr/bin", "/usr/sbin"]
        .iter()
        .map(|dir| Path::new(dir).join(name))
        .find(|path| path.exists());
    found.unwrap_or_else(|| panic!("`{name}` of Debian is missing: `cargo xtask test` installs it"))
}

/// A program built by Go, `crane`, `regctl` or `registry`; `None` when the test command found no Go to build it with.
pub fn go(name: &str) -> Option<PathBuf> {
    let setting = std::env::var_os(GO_PROGRAMS);
    if setting.as_deref() == Some(ABSENT.as_ref()) {
        return None;
    }
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/go");
    let program = setting.map_or(built, PathBuf::from).join(name);
    assert!(
        program.exists(),
        "`{}` is missing: `cargo xtask test` builds it; without Go, `{GO_PROGRAMS}={ABSENT}` goes without it",
        program.display()
    );
    Some(program)
}
