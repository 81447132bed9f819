//! Hash states of uploads. The first byte chooses the algorithm and whether the rest is a state or content to cut in two.

use wharf_spec::{Algorithm, Digest, Hasher, hash_state};

use super::first_byte;

pub(super) fn target(data: &[u8]) {
    let (choice, rest) = first_byte(data);
    let algorithm = Algorithm::ALL[usize::from(choice & 1)];
    if choice & 2 == 0 {
        state(algorithm, rest);
    } else {
        content(algorithm, rest);
    }
}

/// A file that says it is a state.
fn state(algorithm: Algorithm, file: &[u8]) {
    let other = Algorithm::ALL[usize::from(algorithm == Algorithm::Sha256)];
    let Some(hasher) = hash_state::import(algorithm, file) else {
        return;
    };
    assert!(hash_state::import(other, file).is_none(), "a state of two algorithms");
    let exported = hash_state::export(&hasher);
    // What lies behind the pending bytes means nothing and is not kept; all else is.
    let block_bytes = algorithm.size_bytes() * 2;
    let block_at = file.len() - 8 - block_bytes;
    let pending = usize::try_from(hasher.size_bytes() % block_bytes as u64).unwrap();
    assert_eq!(exported.len(), file.len());
    assert_eq!(exported[..block_at + pending], file[..block_at + pending]);
    assert_eq!(exported[file.len() - 8..], file[file.len() - 8..]);

    let mut again = hash_state::import(algorithm, &exported).unwrap();
    assert_eq!(again.size_bytes(), hasher.size_bytes());
    let mut hasher = hasher;
    // As much as one upload is given at a time, and more than a block.
    for piece in [&file[..1], file, &[0; 300]] {
        hasher.update(piece);
        again.update(piece);
    }
    assert_eq!(hash_state::export(&hasher), hash_state::export(&again));
    assert_eq!(hasher.finish(), again.finish());
}

/// Hashing that stops at some byte and goes on from the file changes nothing.
fn content(algorithm: Algorithm, data: &[u8]) {
    let (cut, content) = first_byte(data);
    let cut = usize::from(cut).min(content.len());
    let mut hasher = Hasher::new(algorithm);
    hasher.update(&content[..cut]);
    let file = hash_state::export(&hasher);
    let mut resumed = hash_state::import(algorithm, &file).unwrap();
    assert_eq!(resumed.size_bytes(), cut as u64);
    assert_eq!(hash_state::export(&resumed), file);
    resumed.update(&content[cut..]);
    assert_eq!(resumed.finish(), Digest::of(algorithm, content));
}
