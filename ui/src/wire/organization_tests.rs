use std::fmt::Debug;

use berth_protocol::{Event, Secret};
use serde::{Serialize, de::DeserializeOwned};

use super::super::{Heard, event, read};
use super::*;

const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const AT: &str = "2026-11-23T19:05:01.25Z";

/// What the engine writes is read as what it meant.
fn check<T: Read + Serialize + DeserializeOwned + PartialEq + Debug>(text: &str) {
    let meant: T = serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let written = serde_json::to_string(&meant).unwrap();
    assert_eq!(read::<T>(&written).as_ref(), Ok(&meant), "{written}");
}

fn state(account: &str, rest: &str) -> String {
    format!(r#"{{"account":{account}{rest}}}"#)
}

const SIGNED_OUT: &str = r#"{"is":"signed_out"}"#;

fn accounts() -> [String; 4] {
    [
        SIGNED_OUT.to_owned(),
        format!(r#"{{"is":"signing_in","url":"https://a.example/authorize?x=\"","until":"{AT}"}}"#),
        format!(
            r#"{{"is":"second_factor","factors":[{{"id":"{ID}","name":"Phone","is_supported":true}},
                {{"id":"{ID}","name":null,"is_supported":false}}]}}"#
        ),
        format!(r#"{{"is":"signed_in","user":"{ID}","email":"a@b.example","second_factor":true}}"#),
    ]
}

fn statuses() -> [String; 8] {
    [
        r#"{"is":"starting"}"#.to_owned(),
        r#"{"is":"fresh"}"#.to_owned(),
        format!(
            r#"{{"is":"stale","since":"{AT}","code":"tenant.refused","detail":"ä \"refused\""}}"#
        ),
        format!(r#"{{"is":"offline","since":"{AT}"}}"#),
        SIGNED_OUT.to_owned(),
        r#"{"is":"schema","backend":7,"known":1}"#.to_owned(),
        r#"{"is":"schema","backend":null,"known":1}"#.to_owned(),
        r#"{"is":"wiped","unsent":3}"#.to_owned(),
    ]
}

#[test]
fn the_state_is_read_as_serde_reads_it() {
    for account in accounts() {
        check::<OrgState>(&state(&account, ""));
        check::<OrgState>(&state(
            &account,
            r#","backend":{"url":"https://a.example","fixed":true},"failed":{"type":"t","title":"t",
                "status":502,"code":"tenant.sign_in_failed","detail":"d","hint":"h"}"#,
        ));
    }
    for status in statuses() {
        let sync = format!(
            r#"{{"status":{status},"fresh_at":"{AT}","waiting":1,"conflicts":2,"parked":3,
                "parked_code":"sync.forbidden","audit_waiting":4,"audit_refused":5,"rounds":6,
                "told":{{"waiting":7,"refused":8,"refused_code":"sync.invalid"}},"listening":true}}"#
        );
        check::<SyncState>(&sync);
        for role in ["admin", "user"] {
            let entry =
                format!(r#"{{"id":"{ID}","name":"ä \"q\"","role":"{role}","sync":{sync}}}"#);
            check::<OrgState>(&state(
                SIGNED_OUT,
                &format!(r#","organizations":[{entry}],"active":"{ID}""#),
            ));
        }
    }
    check::<SyncState>(
        r#"{"status":{"is":"fresh"},"fresh_at":null,"waiting":0,"conflicts":0,"parked":0,"parked_code":null,
            "audit_waiting":0,"audit_refused":0,"rounds":0,"listening":false}"#,
    );
    check::<OrgEntry>(&format!(
        r#"{{"id":"{ID}","name":"n","role":"user","sync":null}}"#
    ));
    check::<OrgWays>(r#"{"email":true,"providers":["github","google"],"domain":false}"#);
    check::<OrgWays>(r#"{"email":false,"providers":[],"domain":true}"#);
}

#[test]
fn what_is_not_understood_is_named() {
    for (text, wrong) in [
        ("{}", "account"),
        (r#"{"account":{"is":"dreaming"}}"#, "account"),
        (r#"{"account":{"is":"signed_out"},"active":"me"}"#, "active"),
    ] {
        assert_eq!(read::<OrgState>(text), Err(wrong), "{text}");
    }
    let factor = r#"{"id":"1","name":null,"is_supported":true}"#;
    assert_eq!(read::<OrgFactor>(factor), Err("id"));
}

#[test]
fn whether_one_is_active_is_known_without_the_rest() {
    let active = state(SIGNED_OUT, &format!(r#","active":"{ID}""#));
    assert!(has_active(&active));
    for without in [
        state(SIGNED_OUT, r#","active":null"#),
        state(SIGNED_OUT, ""),
        String::new(),
    ] {
        assert!(!has_active(&without), "{without}");
    }
}

#[test]
fn the_event_says_that_it_stands_otherwise() {
    let org: OrgState = serde_json::from_str(&state(SIGNED_OUT, "")).unwrap();
    let changed = Event::OrgChanged { org: Box::new(org) };
    let written = serde_json::to_string(&changed).unwrap();
    assert_eq!(event(changed.name(), &written), Some(Ok(Heard::Org)));
}

#[test]
fn bodies_are_written_as_serde_reads_them() {
    fn check<T: Write + DeserializeOwned + PartialEq + Debug>(body: &T) {
        let written = body.write();
        let read: T = serde_json::from_str(&written).unwrap_or_else(|e| panic!("{written}: {e}"));
        assert_eq!(read, *body, "{written}");
    }
    let odd = "ä \"q\" \\ \n 🦀";
    check(&SetOrgBackend {
        url: "https://a.example".to_owned(),
        key: odd.to_owned(),
    });
    check(&SetActiveOrg { organization: None });
    check(&SetActiveOrg {
        organization: Some(ID.parse().unwrap()),
    });
    check(&NewOrganization {
        name: odd.to_owned(),
    });

    let token = JoinOrganization {
        token: Secret::new(odd.to_owned()),
    };
    let read: JoinOrganization = serde_json::from_str(&token.write()).unwrap();
    assert_eq!(read.token.expose(), odd);
    let code = OrgFactorCode {
        factor: ID.parse().unwrap(),
        code: Secret::new(odd.to_owned()),
    };
    let read: OrgFactorCode = serde_json::from_str(&code.write()).unwrap();
    assert_eq!((read.factor, read.code), (code.factor, code.code));
}

#[test]
fn every_way_to_sign_in_is_written_as_serde_reads_it() {
    let odd = "ä \"q\" \\ \n 🦀".to_owned();
    let email = "a@b.example".to_owned();
    let secret = || Secret::new(odd.clone());
    for way in [
        OrgSignIn::Password {
            email: email.clone(),
            password: secret(),
        },
        OrgSignIn::SendCode {
            email: email.clone(),
        },
        OrgSignIn::Code {
            email: email.clone(),
            code: secret(),
        },
        OrgSignIn::Provider {
            provider: odd.clone(),
        },
        OrgSignIn::Domain {
            domain: odd.clone(),
        },
    ] {
        let read: OrgSignIn = serde_json::from_str(&way.write()).unwrap();
        let same = match (&read, &way) {
            (
                OrgSignIn::Password { email, password },
                OrgSignIn::Password {
                    email: meant,
                    password: secret,
                },
            ) => email == meant && password == secret,
            (OrgSignIn::SendCode { email }, OrgSignIn::SendCode { email: meant }) => email == meant,
            (
                OrgSignIn::Code { email, code },
                OrgSignIn::Code {
                    email: meant,
                    code: secret,
                },
            ) => email == meant && code == secret,
            (OrgSignIn::Provider { provider }, OrgSignIn::Provider { provider: meant }) => {
                provider == meant
            }
            (OrgSignIn::Domain { domain }, OrgSignIn::Domain { domain: meant }) => domain == meant,
            _ => false,
        };
        assert!(same, "{read:?} instead of {way:?}");
    }
}

#[test]
fn differences_are_read_with_what_they_are_about() {
    for (about, is) in [
        (
            r#"{"is":"organization"}"#.to_owned(),
            DriftAbout::Organization,
        ),
        (
            format!(r#"{{"is":"prompt","id":"{ID}"}}"#),
            DriftAbout::Prompt {
                id: ID.parse().unwrap(),
            },
        ),
        (
            format!(r#"{{"is":"server","id":"{ID}"}}"#),
            DriftAbout::Server {
                id: ID.parse().unwrap(),
            },
        ),
        (r#"{"is":"servers"}"#.to_owned(), DriftAbout::Servers),
        (
            format!(r#"{{"is":"session","id":"{ID}"}}"#),
            DriftAbout::Session {
                id: ID.parse().unwrap(),
            },
        ),
    ] {
        let text = format!(
            r#"{{"organization":"{ID}","findings":[{{"kind":"server_failed","about":{about},"name":"n","detail":"d",
                "hint":"h"}}]}}"#
        );
        let found = read::<Differences>(&text).unwrap();
        let about = found.findings.first().map(|found| found.about);
        assert_eq!(about, Some(is), "{text}");
    }
}
