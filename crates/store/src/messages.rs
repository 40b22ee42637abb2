//! Transcripts: what user and agent said.

use berth_protocol::{Message, MessageId, MessagePage, Part, Role, SessionId, Timestamp};
use serde_json::json;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use crate::{
    Op, Store, StoreError,
    audit::{PAGE_MAX, cut},
    columns::{Columns, kept, word},
    write::{Change, Subject, Write},
};

const DOING: &str = "reading a transcript";

impl Store {
    /// Adds a message at the end of a session's transcript.
    ///
    /// # Errors
    /// [`StoreError::SessionNotFound`].
    pub async fn append_message(
        &self,
        session_id: SessionId,
        role: Role,
        content: &str,
        run: u32,
    ) -> Result<Message, StoreError> {
        let id = MessageId(Uuid::now_v7());
        let message = (role, content, [].as_slice());
        let (write, message) = self.add_message(id, session_id, message, None, run).await?;
        commit(write, &message).await?;
        Ok(message)
    }

    /// Adds a message under the identifier that clients know already, because they were shown it while it grew or
    /// before it could be stored, and with the moment at which it was said. It stands at the end of the transcript,
    /// whatever position it was shown at.
    ///
    /// # Errors
    /// As [`Self::append_message`].
    pub async fn append_known(&self, message: &Message) -> Result<Message, StoreError> {
        let said = (
            message.role,
            message.content.as_str(),
            message.parts.as_slice(),
        );
        let (write, message) = self
            .add_message(
                message.id,
                message.session_id,
                said,
                Some(message.at),
                message.run,
            )
            .await?;
        commit(write, &message).await?;
        Ok(message)
    }

    /// Adds a message of the user that the session's agent has still to take, which
    /// [`message_delivered`](Self::message_delivered) tells.
    ///
    /// # Errors
    /// As [`Self::append_message`].
    pub async fn append_undelivered(
        &self,
        session_id: SessionId,
        content: &str,
        run: u32,
    ) -> Result<Message, StoreError> {
        let id = MessageId(Uuid::now_v7());
        let (mut write, message) = self
            .add_message(id, session_id, (Role::User, content, &[]), None, run)
            .await?;
        let query = sqlx::query("UPDATE sessions SET undelivered_message = ? WHERE id = ?");
        write
            .execute(query.bind(id.to_string()).bind(session_id.to_string()))
            .await?;
        commit(write, &message).await?;
        Ok(message)
    }

    /// The agent took a message, in this run of its session. Telling it again changes nothing.
    ///
    /// # Errors
    /// Those of any write.
    pub async fn message_delivered(&self, message: &Message, run: u32) -> Result<(), StoreError> {
        let mut write = self.write("noting a message as delivered").await?;
        let query = sqlx::query(
            "UPDATE sessions SET undelivered_message = NULL
             WHERE id = ? AND undelivered_message = ?",
        )
        .bind(message.session_id.to_string())
        .bind(message.id.to_string());
        if write.execute(query).await? == 0 {
            return write.abandon().await;
        }
        write
            .commit(Change {
                action: "message.delivered",
                subject: Subject::Message(message.id),
                details: json!({
                    "run": run,
                    "seq": message.seq,
                    "session_id": message.session_id,
                }),
                op: Op::Upsert,
                payload: json!({"seq": message.seq, "session_id": message.session_id}),
            })
            .await
    }

    /// Begins to add a message at the end of a session's transcript, as of now unless it was said earlier.
    async fn add_message(
        &self,
        id: MessageId,
        session_id: SessionId,
        (role, content, parts): (Role, &str, &[Part]),
        at: Option<Timestamp>,
        run: u32,
    ) -> Result<(Write, Message), StoreError> {
        let mut write = self.write("adding a message").await?;
        let last = sqlx::query(
            "SELECT (SELECT MAX(seq) FROM messages WHERE session_id = sessions.id) AS last
             FROM sessions WHERE id = ?",
        );
        let Some(row) = write.row(last.bind(session_id.to_string())).await? else {
            write.abandon().await?;
            return Err(StoreError::SessionNotFound(session_id));
        };
        let last: Option<i64> = Columns::of(&row, write.doing()).get("last")?;
        let message = Message {
            id,
            session_id,
            seq: last.unwrap_or(0) + 1,
            role,
            content: content.to_owned(),
            parts: parts.to_vec(),
            at: at.map_or(write.at(), kept),
            run,
            partial: false,
        };
        write
            .execute(
                sqlx::query(
                    "INSERT INTO messages (id, session_id, seq, role, content, at, run, parts)
                     VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                )
                .bind(message.id.to_string())
                .bind(session_id.to_string())
                .bind(message.seq)
                .bind(word(&role))
                .bind(content)
                .bind(message.at.as_millisecond())
                .bind(run)
                .bind((!parts.is_empty()).then(|| json!(parts).to_string())),
            )
            .await?;
        Ok((write, message))
    }

    /// One message, if it exists.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn message(&self, id: MessageId) -> Result<Option<Message>, StoreError> {
        let query = sqlx::query("SELECT * FROM messages WHERE id = ?").bind(id.to_string());
        let row = self.row(DOING, query).await?;
        row.as_ref().map(message).transpose()
    }

    /// The messages of a session with a `seq` above `after`, in order, at most `limit` and at most
    /// 1,000. A session that does not exist has none.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn messages(
        &self,
        session_id: SessionId,
        after: i64,
        limit: u32,
    ) -> Result<MessagePage, StoreError> {
        let limit = limit.clamp(1, PAGE_MAX);
        let query = sqlx::query(
            "SELECT * FROM messages WHERE session_id = ? AND seq > ? ORDER BY seq LIMIT ?",
        )
        .bind(session_id.to_string())
        .bind(after)
        .bind(limit + 1);
        let rows = self.rows(DOING, query).await?;
        let mut messages: Vec<_> = rows.iter().map(message).collect::<Result<_, _>>()?;
        let next = cut(&mut messages, limit).map(|last| last.seq);
        Ok(MessagePage { messages, next })
    }

    /// How many messages a session has.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn message_count(&self, session_id: SessionId) -> Result<u64, StoreError> {
        // Positions have no gaps, so the last one is the count.
        let query =
            sqlx::query("SELECT COALESCE(MAX(seq), 0) AS count FROM messages WHERE session_id = ?");
        let row = self.row(DOING, query.bind(session_id.to_string())).await?;
        row.map_or(Ok(0), |row| Columns::of(&row, DOING).number("count"))
    }
}

async fn commit(write: Write, message: &Message) -> Result<(), StoreError> {
    let change = Change {
        action: "message.added",
        subject: Subject::Message(message.id),
        details: json!({
            "bytes": message.content.len(),
            "role": word(&message.role),
            "run": message.run,
            "seq": message.seq,
            "session_id": message.session_id,
        }),
        op: Op::Upsert,
        payload: json!({"seq": message.seq, "session_id": message.session_id}),
    };
    write.commit(change).await
}

fn message(row: &SqliteRow) -> Result<Message, StoreError> {
    let columns = Columns::of(row, DOING);
    Ok(Message {
        id: columns.parse("id")?,
        session_id: columns.parse("session_id")?,
        seq: columns.get("seq")?,
        role: columns.word("role")?,
        content: columns.get("content")?,
        parts: columns.maybe_json("parts")?.unwrap_or_default(),
        at: columns.moment("at")?,
        run: columns.number("run")?,
        partial: false,
    })
}
