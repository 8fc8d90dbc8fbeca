//! Much that passes in little memory. The cases `host::both-ways` have the rest of what streams.

use std::io::Write;
use std::thread;
use std::time::Duration;

use mik_conformance::{Cases, Mik, request};

#[test]
fn a_hundred_mebibytes_pass_in_and_out_in_little_memory() {
    const PIECE: usize = 64 * 1024;
    const PIECES: usize = 1_600;
    let raised = "[server.limits]\nbody_bytes = \"200MiB\"\nbody_time = \"10m\"\n\
                  [modules.echo]\ncpu = \"10m\"\n";
    let mik = Mik::run(&["hello", "echo"], raised);
    let mut cases = Cases::of("100 MiB through echo");
    mik.case(&mut cases, "byte for byte", || {
        let mut raw = mik.connect();
        let length = (PIECE * PIECES).to_string();
        let _ = raw.send(request("POST", "/run/echo/", &[("content-length", &length)], b""));
        let mut writer = raw.writer();
        let sender = thread::spawn(move || {
            (0..PIECES).try_for_each(|index| writer.write_all(&[index as u8; PIECE]))
        });
        let mut head =
            raw.patience(Duration::from_secs(60)).head("POST").map_err(|stop| stop.to_string())?;
        let mut read = 0;
        while let Some(piece) =
            raw.piece(&mut head).map_err(|stop| format!("{stop} after {read} bytes"))?
        {
            let wrong =
                piece.iter().enumerate().find(|(at, byte)| **byte != ((read + at) / PIECE) as u8);
            if let Some((at, byte)) = wrong {
                return Err(format!("the byte {} is {byte}", read + at));
            }
            read += piece.len();
        }
        sender.join().map_err(|_| "the sender panicked")?.map_err(|error| error.to_string())?;
        if read == PIECE * PIECES { Ok(()) } else { Err(format!("{read} bytes came back")) }
    });
    let peak = mik.peak_memory() / 1_024;
    eprintln!("100 MiB through echo: VmHWM {peak} MiB");
    if !cfg!(debug_assertions) {
        cases.check("VmHWM under 120 MiB", peak < 120, format!("{peak} MiB"));
    }
    cases.finish();
}
