//! What can go wrong, as exit codes tell it.

use std::fmt;

/// A result of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure, by what the person at the keyboard can do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something that was given makes no sense.
    #[error("{0}")]
    Usage(String),
    /// What the command is about is not there.
    #[error("{0}")]
    Absent(String),
    /// A privilege is missing.
    #[error("{0}")]
    Privilege(String),
    /// The kernel or the interface cannot do what is needed.
    #[error("{0}")]
    Unsupported(String),
    /// Somebody else holds the interface.
    #[error("{0}")]
    Busy(String),
    /// It would do harm.
    #[error("{0}")]
    Refused(String),
    /// A capture is damaged; what stands before the damage was used.
    #[error("{0}")]
    Damaged(String),
    /// Anything else.
    #[error("{context}: {source}")]
    Failed {
        /// What was being done.
        context: String,
        /// What went wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// The exit code, as the README lists them.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Failed { .. } => 1,
            Self::Usage(_) => 2,
            Self::Absent(_) => 3,
            Self::Privilege(_) => 4,
            Self::Unsupported(_) => 5,
            Self::Busy(_) => 6,
            Self::Refused(_) => 7,
            Self::Damaged(_) => 8,
        }
    }
}

/// Says what was being done when an error came up.
pub(crate) trait Context<T> {
    fn context(self, context: impl fmt::Display) -> Result<T>;
}

impl<T, E> Context<T> for std::result::Result<T, E>
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn context(self, context: impl fmt::Display) -> Result<T> {
        self.map_err(|source| Error::Failed {
            context: context.to_string(),
            source: source.into(),
        })
    }
}
