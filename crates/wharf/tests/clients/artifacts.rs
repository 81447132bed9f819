//! Artifacts that refer to an image, by a client that knows referrers.

use wharf_testing::Registry as _;
use wharf_testing::clients::Regctl;
use wharf_testing::image::{ImageBuilder, artifact};

use crate::served;

#[test]
fn regctl_lists_the_referrers_of_an_image() {
    let registry = served::start();
    let host = registry.addr().to_string();
    // Without Go there is no regctl, which the test command's summary says.
    let Some(regctl) = Regctl::new(&host) else {
        return;
    };
    let client = registry.client();
    let image = ImageBuilder::new(3001).build();
    image.push(&client, "some/image", "1.0");
    let sbom = artifact(3002, "application/vnd.example.sbom", &image.manifest);
    let signature = artifact(3003, "application/vnd.example.signature", &image.manifest);
    for artifact in [&sbom, &signature] {
        artifact.push(&client, "some/image", &artifact.manifest.digest);
    }
    let reference = format!("{host}/some/image:1.0");
    let mut listed = regctl.referrers(&reference, None);
    listed.sort();
    let mut expected = [sbom.manifest.digest.clone(), signature.manifest.digest];
    expected.sort();
    assert_eq!(listed, expected);
    assert_eq!(
        regctl.referrers(&reference, Some("application/vnd.example.sbom")),
        [sbom.manifest.digest]
    );
}
