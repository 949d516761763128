//! Which characters may not leave as they are, and how each kind of text writes them instead.
//!
//! A table may be called anything. What is in its name must neither move a terminal's cursor, nor end a line or an SQL
//! comment, nor show as another name, nor be a command to the runner of a workflow whose log it stands in: GitHub's takes
//! `::error …` at a line's beginning, behind blanks too, and `##[error]` anywhere (actions/runner, ActionCommand.cs).

#[cfg(feature = "planner")]
use std::borrow::Cow;

/// Whether a character is not seen, or changes how others are seen.
pub(crate) fn hides(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // Arabic letter mark, zero width space, marks of direction.
            '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            // Line and paragraph separators; embeddings and overrides; isolates.
            | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            // Byte order mark, interlinear annotations, tags.
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Whether a text has something that may not leave as it is.
pub(crate) fn is_odd(text: &str) -> bool {
    text.contains(hides) || text.contains("##[")
}

/// The characters of a text, and whether each has to be written in another way: what [`hides`], and the bracket of `##[`.
pub(crate) fn marked(text: &str) -> impl Iterator<Item = (char, bool)> + '_ {
    let mut hashes = 0_u32;
    text.chars().map(move |c| {
        let odd = hides(c) || (c == '[' && hashes >= 2);
        hashes = if c == '#' { hashes + 1 } else { 0 };
        (c, odd)
    })
}

/// One line of text with everything in it to be seen: `\u{1b}` and the like.
///
/// ```
/// use pgstrata::render::clean;
/// assert_eq!(clean("red\x1b[31m\n"), r"red\u{1b}[31m\u{a}");
/// assert_eq!(clean("::error ::x ##[debug]"), r"\u{3a}:error ::x ##\u{5b}debug]");
/// ```
#[cfg(feature = "planner")]
pub fn clean(text: &str) -> Cow<'_, str> {
    let command = text.trim_start().starts_with("::");
    if !command && !is_odd(text) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut before_command = command;
    for (c, odd) in marked(text) {
        if odd || (before_command && c == ':') {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
        before_command &= c.is_whitespace();
    }
    Cow::Owned(out)
}

/// A JSON document with everything in it to be seen, and the same values: such characters stand in its strings only.
#[cfg(feature = "planner")]
pub(crate) fn clean_json(text: String) -> String {
    let odd = |c: char| hides(c) && c != '\n';
    if !text.contains(odd) && !text.contains("##[") {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 64);
    for (c, is_odd) in marked(&text) {
        if is_odd && c != '\n' {
            push_utf16(&mut out, c);
        } else {
            out.push(c);
        }
    }
    out
}

/// `\u00e9`, in two parts beyond the sixteen bits.
#[cfg(feature = "planner")]
pub(crate) fn push_utf16(out: &mut String, c: char) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        out.push_str(&format!("\\u{unit:04x}"));
    }
}

#[cfg(all(test, feature = "planner"))]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_speak_to_the_terminal() {
        assert_eq!(clean("a\x1b[2Jb\nc\u{202e}"), "a\\u{1b}[2Jb\\u{a}c\\u{202e}");
        assert_eq!(clean("größe … #[1] :: # #["), "größe … #[1] :: # #[");
        assert!(matches!(clean("a::b"), Cow::Borrowed("a::b")));
    }

    #[test]
    fn nor_to_the_runner_of_a_workflow() {
        for (text, seen) in [
            ("::error ::x", "\\u{3a}:error ::x"),
            ("  ::error", "  \\u{3a}:error"),
            ("\u{a0}::error", "\u{a0}\\u{3a}:error"),
            ("\r::error", "\\u{d}\\u{3a}:error"),
            ("a ##[group]", "a ##\\u{5b}group]"),
            ("###[x]", "###\\u{5b}x]"),
            ("##\u{200b}[x]", "##\\u{200b}[x]"),
        ] {
            assert_eq!(clean(text), seen);
            assert_eq!(clean(&clean(text)), seen, "cleaning what is clean changes nothing");
        }
    }

    #[test]
    fn documents_keep_their_values() {
        let value = serde_json::json!({"a\u{202e}": "##[x] \x1b \u{7f} \u{e0041} \n"});
        let text = clean_json(serde_json::to_string_pretty(&value).unwrap());
        assert!(!text.contains("##[") && !text.contains(|c| hides(c) && c != '\n'), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
