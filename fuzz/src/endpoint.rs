//! Paths of the HTTP API, as they are after percent-decoding.

use wharf_spec::Endpoint;

use super::{grammar, text};

pub(super) fn target(data: &[u8]) {
    let text = text(data);
    check(&text);
    // Most inputs are no paths of ours, so that each is tried behind the prefix as well.
    check(&format!("/v2/{text}"));
}

fn check(path: &str) {
    let parsed = Endpoint::parse(path);
    let expected = grammar::endpoint_name(path);
    assert_eq!(parsed.is_ok(), expected.is_some(), "`{path}` is {parsed:?}");
    let Ok(endpoint) = parsed else { return };
    assert_eq!(name(&endpoint), expected.unwrap_or_default(), "the name in `{path}`");

    let printed = endpoint.to_string();
    let without_slash = matches!(endpoint, Endpoint::Uploads(_)) && !path.ends_with('/');
    assert_eq!(
        printed,
        if without_slash {
            format!("{path}/")
        } else {
            path.to_owned()
        }
    );
    let methods = endpoint.methods();
    assert!(!methods.is_empty() && methods.is_sorted());
    assert_eq!(Endpoint::parse(&printed), Ok(endpoint));
}

fn name(endpoint: &Endpoint) -> &str {
    match endpoint {
        Endpoint::Base | Endpoint::Catalog => "",
        Endpoint::Tags(name)
        | Endpoint::Manifest(name, _)
        | Endpoint::Blob(name, _)
        | Endpoint::Uploads(name)
        | Endpoint::Upload(name, _)
        | Endpoint::Referrers(name, _) => name.as_str(),
    }
}
