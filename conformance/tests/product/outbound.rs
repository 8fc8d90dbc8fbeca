//! Names that lead to addresses of the host's own network. Row 37; the cases `host::allowed` have the rest of it.

use std::sync::LazyLock;

use mik_conformance::{Cases, Mik, Origin, Response, Setup};

static ORIGIN: LazyLock<Origin> = LazyLock::new(Origin::start);

static MIK: LazyLock<Mik> = LazyLock::new(|| {
    let names: Vec<_> = local_names().into_iter().map(|name| format!("\"{name}\"")).collect();
    let config = format!("[modules.upstream]\nallowed_hosts = [{}]\n", names.join(", "));
    Setup::new(&["hello", "upstream"]).config(&config).start()
});

/// Names other than `localhost` that this machine resolves to a loopback address: what a name that
/// rebinds comes to.
fn local_names() -> Vec<String> {
    let hosts = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    let local = hosts.lines().filter(|line| line.starts_with("127."));
    let names = local
        .flat_map(|line| line.split('#').next().unwrap_or_default().split_whitespace().skip(1));
    names.filter(|name| *name != "localhost").map(ToOwned::to_owned).collect()
}

fn denied(answer: &Response) -> Result<(), String> {
    let right = answer.status() == 502 && answer.text().contains("DestinationIpProhibited");
    if right { Ok(()) } else { Err(format!("expected a denial, got {answer}")) }
}

#[test]
fn row_37_addresses_of_the_hosts_own_network() {
    let port = ORIGIN.port();
    let mut cases = Cases::of("row 37");
    for name in local_names() {
        MIK.case(&mut cases, &format!("an allowed name that leads to loopback: {name}"), || {
            let target = format!("/run/upstream/?url=http://{name}:{port}/rebound");
            denied(&MIK.get(&target).map_err(|stop| format!("no response: {stop}"))?)
        });
    }
    let rebound = ORIGIN.requests("/rebound").len();
    cases.check("the origin saw nothing", rebound == 0, format!("{rebound} requests"));
    cases.finish();
}
