//! Uploads that outlive the process that began them.

use std::fs;
use std::path::{Path, PathBuf};

use wharf_testing::encoding::{sha256, sha512};
use wharf_testing::http::{Request, with_query};

use super::{begin, data, expect_blob, expect_created, expect_received, noise, put};
use crate::harness::{Torture, eventually};

/// The kept hash states of an upload.
fn states(data: &Path) -> Vec<PathBuf> {
    let algorithms = fs::read_dir(data.parent().unwrap().join("hashstates")).unwrap();
    let states = algorithms.flat_map(|directory| fs::read_dir(directory.unwrap().path()).unwrap());
    states.map(|state| state.unwrap().path()).collect()
}

/// What becomes of a file.
type Damage = fn(&Path);

/// Damage to a kept hash state: none of it may reach the digest.
const DAMAGE: [(&str, Damage); 7] = [
    ("whole", |_| ()),
    ("absent", |state| fs::remove_file(state).unwrap()),
    ("empty", |state| fs::write(state, "").unwrap()),
    ("garbage", |state| fs::write(state, [0xff; 108]).unwrap()),
    ("cut", |state| {
        fs::write(state, &fs::read(state).unwrap()[..50]).unwrap();
    }),
    ("too-long", |state| fs::write(state, [0; 5000]).unwrap()),
    // As another version, or a processor with other features, would leave it.
    ("of-another-form", |state| {
        let mut bytes = fs::read(state).unwrap();
        bytes[3] += 1;
        fs::write(state, bytes).unwrap();
    }),
];

#[test]
fn upl_19_uploads_go_on_after_a_restart_with_or_without_their_hash_states() {
    let mut torture = Torture::start();
    let content = noise("restart", 300_000);
    let begun = DAMAGE.map(|(name, damage)| {
        let location = begin(&torture, name);
        let patch = Request::patch(location).body(&content[..100_000]);
        let location = torture.send(patch).expect_status(202).location();
        (name, damage, data(&torture, &location), location)
    });
    torture.restart_after(|_| {
        for (_, damage, data, _) in &begun {
            let states = states(data);
            assert_eq!(states.len(), 1, "{states:?}");
            damage(&states[0]);
        }
    });
    for (name, _, _, location) in begun {
        let next = expect_received(&torture, &location, 100_000);
        let patch = Request::patch(next).body(&content[100_000..200_000]);
        let next = torture.send(patch).expect_status(202).location();
        let digest = sha256(&content);
        let answer = torture.send(put(&next, &digest).body(&content[200_000..]));
        expect_created(answer, name, &digest);
        expect_blob(&torture, name, &content);
    }
    torture.finish();
}

/// A process that is killed leaves bytes for which no hash state was kept.
#[test]
fn upl_19_uploads_go_on_after_a_kill() {
    let mut torture = Torture::start();
    let content = noise("kill", 1_500_000);
    let begun = ["idle", "written", "in-flight", "sha512"].map(|name| {
        let location = begin(&torture, name);
        if name == "idle" {
            return (name, location);
        }
        let patch = Request::patch(location).body(&content[..100_000]);
        (name, torture.send(patch).expect_status(202).location())
    });
    let mut slow = torture.client().connect();
    let in_flight = &begun[2].1;
    slow.send_part(&Request::patch(in_flight).body(&content[100_000..]), 1_000_000)
        .unwrap();
    eventually("the PATCH is being written", || {
        fs::metadata(data(&torture, in_flight)).is_ok_and(|file| file.len() > 100_000)
    });
    torture.kill_and_start_again();
    for (name, location) in begun {
        let received = usize::try_from(fs::metadata(data(&torture, &location)).unwrap().len()).unwrap();
        let next = expect_received(&torture, &location, received);
        let digest = if name == "sha512" {
            sha512(&content)
        } else {
            sha256(&content)
        };
        let closing = put(&next, &digest).body(&content[received..]);
        expect_created(torture.send(closing), name, &digest);
        torture.expect_content(&format!("/v2/{name}/blobs/{digest}"), &content);
    }
    torture.finish();
}

/// A kill between the answers of a push in many chunks, again and again.
#[test]
fn upl_19_an_upload_survives_many_kills() {
    let mut torture = Torture::start();
    let content = noise("kills", 400_000);
    let mut location = begin(&torture, "kills");
    for (number, piece) in content.chunks(100_000).enumerate() {
        location = torture
            .send(Request::patch(&location).body(piece))
            .expect_status(202)
            .location();
        torture.kill_and_start_again();
        location = expect_received(&torture, &location, (number + 1) * 100_000);
    }
    let digest = sha256(&content);
    let closing = Request::put(with_query(&location, &format!("digest={digest}")));
    expect_created(torture.send(closing), "kills", &digest);
    expect_blob(&torture, "kills", &content);
    torture.finish();
}
