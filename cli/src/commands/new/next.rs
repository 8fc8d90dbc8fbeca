//! What `mik new` tells when it is done: above all the next three commands.

use std::fmt::Write as _;
use std::path::Path;

use super::Order;
use super::git::Repository;
use super::template::Template;

/// What was made, and how it goes on.
pub(super) fn told(order: &Order, repository: &Repository) -> String {
    let Order { path, name, template, .. } = order;
    let with = if *repository == Repository::Made { ", with a git repository" } else { "" };
    let mut text = format!("made {} from the template {template}{with}\n\n", path.display());
    let folder = (*path != Path::new(".")).then(|| format!("cd {}", quoted(path)));
    let commands = folder.into_iter().chain(commands(*template, name));
    for command in commands {
        let _ = writeln!(text, "  {command}");
    }
    if *template == Template::Scripts {
        // Nothing is built, so that the third command asks it already.
        return text.trim_end().to_owned();
    }
    let _ = write!(text, "\nThen: curl {}", address(*template, name));
    text
}

/// The commands after `cd`.
fn commands(template: Template, name: &str) -> Vec<String> {
    let own = |commands: &[&str]| commands.iter().map(ToString::to_string).collect();
    match template {
        Template::Rust | Template::C => own(&["mik build -rc", "mik dev"]),
        Template::RustWasi => own(&["mik build -r", "mik dev"]),
        Template::Js | Template::Ts => own(&["npm install", "mik dev"]),
        Template::Python => {
            own(&["python3 -m venv .venv && .venv/bin/pip install -r requirements.txt", "mik dev"])
        }
        Template::Scripts => {
            vec!["mik dev".to_owned(), format!("curl {}", address(template, name))]
        }
    }
}

fn address(template: Template, name: &str) -> String {
    match template {
        Template::Scripts => "http://127.0.0.1:3000/script/hello".to_owned(),
        _ => format!("http://127.0.0.1:3000/run/{name}/"),
    }
}

/// A path as a shell reads it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.,:@%+".contains(&byte);
    if text.bytes().all(plain) && !text.starts_with('-') {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told_of(path: &str, name: &str, template: Template, repository: &Repository) -> String {
        told(&Order { path: path.into(), name: name.to_owned(), template, git: true }, repository)
    }

    #[test]
    fn the_next_three_commands_stand_by_themselves() {
        let told = told_of("my-api", "my-api", Template::Rust, &Repository::Made);
        assert_eq!(
            told,
            "made my-api from the template rust, with a git repository\n\n  cd my-api\n  mik build -rc\n  mik dev\n\n\
             Then: curl http://127.0.0.1:3000/run/my-api/"
        );
        for template in Template::ALL {
            let told = told_of("a/b", "b", template, &Repository::Unneeded);
            let commands: Vec<_> = told.lines().filter(|line| line.starts_with("  ")).collect();
            assert_eq!((commands.len(), commands[0]), (3, "  cd a/b"), "{told}");
            assert!(told.contains("curl http://127.0.0.1:3000/"), "{told}");
        }
    }

    #[test]
    fn a_folder_is_quoted_where_a_shell_would_take_it_apart() {
        let told = |path| told_of(path, "x", Template::Js, &Repository::NoGit);
        assert!(told("my files/x").contains("  cd 'my files/x'\n"));
        assert!(told("it's/x").contains(r"  cd 'it'\''s/x'"));
        assert!(!told(".").contains("cd "));
    }
}
