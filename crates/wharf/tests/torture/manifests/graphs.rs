//! References that form cycles, chains and diamonds; many referrers.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use wharf_testing::Registry as _;
use wharf_testing::encoding::sha256;
use wharf_testing::http::{Client, Request, path_of};

use super::{push_nothing, tiny};
use crate::harness::{OCI_IMAGE, OCI_INDEX, Peak, Torture, WHARF, check, descriptor, fsck, index, is_long};

/// What walks of a graph may take that has few nodes. Along every path instead of to every node, they never end.
const DEADLINE: Duration = Duration::from_mins(1);

/// Writes into the index, past everything that guards it.
fn inject(root: &Path, sql: &str) {
    let database = root.join("wharf/index.sqlite");
    let output = Command::new("sqlite3").arg(database).arg(sql).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn man_09_cycles_in_the_database_stop_no_walk() {
    let mut torture = Torture::start();
    push_nothing(&torture, "a");
    let images = ["x", "y", "z"].map(|seed| tiny(seed).to_string().into_bytes());
    for (image, tag) in images.iter().zip(["x", "y", "z"]) {
        torture.put_manifest("a", tag, OCI_IMAGE, image).expect_status(201);
    }
    let [x, y, z] = images.each_ref().map(sha256);
    let references = [(&x, &y), (&y, &x), (&z, &z), (&x, &z), (&z, &x)].map(|(from, to)| {
        format!("INSERT OR IGNORE INTO manifest_references SELECT repository_id, '{from}', '{to}' FROM manifests WHERE digest = '{from}';")
    });
    let subjects = [(&x, &y), (&y, &x), (&z, &z)].map(|(from, to)| {
        format!("UPDATE manifests SET subject = '{to}', artifact_type = 'x/y' WHERE digest = '{from}';")
    });
    let sql = references.concat() + &subjects.concat();
    // What is read at the first touch after a start is compared with the tree; later the index is believed.
    inject(torture.server().root(), &sql);

    let started = Instant::now();
    for (digest, tag, image) in [(&x, "x", &images[0]), (&y, "y", &images[1]), (&z, "z", &images[2])] {
        torture.expect_content(&format!("/v2/a/manifests/{tag}"), image);
        let referrers = torture
            .get(&format!("/v2/a/referrers/{digest}"))
            .expect_status(200)
            .json();
        assert_eq!(
            referrers["manifests"].as_array().map(Vec::len),
            Some(1),
            "the cycle is there: {referrers}"
        );
        torture
            .get(&format!("/v2/a/referrers/{digest}?artifactType=x/y"))
            .expect_status(200);
    }
    torture.put_manifest("a", "y", OCI_IMAGE, &images[1]).expect_status(201);
    torture.get("/v2/a/tags/list").expect_status(200);
    torture.get("/v2/_catalog").expect_status(200);
    torture.delete(&format!("/v2/a/manifests/{x}")).expect_status(202);
    torture.put_manifest("a", "x", OCI_IMAGE, &images[0]).expect_status(201);
    torture.restart_after(|root| {
        inject(root, &sql);
        assert!(fsck(root, &[]).status.code().is_some());
        assert!(fsck(root, &["--repair"]).status.code().is_some());
        let reindex = Command::new(WHARF).arg("reindex").arg(root).output().unwrap();
        assert!(reindex.status.success(), "{reindex:?}");
    });
    assert!(started.elapsed() < DEADLINE, "{:?}", started.elapsed());
    torture.finish();
}

#[test]
fn man_10_an_index_nested_64_deep_is_pushed_pulled_and_deleted() {
    let torture = Torture::start();
    let started = Instant::now();
    let mut chain = vec![torture.push_image("a", "bottom", "bottom")];
    let mut media_type = OCI_IMAGE;
    for level in 0..64 {
        let bytes = index(&[descriptor(media_type, &chain[level])]);
        torture
            .put_manifest("a", &sha256(&bytes), OCI_INDEX, &bytes)
            .expect_status(201);
        chain.push(bytes);
        media_type = OCI_INDEX;
    }
    let top = chain.last().unwrap();
    torture.put_manifest("a", "top", OCI_INDEX, top).expect_status(201);
    for bytes in &chain {
        torture.expect_content(&format!("/v2/a/manifests/{}", sha256(bytes)), bytes);
    }
    for bytes in chain.iter().skip(1) {
        torture
            .delete(&format!("/v2/a/manifests/{}", sha256(bytes)))
            .expect_status(202);
    }
    torture.expect_content("/v2/a/manifests/bottom", &chain[0]);
    assert!(started.elapsed() < DEADLINE, "{:?}", started.elapsed());
    torture.finish();
}

#[test]
fn man_10_a_diamond_of_a_billion_paths_costs_what_its_nodes_do() {
    let torture = Torture::start();
    let started = Instant::now();
    let mut pair = ["left", "right"].map(|seed| torture.push_image("a", seed, seed));
    let mut media_type = OCI_IMAGE;
    for level in 0..30 {
        let entries = pair.each_ref().map(|bytes| descriptor(media_type, bytes));
        pair = ["left", "right"].map(|side| {
            let mut bytes: Value = serde_json::from_slice(&index(&entries)).unwrap();
            bytes["annotations"]["node"] = format!("{side} {level}").into();
            let bytes = bytes.to_string().into_bytes();
            torture
                .put_manifest("a", &format!("{side}-{level}"), OCI_INDEX, &bytes)
                .expect_status(201);
            bytes
        });
        media_type = OCI_INDEX;
    }
    torture.expect_content("/v2/a/manifests/left-29", &pair[0]);
    torture
        .delete(&format!("/v2/a/manifests/{}", sha256(&pair[1])))
        .expect_status(202);
    torture
        .put_manifest("a", "right-29", OCI_INDEX, &pair[1])
        .expect_status(201);
    torture.finish();
    assert!(started.elapsed() < DEADLINE, "{:?}", started.elapsed());
}

/// Pushes referrers `from..to` of a subject.
fn push_referrers(client: &Client, subject: &Value, numbers: impl Iterator<Item = usize>) {
    for number in numbers {
        let mut referrer = tiny(&number.to_string());
        referrer["artifactType"] = "application/vnd.example.signature".into();
        referrer["subject"] = subject.clone();
        let bytes = referrer.to_string();
        let put = Request::put(format!("/v2/a/manifests/{}", sha256(&bytes))).header("Content-Type", OCI_IMAGE);
        let answer = client.send(put.body(&bytes)).expect_status(201);
        check(&answer);
        assert_eq!(answer.expect_header("OCI-Subject"), subject["digest"].as_str().unwrap());
    }
}

/// The digests of all pages of the referrers of a subject; each may come only once.
fn all_referrers(torture: &Torture, subject: &str) -> BTreeSet<String> {
    let mut next = Some(format!("/v2/a/referrers/{subject}"));
    let mut found = BTreeSet::new();
    while let Some(target) = next {
        let page = torture.get(&target).expect_status(200);
        assert!(page.body.len() <= 5 << 20, "a page of {} bytes", page.body.len());
        for referrer in page.json()["manifests"].as_array().unwrap() {
            let digest = referrer["digest"].as_str().unwrap().to_owned();
            assert!(found.insert(digest), "{referrer} comes twice");
        }
        let link = page.header("Link").map(|link| link.trim_start_matches('<'));
        next = link.and_then(|link| Some(path_of(link.split_once('>')?.0).to_owned()));
    }
    found
}

#[test]
fn man_19_a_hundred_referrers_pushed_at_once_are_all_listed() {
    let torture = Torture::start();
    push_nothing(&torture, "a");
    let subject = descriptor(OCI_IMAGE, b"a subject that is not there yet");
    thread::scope(|scope| {
        for number in 0..100 {
            let (client, subject) = (torture.client(), &subject);
            scope.spawn(move || push_referrers(&client, subject, number..=number));
        }
    });
    let found = all_referrers(&torture, subject["digest"].as_str().unwrap());
    assert_eq!(found.len(), 100);
    torture.finish();
}

/// A page was read whole before it was cut: a thousand referrers with all their annotations.
#[test]
fn man_19_referrers_with_long_annotations_cost_no_more_than_their_page() {
    let torture = Torture::start();
    push_nothing(&torture, "a");
    let subject = descriptor(OCI_IMAGE, b"a subject that is not there yet");
    for number in 0..12 {
        let mut referrer = tiny(&number.to_string());
        referrer["subject"] = subject.clone();
        // Both are told of each referrer.
        match number % 2 {
            0 => referrer["annotations"]["long"] = "a".repeat(4_000_000).into(),
            _ => referrer["artifactType"] = format!("a/{}", "b".repeat(4_000_000)).into(),
        }
        let bytes = referrer.to_string().into_bytes();
        torture
            .put_manifest("a", &sha256(&bytes), OCI_IMAGE, &bytes)
            .expect_status(201);
    }
    let peak = Peak::begin(torture.server());
    assert_eq!(all_referrers(&torture, subject["digest"].as_str().unwrap()).len(), 12);
    let grown = peak.end_kib();
    assert!(grown < 40 << 10, "{grown} KiB for pages of one referrer");
    torture.finish();
}

/// 100,000 in the long form.
#[test]
fn man_19_many_referrers_come_in_pages() {
    const CLIENTS: usize = 8;
    let count = if is_long() { 100_000 } else { 1_200 };
    let torture = Torture::start();
    push_nothing(&torture, "a");
    let subject = torture.push_image("a", "subject", "of many");
    let subject = descriptor(OCI_IMAGE, &subject);
    thread::scope(|scope| {
        for first in 0..CLIENTS {
            let (client, subject) = (torture.client(), &subject);
            scope.spawn(move || push_referrers(&client, subject, (first..count).step_by(CLIENTS)));
        }
    });
    let found = all_referrers(&torture, subject["digest"].as_str().unwrap());
    assert_eq!(found.len(), count);
    torture.finish();
}
