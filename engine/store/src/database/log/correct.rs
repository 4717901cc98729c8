//! Finds the one damaged word of a frame by its checksum.
//!
//! SQLite's checksum is linear: a word that differs by `d` changes the two sums by `a·d` and `b·d`, where `a` and `b` depend on the place of
//! the word only, and one of them is odd. So for each place there is one `d` that explains one of the sums, and the other sum tells whether
//! it explains that too. A change in the low bits of a word is explained by its own place alone. One in the highest bits is explained by
//! several: products lose what overflows. Then the older content of the page tells which, for most of a page stays as it is.

use super::format::{FRAME_HEADER_BYTES, FrameHeader, Header, Pair};

/// What can be said of a frame whose checksum is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Correction {
    /// The damaged word was found, and the frame is what was written now.
    Done,
    /// One word is damaged, and which one cannot be told. The frame is as it was found.
    Ambiguous,
    /// More than a word is damaged.
    Impossible,
}

/// Puts a frame right whose checksum begins at `before` and is right itself. `older` is what is known of the page from before;
/// `is_plausible` says whether the header of the frame can be what it is then.
pub(super) fn correct(
    header: &Header,
    before: Pair,
    frame: &mut [u8],
    older: Option<&[u8]>,
    is_plausible: impl Fn(&FrameHeader) -> bool,
) -> Correction {
    let stored = FrameHeader::parse(frame).checksum;
    let computed = header.checksum_of(before, frame);
    // The checksum covers the first two words and the page; the salts and the checksum stand between.
    let mut found = explanations(2 + header.page_size / 4, computed, stored);
    found.retain(|(word, difference)| {
        let mut numbers = [0; FRAME_HEADER_BYTES];
        numbers.copy_from_slice(&frame[..FRAME_HEADER_BYTES]);
        if let Some(number) = numbers.as_chunks_mut::<4>().0.get_mut(*word).filter(|_| *word < 2) {
            *number = add(*number, *difference, header.is_big_endian);
        }
        is_plausible(&FrameHeader::parse(&numbers))
    });
    let corrected = |(word, difference): (usize, u32)| {
        let at = if word < 2 { word * 4 } else { FRAME_HEADER_BYTES + (word - 2) * 4 };
        let mut bytes = [0; 4];
        bytes.copy_from_slice(&frame[at..at + 4]);
        (at, add(bytes, difference, header.is_big_endian))
    };
    let chosen = match found[..] {
        [] => return Correction::Impossible,
        [only] => Some(corrected(only)),
        _ => {
            let is_as_before = |(at, bytes): &(usize, [u8; 4])| {
                let place = at.checked_sub(FRAME_HEADER_BYTES)?;
                Some(older?.get(place..place + 4)? == bytes)
            };
            let mut as_before =
                found.iter().copied().map(corrected).filter(|place| is_as_before(place) == Some(true));
            as_before.next().filter(|_| as_before.next().is_none())
        }
    };
    let Some((at, bytes)) = chosen else { return Correction::Ambiguous };
    frame[at..at + 4].copy_from_slice(&bytes);
    Correction::Done
}

/// The places of one word each that explain a wrong checksum, and what has to be added there.
fn explanations(words: usize, computed: Pair, stored: Pair) -> Vec<(usize, u32)> {
    let wanted = [stored[0].wrapping_sub(computed[0]), stored[1].wrapping_sub(computed[1])];
    // How one more in the first and in the second word of a pair changes the sums, from the last pair to the first.
    let (mut first, mut second) = ([1_u32, 1_u32], [0_u32, 1_u32]);
    let next = |[one, two]: Pair| {
        let sum = one.wrapping_add(two);
        [sum, two.wrapping_add(sum)]
    };
    let mut found = Vec::new();
    for pair in (0..words / 2).rev() {
        for (word, factors) in [(pair * 2, first), (pair * 2 + 1, second)] {
            let odd = usize::from(factors[0].is_multiple_of(2));
            let difference = wanted[odd].wrapping_mul(inverse(factors[odd]));
            if difference != 0 && factors[1 - odd].wrapping_mul(difference) == wanted[1 - odd] {
                found.push((word, difference));
            }
        }
        (first, second) = (next(first), next(second));
    }
    found
}

/// What an odd number is multiplied with to become 1, in 32 bits.
fn inverse(odd: u32) -> u32 {
    // Each step doubles the number of right bits, of which an odd number has three as it is.
    (0..4).fold(odd, |found, _| found.wrapping_mul(2_u32.wrapping_sub(odd.wrapping_mul(found))))
}

fn add(word: [u8; 4], difference: u32, is_big_endian: bool) -> [u8; 4] {
    match is_big_endian {
        true => u32::from_be_bytes(word).wrapping_add(difference).to_be_bytes(),
        false => u32::from_le_bytes(word).wrapping_add(difference).to_le_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn one_damaged_word_is_found_or_said_to_be_ambiguous(
            page in proptest::collection::vec(any::<u8>(), 1024),
            before in any::<[u32; 2]>(),
            is_big_endian in any::<bool>(),
            word in 0_usize..258,
            damage in prop_oneof![1..=u32::MAX, (0..32_u32).prop_map(|bit| 1 << bit)],
            knows_older in any::<bool>(),
        ) {
            let header = Header { is_big_endian, page_size: 1024, salts: [1, 2], checksum: [0, 0] };
            let mut frame = vec![7; FRAME_HEADER_BYTES];
            frame.extend(&page);
            let stored = header.checksum_of(before, &frame);
            for (place, word) in [16, 20].into_iter().zip(stored) {
                frame[place..place + 4].copy_from_slice(&word.to_be_bytes());
            }
            let mut damaged = frame.clone();
            let at = if word < 2 { word * 4 } else { FRAME_HEADER_BYTES + (word - 2) * 4 };
            let bytes = add(damaged[at..at + 4].try_into().unwrap(), damage, is_big_endian);
            damaged[at..at + 4].copy_from_slice(&bytes);
            let found = damaged.clone();
            match correct(&header, before, &mut damaged, knows_older.then_some(&page), |_| true) {
                Correction::Done => prop_assert_eq!(damaged, frame),
                Correction::Ambiguous => {
                    prop_assert_eq!(damaged, found);
                    prop_assert!(damage.trailing_zeros() > 16, "{:x} is explained by one place", damage);
                }
                Correction::Impossible => prop_assert!(false, "one word explains it"),
            }
        }
    }
}
