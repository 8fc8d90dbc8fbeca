//! Random numbers that nobody can guess.

/// `length` random bytes.
pub fn bytes(length: usize) -> Vec<u8> {
    // A host may bound what one call gives.
    const PIECE: usize = 4096;
    if length <= PIECE {
        return piece(length);
    }
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        bytes.extend_from_slice(&piece((length - bytes.len()).min(PIECE)));
    }
    bytes
}

/// A random number, any of all.
#[cfg(target_arch = "wasm32")]
pub fn u64() -> u64 {
    crate::bindings::wasi::random::random::get_random_u64()
}

/// A random number below `bound`, each as likely as the others; nought if `bound` is nought.
pub fn below(bound: u64) -> u64 {
    // Lemire's method: of the numbers that would make some results more likely, another is drawn.
    loop {
        let product = u128::from(u64()) * u128::from(bound);
        #[allow(clippy::cast_possible_truncation, reason = "the lower half is wanted")]
        let low = product as u64;
        if low >= bound || low >= bound.wrapping_neg().checked_rem(bound).unwrap_or(0) {
            return u64::try_from(product >> 64).unwrap_or_default();
        }
    }
}

/// A random identifier, as text: a UUID of version 4 (RFC 9562).
pub fn uuid() -> String {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&u64().to_be_bytes());
    id[8..].copy_from_slice(&u64().to_be_bytes());
    id[6] = id[6] & 0x0f | 0x40;
    id[8] = id[8] & 0x3f | 0x80;
    let mut text = String::with_capacity(36);
    for (n, byte) in id.into_iter().enumerate() {
        if matches!(n, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push(hexadecimal(byte >> 4));
        text.push(hexadecimal(byte & 15));
    }
    text
}

fn hexadecimal(digit: u8) -> char {
    char::from(if digit < 10 { b'0' + digit } else { b'a' + digit - 10 })
}

#[cfg(target_arch = "wasm32")]
fn piece(length: usize) -> Vec<u8> {
    crate::bindings::wasi::random::random::get_random_bytes(length as u64)
}

/// Outside a host: numbers that differ, good for tests alone.
#[cfg(not(target_arch = "wasm32"))]
pub fn u64() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}

#[cfg(not(target_arch = "wasm32"))]
fn piece(length: usize) -> Vec<u8> {
    std::iter::repeat_with(u64).flat_map(u64::to_be_bytes).take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::{below, bytes, uuid};

    #[test]
    fn there_are_as_many_bytes_as_asked_for_and_they_differ() {
        for length in [0, 1, 7, 4096, 4097, 10_000] {
            assert_eq!(bytes(length).len(), length);
        }
        assert_ne!(bytes(32), bytes(32));
    }

    #[test]
    fn a_number_stays_below_its_bound_and_all_come() {
        let mut seen = [false; 6];
        for _ in 0..1000 {
            seen[usize::try_from(below(6)).unwrap()] = true;
        }
        assert_eq!(seen, [true; 6]);
        assert_eq!(below(1), 0);
        assert_eq!(below(0), 0);
    }

    #[test]
    fn an_identifier_is_a_uuid_of_version_4() {
        let id = uuid();
        assert_eq!(id.len(), 36);
        for (n, character) in id.char_indices() {
            match n {
                8 | 13 | 18 | 23 => assert_eq!(character, '-'),
                14 => assert_eq!(character, '4'),
                19 => assert!("89ab".contains(character)),
                _ => assert!(matches!(character, '0'..='9' | 'a'..='f'), "{id}"),
            }
        }
        assert_ne!(uuid(), uuid());
    }
}
