//! Very many chunks, and very large blobs.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

use sha2::{Digest as _, Sha256};
use wharf_testing::encoding::{hex, sha256};
use wharf_testing::http::{Request, path_of};

use super::{begin, data, expect_blob, expect_created, noise, put};
use crate::harness::{Torture, is_long};

/// 1,000 in the short form, 10,000 in the long one.
#[test]
fn upl_14_chunks_of_one_byte_keep_one_hash_state() {
    let torture = Torture::start();
    let content = noise("one byte", if is_long() { 10_000 } else { 1000 });
    let mut location = begin(&torture, "many");
    let states = data(&torture, &location).with_file_name("hashstates").join("sha256");
    for (number, byte) in content.iter().enumerate() {
        let patch = Request::patch(&location)
            .header("Content-Range", format!("{number}-{number}"))
            .body([*byte]);
        location = torture.send(patch).expect_status(202).location();
        if number % 100 == 0 {
            let kept: Vec<_> = fs::read_dir(&states).unwrap().collect();
            assert_eq!(kept.len(), 1, "{kept:?}");
        }
    }
    let digest = sha256(&content);
    expect_created(torture.send(put(&location, &digest)), "many", &digest);
    expect_blob(&torture, "many", &content);
    torture.finish();
}

const MIB: u64 = 1 << 20;

/// A blob of zeros with something at its beginning, MiB by MiB.
struct Sparse {
    first: Vec<u8>,
    zeros: Vec<u8>,
    mib: u64,
}

impl Sparse {
    fn new(seed: &str, mib: u64) -> Self {
        let length = usize::try_from(MIB).unwrap();
        Self {
            first: noise(seed, length),
            zeros: vec![0; length],
            mib,
        }
    }

    fn pieces(&self, range: std::ops::Range<u64>) -> impl Iterator<Item = &[u8]> {
        range.map(|number| {
            if number == 0 {
                self.first.as_slice()
            } else {
                &self.zeros
            }
        })
    }

    fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        self.pieces(0..self.mib).for_each(|piece| hasher.update(piece));
        format!("sha256:{}", hex(&hasher.finalize()))
    }
}

/// One request with a part of a blob as its body, which is never in memory as a whole; returns the answer's head.
fn send(torture: &Torture, method: &str, target: &str, blob: &Sparse, range: std::ops::Range<u64>) -> String {
    let length = (range.end - range.start) * MIB;
    let mut stream = TcpStream::connect(torture.client().addr()).unwrap();
    let head = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    blob.pieces(range).for_each(|piece| stream.write_all(piece).unwrap());
    read_head(&mut BufReader::new(stream))
}

fn read_head(stream: &mut BufReader<TcpStream>) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        let count = stream.read_line(&mut head).unwrap();
        assert!(count > 0, "the answer's head ends: {head}");
    }
    head
}

/// The path and query of an upload's next URL.
fn location(head: &str) -> String {
    let line = head.lines().find_map(|line| line.strip_prefix("Location: "));
    path_of(line.unwrap_or_else(|| panic!("no `Location` in {head}"))).to_owned()
}

/// Checks that a blob pulls whole, and that a range of its end does.
fn expect_pulls(torture: &Torture, target: &str, blob: &Sparse, digest: &str) {
    let mut stream = TcpStream::connect(torture.client().addr()).unwrap();
    write!(
        stream,
        "GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut stream = BufReader::new(stream);
    let head = read_head(&mut stream);
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert!(
        head.contains(&format!("Content-Length: {}\r\n", blob.mib * MIB)),
        "{head}"
    );
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 1 << 18]);
    loop {
        match stream.read(&mut buffer).unwrap() {
            0 => break,
            count => hasher.update(&buffer[..count]),
        }
    }
    assert_eq!(format!("sha256:{}", hex(&hasher.finalize())), digest);

    let last = blob.mib * MIB - 1;
    let end = torture.send(Request::get(target).header("Range", format!("bytes={}-", last - 9)));
    let end = end.expect_status(206);
    let total = last + 1;
    assert_eq!(
        end.expect_header("Content-Range"),
        format!("bytes {}-{last}/{total}", last - 9)
    );
    assert_eq!(end.body, [0; 10]);
}

/// 64 MiB in the short form, 12 GiB in the long one.
#[test]
fn upl_20_a_large_sparse_blob_goes_in_whole_and_in_chunks() {
    let torture = Torture::start();
    let mib = if is_long() { 12 * 1024 } else { 64 };
    for in_chunks in [false, true] {
        let blob = Sparse::new(&format!("large {in_chunks}"), mib);
        let digest = blob.digest();
        let mut upload = begin(&torture, "large");
        let mut sent = 0;
        while in_chunks && sent < mib * 3 / 4 {
            let end = sent + mib / 8;
            let head = send(&torture, "PATCH", &upload, &blob, sent..end);
            assert!(head.starts_with("HTTP/1.1 202 "), "{head}");
            assert!(head.contains(&format!("Range: 0-{}\r\n", end * MIB - 1)), "{head}");
            (upload, sent) = (location(&head), end);
        }
        let head = send(&torture, "PUT", &format!("{upload}&digest={digest}"), &blob, sent..mib);
        assert!(head.starts_with("HTTP/1.1 201 "), "{head}");
        let target = format!("/v2/large/blobs/{digest}");
        expect_pulls(&torture, &target, &blob, &digest);
        torture.send(Request::delete(target)).expect_status(202);
    }
    torture.finish();
}
