//! Artifacts: archives of code that tasks run.

use crate::engine::state::State;
use crate::time::Millis;
use std::rc::Rc;

/// An artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// SHA-256 of its bytes, as hex.
    pub id: String,
    /// Name of the uploaded file.
    pub name: String,
    /// Its media type.
    pub mime: String,
    /// Its size in bytes.
    pub size: usize,
    /// Its content as base64.
    pub content: Rc<str>,
    /// When it was uploaded.
    pub at: Millis,
}

impl Artifact {
    /// The bytes of memory that it takes.
    pub(in crate::engine) fn bytes(&self) -> usize {
        size_of_artifact(&self.name, &self.mime, &self.content)
    }
}

/// The bytes of memory that an artifact takes.
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
