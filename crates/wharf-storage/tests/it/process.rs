//! Running a test again in a process of other circumstances.

use std::env;
use std::process::Command;

/// Set in such a process.
const MARK: &str = "WHARF_STORAGE_TEST_AGAIN";

/// Whether this process was started by [`again`].
pub(crate) fn is_again() -> bool {
    env::var_os(MARK).is_some()
}

/// Runs the one test `name` in a process of its own, after the shell commands `circumstances`, and
/// asserts that it passes there. `argument` is for the test, see [`argument`].
pub(crate) fn again(name: &str, circumstances: &str, argument: &str) {
    let test = env::current_exe().expect("the path of this test binary");
    let output = Command::new("sh")
        .arg("-c")
        .arg(format!(r#"{circumstances}; exec "$0" --exact "$1" --nocapture"#))
        .arg(test)
        .arg(name)
        .env(MARK, argument)
        .output()
        .expect("sh runs");
    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success() && stdout.contains("1 passed"),
        "`{name}` under `{circumstances}`: {stdout}{stderr}"
    );
}

/// What the caller of [`again`] passed.
pub(crate) fn argument() -> String {
    env::var(MARK).expect("a test that runs again")
}
