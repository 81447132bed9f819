//! JSON that is none, or that two parsers may read differently.

use std::fs;
use std::path::Path;

use wharf_testing::Registry as _;
use wharf_testing::encoding::sha256;

use super::{TYPES, expect_nothing_stored, nothing, push_nothing, tiny};
use crate::harness::{OCI_IMAGE, Torture, expect_error};

/// Pushes bytes as every type, each of which must be refused and leave nothing.
#[track_caller]
fn expect_refused(torture: &Torture, bytes: &[u8]) {
    for media_type in TYPES {
        let answer = torture.put_manifest("a", "1", media_type, bytes);
        expect_error(&answer, 400, "MANIFEST_INVALID");
    }
    expect_nothing_stored(torture, "a", "1", bytes);
}

#[test]
fn man_03_a_key_is_there_once_whatever_its_case() {
    let torture = Torture::start();
    push_nothing(&torture, "a");
    let (nothing, good) = (nothing().to_string(), tiny("keys").to_string());
    torture
        .put_manifest("a", "good", OCI_IMAGE, good.as_bytes())
        .expect_status(201);
    let inner = good.trim_start_matches('{').trim_end_matches('}').to_owned() + "}";
    let twice = [
        r#""schemaVersion":2"#.to_owned(),
        format!(r#""config":{nothing}"#),
        r#""layers":[]"#.to_owned(),
        r#""annotations":{}"#.to_owned(),
        // Other spellings of one key, which Go's parser takes for the same.
        r#""Layers":[]"#.to_owned(),
        r#""LAYERS":[]"#.to_owned(),
        r#""layer\u017f":[]"#.to_owned(),
        r#""layerſ":[]"#.to_owned(),
        format!(r#""Config":{nothing}"#),
        r#""mediatype":"x""#.to_owned(),
        r#""schemaversion":1"#.to_owned(),
        r#""ARTIFACTTYPE":"x""#.to_owned(),
        // At other levels, and in fields that nobody knows.
        r#""x":1,"x":2"#.to_owned(),
        r#""x":1,"X":2"#.to_owned(),
        r#""x\u212a":1,"xk":2"#.to_owned(),
        r#""x":{"y":[{"z":1,"z":2}]}"#.to_owned(),
        r#""subject":{"digest":"sha256:00","digest":"sha256:11","size":1}"#.to_owned(),
        format!(r#""subject":{{"Digest":"{0}","digest":"{0}","size":2}}"#, sha256("{}")),
        r#""subject":{"platform":{"os":"linux","OS":"windows"}}"#.to_owned(),
    ];
    for field in twice {
        for document in [format!("{{{inner},{field}}}"), format!("{{{field},{inner}}}")] {
            expect_refused(&torture, document.as_bytes());
        }
    }
    for document in [
        good.replace(r#""seed":"keys""#, r#""seed":"keys","seed":"other""#),
        good.replacen(r#""size":2"#, r#""size":2,"size":3"#, 1),
        good.replacen(r#""size":2"#, r#""size":2,"Size":3"#, 1),
        good.replacen("layers", "Layers", 1),
        good.replacen("digest", "Digest", 1),
    ] {
        assert_ne!(document, good);
        expect_refused(&torture, document.as_bytes());
    }
    torture.finish();
}

#[test]
fn man_04_what_is_not_exactly_one_json_document_is_refused() {
    let torture = Torture::start();
    push_nothing(&torture, "a");
    let good = tiny("documents").to_string();
    let text = |text: String| text.into_bytes();
    let with = |field: &str| text(good.replacen('{', &format!("{{{field},"), 1));
    let size = |size: &str| text(good.replacen(r#""size":2"#, &format!(r#""size":{size}"#), 1));
    let documents = [
        text(format!("\u{feff}{good}")),
        [
            b"\xff\xfe".as_slice(),
            &good.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>(),
        ]
        .concat(),
        text(format!("{good}x")),
        text(format!("{good}\0")),
        text(format!("{good}{good}")),
        text(format!("{good}\n{good}")),
        text(format!("{good},")),
        text(format!("[{good}]")),
        text(good.trim_end_matches('}').to_owned()),
        Vec::new(),
        text(" ".to_owned()),
        text("null".to_owned()),
        text("\"text\"".to_owned()),
        [b"{\"x\":\"\xff\",".as_slice(), &good.as_bytes()[1..]].concat(),
        [b"{\"\xc0\x80\":1,".as_slice(), &good.as_bytes()[1..]].concat(),
        with(r#""x":"\ud800""#),
        with(r#""x":"\udc00\ud800""#),
        with(r#""\ud800":1"#),
        with(r#""x":NaN"#),
        with(r#""x":Infinity"#),
        with(r#""x":-"#),
        with(r#""x":01"#),
        with(r#""x":'y'"#),
        with(r#""x":1 // comment"#),
        with("\"x\":\"\n\""),
        with(r#""x":1e999"#),
        size("-1"),
        size("-9223372036854775808"),
        size("9223372036854775808"),
        size("18446744073709551615"),
        size("18446744073709551616"),
        size("1e30"),
        size("2.0"),
        size("2.5"),
        size("\"2\""),
        size("null"),
        size("NaN"),
        size("true"),
    ];
    for document in documents {
        expect_refused(&torture, &document);
    }
    torture.finish();
}

/// Documents nested this deep, closed and left open, alone and inside of a manifest.
fn deep(depth: usize) -> Vec<String> {
    let good = tiny("deep").to_string();
    let nested = [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")];
    let nested = nested.map(|(open, close)| (open.repeat(depth), close.repeat(depth)));
    let mut documents = Vec::new();
    for (open, close) in nested {
        let closed = format!("{open}1{close}");
        for field in ["x", "subject", "data", "annotations"] {
            documents.push(good.replacen('{', &format!("{{\"{field}\":{closed},"), 1));
        }
        documents.extend([closed, open]);
    }
    documents
}

#[test]
fn man_05_nesting_of_any_depth_is_refused() {
    let torture = Torture::start();
    push_nothing(&torture, "a");
    for document in deep(100_000) {
        expect_refused(&torture, document.as_bytes());
    }
    torture.finish();
}

/// The tree may hold what registry:2 took, and no reader of it may fall.
#[test]
fn man_05_nesting_of_any_depth_in_the_tree_stops_nothing() {
    let mut torture = Torture::start();
    push_nothing(&torture, "a");
    let document = deep(100_000).swap_remove(0);
    torture.restart_after(|root| plant(root, document.as_bytes()));
    let stored = torture.get("/v2/a/manifests/deep");
    assert!(
        stored.status == 404 || stored.body == document.as_bytes(),
        "{}",
        stored.status
    );
    torture.get("/v2/a/tags/list");
    torture.get("/v2/_catalog").expect_status(200);
    torture
        .get(&format!("/v2/a/referrers/{}", sha256("{}")))
        .expect_status(200);
    torture
        .put_manifest("a", "1", OCI_IMAGE, tiny("beside").to_string().as_bytes())
        .expect_status(201);
    // `fsck` has to come to an end as well; that it calls this sound is not asked.
    let repository = torture.server().root().join("docker/registry/v2/repositories/a");
    torture.restart_after(|root| {
        let fsck = crate::harness::fsck(root, &["--read-data"]);
        assert!(matches!(fsck.status.code(), Some(0 | 4)), "{fsck:?}");
        fs::remove_dir_all(repository.join("_manifests/tags/deep")).unwrap();
        let hex = sha256(&document).replace("sha256:", "");
        fs::remove_dir_all(repository.join("_manifests/revisions/sha256").join(&hex)).unwrap();
        fs::remove_dir_all(root.join(format!("docker/registry/v2/blobs/sha256/{}/{hex}", &hex[..2]))).unwrap();
    });
    torture.finish();
}

/// Puts a manifest under `a:deep` as registry:2 would have.
fn plant(root: &Path, bytes: &[u8]) {
    let digest = sha256(bytes);
    let hex = digest.trim_start_matches("sha256:");
    let tree = root.join("docker/registry/v2");
    let manifests = tree.join("repositories/a/_manifests");
    let write = |path: &Path, content: &[u8]| {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    };
    write(&tree.join(format!("blobs/sha256/{}/{hex}/data", &hex[..2])), bytes);
    for link in [
        format!("revisions/sha256/{hex}/link"),
        format!("tags/deep/index/sha256/{hex}/link"),
        "tags/deep/current/link".to_owned(),
    ] {
        write(&manifests.join(link), digest.as_bytes());
    }
}
