//! Artifacts: archives of code that tasks run.

use crate::engine::state::State;
use crate::time::Millis;
use std::rc::Rc;

/// An artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// SHA-256 of its bytes, as hex.
    pub id: String,
    /// Name of the file that it was.
    pub name: String,
    /// Its media type.
    pub mime: String,
    /// How many bytes it has.
    pub size: usize,
    /// The bytes as base64.
    pub content: Rc<str>,
    /// When it came.
    pub at: Millis,
}

impl Artifact {
    /// Bytes that it takes.
    pub(in crate::engine) fn bytes(&self) -> usize {
        size_of_artifact(&self.name, &self.mime, &self.content)
    }
}

/// Bytes that an artifact takes.
pub(in crate::engine) fn size_of_artifact(name: &str, mime: &str, content: &str) -> usize {
    const ARTIFACT: usize = 256;
    ARTIFACT + name.len() + mime.len() + content.len()
}

impl State {
    /// An artifact by its id.
    pub fn artifact(&self, id: &str) -> Option<&Artifact> {
        self.artifacts.iter().find(|artifact| artifact.id == id)
    }

    /// All artifacts, oldest first.
    pub fn artifacts(&self) -> &[Artifact] {
        &self.artifacts
    }
}
