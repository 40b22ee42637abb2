//! One viewer's connection to a session's terminal: bytes both ways, sizes, acknowledgements, and
//! reconnecting when it breaks.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use crate::view::prelude::*;
use crate::web::task::spawn_local;
use berth_protocol::{
    ACK_EVERY, BEARER_SUBPROTOCOL_PREFIX, ClientControl, SUBPROTOCOL, ServerControl, SessionId,
    Size, Status,
};
use js_sys::{Array, ArrayBuffer, Function, Reflect, Uint8Array};
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{MessageEvent, WebSocket};

use super::xterm::{FitAddon, Terminal};
use crate::state::App;
use crate::web::{clock, dom};
use crate::wire::{self, Write};

/// Pauses before reconnecting, in milliseconds; the last one is repeated.
const PAUSES: [i32; 5] = [250, 500, 1_000, 2_000, 4_000];

/// How the connection is.
#[derive(Clone, Debug, PartialEq)]
pub enum LinkState {
    /// It is being opened for the first time.
    Connecting,
    /// The terminal shows what the program prints.
    Open,
    /// It broke and is being opened again.
    Lost,
    /// The program ended; what it printed last is still shown.
    Ended(Status),
}

/// The connection. It ends when [`Link::close`] is called.
pub struct Link {
    app: App,
    id: SessionId,
    terminal: Terminal,
    fit: FitAddon,
    state: RwSignal<LinkState>,
    socket: RefCell<Option<WebSocket>>,
    attempt: Cell<usize>,
    closed: Cell<bool>,
    /// Sizes of the pieces that xterm has not drawn yet, in the order in which it draws them.
    undrawn: RefCell<VecDeque<usize>>,
    /// Bytes drawn and not acknowledged.
    drawn: Cell<usize>,
    /// Pieces of output until a repaint has been drawn; none when none is on its way.
    repainting: Cell<usize>,
    on_drawn: RefCell<Option<Function>>,
}

impl Link {
    pub fn new(
        app: App,
        id: SessionId,
        terminal: Terminal,
        fit: FitAddon,
        state: RwSignal<LinkState>,
    ) -> Rc<Self> {
        let link = Rc::new(Self {
            app,
            id,
            terminal,
            fit,
            state,
            socket: RefCell::default(),
            attempt: Cell::new(0),
            closed: Cell::new(false),
            undrawn: RefCell::default(),
            drawn: Cell::new(0),
            repainting: Cell::new(0),
            on_drawn: RefCell::default(),
        });
        let weak = Rc::downgrade(&link);
        let drawn = Closure::<dyn Fn()>::new(move || {
            if let Some(link) = weak.upgrade() {
                link.count_drawn();
            }
        });
        *link.on_drawn.borrow_mut() = Some(drawn.into_js_value().unchecked_into());
        link
    }

    /// Connects, unless it is connected.
    pub fn connect(self: &Rc<Self>) {
        if self.closed.get() || self.socket.borrow().is_some() {
            return;
        }
        let api = self.app.api();
        let protocols = Array::of2(
            &SUBPROTOCOL.into(),
            &format!("{BEARER_SUBPROTOCOL_PREFIX}{}", api.token()).into(),
        );
        let url = api.socket_url(&format!("/sessions/{}/terminal", self.id));
        let Ok(socket) = WebSocket::new_with_str_sequence(&url, &protocols) else {
            self.retry_later();
            return;
        };
        socket.set_binary_type(web_sys::BinaryType::Arraybuffer);
        let link = Rc::downgrade(self);
        let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(link) = link.upgrade() {
                link.receive(&event.data());
            }
        });
        let link = Rc::downgrade(self);
        let on_close = Closure::<dyn Fn()>::new(move || {
            if let Some(link) = link.upgrade() {
                link.lost();
            }
        });
        socket.set_onmessage(Some(on_message.into_js_value().unchecked_ref()));
        socket.set_onclose(Some(on_close.into_js_value().unchecked_ref()));
        *self.socket.borrow_mut() = Some(socket);
    }

    /// Ends the connection for good.
    pub fn close(&self) {
        self.closed.set(true);
        if let Some(socket) = self.socket.take() {
            socket.set_onclose(None);
            socket.set_onmessage(None);
            socket.close().ok();
        }
    }

    fn lost(self: &Rc<Self>) {
        self.socket.take();
        if self.closed.get() {
            return;
        }
        // A session that has ended may refuse viewers; there is nothing to reconnect to.
        let ended = self
            .app
            .session_now(self.id)
            .is_none_or(|session| !session.status.is_live());
        if ended {
            if let Some(session) = self.app.session_now(self.id) {
                self.state.try_set(LinkState::Ended(session.status));
            }
            return;
        }
        self.state.try_set(LinkState::Lost);
        self.retry_later();
    }

    fn retry_later(self: &Rc<Self>) {
        let attempt = self.attempt.get();
        self.attempt.set(attempt + 1);
        let link = Rc::downgrade(self);
        spawn_local(async move {
            clock::sleep(PAUSES[attempt.min(PAUSES.len() - 1)]).await;
            if let Some(link) = link.upgrade() {
                link.connect();
            }
        });
    }

    fn receive(&self, data: &JsValue) {
        if let Some(buffer) = data.dyn_ref::<ArrayBuffer>() {
            let bytes = Uint8Array::new(buffer);
            self.undrawn.borrow_mut().push_back(bytes.length() as usize);
            if let Some(on_drawn) = &*self.on_drawn.borrow() {
                self.terminal.write(&bytes, on_drawn);
            }
            return;
        }
        let control = data.as_string().and_then(|text| wire::read(&text).ok());
        match control {
            Some(ServerControl::Snapshot { size, .. }) => {
                self.attempt.set(0);
                self.state.try_set(LinkState::Open);
                self.terminal.reset();
                self.take_size(size);
                // It is drawn for this size: in a smaller box its first rows would be lost.
                self.repainting.set(self.undrawn.borrow().len() + 1);
            }
            Some(ServerControl::Resized { size }) => self.take_size(size),
            Some(ServerControl::Ended { status }) => {
                self.state.try_set(LinkState::Ended(status));
            }
            None => {}
        }
    }

    fn take_size(&self, size: Size) {
        let size = size.clamped();
        if (self.terminal.cols(), self.terminal.rows()) != (size.cols, size.rows) {
            self.terminal.resize(size.cols, size.rows);
        }
    }

    /// Gives the session the size of this viewer's box, if this viewer can be seen.
    pub fn fit_now(&self) {
        if !dom::visible()
            || self.closed.get()
            || self.repainting.get() > 0
            || !matches!(self.state.try_get_untracked(), Some(LinkState::Open))
        {
            return;
        }
        let proposed = self.fit.propose();
        let cells = |name: &str| {
            let value = Reflect::get(&proposed, &name.into()).ok()?.as_f64()?;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "clamped"
            )]
            value
                .is_finite()
                .then_some(value.clamp(2.0, 1_000.0) as u16)
        };
        let (Some(cols), Some(rows)) = (cells("cols"), cells("rows")) else {
            return;
        };
        let size = Size { rows, cols }.clamped();
        if (self.terminal.cols(), self.terminal.rows()) != (size.cols, size.rows) {
            self.terminal.resize(size.cols, size.rows);
            self.tell(&ClientControl::Resize { size });
        }
    }

    fn count_drawn(&self) {
        let bytes = self.undrawn.borrow_mut().pop_front().unwrap_or(0);
        let repainting = self.repainting.get();
        self.repainting.set(repainting.saturating_sub(1));
        if repainting == 1 {
            self.fit_now();
        }
        let drawn = self.drawn.get() + bytes;
        if drawn >= ACK_EVERY {
            self.drawn.set(0);
            self.tell(&ClientControl::Ack { bytes: drawn });
        } else {
            self.drawn.set(drawn);
        }
    }

    fn tell(&self, control: &ClientControl) {
        if let Some(socket) = self.open_socket() {
            let text = control.write();
            socket.send_with_str(&text).ok();
        }
    }

    /// Sends what the user typed.
    pub fn type_bytes(&self, bytes: &[u8]) {
        if let Some(socket) = self.open_socket() {
            socket.send_with_u8_array(bytes).ok();
        }
    }

    fn open_socket(&self) -> Option<WebSocket> {
        self.socket
            .borrow()
            .clone()
            .filter(|socket| socket.ready_state() == WebSocket::OPEN)
    }
}
