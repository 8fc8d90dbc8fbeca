//! The SDK before a host that is not quite as it should be.

#![allow(unsafe_code, clippy::unwrap_used)]

use std::ffi::c_void;
use std::ptr::{null, null_mut};
use std::sync::Mutex;

use mik_plugin::abi::{self, HostTable, PluginTable, Str};
use mik_plugin::{Action, Host, Outcome, Plugin, RequestHead};

struct Nothing;

impl Plugin for Nothing {
    type State = ();

    fn new(config: &str, host: &Host) -> Outcome<Self> {
        // None of these may need more than the host has.
        host.log(mik_plugin::Level::Info, "hello");
        host.count("seen", 1);
        host.record("size", 1.0);
        assert_eq!(host.unix_time().as_nanos(), 0);
        if config == "fail" { Err("as told".into()) } else { Ok(Self) }
    }

    fn on_request(&self, request: &mut RequestHead<'_>, _: &mut ()) -> Outcome<Action> {
        assert_eq!(
            (request.method(), request.peer(), request.headers().get("a")),
            ("", None, None)
        );
        request.headers_mut().set("a", "b")?;
        Ok(Action::Continue)
    }
}

mik_plugin::export!(Nothing, name = "nothing");

fn table() -> &'static PluginTable {
    let table = mik_plugin_query(null());
    // SAFETY: it is the table of this very file.
    unsafe { &*table }
}

/// What was explained last.
static WHY: Mutex<String> = Mutex::new(String::new());

unsafe extern "C" fn explain(_: *mut abi::Context, _: *mut abi::Request, why: Str) {
    // SAFETY: it is valid for the call.
    let why = unsafe { why.bytes() }.unwrap();
    *WHY.lock().unwrap() = String::from_utf8_lossy(why).into_owned();
}

fn create(host: *const HostTable, config: &[u8]) -> (i32, *mut c_void) {
    let mut plugin = null_mut();
    // SAFETY: all is valid for the call, and no plugin here uses its context.
    let code = unsafe { table().create.unwrap()(host, null_mut(), Str::new(config), &mut plugin) };
    (code, plugin)
}

#[test]
fn a_host_that_lacks_functions_makes_no_plugin_crash() {
    let host = HostTable { explain: Some(explain), ..HostTable::EMPTY };
    let (code, plugin) = create(&host, b"{}");
    assert_eq!(code, abi::OK);
    assert!(!plugin.is_null());
    let mut state = null_mut();
    // SAFETY: this host has no function that would look at the request.
    let code = unsafe { table().request_head.unwrap()(plugin, null_mut(), &mut state) };
    assert_eq!((code, state), (abi::FAILED, null_mut()));
    assert_eq!(*WHY.lock().unwrap(), "the host could not do it");
    // SAFETY: it was made above, and is not used any more.
    unsafe { table().destroy.unwrap()(plugin) };
    assert_eq!(create(&host, b"fail"), (abi::FAILED, null_mut()));
    assert_eq!(*WHY.lock().unwrap(), "as told");
    assert_eq!(create(&host, b"\xff").0, abi::FAILED);
}

#[test]
fn a_host_that_does_not_fit_is_refused() {
    assert_eq!(create(null(), b"{}").0, abi::INVALID);
    let small = HostTable { size: abi::LEAST_HOST as u32 - 1, ..HostTable::EMPTY };
    assert_eq!(create(&small, b"{}").0, abi::INVALID);
    let other = HostTable { abi_major: abi::MAJOR + 1, ..HostTable::EMPTY };
    assert_eq!(create(&other, b"{}").0, abi::INVALID);
    let newer = HostTable { abi_minor: abi::MINOR + 1, ..HostTable::EMPTY };
    assert_eq!(create(&newer, b"{}").0, abi::OK);
}

#[test]
fn the_table_says_what_was_exported() {
    let table = table();
    // SAFETY: a table's texts live as long as the process.
    let texts = unsafe { (table.name.bytes(), table.version.bytes()) };
    assert_eq!(texts, (Some(&b"nothing"[..]), Some(env!("CARGO_PKG_VERSION").as_bytes())));
    assert_eq!(table.size as usize, size_of::<PluginTable>());
    assert_eq!((table.abi_major, table.abi_minor), (abi::MAJOR, abi::MINOR));
}
