//! A bad line to a backend: it cuts requests and answers, delays them, delivers some twice, and lets copies arrive
//! after what was sent later. What happens follows from a seed.

use std::{
    convert::Infallible,
    env, io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::request::Parts,
    response::Response,
};
use futures::stream;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::{net::TcpListener, sync::watch, task::AbortHandle};

/// Longest request that is carried.
const LONGEST: usize = 2 * 1024 * 1024;

/// How the line behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// It carries everything.
    Good,
    /// It carries nothing.
    Down,
    /// About every third request meets with something.
    Wild,
    /// Pushes arrive and their answers never do; all else is carried.
    SwallowPushes,
}

/// What luck follows from: `BERTH_CHAOS_SEED`, else always the same.
pub fn seed() -> u64 {
    let seed = env::var("BERTH_CHAOS_SEED").ok();
    let seed = seed.and_then(|seed| seed.parse().ok());
    seed.unwrap_or(20_261_129)
}

/// A line that is there until it is dropped.
pub struct Chaos {
    /// The near end as a REST root.
    pub root: String,
    /// What its luck follows from, as [`seed`] says.
    pub seed: u64,
    inside: Arc<Inside>,
    server: AbortHandle,
}

struct Inside {
    target: String,
    http: reqwest::Client,
    luck: Mutex<StdRng>,
    mood: Mutex<Mood>,
    /// Pushes that have arrived at the far end.
    pushes: watch::Sender<usize>,
    met: Mutex<[usize; 6]>,
}

/// What a request meets with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Arrives,
    /// It is lost on the way there.
    LostThere,
    /// Its answer is lost on the way back.
    LostBack,
    /// Half of its answer arrives.
    Torn,
    /// It arrives twice at once.
    Twice,
    /// A copy of it arrives after its answer.
    AndLater,
}

impl Chaos {
    /// A line to a backend at this port.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn to(port: u16, mood: Mood) -> Self {
        let seed = seed();
        let inside = Arc::new(Inside {
            target: format!("http://127.0.0.1:{port}"),
            http: reqwest::Client::builder()
                .no_proxy()
                .build()
                .expect("an HTTP client can be made"),
            luck: Mutex::new(StdRng::seed_from_u64(seed)),
            mood: Mutex::new(mood),
            pushes: watch::Sender::new(0),
            met: Mutex::default(),
        });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.expect("a port is free");
        let address: SocketAddr = listener.local_addr().expect("it has an address");
        let app = Router::new()
            .fallback(carry)
            .with_state(Arc::clone(&inside));
        let server = tokio::spawn(async move {
            // It ends with the test.
            let _ = axum::serve(listener, app).await;
        });
        Self {
            root: format!("http://{address}"),
            seed,
            inside,
            server: server.abort_handle(),
        }
    }

    /// Makes it behave otherwise from now on.
    pub fn is(&self, mood: Mood) {
        *lock(&self.inside.mood) = mood;
    }

    /// Waits until so many pushes have arrived.
    ///
    /// # Panics
    /// When they do not in time.
    pub async fn pushes(&self, wanted: usize) {
        let mut pushes = self.inside.pushes.subscribe();
        let arrived = pushes.wait_for(|&arrived| arrived >= wanted);
        let in_time = tokio::time::timeout(crate::LIMIT, arrived).await;
        assert!(in_time.is_ok_and(|it| it.is_ok()), "no push has arrived");
    }

    /// How many requests met with which fate.
    pub fn met(&self) -> String {
        let [well, there, back, torn, twice, later] = *lock(&self.inside.met);
        format!(
            "{well} arrived, {there} lost there, {back} lost back, {torn} torn, {twice} twice, {later} again later"
        )
    }
}

impl Drop for Chaos {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inside {
    /// What the next request meets with, and for how long it is on the way.
    fn draw(&self) -> (Fate, Duration, Duration) {
        let mut luck = lock(&self.luck);
        let fate = match luck.random_range(0..100) {
            0..7 => Fate::LostThere,
            7..14 => Fate::LostBack,
            14..19 => Fate::Torn,
            19..26 => Fate::Twice,
            26..33 => Fate::AndLater,
            _ => Fate::Arrives,
        };
        let first = Duration::from_millis(luck.random_range(0..12));
        let later = Duration::from_millis(luck.random_range(5..120));
        lock(&self.met)[fate as usize] += 1;
        (fate, first, later)
    }

    async fn forward(&self, parts: &Parts, body: Bytes) -> Option<(u16, Bytes)> {
        let url = format!("{}{}", self.target, parts.uri);
        let mut request = self.http.request(parts.method.clone(), url).body(body);
        for name in ["authorization", "apikey", "content-type", "user-agent"] {
            if let Some(value) = parts.headers.get(name) {
                request = request.header(name, value);
            }
        }
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        let body = answer.bytes().await.ok()?;
        if parts.uri.path().ends_with("sync_push") {
            self.pushes.send_modify(|pushes| *pushes += 1);
        }
        Some((status, body))
    }
}

async fn carry(
    State(inside): State<Arc<Inside>>,
    request: Request,
) -> Result<Response, Infallible> {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LONGEST).await else {
        return Ok(cut(Bytes::new()));
    };
    let mood = *lock(&inside.mood);
    let (fate, first, later) = match mood {
        Mood::Wild => inside.draw(),
        Mood::Good | Mood::SwallowPushes => (Fate::Arrives, Duration::ZERO, Duration::ZERO),
        Mood::Down => (Fate::LostThere, Duration::ZERO, Duration::ZERO),
    };
    tokio::time::sleep(first).await;
    if fate == Fate::LostThere {
        return Ok(cut(Bytes::new()));
    }
    let answer = match fate {
        Fate::Twice => {
            let copy = inside.forward(&parts, body.clone());
            let (one, _) = tokio::join!(inside.forward(&parts, body), copy);
            one
        }
        Fate::AndLater => {
            let copy = (Arc::clone(&inside), parts.clone(), body.clone());
            tokio::spawn(async move {
                let (inside, parts, body) = copy;
                tokio::time::sleep(later).await;
                inside.forward(&parts, body).await;
            });
            inside.forward(&parts, body).await
        }
        _ => inside.forward(&parts, body).await,
    };
    if mood == Mood::SwallowPushes && parts.uri.path().ends_with("sync_push") {
        std::future::pending::<()>().await;
    }
    let Some((status, body)) = answer else {
        return Ok(cut(Bytes::new()));
    };
    let mut response = match fate {
        Fate::LostBack => cut(Bytes::new()),
        Fate::Torn => cut(body.slice(..body.len() / 2)),
        _ => Response::new(Body::from(body)),
    };
    *response.status_mut() = status.try_into().expect("it was a status");
    Ok(response)
}

/// An answer that ends where it should not.
fn cut(begin: Bytes) -> Response {
    let end = Err(io::Error::other("the line is cut"));
    Response::new(Body::from_stream(stream::iter([Ok(begin), end])))
}
