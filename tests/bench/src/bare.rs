//! The bare thing: a program on a terminal, with nothing of Berth in between.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::{self, Read, Write},
    path::Path,
    thread,
};

use memchr::memmem;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// As Berth's sessions have it when nobody says otherwise.
const SIZE: PtySize = PtySize {
    rows: 24,
    cols: 80,
    pixel_width: 0,
    pixel_height: 0,
};

/// A program on a terminal. Dropping it ends the program.
pub struct Bare {
    /// What the program prints.
    pub reader: Box<dyn Read + Send>,
    /// What it is told.
    pub writer: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    _master: Box<dyn MasterPty + Send>,
}

impl Bare {
    /// Starts a program with this process's environment.
    pub fn start(command: &[&str]) -> Self {
        let mut builder = CommandBuilder::new(command[0]);
        builder.args(&command[1..]);
        Self::spawn(builder)
    }

    /// Starts a program in a folder, with this environment and nothing else.
    pub fn start_in(
        folder: &Path,
        program: &Path,
        arguments: &[&str],
        environment: &BTreeMap<OsString, OsString>,
    ) -> Self {
        let mut builder = CommandBuilder::new(program);
        builder.args(arguments);
        builder.cwd(folder);
        builder.env_clear();
        for (name, value) in environment {
            builder.env(name, value);
        }
        Self::spawn(builder)
    }

    fn spawn(builder: CommandBuilder) -> Self {
        let pair = native_pty_system()
            .openpty(SIZE)
            .expect("there is a pseudo-terminal");
        let child = pair
            .slave
            .spawn_command(builder)
            .expect("the program can be started");
        drop(pair.slave);
        Self {
            reader: pair.master.try_clone_reader().expect("it can be read"),
            writer: pair.master.take_writer().expect("it can be written"),
            child,
            _master: pair.master,
        }
    }

    /// Reads until the output ends with, or has behind the last read, these bytes; returns how many
    /// there were.
    pub fn read_past(&mut self, end: &[u8]) -> usize {
        let mut buffer = vec![0; 64 * 1024];
        let mut tail = Tail::new(end);
        let mut count = 0;
        loop {
            let length = self.reader.read(&mut buffer).expect("it can be read");
            assert_ne!(length, 0, "the program ended too early");
            count += length;
            if tail.push(&buffer[..length]) {
                return count;
            }
        }
    }

    /// Tells the program something.
    pub fn tell(&mut self, text: &[u8]) {
        let told = self
            .writer
            .write_all(text)
            .and_then(|()| self.writer.flush());
        told.expect("the program can be told something");
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Finds bytes in a stream that comes in pieces.
pub struct Tail<'a> {
    wanted: &'a [u8],
    kept: Vec<u8>,
}

impl<'a> Tail<'a> {
    /// Looks for these bytes.
    pub fn new(wanted: &'a [u8]) -> Self {
        Self {
            wanted,
            kept: Vec::new(),
        }
    }

    /// Takes the next piece; says whether the bytes were in it or across its border.
    pub fn push(&mut self, piece: &[u8]) -> bool {
        let overlap = self.wanted.len() - 1;
        // What is looked for comes last, so only the end of a large piece has to be searched.
        let from = piece.len().saturating_sub(4 * 1024);
        self.kept.extend_from_slice(&piece[from..]);
        let found = memmem::find(&self.kept, self.wanted).is_some();
        let drop = self.kept.len().saturating_sub(overlap);
        self.kept.drain(..drop);
        found
    }
}

/// Holds as many terminals as told, each with a program that says nothing and a thread that reads,
/// and says so; until standard input ends.
pub fn hold(count: usize) {
    let held: Vec<Bare> = (0..count)
        .map(|_| {
            let mut bare = Bare::start(&["cat"]);
            let mut reader = std::mem::replace(&mut bare.reader, Box::new(io::empty()));
            thread::spawn(move || {
                let mut buffer = vec![0; 64 * 1024];
                while reader.read(&mut buffer).is_ok_and(|length| length > 0) {}
            });
            bare
        })
        .collect();
    println!("ready");
    // Its end is the sign to end; nothing is said on it.
    let _ = io::stdin().read(&mut [0; 1]);
    drop(held);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_found_across_the_border_of_two_pieces() {
        let mut tail = Tail::new(b"end");
        assert!(!tail.push(b"the e"));
        assert!(tail.push(b"nd"));
        assert!(!tail.push(b"again"));
    }
}
