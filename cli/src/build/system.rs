//! How this system gets a tool.

use std::fs;
use std::sync::LazyLock;

/// A family of systems that share the command that installs something, and the names of packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum System {
    Debian,
    Fedora,
    Arch,
    Alpine,
    Suse,
    Mac,
    Other,
}

/// What a system may be asked to install.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Rustup,
    Npm,
    Python,
    Clang,
    /// The linker of WebAssembly.
    Linker,
    /// The C library of WASI and what clang needs with it.
    Library,
}

impl System {
    /// The one that this runs on.
    pub(super) fn here() -> Self {
        static HERE: LazyLock<System> = LazyLock::new(|| {
            if cfg!(target_os = "macos") {
                return System::Mac;
            }
            System::of(&fs::read_to_string("/etc/os-release").unwrap_or_default())
        });
        *HERE
    }

    /// The system that an `os-release` describes.
    fn of(release: &str) -> Self {
        let value = |key: &str| {
            let line = release.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
            line.unwrap_or_default().trim_matches('"').to_owned()
        };
        let ids = format!("{} {}", value("ID"), value("ID_LIKE"));
        let family = |id: &str| match id {
            "debian" | "ubuntu" => Some(Self::Debian),
            "fedora" | "rhel" | "centos" => Some(Self::Fedora),
            "arch" => Some(Self::Arch),
            "alpine" => Some(Self::Alpine),
            "suse" | "opensuse" => Some(Self::Suse),
            _ => None,
        };
        ids.split_whitespace().find_map(family).unwrap_or(Self::Other)
    }

    /// The command that gets `wanted`, or where it is to be had.
    pub(super) fn command(self, wanted: Wanted) -> String {
        match (self.install(), self.package(wanted)) {
            (Some(install), Some(package)) => format!("{install} {package}"),
            _ => elsewhere(wanted).to_owned(),
        }
    }

    fn install(self) -> Option<&'static str> {
        match self {
            Self::Debian => Some("sudo apt install"),
            Self::Fedora => Some("sudo dnf install"),
            Self::Arch => Some("sudo pacman -S"),
            Self::Alpine => Some("sudo apk add"),
            Self::Suse => Some("sudo zypper install"),
            Self::Mac => Some("brew install"),
            Self::Other => None,
        }
    }

    fn package(self, wanted: Wanted) -> Option<&'static str> {
        match (wanted, self) {
            // Rust of a distribution has no target for WebAssembly, or another.
            (Wanted::Rustup, _) => None,
            (Wanted::Npm, Self::Mac) => Some("node"),
            (Wanted::Npm, _) => Some("npm"),
            (Wanted::Python, Self::Debian) => Some("python3-venv"),
            (Wanted::Python, Self::Arch) => Some("python"),
            (Wanted::Python, _) => Some("python3"),
            (Wanted::Clang, Self::Mac) => Some("llvm"),
            (Wanted::Clang, _) => Some("clang"),
            (Wanted::Linker, _) => Some("lld"),
            (Wanted::Library, Self::Debian) => Some("wasi-libc libclang-rt-dev-wasm32"),
            (Wanted::Library, Self::Arch) => Some("wasi-libc wasi-compiler-rt"),
            (Wanted::Library, Self::Mac) => Some("wasi-libc wasi-runtimes"),
            (Wanted::Library, _) => None,
        }
    }
}

/// Where something is to be had that the system does not bring.
fn elsewhere(wanted: Wanted) -> &'static str {
    match wanted {
        Wanted::Rustup => "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh",
        Wanted::Npm => "https://nodejs.org/en/download",
        Wanted::Python => "https://www.python.org/downloads/",
        Wanted::Clang | Wanted::Linker | Wanted::Library => {
            "https://github.com/WebAssembly/wasi-sdk/releases, and let WASI_SDK_PATH name its folder"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_known_by_itself_or_by_what_it_is_like() {
        for (release, system) in [
            ("ID=debian\n", System::Debian),
            ("NAME=\"x\"\nID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", System::Debian),
            ("ID=fedora\nVERSION_ID=43\n", System::Fedora),
            ("ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\n", System::Suse),
            ("ID=manjaro\nID_LIKE=arch\n", System::Arch),
            ("ID=alpine\n", System::Alpine),
            ("ID=unheard-of\n", System::Other),
            ("", System::Other),
        ] {
            assert_eq!(System::of(release), system, "{release}");
        }
    }

    #[test]
    fn each_tool_has_one_command_or_place() {
        assert_eq!(System::Debian.command(Wanted::Clang), "sudo apt install clang");
        assert_eq!(System::Mac.command(Wanted::Npm), "brew install node");
        assert!(System::Fedora.command(Wanted::Library).contains("WASI_SDK_PATH"));
        assert!(System::Other.command(Wanted::Npm).starts_with("https://"));
        assert!(System::Arch.command(Wanted::Rustup).contains("rustup"));
    }
}
