//! Repository names: the input is one name to a line, of which the first two are also compared.

use wharf_spec::RepositoryName;

use super::{grammar, text};

pub(super) fn target(data: &[u8]) {
    let text = text(data);
    let names: Vec<RepositoryName> = text.split('\n').filter_map(parse).collect();
    if let [first, second, ..] = names.as_slice() {
        let components = |name: &RepositoryName| name.as_str().split('/').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(
            first.sort_key().cmp(&second.sort_key()),
            components(first).cmp(&components(second)),
            "the catalog's order of `{first}` and `{second}`"
        );
    }
}

fn parse(text: &str) -> Option<RepositoryName> {
    let parsed = text.parse::<RepositoryName>();
    assert_eq!(parsed.is_ok(), grammar::is_name(text), "`{text}`");
    let quoted = serde_json::to_string(text).unwrap();
    let deserialized = serde_json::from_str::<RepositoryName>(&quoted).ok();
    assert_eq!(deserialized, parsed.clone().ok(), "serde has another grammar");
    let name = parsed.ok()?;
    assert_eq!(name.to_string(), text);
    assert_eq!(serde_json::to_string(&name).unwrap(), quoted);
    Some(name)
}
