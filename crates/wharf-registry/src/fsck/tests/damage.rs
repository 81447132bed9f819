//! Damage of many kinds, at random places.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use wharf_index::Index;
use wharf_spec::RepositoryName;

use super::{REPOSITORIES, TREE, sha256, survey};

/// Numbers that depend on nothing but the seed (`SplitMix64`).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// What was done to a root: kind and place, the place below the root.
#[derive(Debug, Default)]
pub(super) struct Damages(Vec<(&'static str, PathBuf)>);

type Kind = (&'static str, fn(&Path, &[u8]));

/// Kinds of damage to a file. The bytes are those of another file.
const FILES: [Kind; 12] = [
    ("emptied, with notes beside it", |path, _| {
        let notes = path.parent().unwrap().join("notes");
        fs::write(notes, format!("on {}", path.display())).unwrap();
        fs::write(path, "").unwrap();
    }),
    ("emptied", |path, _| {
        fs::write(path, "").unwrap();
    }),
    ("cut", |path, _| {
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    }),
    ("newline", |path, _| {
        let bytes = fs::read(path).unwrap();
        fs::write(path, [&bytes[..], b"\n"].concat()).unwrap();
    }),
    ("flipped", |path, _| {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        if let Some(byte) = bytes.get_mut(middle) {
            *byte ^= 1;
        }
        fs::write(path, bytes).unwrap();
    }),
    ("exchanged", |path, other| {
        fs::write(path, other).unwrap();
    }),
    ("removed", |path, _| {
        fs::remove_file(path).unwrap();
    }),
    ("with its directory removed", |path, _| {
        fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }),
    ("a directory", |path, _| {
        fs::remove_file(path).unwrap();
        fs::create_dir(path).unwrap();
        fs::write(path.join("inside"), "x").unwrap();
    }),
    ("a link to nowhere", |path, _| {
        fs::remove_file(path).unwrap();
        symlink("nowhere", path).unwrap();
    }),
    ("a circle", |path, _| {
        fs::remove_file(path).unwrap();
        symlink(path.file_name().unwrap(), path).unwrap();
    }),
    ("a pipe", |path, _| {
        fs::remove_file(path).unwrap();
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    }),
];

/// Kinds of damage to a directory.
const DIRECTORIES: [Kind; 8] = [
    ("removed", |path, _| {
        fs::remove_dir_all(path).unwrap();
    }),
    ("a file", |path, other| {
        fs::remove_dir_all(path).unwrap();
        fs::write(path, other).unwrap();
    }),
    ("a link to nowhere", |path, _| {
        fs::remove_dir_all(path).unwrap();
        symlink("nowhere", path).unwrap();
    }),
    ("with an empty directory", |path, _| {
        fs::create_dir_all(path.join("empty")).unwrap();
    }),
    ("with a file", |path, other| {
        fs::write(path.join("notes"), other).unwrap();
    }),
    ("with an odd name", |path, other| {
        fs::write(path.join(OsStr::from_bytes(b"a\\\xff")), other).unwrap();
    }),
    ("with a file half written", |path, other| {
        fs::write(path.join("x.4b0b7f0e-59f5-4f5c-8a39-2f4dd7f1f3a2.tmp"), other).unwrap();
    }),
    ("with an image that nobody knows", |path, _| {
        let unknown = sha256(b"unknown");
        let link = path.join(unknown.hex());
        fs::create_dir_all(&link).unwrap();
        fs::write(link.join("link"), unknown.to_string()).unwrap();
    }),
];

impl Damages {
    /// Plants one to six.
    pub(super) fn plant(root: &Path, random: &mut Random) -> Self {
        let mut damages = Self::default();
        if random.below(5) == 0 {
            fs::remove_dir_all(root.join("wharf")).unwrap();
            damages.0.push(("removed", "wharf".into()));
        }
        for _ in 0..=random.below(6) {
            if root.join("wharf").exists() && random.below(6) == 0 {
                damages.plant_row(root, random);
            } else {
                damages.plant_file(root, random);
            }
        }
        damages
    }

    fn plant_file(&mut self, root: &Path, random: &mut Random) {
        // The two directories at the top stay: without them there is no root.
        let tree = root.join(TREE);
        let paths: Vec<_> = survey(&tree)
            .into_iter()
            .filter(|(path, (kind, _))| (kind.is_file() || kind.is_dir()) && path.parent() != Some(&tree))
            .collect();
        let (files, directories): (Vec<_>, Vec<_>) = paths.into_iter().partition(|(_, (kind, _))| kind.is_file());
        let Some((_, (_, Some(other)))) = files.get(random.below(files.len().max(1))) else {
            return;
        };
        let (path, (name, kind)) = if random.below(3) > 0 {
            (&random.pick(&files).0, random.pick(&FILES))
        } else {
            (&random.pick(&directories).0, random.pick(&DIRECTORIES))
        };
        kind(path, other);
        let mut path = path.strip_prefix(root).unwrap().to_owned();
        if *name == "with its directory removed" {
            path.pop();
        }
        if !name.starts_with("with a") {
            self.0.push((name, path));
        }
    }

    fn plant_row(&mut self, root: &Path, random: &mut Random) {
        let index = Index::open(&root.join("wharf/index.sqlite")).unwrap();
        let name: RepositoryName = random.pick(&REPOSITORIES).parse().unwrap();
        let kind = match random.below(5) {
            0 => {
                index.delete_tag(&name, &"moved".parse().unwrap()).unwrap();
                "tag row removed"
            }
            1 => {
                let digests = index.manifest_digests(&name).unwrap();
                for digest in digests.iter().take(1) {
                    index.delete_manifest(&name, *digest).unwrap();
                }
                "manifest row removed"
            }
            2 => {
                index.unlink_blob(&name, sha256(b"shared")).unwrap();
                "blob row removed"
            }
            3 => {
                let ghost = sha256(b"ghost");
                index.link_blob(&"ghost".parse().unwrap(), ghost, ghost, 5).unwrap();
                "row of nothing"
            }
            _ => {
                index.record_content(sha256(b"shared"), 1000).unwrap();
                "row of another size"
            }
        };
        self.0.push((kind, name.as_str().into()));
    }

    /// Whether a path, or something it lies in, is not as it was.
    pub(super) fn touch(&self, path: &Path) -> bool {
        self.0.iter().any(|(_, damaged)| path.starts_with(damaged))
    }
}
