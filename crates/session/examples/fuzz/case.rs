//! One input of the screen reader, and the file that keeps it.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
};

use berth_protocol::{AgentId, Size};
use serde::{Deserialize, Serialize};

/// An agent's rules, and what happens to its terminal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Case {
    pub agent: AgentId,
    pub size: Size,
    /// The message that the agent is thought to have been sent.
    pub sent: String,
    /// How the output is cut where everything is drawn at once, in bytes.
    pub cut: usize,
    pub steps: Vec<Step>,
}

/// Something that happens to a terminal.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The program prints. In the file each byte is the character of that number.
    #[serde(with = "as_characters")]
    Output(Vec<u8>),
    Resize(Size),
    /// Somebody reads the screen.
    Look,
    /// An unfinished synchronized update is shown.
    EndUpdate,
}

impl Case {
    /// The bytes of output.
    pub fn bytes(&self) -> usize {
        self.steps.iter().map(Step::bytes).sum()
    }

    /// Writes the case into a folder, and says how it can be run again.
    pub fn write(&self, folder: &Path) {
        let text = serde_json::to_string(self).unwrap_or_default();
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let file = folder.join(format!("fuzz-{:016x}.json", hasher.finish()));
        match fs::create_dir_all(folder).and_then(|()| fs::write(&file, text)) {
            Ok(()) => println!(
                "fuzz: the case is in {0}\nfuzz: run it again with: cargo xtask fuzz --replay {0}",
                file.display()
            ),
            Err(error) => eprintln!("error: {} cannot be written: {error}", file.display()),
        }
    }
}

impl Step {
    pub fn bytes(&self) -> usize {
        match self {
            Self::Output(bytes) => bytes.len(),
            _ => 0,
        }
    }
}

mod as_characters {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        let text: String = bytes.iter().map(|&byte| char::from(byte)).collect();
        serializer.serialize_str(&text)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.chars()
            .map(|c| u8::try_from(c).map_err(D::Error::custom))
            .collect()
    }
}
