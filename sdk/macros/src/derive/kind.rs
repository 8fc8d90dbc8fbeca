//! Types, as far as a macro sees them.

use proc_macro::{TokenStream, TokenTree};

/// What a type is, as far as its tokens tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Whole,
    Decimal,
    Text,
    List,
    /// Neither size nor form: `bool` or `char`.
    Plain(&'static str),
    Optional(&'static Kind),
    Unknown,
}

impl Kind {
    pub(crate) fn of(type_: &TokenStream) -> Self {
        let mut tokens = type_.clone().into_iter();
        let Some(TokenTree::Ident(name)) = tokens.next() else { return Self::Unknown };
        let is_alone = tokens.next().is_none();
        match name.to_string().as_str() {
            "u8" | "u16" | "u32" | "u64" | "u128" | "usize" | "i8" | "i16" | "i32" | "i64"
            | "i128" | "isize"
                if is_alone =>
            {
                Self::Whole
            }
            "f32" | "f64" if is_alone => Self::Decimal,
            "String" if is_alone => Self::Text,
            "bool" if is_alone => Self::Plain("bool"),
            "char" if is_alone => Self::Plain("char"),
            "Vec" | "BTreeMap" | "HashMap" if !is_alone => Self::List,
            "Option" if !is_alone => match Self::of(&argument(type_)) {
                Self::Whole => Self::Optional(&Self::Whole),
                Self::Decimal => Self::Optional(&Self::Decimal),
                Self::Text => Self::Optional(&Self::Text),
                Self::List => Self::Optional(&Self::List),
                Self::Plain("bool") => Self::Optional(&Self::Plain("bool")),
                Self::Plain(_) => Self::Optional(&Self::Plain("char")),
                Self::Optional(_) | Self::Unknown => Self::Optional(&Self::Unknown),
            },
            "Box" if !is_alone => Self::of(&argument(type_)),
            _ => Self::Unknown,
        }
    }

    pub(crate) fn is_optional(self) -> bool {
        matches!(self, Self::Optional(_))
    }

    /// What is in an option, or the type itself.
    pub(crate) fn inside(self) -> Self {
        match self {
            Self::Optional(inside) => *inside,
            other => other,
        }
    }
}

/// `T` of `Option<T>`.
fn argument(type_: &TokenStream) -> TokenStream {
    let tokens: Vec<_> = type_.clone().into_iter().skip(2).collect();
    let count = tokens.len().saturating_sub(1);
    tokens.into_iter().take(count).collect()
}
