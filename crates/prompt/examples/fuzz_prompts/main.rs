//! Feeds templates and the sanitizer what nobody would write: pieces of the corpora and of templates, cut,
//! mixed and damaged, and noise. `cargo xtask fuzz` runs it after the screen reader's.
//!
//! A case follows from the seed and its number alone, so a run can be repeated on any machine. A case that
//! breaks a rule is made smaller and written to a file, which `--replay` runs again.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program speaks to its terminal"
)]

mod case;
mod check;
mod random;

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use clap::Parser;

use crate::{
    case::{Case, Corpus},
    random::Random,
};

#[derive(Parser)]
#[command(about = "Feeds templates and the sanitizer damaged prompts and noise")]
struct Args {
    /// How long, in minutes
    #[arg(long, default_value_t = 60.0)]
    minutes: f64,
    /// Where the cases follow from; the time of day if nothing is said
    #[arg(long)]
    seed: Option<u64>,
    /// Run only the case in this file
    #[arg(long)]
    replay: Option<PathBuf>,
    /// The folder that takes a case that breaks a rule
    #[arg(long, default_value = ".")]
    into: PathBuf,
}

/// What ends a run early.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("the corpora in {folder} cannot be read")]
    Corpus { folder: PathBuf, source: io::Error },
    #[error("the case {file} cannot be read")]
    Replay { file: PathBuf, source: io::Error },
    #[error("{0} is no number of minutes")]
    Minutes(f64),
}

fn main() -> ExitCode {
    let args = Args::parse();
    let outcome = match &args.replay {
        Some(file) => replay(file),
        None => run(&args),
    };
    outcome.unwrap_or_else(|error| {
        let source = std::error::Error::source(&error);
        let because = source.map_or_else(String::new, |source| format!(": {source}"));
        eprintln!("error: {error}{because}");
        ExitCode::FAILURE
    })
}

fn replay(file: &Path) -> Result<ExitCode, Error> {
    let unreadable = |source| Error::Replay {
        file: file.to_owned(),
        source,
    };
    let text = fs::read_to_string(file).map_err(unreadable)?;
    let case: Case = serde_json::from_str(&text).map_err(|error| unreadable(error.into()))?;
    Ok(match check::check(&case) {
        Ok(()) => {
            println!("{}: no rule is broken", file.display());
            ExitCode::SUCCESS
        }
        Err(broken) => {
            println!("{}: {broken}", file.display());
            ExitCode::FAILURE
        }
    })
}

/// What all threads count together.
#[derive(Default)]
struct Tally {
    next: AtomicU64,
    bytes: AtomicU64,
    stop: AtomicBool,
    broken: Mutex<Option<(Case, String)>>,
}

fn run(args: &Args) -> Result<ExitCode, Error> {
    let time = Duration::try_from_secs_f64(args.minutes * 60.0)
        .map_err(|_| Error::Minutes(args.minutes))?;
    let seed = args.seed.unwrap_or_else(of_the_clock);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let corpus = Corpus::read(&folder).map_err(|source| Error::Corpus { folder, source })?;
    let threads = thread::available_parallelism().map_or(1, usize::from);

    check::keep_panics_quiet();
    let tally = Tally::default();
    let started = Instant::now();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| work(seed, started + time, &corpus, &tally));
        }
    });
    let seconds = started.elapsed().as_secs_f64();
    let bytes = tally.bytes.load(Ordering::Relaxed) as f64 / 1_000_000.0;
    println!(
        "fuzz: prompts, seed {seed}, {} cases, {bytes:.1} MB in {seconds:.0} s, {:.2} MB/s",
        tally.next.load(Ordering::Relaxed),
        bytes / seconds,
    );
    let broken = tally.broken.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(match &*broken {
        None => ExitCode::SUCCESS,
        Some((case, broken)) => {
            println!("fuzz: a rule is broken: {broken}");
            case.write(&args.into);
            ExitCode::FAILURE
        }
    })
}

/// Runs cases until the time is over or a rule is broken.
fn work(seed: u64, until: Instant, corpus: &Corpus, tally: &Tally) {
    while Instant::now() < until && !tally.stop.load(Ordering::Relaxed) {
        let number = tally.next.fetch_add(1, Ordering::Relaxed);
        let case = corpus.case(&mut Random::new(seed, number));
        tally
            .bytes
            .fetch_add(case.text.len() as u64, Ordering::Relaxed);
        if let Err(broken) = check::check(&case)
            && !tally.stop.swap(true, Ordering::Relaxed)
        {
            let (case, broken) = check::smaller(case, broken);
            let mut first = tally.broken.lock().unwrap_or_else(PoisonError::into_inner);
            *first = Some((case, broken));
        }
    }
}

fn of_the_clock() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as u64)
}
