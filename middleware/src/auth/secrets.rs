//! Secrets as digests, compared without telling how much of one was right.

use std::fmt;

use mik_core::SettingsError;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// Longest secret, in bytes: more is not even looked at.
const LONGEST: usize = 4_096;
/// Most secrets of one kind; each request is compared with all.
const MOST: usize = 1_000;

/// What lets a client in. Only digests are kept.
#[derive(Clone, Default)]
pub(super) struct Secrets(Vec<[u8; 32]>);

impl Secrets {
    /// Those that a program gives; `what` they are stands in messages.
    pub(super) fn given<T: AsRef<str>>(
        what: &str,
        all: impl IntoIterator<Item = T>,
    ) -> Result<Self, SettingsError> {
        let mut secrets = Self::default();
        for secret in all {
            secrets.add(secret.as_ref(), what)?;
        }
        match secrets.is_empty() {
            true => Err(SettingsError::new(format!("without {what} nobody could come in"))),
            false => Ok(secrets),
        }
    }

    /// Adds one, which stands at `place`.
    pub(super) fn add(&mut self, secret: &str, place: &str) -> Result<(), SettingsError> {
        let fault = if secret.is_empty() {
            "is empty"
        } else if secret.len() > LONGEST {
            "is longer than 4096 bytes"
        } else if !secret.bytes().all(|b| b.is_ascii_graphic()) {
            "has characters other than visible ASCII"
        } else if self.0.len() == MOST {
            "is one too many: at most 1000 can be checked"
        } else {
            self.0.push(digest(secret.as_bytes()));
            return Ok(());
        };
        Err(SettingsError::new(format!("{place} {fault}")))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `presented` is one of them. It is compared with each, as a digest and to the last byte, so
    /// that the time tells neither how long they are, nor which one is near, nor how near it is.
    pub(super) fn have(&self, presented: &[u8]) -> bool {
        if presented.len() > LONGEST {
            return false;
        }
        let presented = digest(presented);
        let none = Choice::from(0);
        self.0.iter().fold(none, |found, known| found | known.ct_eq(&presented)).into()
    }
}

fn digest(secret: &[u8]) -> [u8; 32] {
    Sha256::digest(secret).into()
}

/// Says how many there are, and nothing of them.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} secrets", self.0.len())
    }
}
