//! The draft as YAML for people: short lines, comments where something has to be checked.

use super::draft::{Draft, IndexDraft, Line, TableDraft, Value};
use crate::visible::{clean, is_odd, marked};

/// Comments longer than this go above what they speak of, wrapped.
const WIDTH: usize = 100;

impl Draft {
    /// The policy, with comments; `file` is how the commands to try next name it. The same database gives the same bytes.
    pub fn to_yaml(&self, file: &str) -> String {
        self.to_yaml_with(&[format!("pgstrata validate -p {file}"), format!("pgstrata plan -p {file}")])
    }

    /// The same, with these commands to try next.
    pub fn to_yaml_with(&self, next: &[String]) -> String {
        let mut out = "# yaml-language-server: $schema=policy.schema.json\n".to_owned();
        comment(&mut out, 0, "The schema, for editors: pgstrata schema policy > policy.schema.json");
        comment(&mut out, 0, &format!("Imported from {}. Next:", self.origin));
        next.iter().for_each(|command| comment(&mut out, 0, &format!("  {command}")));
        if self.tables.iter().any(|table| table.retention.is_empty()) {
            comment(
                &mut out,
                0,
                "Without a `retention` nothing leaves a table. Where rows may go: `retention: {keep: 90 days}`.",
            );
        }
        for remark in &self.remarks {
            comment(&mut out, 0, remark);
        }
        out.push_str("version: 1\n\ntables:\n");
        for (at, draft) in self.tables.iter().enumerate() {
            if at > 0 {
                out.push('\n');
            }
            table(&mut out, draft);
        }
        if !self.skipped.is_empty() {
            out.push('\n');
            comment(&mut out, 0, "Left out:");
            for (name, why) in &self.skipped {
                comment(&mut out, 0, &format!("  {name}: {why}"));
            }
        }
        out
    }
}

fn table(out: &mut String, table: &TableDraft) {
    out.push_str(&format!("  {}:\n", scalar(&table.name.in_text())));
    for remark in &table.remarks {
        comment(out, 4, remark);
    }
    section(out, "partition", &table.partition);
    section(out, "retention", &table.retention);
    if !table.storage_parameters.is_empty() {
        out.push_str("    storage_parameters:\n");
        for (name, value) in &table.storage_parameters {
            out.push_str(&format!("      {}: {}\n", scalar(name), scalar(value)));
        }
    }
    if !table.indexes.is_empty() {
        out.push_str("    indexes:\n");
        comment(out, 6, "The table cannot have them: uniqueness holds only within each partition.");
        table.indexes.iter().for_each(|one| index(out, one));
    }
    if table.inherit_privileges {
        out.push_str("    inherit_privileges: true\n");
    }
}

fn index(out: &mut String, index: &IndexDraft) {
    let IndexDraft { name, columns, include, nulls_not_distinct, with, tablespace } = index;
    let list = |items: &[String]| items.iter().map(|item| scalar(item)).collect::<Vec<_>>().join(", ");
    let mut parts = vec![format!("columns: [{}]", list(columns))];
    if !include.is_empty() {
        parts.push(format!("include: [{}]", list(include)));
    }
    parts.push("unique: true".to_owned());
    if *nulls_not_distinct {
        parts.push("nulls_not_distinct: true".to_owned());
    }
    parts.push("on: partitions".to_owned());
    if !with.is_empty() {
        let with: Vec<String> =
            with.iter().map(|(name, value)| format!("{}: {}", scalar(name), scalar(value))).collect();
        parts.push(format!("with: {{{}}}", with.join(", ")));
    }
    parts.extend(tablespace.iter().map(|name| format!("tablespace: {}", scalar(name))));
    out.push_str(&format!("      {}: {{{}}}\n", scalar(name), parts.join(", ")));
}

fn section(out: &mut String, name: &str, lines: &[Line]) {
    if lines.is_empty() {
        return;
    }
    out.push_str(&format!("    {name}:\n"));
    for Line { key, value, comment: said } in lines {
        let value = match value {
            Value::Text(text) => scalar(text),
            Value::Quoted(text) => quoted(text),
            Value::Word(word) => (*word).to_owned(),
            Value::List(items) => {
                format!("[{}]", items.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(", "))
            }
        };
        let line = format!("      {key}: {value}");
        match said {
            None => out.push_str(&line),
            Some(said) if line.chars().count() + 4 + said.chars().count() <= WIDTH => {
                out.push_str(&format!("{line}   # {}", clean(said)));
            }
            Some(said) => {
                comment(out, 6, said);
                out.push_str(&line);
            }
        }
        out.push('\n');
    }
}

/// A comment, wrapped between words; what it begins with is the indentation of its other lines.
fn comment(out: &mut String, indent: usize, text: &str) {
    let text = clean(text);
    let inner = text.chars().take_while(|c| *c == ' ').count();
    let room = WIDTH.saturating_sub(indent + 2);
    let lead = format!("{}# {}", " ".repeat(indent), " ".repeat(inner));
    let mut line = String::new();
    // Statements and commands are for copying: they stay whole.
    if text.contains(';') && text.contains("UPDATE ") || text.trim_start().starts_with("pgstrata ") {
        out.push_str(&format!("{lead}{}\n", text.trim_start()));
        return;
    }
    for word in text.split_whitespace() {
        if !line.is_empty() && inner + line.chars().count() + 1 + word.chars().count() > room {
            out.push_str(&format!("{lead}{line}\n"));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    out.push_str(&format!("{lead}{line}\n"));
}

/// Plain where YAML reads it as the text it is, else in quotes.
fn scalar(text: &str) -> String {
    let first = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '$' | ' ' | ':' | '-' | '/');
    let plain = text.starts_with(first)
        && text.chars().all(inside)
        && !text.contains(": ")
        && !text.contains("${")
        && !text.ends_with([' ', ':']);
    // Words that some YAML reads as something else.
    let word =
        ["null", "true", "false", "yes", "no", "on", "off", "y", "n"].contains(&text.to_ascii_lowercase().as_str());
    match plain && !word {
        true => text.to_owned(),
        false if is_odd(text) => quoted(text),
        false => format!("'{}'", text.replace('\'', "''")),
    }
}

fn quoted(text: &str) -> String {
    let mut out = "\"".to_owned();
    for (c, odd) in marked(text) {
        match (odd, u32::from(c)) {
            (false, _) if matches!(c, '"' | '\\') => out.extend(['\\', c]),
            (false, _) => out.push(c),
            (true, code @ 0..=0xffff) => out.push_str(&format!("\\u{code:04x}")),
            // YAML has no surrogates.
            (true, code) => out.push_str(&format!("\\U{code:08x}")),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_read_back_as_they_were() {
        for text in [
            "at",
            "no",
            "NULL",
            "1 month",
            "public.events",
            r#""S.p"."Ev ""x""""#,
            r#"public."it's""#,
            "a: b",
            "a #b",
            "2000-01-01 06:00",
            "-x",
            "tab\there",
            "café",
            "line\nend",
            "bidi\u{202e} tag\u{e0041} \u{85} ##[x]",
            "x:",
        ] {
            for written in [scalar(text), quoted(text)] {
                let read: serde_yaml::Value = serde_yaml::from_str(&format!("k: {written}")).unwrap();
                let read = read.get("k").unwrap();
                let read = read.as_str().map_or_else(|| format!("{read:?}"), str::to_owned);
                assert_eq!(read, text, "{written}");
                assert!(!is_odd(&written), "{written:?}");
            }
        }
    }

    #[test]
    fn comments_are_wrapped_and_stay_comments() {
        let mut out = String::new();
        comment(&mut out, 4, &format!("a name with\na line: {}", "word ".repeat(30)));
        assert!(out.lines().all(|line| line.starts_with("    # ") && line.len() <= WIDTH), "{out}");
        assert_eq!(out.lines().count(), 2);
    }
}
