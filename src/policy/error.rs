//! What is wrong with a policy, as data: the binary turns it into a diagnostic with file, line and caret.

use std::fmt;
use std::ops::Range;

use super::PolicyPath;

/// One thing that is wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    /// What it is about.
    pub path: PolicyPath,
    /// What is wrong, in a lower-case fragment.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Places to point at, the first one the main one.
    pub labels: Vec<Label>,
}

/// A place to point at and what to say there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// What the label is about.
    pub path: PolicyPath,
    /// Whether the key is meant rather than its value.
    pub on_key: bool,
    /// Where that is; `None` until [`SourceMap::locate`](super::SourceMap::locate) has found it.
    pub place: Option<Place>,
    /// What to say there; may be empty.
    pub text: String,
}

/// A stretch of one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// [`Source::name`](super::Source::name).
    pub source: String,
    /// Bytes of the source's text.
    pub span: Range<usize>,
}

impl PolicyError {
    /// An error that points at the value of `path`.
    pub fn at(path: PolicyPath, message: impl Into<String>) -> Self {
        Self { labels: vec![Label::value(path.clone(), "")], path, message: message.into(), help: None }
    }

    /// An error that points at the key of `path`.
    pub fn at_key(path: PolicyPath, message: impl Into<String>) -> Self {
        Self { labels: vec![Label::key(path.clone(), "")], path, message: message.into(), help: None }
    }

    /// An error at a known place.
    pub fn placed(path: PolicyPath, place: Place, message: impl Into<String>) -> Self {
        let label = Label { path: path.clone(), on_key: false, place: Some(place), text: String::new() };
        Self { path, message: message.into(), help: None, labels: vec![label] }
    }

    /// The same error with what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same error with what to do about it, where that is known.
    #[must_use]
    pub fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }

    /// The same error with `text` at its main place.
    #[must_use]
    pub fn says(mut self, text: impl Into<String>) -> Self {
        if let Some(label) = self.labels.first_mut() {
            label.text = text.into();
        }
        self
    }

    /// The same error with one more place to look at.
    #[must_use]
    pub fn and(mut self, label: Label) -> Self {
        self.labels.push(label);
        self
    }
}

impl Label {
    /// Points at the value of `path`.
    pub fn value(path: PolicyPath, text: impl Into<String>) -> Self {
        Self { path, on_key: false, place: None, text: text.into() }
    }

    /// Points at the key of `path`.
    pub fn key(path: PolicyPath, text: impl Into<String>) -> Self {
        Self { path, on_key: true, place: None, text: text.into() }
    }

    /// Points at a known place.
    pub fn placed(path: PolicyPath, place: Place, text: impl Into<String>) -> Self {
        Self { path, on_key: false, place: Some(place), text: text.into() }
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.segments().is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}

impl std::error::Error for PolicyError {}

/// Something in a policy that is allowed and probably not meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What it is about.
    pub path: PolicyPath,
    /// What is odd, in a lower-case fragment.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}
