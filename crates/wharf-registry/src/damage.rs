//! What can be wrong with a root, by name.

use std::borrow::Cow;
use std::fmt;

use wharf_spec::Digest;
use wharf_storage::StorageKey;

/// A class of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Damage {
    /// A tag on a manifest that is not there.
    DanglingTag,
    /// A tag without a readable `current` link.
    BrokenTag,
    /// A link is empty, has a newline, or names something else than its directory.
    BrokenLink,
    /// Content that an image or a tag names is there, and its link is not.
    MissingLink,
    /// The link of a manifest whose content is not there.
    LinkWithoutManifest,
    /// An image of which a blob is not there.
    ManifestWithoutBlob,
    /// The content of a manifest is no manifest.
    NotAManifest,
    /// Content of no bytes under a digest that is not of nothing.
    EmptyData,
    /// Content of another size than recorded, and another digest than its name.
    WrongSize,
    /// Content of another digest than its name.
    WrongHash,
    /// The index has another size than the content, whose digest is right.
    WrongRow,
    /// An upload with bytes, and without a readable time of its start.
    BrokenUpload,
    /// Something else than a readable file or directory.
    Unreadable,
    /// The link of a blob whose content is not there.
    LinkWithoutBlob,
    /// What an interrupted deletion left of an upload.
    LeftoverUpload,
    /// A directory of a repository, blob, link or upload with nothing in it.
    EmptyDirectory,
    /// A file that was being written when the process ended.
    TemporaryFile,
    /// A row of the index without its file.
    RowWithoutFile,
    /// A file without its row in the index.
    FileWithoutRow,
    /// An image index of which a manifest is not there.
    IndexWithoutManifest,
    /// A file or directory that does not belong into the tree.
    UnknownFile,
    /// Content that no repository refers to, as every deletion leaves it.
    UnreferencedBlob,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Something can't be pulled, or pushed on, that could be once.
    Damage,
    /// What registry:2 leaves of its own, and an index that lags behind the tree: nothing is lost by it.
    Leftover,
    /// Nothing is wrong, or nothing that this registry could know.
    Note,
}

impl Severity {
    /// The name, as `left-over`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Damage => "damage",
            Self::Leftover => "left-over",
            Self::Note => "note",
        }
    }
}

impl Damage {
    /// The name, as `dangling-tag`.
    pub const fn name(self) -> &'static str {
        self.facts().0
    }

    /// What it is, in a few words.
    pub const fn description(self) -> &'static str {
        self.facts().2
    }

    /// How bad it is.
    pub const fn severity(self) -> Severity {
        self.facts().1
    }

    const fn facts(self) -> (&'static str, Severity, &'static str) {
        use Severity::{Damage, Leftover, Note};
        match self {
            Self::DanglingTag => ("dangling-tag", Damage, "tag on a manifest that is not there"),
            Self::BrokenTag => ("broken-tag", Damage, "tag without a readable link"),
            Self::BrokenLink => ("broken-link", Damage, "broken link"),
            Self::MissingLink => (
                "missing-link",
                Damage,
                "content that an image or a tag names, without its link",
            ),
            Self::LinkWithoutManifest => (
                "link-without-manifest",
                Damage,
                "link to a manifest whose content is not there",
            ),
            Self::ManifestWithoutBlob => ("manifest-without-blob", Damage, "image of which a blob is not there"),
            Self::NotAManifest => (
                "not-a-manifest",
                Damage,
                "linked as a manifest, but none that wharf knows",
            ),
            Self::EmptyData => ("empty-data", Damage, "content is empty"),
            Self::WrongSize => ("wrong-size", Damage, "content has another size than was stored"),
            Self::WrongHash => ("wrong-hash", Damage, "content has another digest than its name"),
            Self::WrongRow => ("wrong-row", Damage, "content is right, but not its size in the index"),
            Self::BrokenUpload => ("broken-upload", Damage, "upload without a readable time of its start"),
            Self::Unreadable => ("unreadable", Damage, "no file or directory that can be read"),
            Self::LinkWithoutBlob => ("link-without-blob", Leftover, "link to a blob that is not there"),
            Self::LeftoverUpload => (
                "leftover-upload",
                Leftover,
                "what is left of an upload that was deleted",
            ),
            Self::EmptyDirectory => ("empty-directory", Leftover, "empty directory"),
            Self::TemporaryFile => (
                "temporary-file",
                Leftover,
                "file that was being written when the process ended",
            ),
            Self::RowWithoutFile => ("row-without-file", Leftover, "in the index, but not in the tree"),
            Self::FileWithoutRow => ("file-without-row", Leftover, "in the tree, but not so in the index"),
            Self::IndexWithoutManifest => (
                "index-without-manifest",
                Note,
                "image index of which a manifest is not there",
            ),
            Self::UnknownFile => ("unknown-file", Note, "does not belong into the tree"),
            Self::UnreferencedBlob => ("unreferenced-blob", Note, "content that no repository refers to"),
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What mending does about a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// Writes a link to this digest.
    WriteLink(Digest),
    /// Points the tag to this manifest.
    PointTag(Digest),
    /// Removes the link.
    RemoveLink,
    /// Removes the tag.
    RemoveTag,
    /// Removes the file or directory.
    Remove,
    /// Moves the file to this key.
    Move(StorageKey),
    /// Writes the time of an upload's start anew, so that the upload goes on or is purged one day.
    WriteTime,
    /// Removes the row of the index.
    RemoveRow,
    /// Writes the row of the index.
    WriteRow,
    /// Nothing, with what else helps.
    Leave(Cow<'static, str>),
}

impl Remedy {
    /// As something to do: `remove the tag`.
    pub fn to_do(&self) -> String {
        let (verb, _, object) = self.words();
        format!("{verb} {object}")
    }

    /// As something done: `removed the tag`.
    pub fn done(&self) -> String {
        let (_, verb, object) = self.words();
        format!("{verb} {object}")
    }

    fn words(&self) -> (&'static str, &'static str, String) {
        match self {
            Self::WriteLink(digest) => ("write", "wrote", format!("a link to {digest}")),
            Self::PointTag(digest) => ("point", "pointed", format!("the tag to {digest}")),
            Self::RemoveLink => ("remove", "removed", "the link".to_owned()),
            Self::RemoveTag => ("remove", "removed", "the tag".to_owned()),
            Self::Remove => ("remove", "removed", "it".to_owned()),
            Self::Move(key) => ("move", "moved", format!("it to {key}")),
            Self::WriteTime => ("write", "wrote", "the time anew".to_owned()),
            Self::RemoveRow => ("remove", "removed", "the row".to_owned()),
            Self::WriteRow => ("write", "wrote", "the row".to_owned()),
            Self::Leave(advice) if advice.is_empty() => ("leave", "left", "it alone".to_owned()),
            Self::Leave(advice) => ("leave", "left", format!("it alone: {advice}")),
        }
    }
}
