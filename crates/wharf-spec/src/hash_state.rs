//! The state of a running hash in the form that Go's `crypto/sha256` and `crypto/sha512` write, which registry:2 keeps under
//! `hashstates/<algorithm>/<bytes hashed>` of an upload.
//!
//! | SHA-256 | SHA-512 | content |
//! |---|---|---|
//! | 4 | 4 | magic, `sha` and 3 or 7 |
//! | 8 × 4 | 8 × 8 | chaining words, big-endian |
//! | 64 | 128 | bytes not yet hashed, `length mod block` of them, the rest zero |
//! | 8 | 8 | total length in bytes, big-endian |
//!
//! The crate `sha2` exports the same things in another order: chaining words and the number of full blocks little-endian, then
//! the number of bytes not yet hashed and those bytes.

use sha2::digest::common::hazmat::SerializableState;

use crate::digest::{Algorithm, Hasher, State};

/// No state has seen more. SHA-256 counts bits in 64 bits, and no file is as long.
const BYTES_MAX: u64 = 1 << 60;

/// The sizes of one algorithm's state.
struct Layout {
    magic: [u8; 4],
    word_bytes: usize,
    block_bytes: usize,
    /// How many bytes `sha2` uses to count full blocks.
    counter_bytes: usize,
}

const SHA256: Layout = Layout {
    magic: *b"sha\x03",
    word_bytes: 4,
    block_bytes: 64,
    counter_bytes: 8,
};
const SHA512: Layout = Layout {
    magic: *b"sha\x07",
    word_bytes: 8,
    block_bytes: 128,
    counter_bytes: 16,
};

impl Layout {
    const fn of(algorithm: Algorithm) -> &'static Self {
        match algorithm {
            Algorithm::Sha256 => &SHA256,
            Algorithm::Sha512 => &SHA512,
        }
    }

    const fn words_bytes(&self) -> usize {
        self.word_bytes * 8
    }

    /// The chaining words with each word's bytes reversed, which turns one form into the other.
    fn swap_words(&self, words: &[u8]) -> Vec<u8> {
        words
            .chunks_exact(self.word_bytes)
            .flat_map(|word| word.iter().rev().copied())
            .collect()
    }
}

/// The state of `hasher` as Go writes it, 108 bytes for SHA-256 and 204 for SHA-512.
pub fn export(hasher: &Hasher) -> Vec<u8> {
    let layout = Layout::of(hasher.algorithm());
    let own: Vec<u8> = match &hasher.state {
        State::Sha256(state) => state.serialize().to_vec(),
        State::Sha512(state) => state.serialize().to_vec(),
    };
    let (words, rest) = own.split_at(layout.words_bytes());
    let pending_bytes = usize::from(rest[layout.counter_bytes]);
    let pending = &rest[layout.counter_bytes + 1..][..pending_bytes];

    let mut go = Vec::with_capacity(4 + words.len() + layout.block_bytes + 8);
    go.extend_from_slice(&layout.magic);
    go.extend_from_slice(&layout.swap_words(words));
    go.extend_from_slice(pending);
    go.resize(4 + words.len() + layout.block_bytes, 0);
    go.extend_from_slice(&hasher.size_bytes().to_be_bytes());
    go
}

/// Reads a state that Go or [`export`] wrote. `None` when it is not one of that algorithm.
pub fn import(algorithm: Algorithm, go: &[u8]) -> Option<Hasher> {
    let layout = Layout::of(algorithm);
    if go.len() != 4 + layout.words_bytes() + layout.block_bytes + 8 || go[..4] != layout.magic {
        return None;
    }
    let (words, rest) = go[4..].split_at(layout.words_bytes());
    let (block, length) = rest.split_at(layout.block_bytes);
    let size_bytes = u64::from_be_bytes(length.try_into().ok()?);
    if size_bytes > BYTES_MAX {
        return None;
    }
    let block_bytes = layout.block_bytes as u64;
    let pending_bytes = u8::try_from(size_bytes % block_bytes).ok()?;

    let mut own = layout.swap_words(words);
    own.extend_from_slice(&(size_bytes / block_bytes).to_le_bytes());
    own.resize(layout.words_bytes() + layout.counter_bytes, 0);
    own.push(pending_bytes);
    own.extend_from_slice(&block[..usize::from(pending_bytes)]);
    own.resize(layout.words_bytes() + layout.counter_bytes + layout.block_bytes, 0);

    let state = match algorithm {
        Algorithm::Sha256 => State::Sha256(SerializableState::deserialize(own.as_slice().try_into().ok()?).ok()?),
        Algorithm::Sha512 => State::Sha512(SerializableState::deserialize(own.as_slice().try_into().ok()?).ok()?),
    };
    Some(Hasher { state, size_bytes })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Digest;

    /// `hashstates/sha256/6` that a running registry 2.8 wrote after the bytes `hello `.
    fn go_state_of_hello() -> Vec<u8> {
        let words = [
            0x6a09_e667_u32,
            0xbb67_ae85,
            0x3c6e_f372,
            0xa54f_f53a,
            0x510e_527f,
            0x9b05_688c,
            0x1f83_d9ab,
            0x5be0_cd19,
        ];
        let mut state = b"sha\x03".to_vec();
        state.extend(words.iter().flat_map(|word| word.to_be_bytes()));
        state.extend_from_slice(b"hello ");
        state.resize(100, 0);
        state.extend_from_slice(&6_u64.to_be_bytes());
        state
    }

    #[test]
    fn a_state_that_registry_2_wrote_resumes() {
        let mut hasher = Hasher::new(Algorithm::Sha256);
        hasher.update(b"hello ");
        assert_eq!(export(&hasher), go_state_of_hello());
        let mut resumed = import(Algorithm::Sha256, &go_state_of_hello()).unwrap();
        resumed.update(b"world");
        assert_eq!(resumed.finish(), Digest::of(Algorithm::Sha256, b"hello world"));
    }

    #[test]
    fn other_bytes_are_refused() {
        assert!(import(Algorithm::Sha256, b"").is_none());
        assert!(import(Algorithm::Sha512, &go_state_of_hello()).is_none());
        assert!(import(Algorithm::Sha256, &[0; 108]).is_none());
    }

    #[test]
    fn a_state_of_more_bytes_than_can_be_counted_is_refused() {
        let mut state = go_state_of_hello();
        for (length, taken) in [(BYTES_MAX + 6, false), (u64::MAX, false), (BYTES_MAX, true)] {
            state[100..].copy_from_slice(&length.to_be_bytes());
            let resumed = import(Algorithm::Sha256, &state);
            assert_eq!(resumed.is_some(), taken, "{length}");
            if let Some(mut hasher) = resumed {
                hasher.update(b"world");
                let _ = hasher.finish();
            }
        }
    }

    proptest! {
        #[test]
        fn a_state_round_trips_at_every_cut(content in proptest::collection::vec(any::<u8>(), 0..600), cut in 0_usize..600) {
            let cut = cut.min(content.len());
            for algorithm in Algorithm::ALL {
                let mut hasher = Hasher::new(algorithm);
                hasher.update(&content[..cut]);
                let mut resumed = import(algorithm, &export(&hasher)).unwrap();
                prop_assert_eq!(resumed.size_bytes(), cut as u64);
                resumed.update(&content[cut..]);
                prop_assert_eq!(resumed.finish(), Digest::of(algorithm, &content));
            }
        }
    }
}
