//! `cargo xtask test`: runs the tests with everything they need beside them, and counts.
//!
//! The tests themselves find their programs through `BERTH_*` variables and say in the file
//! `BERTH_TEST_SKIPS` what could not run here. The last line is always
//! `N passed, N failed, N skipped`, and nothing counts as passed that did not run.

mod fetched;
mod outcome;
mod python;
mod tally;

use std::{
    env, fs,
    path::PathBuf,
    process::{Command, ExitCode},
    time::{SystemTime, UNIX_EPOCH},
};

use berth_ui_build::Profile;
use clap::{Args, ValueEnum};

use crate::{
    Error,
    cache::{self, CacheError},
    cross::in_ci,
    fuzz::{self, FuzzArgs},
    leaks,
    process::{self, ProcessError},
    repository::Repository,
    setup::{self, Needs},
    test::{fetched::FETCHED, outcome::Outcome, tally::Tally},
    ui, with_sources,
};

/// The package of the end-to-end tests.
const END_TO_END: &str = "berth-tests";

/// The programs that end-to-end tests start, and the variables that say where they are.
const PROGRAMS: &[(&str, &str)] = &[
    ("berth", "BERTH_BIN"),
    ("berth-desktop", "BERTH_DESKTOP_BIN"),
    ("berth-model-server", "BERTH_MODEL_SERVER_BIN"),
];

/// How long the screen reader and the sanitizer are fed noise, in minutes.
const FUZZ_MINUTES: f64 = 1.33;

/// End-to-end tests that run at once: each starts an engine, often a browser too.
const THREADS: &str = "--test-threads=2";

#[derive(Args, Default)]
pub(crate) struct TestArgs {
    /// Only the tests whose name contains this
    filter: Option<String>,
    /// Only the tests of this kind
    #[arg(long, value_enum)]
    only: Option<Kind>,
    /// With the UI as it is shipped; it takes longer to build
    #[arg(long)]
    release_ui: bool,
}

impl TestArgs {
    /// Everything, with the UI as it is shipped: an optimizer can break what worked without it.
    pub(crate) fn release() -> Self {
        Self {
            release_ui: true,
            ..Self::default()
        }
    }
}

/// What a test needs to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// The crates' own tests
    Units,
    /// The engine through its API
    Api,
    /// The UI in a real browser
    Browser,
    /// The window on a virtual display
    Window,
    /// Real agent CLIs against a model server
    Agents,
    /// Real routers between agent CLIs and a model server
    Router,
}

impl Kind {
    /// What a test target of [`END_TO_END`] needs: its name says it, or it needs the engine only.
    fn of_target(name: &str) -> Self {
        match name {
            "browser" => Self::Browser,
            "window" => Self::Window,
            "agents" => Self::Agents,
            "router" => Self::Router,
            _ => Self::Api,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum TestError {
    #[error(transparent)]
    Fetch(#[from] fetched::FetchError),
    #[error(transparent)]
    Python(#[from] python::PythonError),
    #[error(transparent)]
    Cache(#[from] CacheError),
    #[error(transparent)]
    Process(#[from] ProcessError),
}

/// Runs the tests and closes with their counts.
pub(crate) fn run(repository: &Repository, args: &TestArgs) -> Result<ExitCode, Error> {
    Ok(execute(repository, args)?.close())
}

/// Runs the tests and leaves the closing line to the caller.
pub(crate) fn execute(repository: &Repository, args: &TestArgs) -> Result<Outcome, Error> {
    let units_only = args.only == Some(Kind::Units);
    let end_to_end = end_to_end_targets(repository, args.only);
    setup::ensure(Needs {
        window: true,
        tests: !units_only,
        cross: false,
    })?;
    let ui = ui::build(
        repository,
        if args.release_ui {
            Profile::Release
        } else {
            Profile::Dev
        },
    )?;

    let mut outcome = Outcome::default();
    let mut run = Run::new(ui)?;
    if !end_to_end.is_empty() {
        run.find_programs(repository);
        run.fetch(repository, &mut outcome);
    }
    let mut selections = Vec::new();
    if matches!(args.only, None | Some(Kind::Units)) {
        selections.extend(unit_selections(repository));
    }
    if !end_to_end.is_empty() {
        selections.push(Selection {
            targets: test_flags(end_to_end.iter().copied()),
            libtest: &[THREADS],
        });
    }
    if build(repository, &run, &end_to_end, &selections).is_err() {
        // The compiler has said why.
        outcome.fail("the build, so no test ran".to_owned());
        return Ok(outcome);
    }
    process::end_test_run_on_interrupt(Some(run.id.clone()));
    for selection in &selections {
        run.test(repository, selection, args.filter.as_deref(), &mut outcome)?;
    }
    if matches!(args.only, None | Some(Kind::Units)) && args.filter.is_none() {
        run_fuzz(repository, &mut outcome)?;
    }
    outcome.add_skips(&fs::read_to_string(&run.skips).unwrap_or_default());
    outcome.add_disturbed(&fs::read_to_string(&run.disturbed).unwrap_or_default());
    outcome.judge_disturbed();
    let leaked = leaks::after(&run.id);
    for process in &leaked {
        outcome.fail(format!(
            "leaked process {}: {}",
            process.id, process.command
        ));
    }
    leaks::end(&leaked);
    process::end_test_run_on_interrupt(None);
    fs::remove_file(&run.skips).ok();
    fs::remove_file(&run.disturbed).ok();
    Ok(outcome)
}

/// A short run of `cargo xtask fuzz`, which counts as one test.
fn run_fuzz(repository: &Repository, outcome: &mut Outcome) -> Result<(), TestError> {
    let fuzzed = fuzz::run(repository, &FuzzArgs::for_minutes(FUZZ_MINUTES))?;
    if fuzzed.status.success() {
        outcome.pass(format!("fuzz: {}", fuzzed.said));
    } else {
        outcome.fail(format!("fuzz: {}", fuzzed.said));
    }
    Ok(())
}

/// Installs what npm fetches for the tests; returns the variables and what they name.
pub(crate) fn fetch_packages(
    repository: &Repository,
) -> Result<Vec<(&'static str, PathBuf)>, TestError> {
    let mut places = Vec::new();
    for fetched in FETCHED {
        places.push((fetched.variable, fetched::install(repository, fetched)?));
    }
    for program in python::PROGRAMS {
        match python::install(repository, program) {
            Ok(place) => places.push((program.variable, place)),
            // The others do not need Python.
            Err(error) => println!("SKIPPED {}: {}", program.name, with_sources(&error)),
        }
    }
    Ok(places)
}

/// The end-to-end test targets to run.
fn end_to_end_targets(repository: &Repository, only: Option<Kind>) -> Vec<&str> {
    repository
        .members
        .iter()
        .filter(|member| member.name == END_TO_END)
        .flat_map(|member| member.targets_of("test"))
        .filter(|name| only.is_none_or(|only| only == Kind::of_target(name)))
        .collect()
}

/// What one `cargo test` runs.
///
/// Always with the whole workspace selected: cargo then builds each dependency once, with the
/// features of all members, instead of once for each selection of packages.
struct Selection {
    targets: Vec<String>,
    libtest: &'static [&'static str],
}

/// The members' own tests: in their sources, in their folder `tests`, in their documentation.
fn unit_selections(repository: &Repository) -> [Selection; 2] {
    let own = repository
        .members
        .iter()
        .filter(|member| member.name != END_TO_END)
        .flat_map(|member| member.targets_of("test"));
    let mut targets = vec!["--lib".to_owned(), "--bins".to_owned()];
    targets.extend(test_flags(own));
    [
        Selection {
            targets,
            libtest: &[],
        },
        Selection {
            targets: vec!["--doc".to_owned()],
            libtest: &[],
        },
    ]
}

fn test_flags<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    names
        .flat_map(|name| ["--test".to_owned(), name.to_owned()])
        .collect()
}

/// Compiles the programs and everything that is about to run.
fn build(
    repository: &Repository,
    run: &Run,
    end_to_end: &[&str],
    selections: &[Selection],
) -> Result<(), ProcessError> {
    if !run.programs.is_empty() {
        let mut cargo = repository.cargo();
        cargo.args(["build", "--workspace"]);
        for name in &run.programs {
            cargo.args(["--bin", name]);
        }
        // With a test target among them, cargo unites the features of test dependencies too, and
        // what it builds here serves the tests below.
        cargo.args(test_flags(end_to_end.iter().copied()));
        process::run(&mut cargo)?;
    }
    for selection in selections.iter().filter(|selection| !selection.is_doc()) {
        let mut cargo = repository.cargo();
        cargo.args(["test", "--workspace", "--no-run"]);
        cargo.args(&selection.targets);
        process::run(&mut cargo)?;
    }
    Ok(())
}

impl Selection {
    /// Tests in documentation are compiled while they run.
    fn is_doc(&self) -> bool {
        self.targets.iter().any(|flag| flag == "--doc")
    }
}

/// One run of the tests: its name, and what it tells them.
struct Run {
    id: String,
    skips: PathBuf,
    disturbed: PathBuf,
    programs: Vec<&'static str>,
    environment: Vec<(&'static str, PathBuf)>,
}

impl Run {
    fn new(ui: PathBuf) -> Result<Self, TestError> {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let id = format!("{}-{}", std::process::id(), since.as_nanos());
        let skips = env::temp_dir().join(format!("berth-test-skips-{id}.tsv"));
        let disturbed = env::temp_dir().join(format!("berth-test-disturbed-{id}.tsv"));
        cache::write(&skips, b"")?;
        cache::write(&disturbed, b"")?;
        Ok(Self {
            programs: Vec::new(),
            environment: vec![
                ("BERTH_UI_DIST", ui),
                ("BERTH_TEST_SKIPS", skips.clone()),
                ("BERTH_TEST_DISTURBED", disturbed.clone()),
                (leaks::VARIABLE, PathBuf::from(&id)),
            ],
            id,
            skips,
            disturbed,
        })
    }

    fn find_programs(&mut self, repository: &Repository) {
        for (name, variable) in PROGRAMS {
            if repository.builds(name) {
                self.programs.push(name);
                self.environment.push((variable, repository.binary(name)));
            }
        }
    }

    /// Without these the other tests still say something, but CI must not lose any.
    fn fetch(&mut self, repository: &Repository, outcome: &mut Outcome) {
        for fetched in FETCHED {
            match fetched::install(repository, fetched) {
                Ok(place) => self.environment.push((fetched.variable, place)),
                Err(error) if in_ci() => {
                    outcome.fail(format!("tests/{}: {}", fetched.name, with_sources(&error)));
                }
                Err(error) => {
                    outcome.skip(format!("tests/{}", fetched.name), with_sources(&error));
                }
            }
        }
        for program in python::PROGRAMS {
            match python::install(repository, program) {
                Ok(place) => self.environment.push((program.variable, place)),
                Err(error) if in_ci() => {
                    outcome.fail(format!("{}: {}", program.name, with_sources(&error)));
                }
                Err(error) => outcome.skip(program.name.to_owned(), with_sources(&error)),
            }
        }
    }

    fn test(
        &self,
        repository: &Repository,
        selection: &Selection,
        filter: Option<&str>,
        outcome: &mut Outcome,
    ) -> Result<(), TestError> {
        let mut cargo: Command = repository.cargo();
        cargo
            .args(["test", "--workspace", "--no-fail-fast"])
            .args(&selection.targets)
            .args(filter)
            .arg("--")
            .args(selection.libtest)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            // What a test starts must not behave otherwise because of who runs the tests: many a program draws less
            // where this is set.
            .env_remove("CI");
        let mut tally = Tally::default();
        let status = process::stream(&mut cargo, |line| tally.line(line))?;
        outcome.add(tally.finish(status.success()));
        Ok(())
    }
}
