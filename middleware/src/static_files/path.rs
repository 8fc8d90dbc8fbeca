//! From the path of a request to the name of a file.

/// A file or folder below the root, as a request names it: segments that mean nothing but themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FilePath {
    text: String,
    is_folder: bool,
}

impl FilePath {
    /// Takes the path of a request, below the prefix and still percent-encoded. It is decoded once.
    ///
    /// `None` for whatever could mean anything but a file below the root, here or to another system: empty
    /// segments, `.` and `..`, slashes, backslashes and control characters that were encoded, drive letters,
    /// what is not UTF-8, and, unless `dotfiles`, names that start with a dot. `.well-known` (RFC 8615) is
    /// there to be seen.
    pub(super) fn decode(path: &str, dotfiles: bool) -> Option<Self> {
        let path = path.strip_prefix('/')?;
        let (path, is_folder) = match path.strip_suffix('/') {
            _ if path.is_empty() => return Some(Self { text: String::new(), is_folder: true }),
            Some(path) => (path, true),
            None => (path, false),
        };
        let mut text = String::with_capacity(path.len());
        for (index, segment) in path.split('/').enumerate() {
            let name = decode(segment)?;
            let is_hidden = name.starts_with('.') && (index > 0 || name != ".well-known");
            if !is_plain(&name) || (is_hidden && !dotfiles) {
                return None;
            }
            if index > 0 {
                text.push('/');
            }
            text.push_str(&name);
        }
        Some(Self { text, is_folder })
    }

    /// A path that is written plainly, in a table or in code.
    pub(super) fn plain(text: &str) -> Option<Self> {
        let is_plain = !text.is_empty() && text.split('/').all(is_plain);
        is_plain.then(|| Self { text: text.to_owned(), is_folder: false })
    }

    /// Relative to the root; the root itself is empty.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it ends in a slash: then it names no file.
    pub(super) fn is_folder(&self) -> bool {
        self.is_folder
    }

    /// The last segment; that of the root is empty.
    pub(super) fn last(&self) -> &str {
        self.text.rsplit('/').next().unwrap_or_default()
    }

    /// The file beside this one whose name goes on with `extension`; the root has none.
    pub(super) fn with_extension(&self, extension: &str) -> Option<Self> {
        let text = (!self.text.is_empty()).then(|| format!("{}{extension}", self.text))?;
        Some(Self { text, is_folder: false })
    }

    /// The file `name` in this folder.
    pub(super) fn join(&self, name: &Self) -> Self {
        let text = match self.text.as_str() {
            "" => name.text.clone(),
            folder => format!("{folder}/{}", name.text),
        };
        Self { text, is_folder: false }
    }
}

/// Whether a segment names what lies in its folder, on any system.
fn is_plain(name: &str) -> bool {
    let bytes = name.as_bytes();
    let is_drive = matches!(bytes, [letter, b':', ..] if letter.is_ascii_alphabetic());
    let is_stepping = matches!(name, "" | "." | "..");
    !is_stepping && !is_drive && !bytes.iter().any(|b| b.is_ascii_control() || b"/\\".contains(b))
}

fn decode(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => hex(rest.next()?)? << 4 | hex(rest.next()?)?,
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// A segment as it stands in a URL.
pub(super) fn encode(segment: &str) -> String {
    let mut text = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        match byte {
            b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => text.push(char::from(b)),
            b => text.push_str(&format!("%{b:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoded(path: &str) -> Option<String> {
        FilePath::decode(path, false).map(|path| path.text)
    }

    #[test]
    fn what_names_a_file_is_decoded_once() {
        for (path, file) in [
            ("/", ""),
            ("/a.txt", "a.txt"),
            ("/a/b.txt", "a/b.txt"),
            ("/a/b/", "a/b"),
            ("/a%20b", "a b"),
            ("/%C3%A4%c3%b6", "äö"),
            ("/%252e%252e", "%2e%2e"),
            ("/%2541", "%41"),
            ("/a..b", "a..b"),
            ("/...txt", "...txt"),
            ("/a+b", "a+b"),
            ("/C", "C"),
            ("/1:2", "1:2"),
            ("/.well-known/x", ".well-known/x"),
        ] {
            let dotted = file.starts_with("...");
            let found = FilePath::decode(path, dotted).map(|path| path.text);
            assert_eq!(found.as_deref(), Some(file), "{path}");
        }
    }

    #[test]
    fn what_could_mean_something_else_is_nothing() {
        for path in [
            "",
            "a",
            "//",
            "//etc/passwd",
            "/a//b",
            "/a//",
            "/.",
            "/..",
            "/../x",
            "/a/../b",
            "/a/./b",
            "/%2e%2e/x",
            "/.%2e/x",
            "/%2E./x",
            "/%2e",
            "/%2e%2e%2fx",
            "/..%2fx",
            "/a%2fb",
            "/a%2Fb",
            "/..%5cx",
            "/a\\b",
            "/a%5Cb",
            "/a%00",
            "/%00",
            "/a%0a",
            "/a%7f",
            "/%c0%af",
            "/%c0%ae%c0%ae/x",
            "/%ff",
            "/%e4",
            "/C:",
            "/c:/x",
            "/C%3a/x",
            "/%",
            "/%4",
            "/%zz",
            "/%+1",
            "/.git/config",
            "/a/.env",
            "/%2egit",
            "/a/.well-known",
        ] {
            assert_eq!(decoded(path), None, "{path}");
        }
        assert!(FilePath::decode("/.git/config", true).is_some());
        assert_eq!(FilePath::decode("/..", true), None);
    }

    proptest! {
        #[test]
        fn no_path_leaves_the_root(path in "(/|%2f|%2e|\\.|%5c|\\\\|%00|a|%|%25|C:|%c0%af|ä){0,12}") {
            if let Some(path) = FilePath::decode(&path, true) {
                let steps = std::path::Path::new(&path.text).components();
                let mut names = 0;
                for step in steps {
                    prop_assert!(matches!(step, std::path::Component::Normal(_)), "{path:?}");
                    names += 1;
                }
                let segments = path.text.split('/').filter(|segment| !segment.is_empty()).count();
                prop_assert_eq!(names, segments);
            }
        }

        #[test]
        fn a_name_comes_back_from_its_url(name in "\\PC{1,20}") {
            prop_assume!(is_plain(&name));
            let url = format!("/{}", encode(&name));
            prop_assert!(url.is_ascii());
            let path = FilePath::decode(&url, true);
            prop_assert_eq!(path.as_ref().map(FilePath::as_str), Some(name.as_str()));
        }
    }
}
