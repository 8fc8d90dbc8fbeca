//! An engine of one's own, whose modules are short texts.
