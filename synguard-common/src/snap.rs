//! A frame's first bytes, copied.

use crate::abi::{SNAP, WORD};
use crate::packet::View;

/// Copies the first bytes of a frame of `len` bytes, as many as there is room for, and
/// gives how many these are. Of a frame of fewer than eight bytes it is none.
#[inline(always)]
pub fn copy<V: View + ?Sized>(frame: &V, len: usize, to: &mut [[u8; WORD]; SNAP / WORD]) -> usize {
    let mut copied = 0_usize;
    for word in to {
        let Some(bytes) = frame.get::<WORD>(copied) else {
            return copied.wrapping_add(rest(frame, len, copied, word));
        };
        *word = *bytes;
        copied = copied.wrapping_add(WORD);
    }
    copied
}

/// The bytes from `from` on, fewer than a word: of the word that ends the frame. A loop
/// over bytes the verifier follows for each length.
#[inline(always)]
fn rest<V: View + ?Sized>(frame: &V, len: usize, from: usize, to: &mut [u8; WORD]) -> usize {
    // Masked for the verifier: the frame ends within the room.
    let last = len.wrapping_sub(WORD) & (SNAP - 1);
    let rest = len.wrapping_sub(from) & (WORD - 1);
    let Some(bytes) = frame.get::<WORD>(last) else {
        return 0;
    };
    let before = (WORD.wrapping_sub(rest) as u32).wrapping_mul(u8::BITS);
    *to = u64::from_le_bytes(*bytes)
        .wrapping_shr(before)
        .to_le_bytes();
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_copied_as_far_as_there_is_room() {
        let frame: [u8; 300] = core::array::from_fn(|at| (at % 251) as u8);
        for len in 0..=frame.len() {
            let mut words = [[0xee; WORD]; SNAP / WORD];
            let cut = frame.get(..len).unwrap_or_default();
            let copied = copy(cut, len, &mut words);
            assert_eq!(copied, if len < WORD { 0 } else { len.min(SNAP) });
            let bytes = words.as_flattened();
            assert_eq!(bytes.get(..copied), frame.get(..copied), "{len}");
        }
    }
}
