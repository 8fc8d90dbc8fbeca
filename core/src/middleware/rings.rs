//! Where middleware can stand.

use std::fmt;
use std::ops::BitOr;

/// One of the rings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ring {
    /// Around each inbound HTTP request. Errors have become responses there.
    Edge,
    /// Around each call of a module or script, whoever makes it. Errors are typed there.
    Call,
    /// Around each request that leaves the process, once `allowed_hosts` has let it pass. Errors are
    /// typed there.
    Upstream,
}

impl Ring {
    /// All of them, outermost first.
    pub const ALL: [Self; 3] = [Self::Edge, Self::Call, Self::Upstream];

    /// `edge`, `call` or `upstream`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Call => "call",
            Self::Upstream => "upstream",
        }
    }
}

impl fmt::Display for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Some of the rings: `Rings::EDGE | Rings::CALL`.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Rings(u8);

impl Rings {
    /// None: for a middleware that only has an [`Endpoint`](crate::Endpoint).
    pub const NONE: Self = Self(0);
    /// Around each inbound HTTP request.
    pub const EDGE: Self = Self::of(Ring::Edge);
    /// Around each call of a module or script.
    pub const CALL: Self = Self::of(Ring::Call);
    /// Around each request that leaves the process.
    pub const UPSTREAM: Self = Self::of(Ring::Upstream);

    /// That one alone.
    pub const fn of(ring: Ring) -> Self {
        Self(1 << ring as u8)
    }

    /// Whether `ring` is among them.
    pub const fn contains(self, ring: Ring) -> bool {
        self.0 & Self::of(ring).0 != 0
    }

    /// Each of them, outermost first.
    pub fn iter(self) -> impl Iterator<Item = Ring> {
        Ring::ALL.into_iter().filter(move |ring| self.contains(*ring))
    }
}

impl BitOr for Rings {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl From<Ring> for Rings {
    fn from(ring: Ring) -> Self {
        Self::of(ring)
    }
}

impl fmt::Debug for Rings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
