//! Scripts: where they lie, what runs them, what they may use.

use mik_core::ModuleGrant;

use super::*;
use crate::rig::Rig;

/// A project with scripts, and modules without content.
fn project(toml: &str, scripts: &[&str], modules: &[&str]) -> Project {
    let project = Project::new(toml, modules);
    fs::create_dir(project.0.path().join("scripts")).unwrap();
    for script in scripts {
        fs::write(project.0.path().join("scripts").join(script), "// nothing").unwrap();
    }
    project
}

fn plan_of(project: &Project) -> Plan {
    Plan::new(&project.args(), &Rig::new().registry).unwrap()
}

#[test]
fn scripts_beside_the_file_are_served_by_what_is_compiled_in() {
    let plan = plan_of(&project("", &["a.ts", "b.js", "mik.d.ts"], &["m.wasm"]));
    assert!(plan.problems.is_empty(), "{}", plan.problems);
    assert_eq!(plan.found_scripts.keys().map(ModuleName::as_str).collect::<Vec<_>>(), ["a", "b"]);
    let orchestrator = plan.orchestrator.unwrap();
    assert_eq!((&*orchestrator.value, orchestrator.origin), ("lines", Origin::Default));
    let plan = plan_of(&Project::new("", &["m.wasm"]));
    assert!(plan.scripts.is_none() && plan.problems.is_empty(), "{}", plan.problems);
}

#[test]
fn the_usual_orchestrator_goes_before_others() {
    let mut rig = Rig::new();
    rig.registry.orchestrator("rquickjs", |_| Err(mik_core::SettingsError::new("never made")));
    let project = project("", &["a.js"], &[]);
    let plan = Plan::new(&project.args(), &rig.registry).unwrap();
    assert_eq!(plan.orchestrator.unwrap().value, "rquickjs");
    let args = ProjectArgs { orchestrator: Some("lines".into()), ..project.args() };
    let plan = Plan::new(&args, &rig.registry).unwrap();
    assert_eq!(plan.orchestrator.unwrap().value, "lines");
}

#[test]
fn scripts_without_an_orchestrator_are_an_error_that_names_the_feature() {
    let mut registry = parts();
    registry.absent_orchestrator("boa", "boa");
    registry.absent_orchestrator("rquickjs", "rquickjs");
    let with = project("", &["a.js"], &[]);
    let plan = Plan::new(&with.args(), &registry).unwrap();
    let problem = plan.problems.iter().next().unwrap();
    assert!(problem.message.ends_with("needs an orchestrator, and none is compiled in"));
    assert_eq!(
        problem.help.as_deref(),
        Some("build with `--features rquickjs` or `--features boa`")
    );
    assert!(plan.sound().is_err());
    let plan = Plan::new(&Project::new("", &["m.wasm"]).args(), &registry).unwrap();
    assert!(plan.problems.is_empty(), "{}", plan.problems);
    let by_file = project("[orchestrator]\nname = \"boa\"", &["a.js"], &[]);
    let plan = Plan::new(&by_file.args(), &registry).unwrap();
    assert!(messages(&plan, Severity::Error)[0].contains("--features boa"));
}

#[test]
fn a_project_may_have_scripts_and_no_modules() {
    let project = project("", &["a.js"], &[]);
    let plan = plan_of(&project);
    assert!(plan.problems.is_empty(), "{}", plan.problems);
    // Empty, it is watched for what will be put there.
    assert!(plan.modules.is_some());
    fs::remove_dir(project.0.path().join("modules")).unwrap();
    let plan = plan_of(&project);
    assert!(plan.problems.is_empty(), "{}", plan.problems);
    assert!(plan.modules.is_none() && plan.scripts.is_some());
}

#[test]
fn a_folder_that_the_file_names_must_be_there_and_a_bad_file_is_told() {
    let plan = plan_of(&project("[server]\nscripts = \"no/\"", &[], &["m.wasm"]));
    assert!(messages(&plan, Severity::Error)[0].starts_with("there is no file or folder"));
    assert!(plan.problems.iter().next().unwrap().span.is_some());
    let plan = plan_of(&project("[server]\nscripts = \"scripts/a.ts\"", &["a.ts", "b.ts"], &[]));
    assert_eq!(plan.found_scripts.len(), 1);
    let plan = plan_of(&project("", &["a.ts", "a.js", "b b.js"], &["m.wasm"]));
    let errors = messages(&plan, Severity::Error);
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors.iter().any(|error| error.contains("both give the script \"a\"")), "{errors:?}");
    let plan = plan_of(&project("", &[], &["m.wasm"]));
    assert!(messages(&plan, Severity::Warning)[0].starts_with("there are no .js"));
}

#[test]
fn components_alone_bring_no_scripts() {
    let project = project("", &["a.js"], &["m.wasm"]);
    let args = ProjectArgs { path: Some(project.0.path().join("modules")), ..project.args() };
    assert!(Plan::new(&args, &Rig::new().registry).unwrap().scripts.is_none());
}

#[test]
fn settings_go_from_the_orchestrator_to_the_script() {
    let toml = "[orchestrator]\nmemory = \"2MiB\"\nreuse = 5\n\
                [scripts.a]\nreuse = 7\nmodules = [\"m\"]\nenv = { RATE = \"0.2\" }\n";
    let project = project(toml, &["a.js", "b.js"], &["m.wasm"]);
    let env = vec!["FLAG=x".parse().unwrap()];
    let args = ProjectArgs { env, ..project.args() };
    let plan = Plan::new(&args, &Rig::new().registry).unwrap();
    assert!(plan.problems.is_empty(), "{}", plan.problems);
    let [a, b] = ["a", "b"].map(|script| plan.script_settings(&name(script)));
    assert_eq!((a.limits.memory, a.limits.reuse), (b.limits.memory, 7));
    assert_eq!(b.limits.reuse, 5);
    assert_eq!(a.grants.modules, ModuleGrant::Only([name("m")].into()));
    assert_eq!(a.grants.env, [("RATE".to_owned(), "0.2".to_owned())], "--env is for modules");
    assert_eq!(b.grants.modules, ModuleGrant::All);
    assert!(a.grants.allowed_hosts.is_empty() && b.grants.allowed_hosts.is_empty());
    let rows = plan.named_settings();
    assert_eq!(rows.iter().map(|row| &*row.key).collect::<Vec<_>>(), ["scripts.a.reuse"]);
    let own = plan.orchestrator_settings();
    assert_eq!((&*own[1].key, &*own[1].value), ("orchestrator.stack", "512KiB"));
}

#[test]
fn what_a_script_names_must_be_there_and_be_one_thing() {
    let toml = "[scripts.chekout]\nreuse = 2\n[scripts.checkout]\nmodules = [\"orders\", \"user\"]\n\
                env = { orders = \"x\", users = \"x\" }\n[scripts.all]\nenv = { users = \"x\" }\n";
    let project = project(toml, &["checkout.js", "all.js"], &["orders.wasm", "users.wasm"]);
    let plan = plan_of(&project);
    assert_eq!(
        messages(&plan, Severity::Warning),
        ["there is no script `chekout`", "there is no module `user`"]
    );
    let text = plan.problems.to_string();
    for help in ["did you mean `checkout`?", "did you mean `users`?"] {
        assert!(text.contains(help), "{text}");
    }
    let errors: Vec<_> = plan.problems.iter().filter(|p| p.severity == Severity::Error).collect();
    assert_eq!(errors.len(), 2, "users is a variable where that module may not be called: {text}");
    assert_eq!(
        errors[0].message,
        "the variable `orders` has the name of the module `orders`, which the script `checkout` may \
         call"
    );
    assert!(errors[1].message.starts_with("the variable `users`"), "{text}");
    let document = plan.document.as_ref().unwrap();
    let marked = |problem: &Problem| document.text[problem.span.clone().unwrap()].to_owned();
    assert_eq!([marked(errors[0]), marked(errors[1])], ["orders", "users"]);
}

#[test]
fn the_orchestrator_gets_its_own_keys_alone_and_only_where_there_are_scripts() {
    let toml = "[orchestrator]\nname = \"lines\"\nmemory = \"2MiB\"\nstack = \"1MiB\"\nthreads = 3\n\
                trusted_scripts = true\n";
    let rig = Rig::new();
    let make = |project: &Project| {
        Plan::new(&project.args(), &rig.registry).unwrap().make_orchestrator(&rig.registry)
    };
    assert!(make(&Project::new(toml, &["m.wasm"])).unwrap().is_none());
    assert!(make(&project(toml, &["a.js"], &[])).unwrap().is_some());
    let expected = "stack = \"1MiB\"\nthreads = 3\ntrusted_scripts = true";
    assert_eq!(*rig.tables.lock().unwrap(), [toml::from_str::<toml::Table>(expected).unwrap()]);
    let failure = make(&project("[orchestrator]\nqueue = 13", &["a.js"], &[])).err().unwrap();
    assert!(failure.to_string().contains("bad luck"), "{failure}");
}

#[test]
fn a_host_has_the_scripts_of_the_plan() {
    let rig = Rig::new();
    let project = project("[scripts.a]\nmodules = []\n", &["a.js"], &[]);
    let plan = Plan::new(&project.args(), &rig.registry).unwrap().sound().unwrap();
    let engine = plan.make_engine(&rig.registry).unwrap();
    let host = plan.make_host(engine, plan.make_orchestrator(&rig.registry).unwrap()).unwrap();
    assert_eq!(host.script_counts(), Some((1, 0)));
    assert!(host.routes().iter().any(|(route, _)| route == "/script/a/*"));
}
