//! What is measured.

use super::servers::Server;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// The blobs that are pulled, with the case that pulls them.
pub(crate) const PULLED: [(&str, u64); 4] = [
    ("blob-1k", KIB),
    ("blob-64k", 64 * KIB),
    ("blob-1m", MIB),
    ("blob-100m", 100 * MIB),
];

/// The name of the case that is not a [`Case`]: memory under the load of many clients.
pub(crate) const MEMORY: &str = "memory";

/// One thing that is asked of servers.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// What it is, for people.
    pub(crate) title: String,
    pub(crate) work: Work,
}

/// How it is asked.
#[derive(Debug, Clone)]
pub(crate) enum Work {
    Pull(Pull),
    Push(Push),
}

/// One or more targets asked for again and again.
#[derive(Debug, Clone)]
pub(crate) struct Pull {
    pub(crate) target: Target,
    pub(crate) connections: usize,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Base,
    ManifestByTag,
    ManifestByDigest,
    /// HEAD of the blob of 1 KiB.
    BlobHead,
    /// GET of the blob of this many bytes.
    Blob(u64),
    Tags,
    Catalog,
}

/// Blobs that no one has pushed before.
#[derive(Debug, Clone)]
pub(crate) struct Push {
    /// Bytes of a blob.
    pub(crate) size: u64,
    /// Bytes of a PATCH; `None` for a blob that comes in one PUT.
    pub(crate) chunk: Option<u64>,
    pub(crate) clients: usize,
}

impl Case {
    /// Who is asked. A static server takes no pushes and keeps no lists.
    pub(crate) fn servers(&self) -> &'static [Server] {
        let lists = matches!(&self.work, Work::Pull(pull) if matches!(pull.target, Target::Tags | Target::Catalog));
        if lists || matches!(self.work, Work::Push(_)) {
            REGISTRIES
        } else {
            &Server::ALL
        }
    }
}

/// The servers that take pushes.
pub(crate) const REGISTRIES: &[Server] = &[Server::Wharf, Server::Registry2, Server::Registry3];

/// Every case in order; the quick ones push smaller blobs.
pub(crate) fn all(quick: bool) -> Vec<Case> {
    let pull = |name, title: &str, target, connections| Case {
        name,
        title: title.to_owned(),
        work: Work::Pull(Pull { target, connections }),
    };
    let mut cases = vec![
        pull("base", "`GET /v2/`", Target::Base, 16),
        pull("manifest-tag", "GET of a manifest by tag", Target::ManifestByTag, 16),
        pull(
            "manifest-digest",
            "GET of a manifest by digest",
            Target::ManifestByDigest,
            16,
        ),
        pull("blob-head", "HEAD of a blob of 1 KiB", Target::BlobHead, 16),
    ];
    for (name, size) in PULLED {
        let connections = match size {
            100_000_000.. => 4,
            1_000_000.. => 8,
            _ => 16,
        };
        cases.push(pull(
            name,
            &format!("GET of a blob of {}", show_size(size)),
            Target::Blob(size),
            connections,
        ));
    }
    cases.push(pull("tags", "list of 10,000 tags", Target::Tags, 1));
    cases.push(pull(
        "catalog",
        "catalog of 10,000 repositories, pages of 1,000 in turn",
        Target::Catalog,
        1,
    ));
    let large = large_blob(quick);
    for (name, size, chunks, clients) in [
        ("push-4k-alone", 4 * KIB, None, 1),
        ("push-4k", 4 * KIB, None, 8),
        ("push-4k-chunked", 4 * KIB, Some(1), 8),
        ("push-1m", MIB, None, 4),
        ("push-1m-chunked", MIB, Some(4), 4),
        ("push-large", large, None, 1),
        ("push-large-chunked", large, Some(large / (16 * MIB)), 1),
    ] {
        cases.push(push(name, size, chunks, clients));
    }
    cases
}

/// Bytes of the largest blob that is pushed.
pub(crate) fn large_blob(quick: bool) -> u64 {
    if quick { 128 * MIB } else { 1024 * MIB }
}

fn push(name: &'static str, size: u64, chunks: Option<u64>, clients: usize) -> Case {
    let form = match chunks {
        None => "in one PUT".to_owned(),
        Some(1) => "by PATCH and PUT".to_owned(),
        Some(chunks) => format!("in {chunks} chunks"),
    };
    let of = if clients == 1 { "client" } else { "clients" };
    Case {
        name,
        title: format!("push of blobs of {} {form}, {clients} {of}", show_size(size)),
        work: Work::Push(Push {
            size,
            chunk: chunks.map(|chunks| size / chunks),
            clients,
        }),
    }
}

/// A size of a blob in its binary unit.
pub(crate) fn show_size(bytes: u64) -> String {
    match bytes {
        bytes if bytes >= 1024 * MIB => format!("{} GiB", bytes / (1024 * MIB)),
        bytes if bytes >= MIB => format!("{} MiB", bytes / MIB),
        bytes => format!("{} KiB", bytes / KIB),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_different_and_chunks_fill_blobs() {
        for quick in [false, true] {
            let cases = all(quick);
            let names: BTreeSet<_> = cases.iter().map(|case| case.name).chain([MEMORY]).collect();
            assert_eq!(names.len(), cases.len() + 1);
            for case in &cases {
                if let Work::Push(Push {
                    size,
                    chunk: Some(chunk),
                    ..
                }) = case.work
                {
                    assert!(size.is_multiple_of(chunk), "{}", case.title);
                }
            }
        }
    }

    #[test]
    fn titles_say_sizes() {
        let cases = all(false);
        let title = |name| &cases.iter().find(|case| case.name == name).unwrap().title;
        assert_eq!(title("blob-100m"), "GET of a blob of 100 MiB");
        assert_eq!(
            title("push-large-chunked"),
            "push of blobs of 1 GiB in 64 chunks, 1 client"
        );
        assert_eq!(
            title("push-4k-chunked"),
            "push of blobs of 4 KiB by PATCH and PUT, 8 clients"
        );
    }
}
