//! The README's first push and pull, copied and pasted.

use wharf_testing::Registry as _;
use wharf_testing::clients::Docker;

use crate::served;

/// The README's first block of commands that pushes.
fn first_push() -> String {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    let readme = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("cannot read `{file}`: {error}"));
    let mut blocks = readme.split("\n```").skip(1).step_by(2);
    let block = blocks
        .find(|block| block.contains("docker push"))
        .expect("the README shows a first push");
    let (language, commands) = block.split_once('\n').expect("a block begins with its language");
    assert!(
        ["sh", "bash"].contains(&language),
        "the first push is shown as `{language}`"
    );
    commands.to_owned()
}

#[test]
fn the_first_push_and_pull_work_as_they_stand() {
    let registry = served::start();
    let commands = first_push();
    assert!(
        commands.contains("docker pull"),
        "the README's first push is followed by a pull"
    );
    let default = if commands.contains("127.0.0.1:5000") {
        "127.0.0.1:5000"
    } else {
        "localhost:5000"
    };
    let output = Docker::new().shell(&commands.replace(default, &registry.addr().to_string()));
    assert!(output.contains("digest: sha256:"), "{output}");
    assert!(output.contains("Status: Downloaded newer image"), "{output}");
}
