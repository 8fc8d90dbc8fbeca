//! mik beside `wasmtime serve` and a bare hyper server, on the same component, one after the other.
//!
//! ```sh
//! cargo run --release -p mik-conformance --features bench --bin bench -- --seconds 5 --rounds 5
//! ```
//!
//! Load comes from `wrk -t1 -c32`. Each round starts each side anew and lets it answer once, rightly,
//! before anything is timed; the sides take turns, so that a slow minute of the machine hits them all.
//! What is printed are medians and their ratio: to `wasmtime serve`; of middleware, to none; of scripts, to
//! the module that they call, divided by the number of calls.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it is a command that prints a table"
)]

#[cfg(feature = "bench")]
mod bare;
mod measure;
mod scripts;
mod sides;
mod table;

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use mik_conformance::guest;
use scripts::Work;
use sides::{Chain, Kind, ON, Side};
use table::Table;

const USAGE: &str = "usage: bench [--seconds N] [--rounds N] [--only TEXT] [--json]

  --seconds N     how long each measurement takes, default 5
  --rounds N      how many there are of each, default 5; the median counts
  --only TEXT     only cases whose name holds this text, such as `hello`, `chain` or `script`
  --json          print JSON instead of a table";

/// What was asked for.
struct Options {
    seconds: u32,
    rounds: usize,
    only: String,
    json: bool,
}

/// One line of the table.
struct Case {
    name: &'static str,
    unit: &'static str,
    guest: &'static str,
    query: &'static str,
    sides: Vec<Side>,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    #[cfg(feature = "bench")]
    if let [flag, address] = args.as_slice()
        && flag == sides::BARE
    {
        return bare::serve(address);
    }
    let options = match parse(&args) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("{message}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if cfg!(debug_assertions) {
        eprintln!("a debug build measures nothing: cargo run --release …");
        return ExitCode::FAILURE;
    }
    if !is_installed("wrk") {
        eprintln!("wrk is missing, which makes the load: apt-get install wrk");
        return ExitCode::FAILURE;
    }
    run(&options)
}

fn run(options: &Options) -> ExitCode {
    let has_wasmtime = is_installed("wasmtime");
    if !has_wasmtime {
        eprintln!(
            "no wasmtime to compare with: cargo install wasmtime-cli --version 48.0.8 --locked"
        );
    }
    if !cfg!(feature = "bench") {
        eprintln!("no bare hyper server to compare with: add --features bench");
    }
    let mut table = Table::default();
    for case in cases(has_wasmtime).into_iter().chain(scripts::cases()) {
        if !case.name.contains(&options.only) {
            continue;
        }
        let file = guest(case.guest);
        for round in 1..=options.rounds {
            for side in &case.sides {
                eprintln!("{} · {} · round {round} of {}", case.name, side.name, options.rounds);
                match one(&case, side, &file, options) {
                    Ok(value) => table.add(case.name, case.unit, side, value),
                    Err(failure) => {
                        eprintln!("{} · {}: {failure}", case.name, side.name);
                        return ExitCode::FAILURE;
                    }
                }
            }
        }
    }
    if options.json {
        println!("{:#}", table.json());
    } else {
        print!("{}", table.markdown());
    }
    ExitCode::SUCCESS
}

/// One measurement of one side.
fn one(
    case: &Case,
    side: &Side,
    file: &Path,
    options: &Options,
) -> Result<(f64, Option<f64>), String> {
    let target = format!("{}{}", side.path(case.guest), case.query);
    if let Kind::Script { work: Work::Text { first }, .. } = side.kind {
        return Ok((measure::one_answer(side, file, &target, first)?, None));
    }
    if case.unit == "ms" {
        // The first start leaves the compiled component on disk.
        measure::first_answer(side, file, &target)?;
        return Ok((measure::first_answer(side, file, &target)?, None));
    }
    let server = side.start(file)?;
    let body = measure::verify(&server, &target)?;
    let expected = match side.kind {
        Kind::Script { work, .. } => work.answer(),
        _ if case.guest == "hello" => 16,
        _ => 65_536,
    };
    if body != expected {
        return Err(format!("a body of {body} bytes, not {expected}"));
    }
    measure::load(&server, &target, 1)?;
    let load = measure::load(&server, &target, options.seconds)?;
    Ok((load.rate, Some(load.cpu)))
}

fn cases(has_wasmtime: bool) -> Vec<Case> {
    let side = Side::new;
    let sides = |reuse: bool, bare: bool| {
        let mik = |chain| Kind::Mik { reuse, chain };
        let mut sides =
            vec![side("mik", mik(Chain::Default)), side("mik, no middleware", mik(Chain::Empty))];
        if has_wasmtime {
            sides.push(side("wasmtime serve", Kind::Wasmtime { reuse }));
        }
        if bare && cfg!(feature = "bench") {
            sides.push(side("bare hyper", Kind::Bare));
        }
        sides
    };
    let stream = "?chunks=16&size=4096";
    vec![
        Case {
            name: "hello, fresh instance",
            unit: "req/s",
            guest: "hello",
            query: "",
            sides: sides(false, true),
        },
        Case {
            name: "hello, reuse 1000",
            unit: "req/s",
            guest: "hello",
            query: "",
            sides: sides(true, true),
        },
        Case {
            name: "64 KiB stream",
            unit: "req/s",
            guest: "stream",
            query: stream,
            sides: sides(false, true),
        },
        Case {
            name: "cold start",
            unit: "ms",
            guest: "hello",
            query: "",
            sides: sides(false, false),
        },
        Case {
            name: "chain, fresh instance",
            unit: "req/s",
            guest: "hello",
            query: "",
            sides: chains(false),
        },
        Case {
            name: "chain, reuse 1000",
            unit: "req/s",
            guest: "hello",
            query: "",
            sides: chains(true),
        },
    ]
}

/// mik without middleware, with all that are on unasked, and with each of them alone.
fn chains(reuse: bool) -> Vec<Side> {
    let side = |name, chain| Side::new(name, Kind::Mik { reuse, chain });
    let ends = [side("no middleware", Chain::Empty), side("default chain", Chain::Default)];
    let each = ON.into_iter().map(|name| side(name, Chain::Only(name)));
    ends.into_iter().chain(each).collect()
}

fn parse(args: &[String]) -> Result<Options, String> {
    let mut options = Options { seconds: 5, rounds: 5, only: String::new(), json: false };
    let mut args = args.iter();
    while let Some(flag) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{flag} needs a value"));
        let number = |text: &String| match text.parse::<u32>() {
            Ok(number @ 1..=3_600) => Ok(number),
            _ => Err(format!("{flag} needs a number from 1 to 3600, not {text}")),
        };
        match flag.as_str() {
            "--seconds" => options.seconds = number(value()?)?,
            "--rounds" => options.rounds = number(value()?)? as usize,
            "--only" => options.only.clone_from(value()?),
            "--json" => options.json = true,
            _ => return Err(format!("unknown flag {flag}")),
        }
    }
    Ok(options)
}

fn is_installed(program: &str) -> bool {
    let started =
        Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    started.is_ok()
}
