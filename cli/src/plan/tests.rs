//! Precedence, grants, routes and middleware, against folders that are made up.

mod scripts;

use std::fs;
use std::sync::Arc;

use mik_core::{BoxFuture, Call, CallError, Middleware, Next, Request, Response, Rings};

use super::*;
use crate::config::Severity;

struct Named(&'static str);

impl Middleware for Named {
    fn name(&self) -> &str {
        self.0
    }

    fn rings(&self) -> Rings {
        Rings::EDGE
    }

    fn handle<'a>(
        &'a self,
        r: Request,
        c: Call,
        n: Next,
    ) -> BoxFuture<'a, Result<Response, CallError>> {
        n.run(r, c)
    }
}

/// A registry that knows an engine `fake` and three middleware.
fn parts() -> Registry {
    let mut registry = Registry::new();
    registry.engine("fake", |_, _| Err(mik_core::SettingsError::new("never made here")));
    registry.absent_engine("wasmtime", "wasmtime");
    for name in ["access-log", "b", "c"] {
        let entry = registry.middleware(name, move |_| Ok(Arc::new(Named(name))));
        if name == "access-log" {
            entry.on();
        }
    }
    registry.absent_middleware("gone", "gone");
    registry
}

struct Project(tempfile::TempDir);

impl Project {
    fn new(toml: &str, modules: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("mik.toml"), toml).unwrap();
        fs::create_dir(folder.path().join("modules")).unwrap();
        for module in modules {
            fs::write(folder.path().join("modules").join(module), "").unwrap();
        }
        Self(folder)
    }

    fn args(&self) -> ProjectArgs {
        ProjectArgs {
            path: Some(self.0.path().into()),
            engine: Some("fake".into()),
            ..ProjectArgs::default()
        }
    }

    fn plan_with(&self, args: &ProjectArgs) -> Result<Plan, Failure> {
        Plan::new(args, &parts())
    }

    fn plan(&self) -> Plan {
        self.plan_with(&self.args()).unwrap()
    }
}

fn messages(plan: &Plan, severity: Severity) -> Vec<String> {
    let of_severity = plan.problems.iter().filter(|problem| problem.severity == severity);
    of_severity.map(|problem| problem.message.clone()).collect()
}

fn name(name: &str) -> ModuleName {
    ModuleName::new(name).unwrap()
}

#[test]
fn a_flag_goes_before_the_file_and_the_file_before_the_default() {
    let plan = Project::new("", &[]).plan();
    assert_eq!((plan.port.value, plan.port.origin), (3000, Origin::Default));
    assert_eq!(plan.host.value.as_str(), "127.0.0.1");
    let project =
        Project::new("[server]\nport = 80\nhost = \"::\"\n[engine]\nname = \"other\"", &[]);
    let plan = project.plan();
    assert_eq!((plan.port.value, plan.port.origin), (80, Origin::File));
    assert_eq!((&*plan.engine.value, plan.engine.origin), ("fake", Origin::Flag));
    let args = ProjectArgs {
        port: Some(0),
        origins: [("port", Origin::Environment)].into(),
        ..project.args()
    };
    let plan = project.plan_with(&args).unwrap();
    assert_eq!((plan.port.value, plan.port.origin), (0, Origin::Environment));
}

#[test]
fn an_unknown_engine_is_wrong_usage_by_flag_and_a_problem_by_file() {
    let project = Project::new("[engine]\nname = \"fale\"", &[]);
    let plan = project.plan_with(&ProjectArgs { engine: None, ..project.args() }).unwrap();
    let problem = plan.problems.iter().next().unwrap();
    assert_eq!(problem.message, "there is no engine \"fale\". Compiled in: fake");
    assert_eq!(problem.help.as_deref(), Some("did you mean `fake`?"));
    assert!(problem.span.is_some());
    let args = ProjectArgs { engine: Some("wasmtime".into()), ..project.args() };
    let failure = project.plan_with(&args).unwrap_err();
    assert_eq!(failure.exit_code(), 2);
    assert!(failure.to_string().contains("--features wasmtime"), "{failure}");
    let args = ProjectArgs { orchestrator: Some("rquickjs".into()), ..project.args() };
    assert_eq!(project.plan_with(&args).unwrap_err().exit_code(), 2);
}

#[test]
fn settings_go_from_the_engine_to_the_module() {
    let project = Project::new(
        "[engine]\nmemory = \"1MiB\"\nreuse = 5\n[modules.a]\nreuse = 7\nallowed_hosts = [\"x.example\"]\n",
        &["a.wasm", "b.wasm"],
    );
    let plan = project.plan();
    assert!(plan.problems.is_empty(), "{}", plan.problems);
    let [a, b] = ["a", "b"].map(|module| plan.settings(&name(module)));
    assert_eq!((a.limits.memory, a.limits.reuse), (b.limits.memory, 7));
    assert_eq!(b.limits.reuse, 5);
    assert_eq!(a.grants.allowed_hosts.to_string(), "x.example");
    assert!(b.grants.allowed_hosts.is_empty());
}

#[test]
fn the_environment_is_what_was_said_and_nothing_else() {
    let project = Project::new(
        "[modules.a.env]\nA = \"file\"\nB = \"b\"\nP = { from = \"PATH\" }",
        &["a.wasm", "b.wasm"],
    );
    let env = ["A=flag", "C=c"].map(|arg| arg.parse().unwrap()).to_vec();
    let plan = project.plan_with(&ProjectArgs { env, ..project.args() }).unwrap();
    let of = |module| plan.settings(&name(module)).grants.env.clone();
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let path = std::env::var("PATH").unwrap();
    assert_eq!(of("a"), [pair("B", "b"), pair("P", &path), pair("A", "flag"), pair("C", "c")]);
    assert_eq!(of("b"), [pair("A", "flag"), pair("C", "c")]);
    let env = vec!["MIK_NO_SUCH_VARIABLE".parse().unwrap()];
    let failure = project.plan_with(&ProjectArgs { env, ..project.args() }).unwrap_err();
    assert_eq!(failure.exit_code(), 2);
    let plan =
        Project::new("[modules.a.env]\nA = { from = \"MIK_NO_SUCH_VARIABLE\" }", &["a.wasm"])
            .plan();
    assert_eq!(
        messages(&plan, Severity::Error),
        ["the environment of mik has no variable `MIK_NO_SUCH_VARIABLE`"]
    );
}

#[test]
fn a_route_must_lead_somewhere_and_be_free() {
    let plan = Project::new(
        "[modules.a]\nroute = \"/x\"\n[modules.b]\nroute = \"/x\"\n[modules.c]\nroute = \"/run/y\"\n\
         [modules.oders]\nroute = \"/z\"\n[modules.nobody]\nreuse = 1\n",
        &["a.wasm", "b.wasm", "c.wasm", "orders.wasm"],
    )
    .plan();
    let errors = messages(&plan, Severity::Error);
    assert_eq!(errors.len(), 3, "{errors:?}");
    assert!(errors[0].contains("/x leads to `a` already"), "{errors:?}");
    assert!(errors[1].contains("/run is the host's own"), "{errors:?}");
    assert!(errors[2].contains("the module `oders`, which is not there"), "{errors:?}");
    assert_eq!(messages(&plan, Severity::Warning), ["there is no module `nobody`"]);
    assert!(plan.problems.to_string().contains("did you mean `orders`?"));
    assert_eq!(plan.mounts.len(), 1);
}

#[test]
fn the_route_flag_is_for_one_component() {
    let route = Some(RoutePath::root());
    let one = Project::new("", &["a.wasm"]);
    let plan = one.plan_with(&ProjectArgs { route: route.clone(), ..one.args() }).unwrap();
    assert_eq!(plan.mounts, [(RoutePath::root(), name("a"))]);
    let two = Project::new("", &["a.wasm", "b.wasm"]);
    let failure = two.plan_with(&ProjectArgs { route, ..two.args() }).unwrap_err();
    assert_eq!(failure.exit_code(), 2);
    assert!(failure.to_string().contains("there are 2"), "{failure}");
}

#[test]
fn every_bad_file_is_told() {
    let plan = Project::new(
        "",
        &["a.wasm", "a-composed.wasm", "b b.wasm", "c.wasm", "c-composed.wasm", ".d.wasm"],
    )
    .plan();
    let errors = messages(&plan, Severity::Error);
    assert_eq!(errors.len(), 3, "{errors:?}");
    assert!(plan.sound().is_err());
}

#[test]
fn paths_are_relative_to_the_file() {
    let project =
        Project::new("[server]\nmodules = \"dist\"\n[engine]\ncache_dir = \"cache\"", &[]);
    let plan = project.plan();
    assert_eq!(messages(&plan, Severity::Error).len(), 1);
    assert_eq!(plan.cache_dir().unwrap(), project.0.path().join("cache").to_str().unwrap());
    fs::create_dir(project.0.path().join("dist")).unwrap();
    assert_eq!(project.plan().modules.unwrap(), project.0.path().join("dist"));
}

#[test]
fn middleware_are_on_by_table_and_ordered() {
    let order = |toml: &str| {
        let plan = Project::new(toml, &[]).plan();
        assert!(!plan.problems.has_errors(), "{}", plan.problems);
        plan.middleware.iter().map(|placed| placed.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(order(""), ["access-log"]);
    assert_eq!(order("[middleware.access-log]\nenabled = false"), [""; 0]);
    assert_eq!(order("[middleware.b]\n[middleware.c]\n"), ["access-log", "b", "c"]);
    assert_eq!(
        order("[middleware]\norder = [\"c\"]\n[middleware.b]\n[middleware.c]\n"),
        ["c", "access-log", "b"]
    );
    assert_eq!(order("[middleware]\norder = [\"b\", \"access-log\"]\n"), ["access-log"]);
    assert_eq!(order("[middleware.gone]\nenabled = false"), ["access-log"]);
}

#[test]
fn an_unknown_middleware_is_told_with_what_there_is() {
    let plan = Project::new(
        "[middleware]\norder = [\"acces-log\"]\n[middleware.gone]\n[middleware.zzz]\n",
        &[],
    )
    .plan();
    let errors = messages(&plan, Severity::Error);
    assert_eq!(errors.len(), 3, "{errors:?}");
    assert!(errors[1].contains("--features gone"), "{errors:?}");
    assert!(errors[2].contains("Compiled in: access-log, b, c"), "{errors:?}");
    assert_eq!(
        plan.problems.iter().next().unwrap().help.as_deref(),
        Some("did you mean `access-log`?")
    );
}

#[test]
fn what_is_fixed_at_start_is_named_when_it_changes() {
    let start = Project::new("[server]\nport = 1\n", &[]).plan().fixed_settings();
    let text = "[server]\nport = 2\n[server.limits]\ndepth = 3\n[engine]\ntick = \"5ms\"\nmemory = \"1MiB\"\n";
    let next = Project::new(text, &[]).plan();
    let keys = stale(&start, next.fixed_settings());
    assert_eq!(keys, ["server.port", "server.limits.depth", "engine.tick"]);
}
