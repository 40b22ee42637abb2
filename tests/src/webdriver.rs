//! The UI as a person has it: a real browser or the real window, driven over WebDriver.
//!
//! [`Page`] finds things by what the UI shows, waits for them with a limit, and leaves a
//! screenshot behind when its test fails. It knows nothing of engines.

mod pointer;
mod protocol;

use std::{
    ffi::OsString,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

pub use protocol::WebDriverError;

use crate::{LIMIT, break_off, free_port, processes, programs};
use protocol::{Session, element_in};

/// The variable that marks a driver and all that it starts, with the driver's folder as its value:
/// a browser starts helpers, and the window an engine that leaves it on purpose.
const MARK: &str = "BERTH_TEST_DRIVER";

/// How often a condition is looked at. WebDriver has no events, so every wait of these tests is
/// the one loop in [`Page::until`].
const LOOK_EVERY: Duration = Duration::from_millis(75);

/// Longest time for a script, in milliseconds: looking through a whole page takes the longest, and a slow machine has
/// other work.
const SCRIPT: u64 = 80_000;

/// Time for a last screenshot and for the browser to close by itself.
const FAREWELL: Duration = Duration::from_secs(10);

/// Keys that are no characters, as WebDriver writes them.
pub mod key {
    /// The tabulator.
    pub const TAB: &str = "\u{e004}";
    /// The control key.
    pub const CONTROL: &str = "\u{e009}";
    /// The enter key.
    pub const ENTER: &str = "\u{e007}";
    /// The escape key.
    pub const ESCAPE: &str = "\u{e00c}";
    /// The alt key.
    pub const ALT: &str = "\u{e00a}";
    /// The shift key.
    pub const SHIFT: &str = "\u{e008}";
    /// The arrow up.
    pub const UP: &str = "\u{e013}";
    /// The arrow down.
    pub const DOWN: &str = "\u{e015}";
}

/// The selector of what the UI marks with this test id.
pub fn id(test_id: &str) -> String {
    format!("[data-testid={test_id}]")
}

/// The first of these programs that is not on the `PATH`.
pub fn missing_program<'a>(names: &[&'a str]) -> Option<&'a str> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there =
        |name: &str| std::env::split_paths(&path).any(|folder| folder.join(name).is_file());
    names.iter().copied().find(|name| !is_there(name))
}

/// How often chromedriver may draw a port that is taken.
const DRAWS: usize = 5;

/// A driver program that runs.
pub struct Driver {
    url: String,
    child: Child,
    folder: TempDir,
}

impl Driver {
    /// Starts chromedriver on a free port.
    ///
    /// It draws a port that is free on one of IPv4 and IPv6, and ends when somebody has it on the other: then it draws
    /// again.
    pub fn chromium() -> Self {
        for _ in 0..DRAWS {
            let folder = programs::folder();
            let mut command = Command::new("chromedriver");
            command.arg("--port=0").stdout(Stdio::piped());
            let mut child = start(&mut command, &folder);
            let output = BufReader::new(child.stdout.take().expect("its output is a pipe"));
            let mut said = Vec::new();
            for line in output.lines().map_while(Result::ok) {
                let port = line.split_once("started successfully on port ");
                let port =
                    port.and_then(|(_, port)| port.trim_end_matches('.').parse::<u16>().ok());
                if let Some(port) = port {
                    return Self {
                        url: format!("http://127.0.0.1:{port}"),
                        child,
                        folder,
                    };
                }
                said.push(line);
            }
            child.wait().expect("it has ended");
            let is_taken = said.iter().any(|line| line.contains("port not available"));
            assert!(is_taken, "chromedriver does not start: {said:?}");
        }
        panic!("chromedriver has found no free port {DRAWS} times");
    }

    /// Starts WebKitWebDriver with nothing but these variables in its environment, on a display
    /// and a bus of its own: one window at a time may exist on a bus.
    pub async fn webkit(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let folder = programs::folder();
        let port = free_port();
        let mut command = Command::new("xvfb-run");
        command
            .args(["-a", "-s", "-screen 0 1280x800x24"])
            .args(["dbus-run-session", "--", "WebKitWebDriver"])
            .arg(format!("--port={port}"))
            .env_clear()
            .envs(variables)
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .env("LIBGL_ALWAYS_SOFTWARE", "1")
            .env("NO_AT_BRIDGE", "1")
            .stdout(Stdio::null());
        let child = start(&mut command, &folder);
        let driver = Self {
            url: format!("http://127.0.0.1:{port}"),
            child,
            folder,
        };
        // It prints nothing when it is ready.
        let deadline = Instant::now() + LIMIT;
        while tokio::net::TcpStream::connect(("127.0.0.1", port))
            .await
            .is_err()
        {
            assert!(Instant::now() < deadline, "WebKitWebDriver does not listen");
            tokio::time::sleep(LOOK_EVERY).await;
        }
        driver
    }

    /// Opens a headless browser without a page.
    pub async fn browser(&self, more: &[&str]) -> Page {
        let profile = tempfile::tempdir_in(self.folder.path()).expect("a profile can be made");
        let data = format!("--user-data-dir={}", profile.path().display());
        let mut flags = vec![
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1280,800",
            &data,
        ];
        flags.extend(more);
        let wanted = json!({"goog:chromeOptions": {"args": flags}, "timeouts": {"script": SCRIPT}});
        let page = Page::begin(self, &wanted, Some(profile)).await;
        page.unwrap_or_else(|error| panic!("no browser: {error:?}"))
    }

    /// Opens the window of this program. A driver that does not even start it breaks the test off; one whose program
    /// runs and shows nothing fails it.
    pub async fn window(&self, program: &Path) -> Page {
        let options = json!({"binary": program, "args": []});
        let wanted = json!({"webkitgtk:browserOptions": options});
        match Page::begin(self, &wanted, None).await {
            Ok(page) => page,
            Err(error) => {
                let runs = self.all_processes();
                let said = format!("no window: {error:?}; what runs: {runs:?}");
                let is_started = program
                    .file_name()
                    .is_some_and(|name| runs.iter().any(|it| name == it.as_str()));
                assert!(error.is_timeout() && !is_started, "{said}");
                break_off(said)
            }
        }
    }

    /// The programs that run of those that the driver started, directly or not, itself among them.
    fn all_processes(&self) -> Vec<String> {
        let name = |pid: u32| {
            let path = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
            Some(path.file_name()?.to_string_lossy().into_owned())
        };
        let all = processes::with(MARK, self.folder.path());
        all.into_iter().filter_map(name).collect()
    }

    /// The processes of this program among those that the driver started, directly or not.
    pub fn processes(&self, program: &str) -> Vec<u32> {
        let runs = |pid: &u32| {
            fs::read_link(format!("/proc/{pid}/exe"))
                .is_ok_and(|path| path.file_name().is_some_and(|name| name == program))
        };
        let mut all = processes::with(MARK, self.folder.path());
        all.retain(runs);
        all
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        processes::end_all_with(MARK, self.folder.path());
    }
}

fn start(command: &mut Command, folder: &TempDir) -> Child {
    command.env(MARK, folder.path());
    if let Some(run) = std::env::var_os("BERTH_TEST_RUN") {
        command.env("BERTH_TEST_RUN", run);
    }
    command
        .spawn()
        .unwrap_or_else(|error| panic!("{:?} does not start: {error}", command.get_program()))
}

/// A page that is shown. Dropping it closes it.
pub struct Page {
    session: Session,
    test: String,
    _profile: Option<TempDir>,
}

impl Page {
    async fn begin(
        driver: &Driver,
        wanted: &Value,
        profile: Option<TempDir>,
    ) -> Result<Self, WebDriverError> {
        Ok(Self {
            session: Session::start(&driver.url, wanted).await?,
            test: programs::this_test(),
            _profile: profile,
        })
    }

    /// Goes to an address from an empty page: addresses here differ in their fragments, and going
    /// from one to another would otherwise load nothing.
    pub async fn open(&self, url: &str) {
        self.go("about:blank").await;
        self.go(url).await;
    }

    /// Goes to an address from where the page is.
    pub async fn go(&self, url: &str) {
        self.done(self.session.post("/url", json!({"url": url})).await);
    }

    /// Waits until `look` finds something; its passing errors count as nothing found.
    pub async fn until<T>(
        &self,
        what: &str,
        look: impl AsyncFn() -> Result<Option<T>, WebDriverError>,
    ) -> T {
        let deadline = Instant::now() + LIMIT;
        loop {
            let last = match look().await {
                Ok(Some(found)) => return found,
                Ok(None) => None,
                Err(error) if error.is_passing() => Some(error),
                Err(error) => panic!("{what}: {error:?}"),
            };
            if Instant::now() >= deadline {
                let why = last.map(|error| format!(": {error}")).unwrap_or_default();
                panic!("{what}: not within {LIMIT:?}{why}");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until a script's answer is neither null nor false nor empty, and returns it.
    pub async fn until_js(&self, what: &str, script: &str, arguments: &[&str]) -> Value {
        self.until(what, async || {
            let value = self.run(script, arguments).await?;
            let nothing = matches!(&value, Value::Null | Value::Bool(false))
                || value.as_str().is_some_and(str::is_empty);
            Ok((!nothing).then_some(value))
        })
        .await
    }

    /// Waits until something of this selector can be seen.
    pub async fn sees(&self, selector: &str) {
        self.until_js(
            &format!("{selector} is shown"),
            "return [...document.querySelectorAll(arguments[0])].some(e => e.checkVisibility())",
            &[selector],
        )
        .await;
    }

    /// Waits until something of this selector can be seen and has this text in it; returns all of
    /// its text.
    pub async fn reads(&self, selector: &str, text: &str) -> String {
        let found = self
            .until_js(
                &format!("{selector} says {text:?}"),
                "return [...document.querySelectorAll(arguments[0])]
                    .filter(e => e.checkVisibility()).map(e => e.innerText)
                    .find(t => t.includes(arguments[1]))",
                &[selector, text],
            )
            .await;
        found.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until nothing of this selector is in the page.
    pub async fn misses(&self, selector: &str) {
        self.until_js(
            &format!("{selector} is gone"),
            "return document.querySelector(arguments[0]) === null",
            &[selector],
        )
        .await;
    }

    /// Waits until the terminal in the page shows a text that `finds` something in.
    pub async fn terminal<T>(&self, what: &str, finds: impl Fn(&str) -> Option<T>) -> T {
        self.until(&format!("the terminal shows {what}"), async || {
            let text = self
                .run(
                    "return [...document.querySelectorAll('.xterm-rows > div')]
                        .map(row => row.textContent.replaceAll('\\u00a0', ' ').trimEnd())
                        .join('\\n')",
                    &[],
                )
                .await?;
            Ok(text.as_str().and_then(&finds))
        })
        .await
    }

    /// Waits until the terminal in the page is connected, and types into it.
    pub async fn type_into_terminal(&self, text: &str) {
        self.sees("[data-testid=terminal][data-state=open]").await;
        self.type_into(".xterm-helper-textarea", text).await;
    }

    /// How many windows and tabs there are.
    pub async fn windows(&self) -> usize {
        let handles = self.done(self.session.get("/window/handles").await);
        handles.as_array().map_or(0, Vec::len)
    }

    /// How many things of this selector are in the page now.
    pub async fn count(&self, selector: &str) -> u64 {
        let count = self
            .run(
                "return document.querySelectorAll(arguments[0]).length",
                &[selector],
            )
            .await;
        self.done(count).as_u64().unwrap_or_default()
    }

    /// An attribute of the first thing of this selector, once that is in the page.
    pub async fn attribute(&self, selector: &str, name: &str) -> String {
        let value = self
            .until_js(
                &format!("{selector} has {name}"),
                "return document.querySelector(arguments[0])?.getAttribute(arguments[1])",
                &[selector, name],
            )
            .await;
        value.as_str().unwrap_or_default().to_owned()
    }

    /// Clicks the first visible thing of this selector, once it takes clicks. The driver aims before it clicks,
    /// and would miss what moves meanwhile, such as something below a list that grows, without a word. A button that
    /// takes no clicks for now, such as one whose last click is still being answered, loses them without a word too.
    pub async fn click(&self, selector: &str) {
        let still = "const found = [...document.querySelectorAll(arguments[0])].find(e => e.checkVisibility());
            if (!found || found.matches(':disabled')) return null;
            const place = () => { const at = found.getBoundingClientRect(); return `${at.x} ${at.y}`; };
            const before = place();
            return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() =>
                done(found.isConnected && place() === before ? found : null))))";
        self.until(&format!("{selector} takes a click"), async || {
            let Some(element) = element_in(&self.run(still, &[selector]).await?) else {
                return Ok(None);
            };
            let path = format!("/element/{element}/click");
            self.session.post(&path, json!({})).await.map(Some)
        })
        .await;
    }

    /// Types into a field, once it takes text.
    pub async fn type_into(&self, selector: &str, text: &str) {
        self.until(&format!("{selector} takes text"), async || {
            let Some(element) = self.find(selector).await? else {
                return Ok(None);
            };
            let path = format!("/element/{element}/value");
            self.session
                .post(&path, json!({"text": text}))
                .await
                .map(Some)
        })
        .await;
    }

    /// Presses keys together, the first ones held while the last one is pressed.
    pub async fn press(&self, keys: &[&str]) {
        let action = |kind: &'static str| move |key: &&str| json!({"type": kind, "value": key});
        let mut actions: Vec<Value> = keys.iter().map(action("keyDown")).collect();
        actions.extend(keys.iter().rev().map(action("keyUp")));
        let body = json!({"actions": [{"type": "key", "id": "keyboard", "actions": actions}]});
        self.done(self.session.post("/actions", body).await);
    }

    /// Gives the window another size, in pixels.
    pub async fn resize(&self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height});
        self.done(self.session.post("/window/rect", size).await);
    }

    /// Runs a script that must not fail.
    pub async fn eval(&self, script: &str, arguments: &[&str]) -> Value {
        self.done(self.run(script, arguments).await)
    }

    /// Runs a script that ends by calling its last argument, and returns what that was given.
    pub async fn eval_later(&self, script: &str) -> Value {
        let body = json!({"script": script, "args": []});
        self.done(self.session.post("/execute/async", body).await)
    }

    /// Sends a command of the DevTools protocol, which only Chromium knows.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({"cmd": command, "params": parameters});
        self.done(self.session.post("/goog/cdp/execute", body).await)
    }

    /// The address that is shown.
    pub async fn address(&self) -> String {
        let url = self.done(self.session.get("/url").await);
        url.as_str().unwrap_or_default().to_owned()
    }

    async fn run(&self, script: &str, arguments: &[&str]) -> Result<Value, WebDriverError> {
        let body = json!({"script": script, "args": arguments});
        self.session.post("/execute/sync", body).await
    }

    /// The first visible element that takes keys, once what moves the focus after an answer has done so, which is two
    /// frames later: it would have the rest of what is typed. A hidden text area counts: xterm's is as large as nothing.
    async fn find(&self, selector: &str) -> Result<Option<String>, WebDriverError> {
        let found = self
            .run(
                "const found = [...document.querySelectorAll(arguments[0])].find(e => e.checkVisibility());
                 if (!found || found.matches(':disabled')) return null;
                 return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() =>
                     done(found.isConnected ? found : null))))",
                &[selector],
            )
            .await?;
        Ok(element_in(&found))
    }

    fn done<T>(&self, result: Result<T, WebDriverError>) -> T {
        result.unwrap_or_else(|error| panic!("{}: {error:?}", self.test))
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let session = self.session.anew();
        let shot = std::thread::panicking().then(|| screenshot_path(&self.test));
        // A thread, because this may be dropped inside of a runtime, which cannot be blocked.
        let farewell = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            if let Ok(runtime) = runtime {
                runtime.block_on(async {
                    let last = async {
                        if let Some(path) = shot {
                            keep(&session, &path).await;
                        }
                        // A browser that is gone cannot be closed.
                        let _ = session.end().await;
                    };
                    // Whatever does not end in time is ended by the leash.
                    let _ = tokio::time::timeout(FAREWELL, last).await;
                });
            }
        });
        // A panic in it is on stderr already.
        let _ = farewell.join();
    }
}

/// Keeps what the page shows, as a picture and as text.
async fn keep(session: &Session, path: &Path) {
    use base64::Engine as _;
    let picture = session.get("/screenshot").await.ok().and_then(|picture| {
        base64::engine::general_purpose::STANDARD
            .decode(picture.as_str()?)
            .ok()
    });
    let script = json!({
        "script": "return location.href + '\\n\\n' + document.body.innerText",
        "args": [],
    });
    let text = session.post("/execute/sync", script).await;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).ok();
    }
    if let Some(picture) = picture {
        fs::write(path, picture).ok();
        say(&format!(
            "the page when the test failed: {}",
            path.display()
        ));
    }
    if let Some(text) = text.ok().as_ref().and_then(Value::as_str) {
        fs::write(path.with_extension("txt"), text).ok();
    }
}

#[expect(
    clippy::print_stderr,
    reason = "libtest shows what a failed test prints"
)]
fn say(text: &str) {
    eprintln!("{text}");
}

/// `screenshots/<test>.png` in the target folder, which the test program lies in.
fn screenshot_path(test: &str) -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    let target = program.ancestors().nth(3).unwrap_or(Path::new("target"));
    let name = test.replace("::", "-");
    target.join("screenshots").join(format!("{name}.png"))
}
