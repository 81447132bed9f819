//! What can be wrong with a root, by name.

use std::fmt;

/// A class of damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Damage {
    /// A tag on a manifest that is not there.
    DanglingTag,
    /// A tag without a readable `current` link.
    BrokenTag,
    /// The link of a blob or manifest is empty, has a newline, or names something else than its directory.
    BrokenLink,
    /// The link of a blob or manifest whose content is not there.
    LinkWithoutBlob,
    /// The content of a manifest is no manifest.
    NotAManifest,
    /// Content of no bytes under a digest that is not of nothing.
    EmptyData,
    /// Content of another size than recorded, and another digest than its name.
    WrongSize,
    /// Content of another digest than its name.
    WrongHash,
    /// What an interrupted deletion left of an upload.
    LeftoverUpload,
    /// A directory of a blob, link, tag or upload with nothing in it.
    EmptyDirectory,
    /// A file that was being written when the process ended.
    TemporaryFile,
    /// A row of the index without its file.
    RowWithoutFile,
    /// A file without its row in the index.
    FileWithoutRow,
    /// A file or directory that does not belong into the tree.
    UnknownFile,
    /// Content that no repository refers to, as every deletion leaves it.
    UnreferencedBlob,
}

impl Damage {
    /// The name, as `dangling-tag`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DanglingTag => "dangling-tag",
            Self::BrokenTag => "broken-tag",
            Self::BrokenLink => "broken-link",
            Self::LinkWithoutBlob => "link-without-blob",
            Self::NotAManifest => "not-a-manifest",
            Self::EmptyData => "empty-data",
            Self::WrongSize => "wrong-size",
            Self::WrongHash => "wrong-hash",
            Self::LeftoverUpload => "leftover-upload",
            Self::EmptyDirectory => "empty-directory",
            Self::TemporaryFile => "temporary-file",
            Self::RowWithoutFile => "row-without-file",
            Self::FileWithoutRow => "file-without-row",
            Self::UnknownFile => "unknown-file",
            Self::UnreferencedBlob => "unreferenced-blob",
        }
    }

    /// What it is, in a few words.
    pub const fn description(self) -> &'static str {
        match self {
            Self::DanglingTag => "tag on a manifest that is not there",
            Self::BrokenTag => "tag without a readable link",
            Self::BrokenLink => "broken link",
            Self::LinkWithoutBlob => "link to content that is not there",
            Self::NotAManifest => "linked as a manifest, but none that wharf knows",
            Self::EmptyData => "content is empty",
            Self::WrongSize => "content has another size than was stored",
            Self::WrongHash => "content has another digest than its name",
            Self::LeftoverUpload => "left-over of an upload that was deleted",
            Self::EmptyDirectory => "empty directory",
            Self::TemporaryFile => "file that was being written when the process ended",
            Self::RowWithoutFile => "in the index, but not in the tree",
            Self::FileWithoutRow => "in the tree, but not in the index",
            Self::UnknownFile => "does not belong into the tree",
            Self::UnreferencedBlob => "content that no repository refers to",
        }
    }

    /// What mending does about it.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::DanglingTag => "remove the tag",
            Self::BrokenTag => "point the tag to what its link or its history plainly says; else remove it",
            Self::BrokenLink => "write the link anew",
            Self::LinkWithoutBlob => "remove the link",
            Self::EmptyData | Self::WrongSize | Self::WrongHash => "move the content to quarantine",
            Self::LeftoverUpload | Self::EmptyDirectory | Self::TemporaryFile => "remove it",
            Self::RowWithoutFile => "remove the row",
            Self::FileWithoutRow => "add the row",
            Self::NotAManifest | Self::UnknownFile => "leave it alone",
            Self::UnreferencedBlob => "leave it to garbage collection",
        }
    }

    /// Whether it is only told, because nothing is wrong or nothing can be done.
    pub const fn is_note(self) -> bool {
        matches!(self, Self::NotAManifest | Self::UnknownFile | Self::UnreferencedBlob)
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
