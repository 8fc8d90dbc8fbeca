//! `mik-conformance`: the suite from the command line, against any `mik`.

use std::io::{Write as _, stderr, stdout};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use mik_conformance::soak::{Soak, soak};
use mik_conformance::{Subject, project, run_with};

/// Proves a mik: every case of the conformance suite that it can run
#[derive(Debug, Parser)]
#[command(name = "mik-conformance", version, args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArgs,
}

const EXAMPLES: &str = "\
Examples:
  mik-conformance                                   the `mik` on the PATH
  mik-conformance --mik target/release/mik http::   another one, the cases on HTTP alone
  mik-conformance project served && mik run served --port 3000 &
  mik-conformance --url http://127.0.0.1:3000       a server that runs already";

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the project that a server must serve to be proven with --url
    Project {
        /// The folder; it is made where there is none
        folder: PathBuf,
    },
    /// Soak it in mixed traffic, of which one request in a hundred asks for a failure
    Soak(SoakArgs),
}

#[derive(Debug, Args)]
struct SoakArgs {
    /// The binary to soak [default: the one that runs this as `mik conformance`, else `mik` on the PATH]
    #[arg(long, value_name = "FILE", env = "MIK")]
    mik: Option<PathBuf>,
    /// How long it is measured
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Clients at the same time
    #[arg(long, value_name = "N", default_value_t = 8)]
    clients: usize,
    /// Where chance begins
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct RunArgs {
    /// The binary to prove [default: the one that runs this as `mik conformance`, else `mik` on the PATH]
    #[arg(long, value_name = "FILE", env = "MIK")]
    mik: Option<PathBuf>,
    /// A server to prove, which serves what `mik-conformance project` writes
    #[arg(long, value_name = "URL", conflicts_with = "mik")]
    url: Option<String>,
    /// Write conformance.json and conformance.md there
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Other cases than those that came with this
    #[arg(long, value_name = "DIR")]
    cases: Option<PathBuf>,
    /// Known failures, as a file of expectations/ lists them
    #[arg(long, value_name = "FILE")]
    expectations: Option<PathBuf>,
    /// Only cases with this text in their names
    filter: Option<String>,
    /// Options of libtest, such as `--list` or `--test-threads 1`
    #[arg(last = true)]
    libtest: Vec<String>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        None => prove(cli.run),
        Some(Command::Project { folder }) => project(&folder).map(|()| ExitCode::SUCCESS),
        Some(Command::Soak(args)) => bathe(args),
    };
    outcome.unwrap_or_else(|failure| {
        let _ = writeln!(stderr(), "error: {failure}");
        ExitCode::FAILURE
    })
}

fn prove(args: RunArgs) -> Result<ExitCode, String> {
    let mut subject = match &args.url {
        Some(url) => Subject::elsewhere(address(url)?),
        None => Subject::binary(binary(args.mik)?),
    };
    if let Some(path) = &args.expectations {
        let text = std::fs::read_to_string(path);
        subject =
            subject.expectations(&text.map_err(|error| format!("{}: {error}", path.display()))?)?;
    }
    let mut rest = vec!["mik-conformance".to_owned()];
    for (name, folder) in [("--report", args.report), ("--cases", args.cases)] {
        if let Some(folder) = folder {
            rest.extend([name.to_owned(), folder.display().to_string()]);
        }
    }
    rest.extend(args.filter);
    rest.extend(args.libtest);
    Ok(run_with(rest, [subject]))
}

fn bathe(args: SoakArgs) -> Result<ExitCode, String> {
    let report = soak(&Soak {
        time: Duration::from_secs(args.seconds),
        clients: args.clients,
        seed: args.seed,
        mik: Some(binary(args.mik)?),
    });
    let text = match args.json {
        true => serde_json::to_string_pretty(&report).map_err(|error| error.to_string())? + "\n",
        false => report.to_string(),
    };
    stdout().write_all(text.as_bytes()).map_err(|error| error.to_string())?;
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The binary that is meant, or the first `mik` on the PATH.
fn binary(given: Option<PathBuf>) -> Result<PathBuf, String> {
    if let Some(path) = given {
        return match path.canonicalize() {
            Ok(path) => Ok(path),
            Err(error) => Err(format!("{}: {error}", path.display())),
        };
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&path).map(|folder| folder.join("mik")).find(|file| file.is_file());
    found.ok_or_else(|| {
        "there is no `mik` on the PATH: name one with --mik FILE, or a server with --url URL"
            .to_owned()
    })
}

fn address(url: &str) -> Result<SocketAddr, String> {
    let rest = url.strip_prefix("http://").unwrap_or(url).trim_end_matches('/');
    let with_port = if rest.contains(':') { rest.to_owned() } else { format!("{rest}:80") };
    let found = with_port.to_socket_addrs().map_err(|error| format!("--url {url}: {error}"))?;
    found.into_iter().next().ok_or_else(|| format!("--url {url}: no such host"))
}
