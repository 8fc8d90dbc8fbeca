//! What `mik run` tells when it is ready: its address, the routes, and what each module and script is granted.

use std::net::SocketAddr;

use mik_core::{Grants, Host, ModuleGrant, ModuleName, Target};
use serde_json::{Value, json};

use crate::log::Log;
use crate::output::columns;
use crate::plan::Plan;

/// Opens the log with the address, the routes of `host`, and what each module and script may use.
pub(crate) fn ready(log: &Log, address: SocketAddr, plan: &Plan, host: &Host) {
    let routes = host.routes();
    let grants = |target: &Target| match target {
        Target::Module(name) => Some(plan.settings(name).grants.clone()),
        Target::Script(name) => Some(plan.script_settings(name).grants.clone()),
        _ => None,
    };
    let rows: Vec<_> = routes
        .iter()
        .map(|(route, target)| {
            let granted = grants(target).map_or_else(String::new, |grants| text(&grants));
            [route.clone(), target.to_string(), granted]
        })
        .collect();
    let machine: Value = routes
        .iter()
        .map(|(route, target)| {
            let grants = grants(target).unwrap_or_default();
            let env: Vec<_> = grants.env.iter().map(|(name, _)| name).collect();
            let hosts: Vec<_> = grants.allowed_hosts.iter().map(ToString::to_string).collect();
            let modules: Value = match &grants.modules {
                ModuleGrant::None => json!([]),
                ModuleGrant::All => "all".into(),
                ModuleGrant::Only(names) => names.iter().map(ModuleName::as_str).collect(),
            };
            json!({
                "route": route, "target": target.to_string(), "env": env, "allowed_hosts": hosts,
                "modules": modules,
            })
        })
        .collect();
    let engine = plan.engine.value.clone();
    let orchestrator = host.orchestrator().map(|orchestrator| orchestrator.name().to_owned());
    let line = format_args!("listening on http://{address}");
    let fields =
        [("routes", machine), ("engine", engine.into()), ("orchestrator", orchestrator.into())];
    log.open(line, &columns(&rows), "serving", fields);
}

/// The grants in a few words; names of variables only, never their values.
fn text(grants: &Grants) -> String {
    let names: Vec<_> = grants.env.iter().map(|(name, _)| name.as_str()).collect();
    let mut parts = Vec::new();
    if !names.is_empty() {
        parts.push(format!("env {}", names.join(", ")));
    }
    match &grants.modules {
        ModuleGrant::None => {}
        ModuleGrant::All => parts.push("may call all modules".into()),
        ModuleGrant::Only(names) if names.is_empty() => parts.push("may call no module".into()),
        ModuleGrant::Only(names) => {
            let names: Vec<_> = names.iter().map(ModuleName::as_str).collect();
            parts.push(format!("may call {}", names.join(", ")));
        }
    }
    if !grants.allowed_hosts.is_empty() {
        parts.push(format!("may call {}", grants.allowed_hosts));
    }
    if parts.is_empty() { "nothing granted".into() } else { parts.join("; ") }
}
