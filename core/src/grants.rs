//! What a module or script is allowed beyond computing.

use std::collections::BTreeSet;

use http::Uri;

use crate::caller;
use crate::outbound::{AllowedHosts, is_sound};
use crate::{ModuleName, Target};

/// What a module or script is allowed beyond computing. Everything is denied by default.
#[derive(Debug, Clone, Default)]
pub struct Grants {
    /// Environment variables that the guest sees. None of the host's own is ever among them unasked.
    pub env: Vec<(String, String)>,
    /// Hosts that outgoing requests may go to, modules and scripts of this host among them.
    pub allowed_hosts: AllowedHosts,
    /// Modules of this host that may be called besides those that `allowed_hosts` names. Scripts and
    /// other hosts are never among them.
    pub modules: ModuleGrant,
}

/// Which modules of this host may be called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ModuleGrant {
    /// None.
    #[default]
    None,
    /// Every module, also one that is added later.
    All,
    /// These.
    Only(BTreeSet<ModuleName>),
}

impl Grants {
    /// Whether the module `name` of this host may be called, should it be there.
    pub fn may_call(&self, name: &str) -> bool {
        let Some(uri) = caller::uri_of_module(name) else { return false };
        self.modules.covers(name) || self.allowed_hosts.allow(&uri)
    }

    /// Whether a request to `uri`, at which `target` answers within this process, may be sent.
    pub(crate) fn allow(&self, uri: &Uri, target: &Target) -> bool {
        let is_named = matches!(target, Target::Module(name) if self.modules.covers(name.as_str()));
        is_named && is_sound(uri) || self.allowed_hosts.allow(uri)
    }
}

impl ModuleGrant {
    fn covers(&self, name: &str) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Only(names) => names.contains(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(names: &[&str]) -> ModuleGrant {
        ModuleGrant::Only(names.iter().map(|name| ModuleName::new(name).unwrap()).collect())
    }

    #[test]
    fn modules_are_granted_by_name_or_by_host() {
        let all = Grants { modules: ModuleGrant::All, ..Grants::default() };
        assert!(all.may_call("orders") && all.may_call("Orders"));
        for unreachable in ["a..b", "a.", "x.script", "x.SCRIPT", "-a", ""] {
            assert!(!all.may_call(unreachable), "{unreachable}");
        }
        let orders = Grants { modules: only(&["orders"]), ..Grants::default() };
        assert!(orders.may_call("orders") && !orders.may_call("users"));
        let allowed_hosts = ["orders.mik.internal".parse().unwrap()].into_iter().collect();
        let host = Grants { allowed_hosts, ..Grants::default() };
        assert!(host.may_call("orders") && !host.may_call("users"));
        assert!(!Grants::default().may_call("orders"));
    }

    #[test]
    fn a_grant_of_modules_opens_neither_scripts_nor_other_hosts() {
        let all = Grants { modules: ModuleGrant::All, ..Grants::default() };
        let name = ModuleName::new("orders").unwrap();
        let allow = |uri: &str, target| all.allow(&uri.parse().unwrap(), &target);
        assert!(allow("http://orders.mik.internal/", Target::Module(name.clone())));
        assert!(!allow("http://u@orders.mik.internal/", Target::Module(name.clone())));
        assert!(!allow("http://orders.script.mik.internal/", Target::Script(name)));
        assert!(!allow("http://example.com/", Target::Upstream("example.com".into())));
    }
}
