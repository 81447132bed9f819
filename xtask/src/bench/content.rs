//! Content that costs next to nothing to make: pushes need a blob each that no one has pushed before, and its digest.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// Most bytes written at once.
const PIECE: u64 = 1 << 20;
/// Bytes at the end of a blob that tell it from others.
const TAIL: usize = 8;

/// Content of some size: a piece repeated, and a number in its last bytes that makes each blob another.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    size: u64,
    piece: Vec<u8>,
    /// The state of hashing before the last bytes.
    hashed: Sha256,
}

impl Content {
    /// Content of this many bytes: a power of two below a mebibyte, or mebibytes.
    pub(crate) fn new(size: u64) -> Self {
        let mut piece = Vec::new();
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        while (piece.len() as u64) < size.min(PIECE) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            piece.extend_from_slice(&state.to_le_bytes());
        }
        let mut hashed = Sha256::new();
        for _ in 1..size / piece.len() as u64 {
            hashed.update(&piece);
        }
        hashed.update(&piece[..piece.len() - TAIL]);
        Self { size, piece, hashed }
    }

    /// Its size in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The digest of the blob with this number.
    pub(crate) fn digest(&self, number: u64) -> String {
        let hash = self.hashed.clone().chain_update(number.to_le_bytes()).finalize();
        show(&hash)
    }

    /// Writes the part of the blob with this number from one offset to another.
    pub(crate) fn write(&self, number: u64, from: u64, to: u64, sink: &mut impl std::io::Write) -> std::io::Result<()> {
        let mut offset = from;
        while offset < to {
            let start = usize::try_from(offset % self.piece.len() as u64).unwrap_or_default();
            let rest = &self.piece[start..];
            let part = &rest[..usize::try_from(to - offset).map_or(rest.len(), |left| left.min(rest.len()))];
            offset += part.len() as u64;
            if offset == self.size {
                sink.write_all(&part[..part.len() - TAIL])?;
                sink.write_all(&number.to_le_bytes())?;
            } else {
                sink.write_all(part)?;
            }
        }
        Ok(())
    }
}

/// The digest of some bytes.
pub(crate) fn digest(bytes: &[u8]) -> String {
    show(&Sha256::digest(bytes))
}

fn show(hash: &[u8]) -> String {
    hash.iter().fold(String::from("sha256:"), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_what_is_written() {
        for (size, chunk) in [(4096, 4096), (3 << 20, 1 << 20), (1 << 20, 1 << 18)] {
            let content = Content::new(size);
            let mut bytes = Vec::new();
            for offset in (0..size).step_by(usize::try_from(chunk).unwrap()) {
                content.write(7, offset, offset + chunk, &mut bytes).unwrap();
            }
            assert_eq!(bytes.len() as u64, size);
            assert_eq!(digest(&bytes), content.digest(7));
            assert_ne!(content.digest(7), content.digest(8));
        }
    }
}
