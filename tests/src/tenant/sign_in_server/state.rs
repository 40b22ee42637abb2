//! What the stand-in knows: accounts, flows through the browser, sessions and their tokens.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use uuid::Uuid;

use super::Shape;
use crate::tenant::{Token, now};

pub(super) struct State {
    pub(super) base: String,
    pub(super) lives: u64,
    pub(super) grace: Duration,
    /// How far its clock is ahead, in seconds.
    pub(super) ahead: i64,
    pub(super) shape: Shape,
    pub(super) accounts: HashMap<Uuid, Account>,
    pub(super) domains: HashMap<String, Uuid>,
    /// Who comes with the browser.
    pub(super) visitor: Option<Uuid>,
    /// Codes that can be redeemed.
    pub(super) flows: HashMap<String, Flow>,
    /// Visits to a single sign-on that have begun.
    pub(super) visits: HashMap<String, Visit>,
    pub(super) sessions: HashMap<Uuid, Session>,
    /// Access tokens and their sessions.
    pub(super) access: HashMap<String, Uuid>,
    /// Questions for a factor's code that are open.
    pub(super) challenges: HashMap<Uuid, Uuid>,
    pub(super) reused: usize,
    count: u32,
}

pub(super) struct Account {
    pub(super) email: String,
    pub(super) password: String,
    pub(super) factors: Vec<Factor>,
    pub(super) mailed: Option<String>,
}

pub(super) struct Factor {
    pub(super) id: Uuid,
    pub(super) kind: String,
    pub(super) code: String,
}

pub(super) struct Flow {
    pub(super) challenge: String,
    pub(super) account: Uuid,
}

pub(super) struct Visit {
    pub(super) challenge: String,
    pub(super) redirect: String,
    pub(super) account: Uuid,
}

pub(super) struct Session {
    pub(super) account: Uuid,
    pub(super) aal: &'static str,
    /// Its refresh tokens; the last is the one that is good.
    tokens: Vec<Refresh>,
    pub(super) is_over: bool,
}

struct Refresh {
    token: String,
    used: Option<Instant>,
}

impl State {
    pub(super) fn new(base: String) -> Self {
        Self {
            base,
            lives: 3600,
            grace: Duration::from_secs(10),
            ahead: 0,
            shape: Shape::Today,
            accounts: HashMap::new(),
            domains: HashMap::new(),
            visitor: None,
            flows: HashMap::new(),
            visits: HashMap::new(),
            sessions: HashMap::new(),
            access: HashMap::new(),
            challenges: HashMap::new(),
            reused: 0,
            count: 0,
        }
    }

    pub(super) fn add_account(&mut self, id: Uuid, email: &str, password: &str) {
        let account = Account {
            email: email.to_owned(),
            password: password.to_owned(),
            factors: Vec::new(),
            mailed: None,
        };
        self.accounts.insert(id, account);
        self.visitor = Some(id);
    }

    pub(super) fn add_factor(&mut self, account: Uuid, kind: &str, code: &str) -> Uuid {
        let id = Uuid::now_v7();
        let account = self.accounts.get_mut(&account).expect("it is there");
        account.factors.push(Factor {
            id,
            kind: kind.to_owned(),
            code: code.to_owned(),
        });
        id
    }

    pub(super) fn account_named(&self, email: &str) -> Option<Uuid> {
        let mut all = self.accounts.iter();
        all.find(|(_, it)| it.email.eq_ignore_ascii_case(email))
            .map(|(id, _)| *id)
    }

    pub(super) fn mailed(&self, email: &str) -> Option<String> {
        let account = self.account_named(email)?;
        self.accounts[&account].mailed.clone()
    }

    pub(super) fn end_sessions(&mut self, account: Uuid) {
        for session in self.sessions.values_mut() {
            session.is_over |= session.account == account;
        }
    }

    pub(super) fn live_sessions(&self, account: Uuid) -> usize {
        let all = self.sessions.values();
        all.filter(|it| it.account == account && !it.is_over)
            .count()
    }

    /// Six digits that were not given before.
    pub(super) fn digits(&mut self) -> String {
        self.count += 1;
        format!("{:06}", 100_000 + self.count)
    }

    /// A code for the browser.
    pub(super) fn flow(&mut self, challenge: &str, account: Uuid) -> String {
        let code = Uuid::new_v4().to_string();
        let challenge = challenge.to_owned();
        self.flows.insert(code.clone(), Flow { challenge, account });
        code
    }

    /// A new session and its first tokens.
    pub(super) fn begin(&mut self, account: Uuid) -> Value {
        let id = Uuid::new_v4();
        let session = Session {
            account,
            aal: "aal1",
            tokens: Vec::new(),
            is_over: false,
        };
        self.sessions.insert(id, session);
        self.rotate(id);
        self.tokens(id)
    }

    /// The last refresh token is used; another one takes its place.
    pub(super) fn rotate(&mut self, id: Uuid) {
        self.count += 1;
        let token = format!("refresh-{}", self.count);
        let session = self.sessions.get_mut(&id).expect("it is there");
        if let Some(last) = session.tokens.last_mut() {
            last.used = Some(Instant::now());
        }
        session.tokens.push(Refresh { token, used: None });
    }

    /// A second factor was taken. The refresh token of before is two behind, so that it is never the one before the
    /// last, and what else the account has with one factor alone ends.
    pub(super) fn raise(&mut self, id: Uuid) {
        let session = self.sessions.get_mut(&id).expect("it is there");
        session.aal = "aal2";
        let account = session.account;
        self.rotate(id);
        self.rotate(id);
        for other in self.sessions.values_mut() {
            other.is_over |= other.account == account && other.aal == "aal1";
        }
    }

    /// Takes a refresh token; answers with the session, or with the code of what is wrong.
    pub(super) fn take(&mut self, token: &str) -> Result<Uuid, &'static str> {
        let mut all = self.sessions.iter_mut();
        let found = all.find(|(_, it)| it.tokens.iter().any(|it| it.token == token));
        let Some((id, session)) = found else {
            return Err("refresh_token_not_found");
        };
        let id = *id;
        if session.is_over {
            return Err("session_not_found");
        }
        let place = session.tokens.iter().position(|it| it.token == token);
        let place = place.expect("it was found");
        let Some(used) = session.tokens[place].used else {
            self.rotate(id);
            return Ok(id);
        };
        self.reused += 1;
        // The one before the last may come again for a while: its answer may have been lost. Newer versions let it
        // come for ever; this is the stricter rule.
        if place + 2 == session.tokens.len() && used.elapsed() < self.grace {
            return Ok(id);
        }
        session.is_over = true;
        Err("refresh_token_already_used")
    }

    /// An answer with a session's tokens.
    pub(super) fn tokens(&mut self, id: Uuid) -> Value {
        let session = &self.sessions[&id];
        let refresh = session.tokens.last().map(|it| it.token.clone());
        let account = session.account;
        let begins = now().saturating_add_signed(self.ahead);
        let ends = begins + self.lives;
        self.count += 1;
        let access = Token::of(account)
            .with("email", self.accounts[&account].email.as_str())
            .with("aal", session.aal)
            .with("session_id", id.to_string())
            // The real one gives the same token twice within a second; tests want to tell them apart.
            .with("jti", self.count.to_string())
            .with("iat", begins)
            .with("exp", ends)
            .signed();
        self.access.insert(access.clone(), id);
        json!({
            "access_token": access, "token_type": "bearer", "expires_in": self.lives,
            "expires_at": ends, "refresh_token": refresh, "user": self.user(account),
        })
    }

    /// An account, as its user sees it.
    pub(super) fn user(&self, id: Uuid) -> Value {
        let account = &self.accounts[&id];
        let factors: Vec<Value> = account
            .factors
            .iter()
            .map(|factor| {
                json!({
                    "id": factor.id, "friendly_name": "of a test", "factor_type": factor.kind,
                    "status": "verified", "created_at": "2026-11-28T12:00:00Z",
                    "updated_at": "2026-11-28T12:00:00Z",
                })
            })
            .collect();
        let mut user = json!({
            "id": id, "aud": "authenticated", "role": "authenticated", "email": account.email,
            "email_confirmed_at": "2026-11-28T12:00:00Z", "app_metadata": {}, "user_metadata": {},
            "identities": [], "is_anonymous": false,
        });
        // It is left out where there is none.
        if !factors.is_empty() {
            user["factors"] = factors.into();
        }
        user
    }
}
