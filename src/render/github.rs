//! Outputs of a GitHub Actions step: lines for the file that `GITHUB_OUTPUT` names.

use std::fmt;

use super::outline::all_changes;
use crate::plan::Plan;
use crate::report::drift::{default_fail_on, drift};
use crate::visible::clean;

/// `changes`, `drift` and `blocked`: how many changes a plan has, how many of them are drift or overdue, how many may
/// not be carried out. Numbers, so that no value can be more than a line.
pub fn outputs(plan: &Plan) -> String {
    let found = drift(plan, &default_fail_on());
    let blocked = all_changes(plan).iter().filter(|change| change.is_blocked()).count();
    let errors = found.standing.unjudged.len() + found.standing.impossible.len();
    let (all, counted) = (found.counted() + found.not_counted(), found.counted());
    format!("changes={all}\ndrift={counted}\nblocked={blocked}\nerrors={errors}\n")
}

/// How much an annotation matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Good to know.
    Notice,
    /// To be looked at.
    Warning,
    /// Why the job fails.
    Error,
}

/// A workflow command that puts a message beside a line of a file (GitHub, "Workflow commands", setting an error message).
///
/// The one line that may begin with `::`. What stands in it is data, and can neither end it nor add to it.
///
/// ```
/// use pgstrata::render::github::{Annotation, Weight};
/// let annotation = Annotation {
///     weight: Weight::Error,
///     file: "a,b.yaml".to_owned(),
///     line: Some(3),
///     title: Some("100%".to_owned()),
///     message: "x\n::warning::y".to_owned(),
/// };
/// assert_eq!(annotation.to_string(), "::error file=a%2Cb.yaml,line=3,title=100%25::x%0A::warning::y");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// How much it matters.
    pub weight: Weight,
    /// The file, from the repository's root.
    pub file: String,
    /// Its line.
    pub line: Option<usize>,
    /// What stands above the message.
    pub title: Option<String>,
    /// What is said.
    pub message: String,
}

impl fmt::Display for Annotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { weight, file, line, title, message } = self;
        let word = match weight {
            Weight::Notice => "notice",
            Weight::Warning => "warning",
            Weight::Error => "error",
        };
        write!(f, "::{word} file={}", property(file))?;
        if let Some(line) = line {
            write!(f, ",line={line}")?;
        }
        if let Some(title) = title {
            write!(f, ",title={}", property(title))?;
        }
        write!(f, "::{}", data(message))
    }
}

/// As the runner reads it back; what else cannot be seen is made to be, for the page that shows it.
fn data(text: &str) -> String {
    let text = text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    // Behind `::` nothing is at a line's beginning.
    clean(&format!("x{text}"))[1..].to_owned()
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_is_one_line_whatever_is_said() {
        for text in ["a\r\n::error::b", "%0A", "##[error]x", "\x1b[31m", "\u{202e}", ",line=1::y"] {
            let annotation = Annotation {
                weight: Weight::Warning,
                file: text.to_owned(),
                line: None,
                title: Some(text.to_owned()),
                message: text.to_owned(),
            };
            let line = annotation.to_string();
            assert!(!line.contains(|c: char| c.is_control() || c == '\u{202e}') && !line.contains("##["), "{line}");
            let (head, said) = line.strip_prefix("::warning file=").unwrap().split_once("::").unwrap();
            assert_eq!(head.matches(',').count(), 1, "{line}");
            assert!(
                !head.contains(':') && said.replace("%0A", "").replace("%0D", "").matches('%').count() < 2,
                "{line}"
            );
        }
    }
    use crate::render::testing::busy;

    #[test]
    fn outputs_are_the_counts_of_drift() {
        assert_eq!(outputs(&busy()), "changes=11\ndrift=5\nblocked=2\nerrors=0\n");
    }
}
