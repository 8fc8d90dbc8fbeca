//! `range`: whatever stands in it, what is sent is a part of the file and tells truly which; one range of bytes,
//! as RFC 9110 writes it, is granted as that says.

use std::sync::{LazyLock, Mutex, PoisonError};

use mik_core::{Body, Response};
use mik_middleware::StaticFiles;

use super::rig::{Answer, Rig, lines, write};

/// Lengths of files; one is more than is read at once.
const LENGTHS: [usize; 4] = [0, 1, 10, 70_000];

static RIG: LazyLock<Mutex<Rig>> = LazyLock::new(|| {
    let make = |folder: &std::path::Path| {
        for length in LENGTHS {
            write(folder.join(length.to_string()), content(length));
        }
        StaticFiles::new(folder).unwrap()
    };
    Mutex::new(Rig::new(make, |_| async { Ok(Response::new(Body::empty())) }))
});

/// The first byte says which file, each line of the rest is a `range`.
pub(super) fn check(input: &[u8]) {
    let Some((first, ranges)) = input.split_first() else { return };
    let length = LENGTHS[usize::from(*first) % LENGTHS.len()];
    let rig = RIG.lock().unwrap_or_else(PoisonError::into_inner);
    let fields = lines(ranges).map(|line| ("range", line));
    let Some(answer) = rig.get(&format!("/static/{length}"), fields) else { return };
    let sent = sent(&answer, length);
    let shown = ranges.escape_ascii();
    match plain(ranges) {
        None => {}
        Some(_) if length == 0 => assert_ne!(answer.status, 206, "{shown}"),
        Some(asked) => assert_eq!(sent, within(asked, length as u128), "{shown} of {length}"),
    }
}

/// Which part it is: first and last byte; `None` for 416.
fn sent(answer: &Answer, length: usize) -> Option<(u128, u128)> {
    let all = content(length);
    assert!(answer.is_whole);
    assert!(answer.body.len() <= length);
    let told = answer.field("content-range");
    match answer.status {
        200 => {
            assert!(told.is_none() && answer.body == all);
            Some((0, (length as u128).saturating_sub(1)))
        }
        206 => {
            let told = told.and_then(|told| told.strip_prefix("bytes ")).expect("which part it is");
            let (part, of) = told.split_once('/').expect("of how much");
            let (first, last) = part.split_once('-').expect("from where to where");
            let [first, last, of] =
                [first, last, of].map(|number| number.parse::<usize>().expect("a number"));
            assert!(of == length && answer.body == all[first..=last], "{told}");
            Some((first as u128, last as u128))
        }
        416 => {
            assert_eq!(told, Some(&*format!("bytes */{length}")));
            assert!(
                answer.body.is_empty()
                    || answer.field("content-type") == Some("application/problem+json")
            );
            None
        }
        status => panic!("{status}"),
    }
}

/// What one plain range asks for.
#[derive(Clone, Copy)]
enum Asked {
    From(u128, Option<u128>),
    Last(u128),
}

/// RFC 9110, 14.1.2; `None` for all that is more, or less, than one range.
fn plain(text: &[u8]) -> Option<Asked> {
    let text = std::str::from_utf8(text).ok()?;
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(first) || !is_number(last) {
        return None;
    }
    let number = |text: &str| text.parse().unwrap_or(u128::MAX);
    match (first, last) {
        ("", "") => None,
        ("", last) => Some(Asked::Last(number(last))),
        (first, "") => Some(Asked::From(number(first), None)),
        // What is longer than a number can be is not looked at more closely here.
        (first, last) if first.len().max(last.len()) > 19 => None,
        (first, last) => {
            let (first, last) = (number(first), number(last));
            (first <= last).then_some(Asked::From(first, Some(last)))
        }
    }
}

fn within(asked: Asked, length: u128) -> Option<(u128, u128)> {
    match asked {
        Asked::Last(0) => None,
        Asked::Last(bytes) => Some((length.saturating_sub(bytes), length - 1)),
        Asked::From(first, _) if first >= length => None,
        Asked::From(first, last) => Some((first, last.unwrap_or(u128::MAX).min(length - 1))),
    }
}

/// No two parts of it are alike.
fn content(length: usize) -> Vec<u8> {
    let words = (0_usize..).map(|index| format!("{index};"));
    words.flat_map(String::into_bytes).take(length).collect()
}
