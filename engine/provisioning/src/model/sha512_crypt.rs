//! Hashes passwords as Linux keeps them: SHA-512 crypt, `$6$<salt>$<hash>`.
//!
//! Promises: the same password and salt give the same text as `crypt(3)`, with its default of 5000 rounds. Source: U. Drepper, "Unix crypt
//! using SHA-256 and SHA-512".

use sha2::{Digest, Sha512};

/// The digits of its base64, which is not that of MIME.
pub(super) const DIGITS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Rounds of a hash that names no other number.
const ROUNDS: usize = 5000;

/// Bytes of a digest.
const LENGTH: usize = 64;

/// The hash of a password, for `/etc/shadow` and the like. Only the first 16 bytes of the salt count.
pub(super) fn sha512_crypt(password: &[u8], salt: &str) -> String {
    let salt = salt.get(..salt.floor_char_boundary(16)).unwrap_or(salt);
    let mixed = digest(&[password, salt.as_bytes(), password]);
    let mut first = Sha512::new();
    first.update(password);
    first.update(salt);
    first.update(repeat(&mixed, password.len()));
    let mut bits = password.len();
    while bits > 0 {
        first.update(if bits & 1 == 1 { mixed.as_slice() } else { password });
        bits >>= 1;
    }
    let mut state = first.finalize().to_vec();
    let passwords = repeat(&digest(&vec![password; password.len()]), password.len());
    let times = 16 + usize::from(state.first().copied().unwrap_or_default());
    let salts = repeat(&digest(&vec![salt.as_bytes(); times]), salt.len());
    for round in 0..ROUNDS {
        let is_odd = round % 2 == 1;
        let mut next = Sha512::new();
        next.update(if is_odd { &passwords } else { &state });
        if round % 3 != 0 {
            next.update(&salts);
        }
        if round % 7 != 0 {
            next.update(&passwords);
        }
        next.update(if is_odd { &state } else { &passwords });
        state = next.finalize().to_vec();
    }
    format!("$6${salt}${}", encode(&state))
}

fn digest(parts: &[&[u8]]) -> Vec<u8> {
    let mut hash = Sha512::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().to_vec()
}

/// The bytes again and again, up to a length.
fn repeat(bytes: &[u8], length: usize) -> Vec<u8> {
    bytes.iter().copied().cycle().take(length).collect()
}

/// Three bytes that lie a third of the digest apart become four digits, the lowest first; the last byte becomes two.
fn encode(bytes: &[u8]) -> String {
    let byte = |place: usize| u32::from(bytes.get(place).copied().unwrap_or_default());
    let mut text = String::new();
    let mut push = |mut value: u32, digits: usize| {
        for _ in 0..digits {
            text.push(char::from(DIGITS[(value & 63) as usize]));
            value >>= 6;
        }
    };
    let third = LENGTH / 3;
    for group in 0..third {
        // The three places rotate from group to group.
        let places = [group, group + third, group + 2 * third];
        let at = |index: usize| places[(group + index) % 3];
        push(byte(at(0)) << 16 | byte(at(1)) << 8 | byte(at(2)), 4);
    }
    push(byte(LENGTH - 1), 2);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_the_reference() {
        assert_eq!(
            sha512_crypt(b"Hello world!", "saltstring"),
            "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"
        );
    }

    #[test]
    fn a_hash_is_what_the_system_computes() {
        // Of `openssl passwd -6 -salt Zx.9aB/cDeFgHiJk 'aB3dE6gH9jK2mN5pQ8rS4tU7'`.
        assert_eq!(
            sha512_crypt(b"aB3dE6gH9jK2mN5pQ8rS4tU7", "Zx.9aB/cDeFgHiJk"),
            "$6$Zx.9aB/cDeFgHiJk$sNmJ.p/ARN8MI05koxn0VSQXe9dhoL0KCNEThCoHlQ1FszXoTxHk0tVEMr9cHRCqetVUSyujyIQ9RwsRvANnj."
        );
    }
}
