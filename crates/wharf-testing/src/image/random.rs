//! Reproducible bytes that no compressor makes smaller.

use std::io::{self, Read};

/// A stream of pseudo-random bytes (`SplitMix64`), the same for the same seed at every run and on every machine.
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

impl Random {
    /// A stream of its own for every seed.
    pub fn new(seed: u64) -> Self {
        Self {
            state: seed.wrapping_mul(0xff51_afd7_ed55_8ccd),
        }
    }

    /// A stream of its own for every text.
    #[must_use]
    pub fn with(mut self, text: &str) -> Self {
        for byte in text.bytes() {
            self.state = (self.state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Fills the buffer.
    pub fn fill(&mut self, buffer: &mut [u8]) {
        for piece in buffer.chunks_mut(8) {
            piece.copy_from_slice(&self.number().to_le_bytes()[..piece.len()]);
        }
    }
}

/// Endless bytes at the speed of a copy: one random block, stamped with its number. The block is longer than the window
/// of gzip, which therefore can't make the repetition smaller.
#[derive(Debug)]
pub(super) struct RandomBlocks {
    block: Vec<u8>,
    position: usize,
    number: u64,
}

impl RandomBlocks {
    pub(super) fn new(seed: u64) -> Self {
        let mut block = vec![0; 1 << 20];
        Random::new(seed).fill(&mut block);
        Self {
            block,
            position: 0,
            number: 0,
        }
    }
}

impl Read for RandomBlocks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position == self.block.len() {
            self.position = 0;
            self.number += 1;
            self.block[..8].copy_from_slice(&self.number.to_le_bytes());
        }
        let count = (&self.block[self.position..]).read(buffer)?;
        self.position += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_and_texts_make_different_streams() {
        let first = |mut random: Random| random.number();
        let numbers = [
            Random::new(0),
            Random::new(1),
            Random::new(0).with("a"),
            Random::new(0).with("b"),
        ]
        .map(first);
        for (position, number) in numbers.iter().enumerate() {
            assert!(!numbers[..position].contains(number), "{numbers:?}");
        }
        assert_eq!(first(Random::new(1)), numbers[1]);
    }

    #[test]
    fn blocks_differ_by_their_number() {
        let mut bytes = Vec::new();
        RandomBlocks::new(5).take(3 << 20).read_to_end(&mut bytes).unwrap();
        let blocks: Vec<_> = bytes.chunks(1 << 20).collect();
        assert_ne!(blocks[0], blocks[1]);
        assert_ne!(blocks[1], blocks[2]);
        assert_eq!(blocks[1][8..], blocks[2][8..]);
    }
}
