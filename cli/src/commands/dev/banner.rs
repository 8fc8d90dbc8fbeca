//! What `mik dev` tells when it is ready: addresses to click, what is watched, the keys.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use mik_core::{Host, ModuleName, Target};

use crate::output::columns;

/// How a client on this machine begins an address.
pub(super) fn base(address: SocketAddr) -> String {
    let mut address = address;
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{address}")
}

/// The addresses of everything that is served, and of `made`, the module that is built, which may come yet.
pub(super) fn addresses(base: &str, host: &Host, made: Option<&ModuleName>) -> String {
    let mut routes = host.routes();
    routes.sort_by_key(|(_, target)| match target {
        Target::Module(_) => 0,
        Target::Script(_) => 1,
        Target::Builtin(_) | Target::Upstream(_) | Target::Nothing => 2,
    });
    let mut rows: Vec<_> = routes
        .iter()
        .map(|(route, target)| [format!("{base}{}", start(route)), target.to_string()])
        .collect();
    if let Some(name) = made
        && !routes.iter().any(|(_, target)| is_module(target, name))
    {
        let row = [format!("{base}/run/{name}/"), format!("module {name}, once it is built")];
        rows.insert(0, row);
    }
    columns(&rows)
}

/// The path to look at first: where the module `made` is mounted, else where it is by its name, else any
/// module, script or file.
pub(super) fn first(host: &Host, made: Option<&ModuleName>) -> String {
    let routes = host.routes();
    let of = |is_it: &dyn Fn(&Target) -> bool| {
        let mut found = routes.iter().filter(|(_, target)| is_it(target));
        found.next().map(|(route, _)| start(route).to_owned())
    };
    let own = made.and_then(|name| of(&|target| is_module(target, name)));
    own.or_else(|| made.map(|name| format!("/run/{name}/")))
        .or_else(|| of(&|target| matches!(target, Target::Module(_))))
        .or_else(|| of(&|target| matches!(target, Target::Script(_))))
        .or_else(|| of(&|target| matches!(target, Target::Builtin("static"))))
        .unwrap_or_else(|| "/".to_owned())
}

fn is_module(target: &Target, name: &ModuleName) -> bool {
    matches!(target, Target::Module(module) if module == name)
}

/// The path that a pattern starts with.
fn start(pattern: &str) -> &str {
    pattern.strip_suffix('*').unwrap_or(pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_can_be_clicked() {
        for (address, expected) in [
            ("127.0.0.1:3000", "http://127.0.0.1:3000"),
            ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("[::]:3000", "http://[::1]:3000"),
            ("192.0.2.1:3000", "http://192.0.2.1:3000"),
        ] {
            assert_eq!(base(address.parse().unwrap()), expected);
        }
        assert_eq!([start("/run/a/*"), start("/health"), start("/*")], ["/run/a/", "/health", "/"]);
    }
}
