//! Leaves a server that does not work alone for a while, instead of waiting for it again with each call.

use std::time::{Duration, Instant};

use super::McpError;
use crate::OauthError;

/// So many failures in a row open it.
const MOST: u32 = 3;

/// The first rest; each further failure doubles it.
const FIRST: Duration = Duration::from_secs(1);

/// The longest rest.
const LONGEST: Duration = Duration::from_secs(60);

/// A failure of so long ago says nothing of how the server is doing.
const LONG_AGO: Duration = Duration::from_secs(600);

/// Closed while it works, open while it rests; after a rest one call is let through.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    failures: u32,
    failed_at: Option<Instant>,
    rests_until: Option<Instant>,
}

impl Breaker {
    /// Whether a call may be made now; else how long the rest still takes.
    pub(crate) fn admit(&mut self, now: Instant) -> Result<(), Duration> {
        match self.rests_until {
            Some(until) if now < until => Err(until - now),
            // Whoever comes meanwhile waits for what this one finds.
            Some(_) => {
                self.rests_until = Some(now + self.rest());
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// What became of a call.
    pub(crate) fn note<T>(&mut self, outcome: &Result<T, McpError>, now: Instant) {
        match outcome {
            Err(error) if is_ill(error) => {
                if self.failed_at.is_some_and(|at| now - at >= LONG_AGO) {
                    *self = Self::default();
                }
                self.failed_at = Some(now);
                self.failures = self.failures.saturating_add(1);
                if self.failures >= MOST {
                    self.rests_until = Some(now + self.rest());
                }
            }
            // It was not asked.
            Err(McpError::Withheld(_) | McpError::Header(_) | McpError::Resting { .. }) => {}
            _ => *self = Self::default(),
        }
    }

    fn rest(&self) -> Duration {
        let doubled = self.failures.saturating_sub(MOST).min(16);
        (FIRST * (1 << doubled)).min(LONGEST)
    }
}

/// A server that answers is well, whatever it answers; one whose user has to sign in too.
fn is_ill(error: &McpError) -> bool {
    match error {
        McpError::Spawn { .. }
        | McpError::Ended { .. }
        | McpError::Silent { .. }
        | McpError::Unreachable(_)
        | McpError::Protocol { .. } => true,
        // Whoever gives out its tokens is not asked again and again either.
        McpError::NoToken(why) => {
            // The server itself has answered these.
            let is_well = matches!(
                **why,
                OauthError::Unadmitted(_) | OauthError::NoMoreAccess { .. }
            );
            !is_well && !error.wants_sign_in()
        }
        McpError::Unauthorized { .. }
        | McpError::Refused(_)
        | McpError::Withheld(_)
        | McpError::Header(_)
        | McpError::Resting { .. }
        | McpError::Oauth(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn ill() -> Result<(), McpError> {
        Err(McpError::Unreachable("nobody".to_owned()))
    }

    #[test]
    fn a_server_that_fails_in_a_row_rests_longer_each_time_and_is_tried_by_one() {
        let (mut breaker, mut now) = (Breaker::default(), Instant::now());
        for _ in 0..MOST {
            assert_eq!(breaker.admit(now), Ok(()));
            breaker.note(&ill(), now);
        }
        let mut rests = Vec::new();
        for _ in 0..8 {
            let rest = breaker.admit(now).expect_err("it rests");
            rests.push(rest.as_secs());
            now += rest;
            assert_eq!(breaker.admit(now), Ok(()), "one is let through");
            assert!(breaker.admit(now).is_err(), "and no other");
            breaker.note(&ill(), now);
        }
        assert_eq!(rests, [1, 2, 4, 8, 16, 32, 60, 60]);
        now += LONGEST;
        assert_eq!(breaker.admit(now), Ok(()));
        breaker.note(&Ok(()), now);
        assert_eq!(breaker.admit(now), Ok(()), "it works again");
    }

    #[test]
    fn failures_that_are_long_ago_do_not_count() {
        let (mut breaker, mut now) = (Breaker::default(), Instant::now());
        for _ in 0..2 * MOST {
            breaker.note(&ill(), now);
            assert_eq!(breaker.admit(now), Ok(()), "not in a row");
            now += LONG_AGO;
        }
    }

    #[test]
    fn a_server_that_answers_is_well() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..2 * MOST {
            let challenge = String::new();
            breaker.note::<()>(&Err(McpError::Unauthorized { challenge }), now);
            breaker.note::<()>(&Err(McpError::Refused("no".to_owned())), now);
            let lacks = OauthError::NoMoreAccess {
                server: "https://a.example/mcp".to_owned(),
                scopes: "write".to_owned(),
                why: Box::new(OauthError::Denied {
                    error: "invalid_scope".to_owned(),
                    description: None,
                }),
            };
            breaker.note::<()>(&Err(McpError::NoToken(Arc::new(lacks))), now);
            assert_eq!(breaker.admit(now), Ok(()));
        }
        breaker.note(&ill(), now);
        breaker.note(&ill(), now);
        breaker.note(&Ok(()), now);
        breaker.note(&ill(), now);
        assert_eq!(breaker.admit(now), Ok(()), "not in a row");
    }
}
