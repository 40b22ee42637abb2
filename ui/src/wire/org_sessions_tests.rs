use super::super::read;
use super::*;

const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const AT: &str = "2026-11-23T19:05:01.25Z";

#[test]
fn a_page_of_sessions_is_read_as_serde_reads_it() {
    let person = format!(r#"{{"user":"{ID}","name":"Una","email":"","is_you":true}}"#);
    let whole = format!(
        r#"{{"id":"{ID}","person":{person},"device_id":"{ID}","is_here":true,"agent":"claude","transport":"acp",
            "permission_mode":"plan","phase":"exited","exit_code":-1,"exit_signal":"SIGTERM","failure_code":null,
            "run":2,"started_at":"{AT}","ended_at":"{AT}","archived_at":"{AT}","workspace":{{"kind":"in_place",
            "branch":"b","base":"main","base_commit":"0f3a","changes":{{"files":1,"added":2,"removed":3}}}}}}"#
    );
    let bare = |phase: &str, workspace: &str| {
        format!(
            r#"{{"id":"{ID}","person":{person},"device_id":"{ID}","is_here":false,"agent":"shell","transport":"pty",
                "phase":"{phase}","run":1,"started_at":"{AT}","workspace":{workspace}}}"#
        )
    };
    let sessions = [
        whole,
        bare("live", "null"),
        bare("failed", r#"{"kind":"server"}"#),
        bare("live", r#"{"kind":"worktree"}"#),
    ];
    for next in ["null", r#""2026-11-23T19:05:01.25Z_1""#] {
        let sessions = sessions.join(",");
        let text = format!(r#"{{"is_admin":true,"sessions":[{sessions}],"next":{next}}}"#);
        let meant: OrgSessions = serde_json::from_str(&text).unwrap();
        let written = serde_json::to_string(&meant).unwrap();
        assert_eq!(read::<OrgSessions>(&written).as_ref(), Ok(&meant));
    }
}
