//! Bodies that a script hands on: both ways at once, and far more than it may hold.

use std::io::Write;
use std::thread;

use super::*;

const MIB: usize = 1 << 20;
/// The most that mik may hold besides what it held before, in KiB: far less than what passes.
const HELD: u64 = 48 << 10;

const SCRIPTS: [(&str, &str); 5] = [
    // Both ways at once: the module gets the request's body, the client that of the module.
    ("echo.js", "export default { fetch: (request, env) => env.echo.fetch('/', request) };"),
    (
        "down.js",
        "export default { fetch: (_, env) => env.stream.fetch('/?chunks=1600&size=65536') };",
    ),
    (
        "dressed.js",
        "export default { async fetch(_, env) {
           const { body, status } = await env.stream.fetch('/?chunks=1600&size=65536');
           return new Response(body, { status, headers: { 'x-by': 'script' } });
         } };",
    ),
    (
        "short.js",
        "export default (_, host) =>
           host.call('stream', { path: '/?chunks=1600&size=65536', as: 'stream' });",
    ),
    (
        "up.js",
        "export default async (_, host) => {
           const { body } = host.request;
           const seen = await host.call('inspect', { method: 'POST', body });
           return seen.body.body_bytes;
         };",
    ),
];

fn start(orchestrator: &str) -> Mik {
    let config = "memory = \"16MiB\"\n[server.limits]\nbody_bytes = \"200MiB\"\n";
    setup(orchestrator, &["echo", "inspect", "stream"], &SCRIPTS, config).start()
}

/// Runs `work`, in which mik must not come to hold more than [`HELD`].
fn lean(mik: &Mik, work: impl FnOnce() -> Outcome) -> Outcome {
    let before = mik.memory();
    work()?;
    let held = mik.peak_memory().saturating_sub(before);
    if held < HELD { Ok(()) } else { Err(format!("{} MiB were held at once", held >> 10)) }
}

/// Sends so many MiB and reads what comes back at the same time; gives the status, how the body begins, and
/// how long it is.
fn upload(mik: &Mik, target: &str, mib: usize) -> Result<(u16, Vec<u8>, usize), String> {
    let mut raw = mik.connect();
    let fields = [("transfer-encoding", "chunked"), ("content-type", "application/octet-stream")];
    let head = request("POST", target, &fields, b"");
    raw.send(head).map_err(|error| error.to_string())?;
    let mut writer = raw.writer();
    let sender = thread::spawn(move || {
        let piece = vec![b'x'; MIB];
        for _ in 0..mib {
            writer.write_all(b"100000\r\n")?;
            writer.write_all(&piece)?;
            writer.write_all(b"\r\n")?;
        }
        writer.write_all(b"0\r\n\r\n")
    });
    let mut head = raw.head("POST").map_err(|stop| stop.to_string())?;
    let (mut start, mut bytes) = (Vec::new(), 0);
    while let Some(piece) = raw.piece(&mut head).map_err(|stop| stop.to_string())? {
        bytes += piece.len();
        let room = 100_usize.saturating_sub(start.len());
        start.extend_from_slice(&piece[..piece.len().min(room)]);
    }
    sender.join().map_err(|_| "the sender panicked")?.map_err(|error| error.to_string())?;
    Ok((head.status, start, bytes))
}

/// Reads a body to its end; gives its length and the first value of a field.
fn download(mik: &Mik, target: &str) -> Result<(usize, Option<String>), String> {
    let mut raw = mik.connect();
    raw.send(request("GET", target, &[], b"")).map_err(|error| error.to_string())?;
    let mut head = raw.head("GET").map_err(|stop| stop.to_string())?;
    let mut bytes = 0;
    while let Some(piece) = raw.piece(&mut head).map_err(|stop| stop.to_string())? {
        bytes += piece.len();
    }
    Ok((bytes, head.fields.value("x-by").map(ToOwned::to_owned)))
}

#[test]
fn what_is_handed_on_does_not_enter_the_heap() {
    on_each("100 MiB through a script", |orchestrator, cases| {
        let mik = start(orchestrator);
        cases.case(&mik, "both ways at once", || {
            lean(&mik, || {
                let (status, text, bytes) = upload(&mik, "/script/echo", 100)?;
                same("the echo begins", text, vec![b'x'; 100])?;
                same("the echo", (status, bytes), (200, 100 * MIB))
            })
        });
        cases.case(&mik, "up", || {
            lean(&mik, || {
                let (status, text, _) = upload(&mik, "/script/up", 100)?;
                let expected = (100 * MIB).to_string().into_bytes();
                same("what the module has read", (status, text), (200, expected))
            })
        });
        for (script, by) in [("down", None), ("short", None), ("dressed", Some("script"))] {
            cases.case(&mik, script, || {
                lean(&mik, || {
                    let (bytes, found) = download(&mik, &format!("/script/{script}"))?;
                    same("x-by", found.as_deref(), by)?;
                    same("its bytes", bytes, 100 * MIB)
                })
            });
        }
    });
}
