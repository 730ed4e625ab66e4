//! Artifacts: archives of code that tasks run. Equal content is kept once.

use crate::engine::journal::record::Record;
use crate::engine::machine::Engine;
use crate::engine::plan::hash;
use crate::engine::state::artifact::{Artifact, size_of_artifact};
use crate::error;
use crate::text::base64::parse_base64;
use crate::time::Millis;

/// The largest artifact, in bytes.
pub const LARGEST_ARTIFACT: usize = 8 * 1_024 * 1_024;

/// Why an artifact is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArtifactFault {
    /// Its content is not base64.
    NotBase64,
    /// It is larger than [`LARGEST_ARTIFACT`].
    TooLarge,
}

impl Engine {
    /// Whether an artifact can be kept.
    ///
    /// # Errors
    ///
    /// `LIMIT_EXCEEDED`.
    pub fn may_keep_artifact(&self, name: &str, mime: &str, content: &str) -> error::Result<()> {
        self.may_name(name)?;
        self.may_name(mime)?;
        self.has_memory(size_of_artifact(name, mime, content))
    }

    /// Keeps an artifact. `content` is its base64.
    ///
    /// # Errors
    ///
    /// The reason why it is not kept.
    pub fn keep_artifact(
        &mut self,
        name: &str,
        mime: &str,
        content: &str,
        now: Millis,
    ) -> Result<Artifact, ArtifactFault> {
        // Content that is too large is not decoded.
        if content.len() > LARGEST_ARTIFACT / 3 * 4 + 4 {
            return Err(ArtifactFault::TooLarge);
        }
        let bytes = parse_base64(content).ok_or(ArtifactFault::NotBase64)?;
        if bytes.len() > LARGEST_ARTIFACT {
            return Err(ArtifactFault::TooLarge);
        }
        let id = hash::of_bytes(&bytes);
        if let Some(known) = self.artifact(&id) {
            return Ok(known.clone());
        }
        let (name, mime) = (name.to_owned(), mime.to_owned());
        let artifact = Artifact { id, name, mime, size: bytes.len(), content: content.into(), at: now };
        self.commit(Record::ArtifactKept(Box::new(artifact.clone())));
        Ok(artifact)
    }

    /// Deletes an artifact; `false` if there is none with this id.
    pub fn delete_artifact(&mut self, id: &str) -> bool {
        let is_known = self.artifact(id).is_some();
        if is_known {
            self.commit(Record::ArtifactDeleted { id: id.to_owned() });
        }
        is_known
    }
}
