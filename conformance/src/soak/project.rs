//! The project that is soaked.

use crate::{Mik, Origin, PATIENCE, Setup, eventually};

/// The token that lets a client into the module `closed`.
pub(super) const TOKEN: &str = "s3cret-token-of-a-soak";
/// More than this is refused as a request's body.
pub(super) const BODY: usize = 2 << 20;
/// The time for a head, a body, and a write without progress.
pub(super) const TIME: std::time::Duration = std::time::Duration::from_secs(5);

/// A place for an instance keeps pages for good, up to its share of `total_memory`: with the machine's half, memory
/// would creep up for many minutes until each place has once had the largest guest. And the worlds of scripts would be
/// as many as there ever were runs at once.
///
/// What fails on purpose, again and again, has no breaker: its circuit would hide most of the faults. `guarded`
/// has one.
const CONFIG: &str = r#"
[server]
static = "public"
[server.limits]
body_bytes = "2MiB"
head_time = "5s"
body_time = "5s"
write_time = "5s"
[engine]
total_memory = "256MiB"
[orchestrator]
reuse_idle = "1s"
[middleware.headers]
security = true
[middleware.compression]
inflate = true
[modules.closed.auth]
tokens = [{ env = "SOAK_TOKEN" }]
[modules.reused]
reuse = 50
[modules.limited.rate-limit]
requests = 20
[modules.recurse]
allowed_hosts = ["recurse.mik.internal"]
[modules.deep]
allowed_hosts = ["deep.mik.internal"]
[modules.spin]
timeout = "200ms"
[modules.hog]
memory = "16MiB"
[modules.trap.breaker]
enabled = false
[modules.spin.breaker]
enabled = false
[modules.hog.breaker]
enabled = false
[modules.half.breaker]
enabled = false
[modules.silent.breaker]
enabled = false
[modules.deep.breaker]
enabled = false
[modules.drill.breaker]
enabled = false
[modules.drill.fault]
delay = { rate = 0.25, time = "10ms" }
error = { rate = 0.25, kind = "trap" }
abort = { rate = 0.25, after = "5B" }
panic = { rate = 0.25 }
[modules.guarded.fault]
error = { rate = 0.5, status = 503 }
[modules.guarded.breaker]
consecutive = 3
open = "200ms"
max_open = "1s"
[scripts.failing.breaker]
enabled = false
"#;

const GUESTS: [&str; 13] = [
    "echo", "half", "hello", "hog", "inspect", "recurse", "silent", "sleep", "spin", "sse",
    "stream", "trap", "upstream",
];

/// Guests under other names.
const OTHERS: [(&str, &str); 6] = [
    ("hello", "closed"),
    ("echo", "reused"),
    ("hello", "limited"),
    ("recurse", "deep"),
    ("hello", "drill"),
    ("hello", "guarded"),
];

const SCRIPTS: [(&str, &str); 4] = [
    (
        "both",
        "export default async (input, host) => {
           const { hello, echo } = await host.all({
             hello: ['hello', {}], echo: ['echo', { body: { said: input.say } }],
           });
           return { hello: hello.body, echo: echo.body };
         };",
    ),
    ("through", "export default { fetch: (request, env) => env.echo.fetch('/', request) };"),
    (
        "chain",
        "export default async (_, host) => {
           let sum = 0;
           for (let i = 0; i < 5; i += 1) {
             const answer = await host.call('echo', { body: { i } });
             sum += answer.body.i;
           }
           return { sum };
         };",
    ),
    ("failing", "export default async (_, host) => (await host.call('trap')).body;"),
];

/// A file that is served, of which each part can be told from the others.
pub(super) fn page() -> Vec<u8> {
    (0..20_000).flat_map(|line| format!("line {line}\n").into_bytes()).collect()
}

/// Starts it. What leaves the process goes to `origin`.
pub(super) fn start(origin: &Origin, mik: Option<&std::path::Path>) -> Mik {
    let upstream = format!(
        "[modules.upstream]\nallowed_hosts = [\"hello.mik.internal\", \"localhost:{}\"]\n",
        origin.port()
    );
    let mut setup = Setup::new(&GUESTS)
        .config(&format!("{CONFIG}{upstream}"))
        .file("public/page.txt", page())
        .file("public/small.txt", "small\n")
        .env("SOAK_TOKEN", TOKEN);
    for (guest, name) in OTHERS {
        setup = setup.guest(guest, name);
    }
    for (name, text) in SCRIPTS {
        setup = setup.file(&format!("scripts/{name}.js"), text);
    }
    if let Some(mik) = mik {
        setup = setup.binary(mik);
    }
    let mik = setup.start();
    load(&mik);
    mik
}

/// Has all modules compiled, so that no call takes the time of one.
fn load(mik: &Mik) {
    let bearer = format!("Bearer {TOKEN}");
    let others = OTHERS.iter().map(|(_, name)| *name);
    for name in GUESTS.into_iter().chain(others) {
        let target = format!("/run/{name}/?ms=1");
        let fields = [("authorization", &*bearer)];
        let is_compiled = || match mik.connect().request("GET", &target, &fields, b"") {
            Ok(answer) => answer.kind() != Some("overloaded"),
            Err(_) => false,
        };
        eventually(PATIENCE, is_compiled);
    }
}
