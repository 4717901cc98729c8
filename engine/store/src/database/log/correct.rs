//! Puts one damaged word of a frame, or of the header, right by its checksum.
//!
//! SQLite's checksum is linear: a word that differs by `d` changes the two sums by `a·d` and `b·d`, where `a` and `b` depend on the place of
//! the word only, and one of them is odd. So for each place there is one `d` that explains one of the sums, and the other sum tells whether
//! it explains that too: by chance at one of 2³² places. Flipped bits within one word of four bytes are found so, and what was written is
//! known exactly.

use super::format::{FRAME_HEADER_BYTES, HEADER_BYTES, Header, Pair, checksum};

/// Puts a frame right whose checksum begins at `before`. Returns whether it is what was written then.
pub(crate) fn correct_frame(header: &Header, before: Pair, frame: &mut [u8], stored: Pair) -> bool {
    let computed = header.checksum_of(before, frame);
    // The checksum covers the first two words and the page; the salts and the checksum stand between.
    let words = 2 + header.page_size / 4;
    let Some((word, difference)) = damaged_word(words, computed, stored) else { return false };
    let at = if word < 2 { word * 4 } else { FRAME_HEADER_BYTES + (word - 2) * 4 };
    add(&mut frame[at..at + 4], difference, header.is_big_endian);
    true
}

/// The header that was written, when one word of it differs.
pub(crate) fn correct_header(bytes: &[u8; HEADER_BYTES]) -> Option<Header> {
    [false, true].into_iter().find_map(|is_big_endian| {
        let stored = [24, 28].map(|at| bytes[at..].first_chunk().map_or(0, |word| u32::from_be_bytes(*word)));
        let computed = checksum(is_big_endian, [0, 0], &bytes[..24]);
        let mut corrected = *bytes;
        match damaged_word(6, computed, stored) {
            Some((word, difference)) => {
                add(&mut corrected[word * 4..word * 4 + 4], difference, is_big_endian);
            }
            // The checksum itself.
            None => {
                for (place, word) in [24, 28].into_iter().zip(computed) {
                    corrected[place..place + 4].copy_from_slice(&word.to_be_bytes());
                }
                if corrected.iter().zip(bytes).filter(|(one, other)| one != other).count() > 4 {
                    return None;
                }
            }
        }
        Header::parse(&corrected).filter(|header| header.is_big_endian == is_big_endian)
    })
}

/// The place of the one word that explains a wrong checksum, and what has to be added to it.
fn damaged_word(words: usize, computed: Pair, stored: Pair) -> Option<(usize, u32)> {
    let wanted = [stored[0].wrapping_sub(computed[0]), stored[1].wrapping_sub(computed[1])];
    // How one more in the first and in the second word of a pair changes the sums, from the last pair to the first.
    let (mut first, mut second) = ([1_u32, 1_u32], [0_u32, 1_u32]);
    let next = |[one, two]: Pair| {
        let sum = one.wrapping_add(two);
        [sum, two.wrapping_add(sum)]
    };
    for pair in (0..words / 2).rev() {
        for (word, factors) in [(pair * 2, first), (pair * 2 + 1, second)] {
            let odd = usize::from(factors[0].is_multiple_of(2));
            let difference = wanted[odd].wrapping_mul(inverse(factors[odd]));
            if difference != 0 && factors[1 - odd].wrapping_mul(difference) == wanted[1 - odd] {
                return Some((word, difference));
            }
        }
        (first, second) = (next(first), next(second));
    }
    None
}

/// What an odd number is multiplied with to become 1, in 32 bits.
fn inverse(odd: u32) -> u32 {
    // Each step doubles the number of right bits, of which an odd number has three as it is.
    (0..4).fold(odd, |found, _| found.wrapping_mul(2_u32.wrapping_sub(odd.wrapping_mul(found))))
}

fn add(word: &mut [u8], difference: u32, is_big_endian: bool) {
    let Some(bytes) = word.first_chunk_mut::<4>() else { return };
    *bytes = match is_big_endian {
        true => u32::from_be_bytes(*bytes).wrapping_add(difference).to_be_bytes(),
        false => u32::from_le_bytes(*bytes).wrapping_add(difference).to_le_bytes(),
    };
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn one_damaged_word_is_put_right(
            page in proptest::collection::vec(any::<u8>(), 1024),
            before in any::<[u32; 2]>(),
            is_big_endian in any::<bool>(),
            word in 0_usize..258,
            damage in 1..=u32::MAX,
        ) {
            let header = Header { is_big_endian, page_size: 1024, salts: [1, 2], checksum: [0, 0] };
            let mut frame = vec![7; FRAME_HEADER_BYTES];
            frame.extend(page);
            let stored = header.checksum_of(before, &frame);
            let mut damaged = frame.clone();
            let at = if word < 2 { word * 4 } else { FRAME_HEADER_BYTES + (word - 2) * 4 };
            add(&mut damaged[at..at + 4], damage, is_big_endian);
            prop_assert!(correct_frame(&header, before, &mut damaged, stored));
            prop_assert_eq!(damaged, frame);
        }
    }
}
