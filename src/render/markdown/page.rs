//! A page of bounded size: what does not fit is left out from the end, and said.

use super::text::fence;
use crate::visible::clean;

/// What GitHub takes as one comment, here counted in bytes: never more than in characters.
pub const MAX_BYTES: usize = 65_536;

/// What the sentences about what is left out may take.
const SPARE: usize = 1_024;

/// A page under construction, filled from the most important part to the least.
#[derive(Debug)]
pub(super) struct Page {
    text: String,
    limit: usize,
    /// A list was cut: what is less important has no room either.
    full: bool,
}

impl Page {
    pub(super) fn new(marker: &str) -> Self {
        Self { text: format!("<!-- {marker} -->\n"), limit: MAX_BYTES - SPARE, full: false }
    }

    /// A line that is there whatever happens: headings and counts, short by themselves.
    pub(super) fn line(&mut self, line: &str) {
        // A name has at most 63 bytes; should a line be long all the same, its beginning is there.
        let end = line.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= 4_000).last();
        self.text.push_str(&line[..end.unwrap_or(0)]);
        self.text.push('\n');
    }

    /// Whether so many bytes fit with `reserve` left.
    pub(super) fn fits(&self, bytes: usize, reserve: usize) -> bool {
        bytes <= self.room(reserve)
    }

    fn room(&self, reserve: usize) -> usize {
        self.limit.saturating_sub(self.text.len()).saturating_sub(reserve)
    }

    /// Lines as far as there is room with `reserve` bytes left; how many were left out.
    pub(super) fn lines(&mut self, lines: &[String], reserve: usize) -> usize {
        for (at, line) in lines.iter().enumerate() {
            if line.len() + 1 > self.room(reserve) {
                return lines.len() - at;
            }
            self.text.push_str(line);
            self.text.push('\n');
        }
        0
    }

    /// A table as far as there is room; the rows left out are counted below it as `what`.
    pub(super) fn table(&mut self, head: &str, columns: usize, rows: &[String], what: &str, reserve: usize) -> usize {
        if rows.is_empty() {
            return 0;
        }
        self.line("");
        self.line(head);
        self.line(&format!("|{}", " --- |".repeat(columns)));
        let left_out = self.lines(rows, reserve);
        if left_out > 0 {
            self.full = true;
            self.line("");
            self.line(&format!("… and {left_out} more {what}, left out for their length."));
        }
        left_out
    }

    /// Statements by group (a step's comment and SQL), folded, as far as there is room.
    pub(super) fn sql(&mut self, groups: &[String]) {
        if groups.is_empty() {
            return;
        }
        let all: Vec<String> = groups
            .iter()
            .map(|group| group.lines().map(|line| clean(line).into_owned()).collect::<Vec<_>>().join("\n"))
            .collect();
        let fence = fence(&all.join("\n"));
        let frame = 200 + 2 * fence.len();
        let mut room = self.room(frame);
        let shown = all
            .iter()
            .filter(|_| !self.full)
            .take_while(|group| {
                let fits = group.len() + 2 <= room;
                room = room.saturating_sub(group.len() + 2);
                fits
            })
            .count();
        if shown == 0 {
            self.line("");
            self.line(&format!("The SQL of {} steps is left out for its length.", all.len()));
            return;
        }
        let steps = if all.len() == 1 { "1 step".to_owned() } else { format!("{} steps", all.len()) };
        let summary =
            if shown < all.len() { format!("SQL of the first {shown} of {steps}") } else { format!("SQL of {steps}") };
        self.text.push_str(&format!("\n<details><summary>{summary}</summary>\n\n{fence}sql\n"));
        for group in &all[..shown] {
            self.text.push_str(group);
            self.text.push_str("\n\n");
        }
        self.text.truncate(self.text.trim_end_matches('\n').len());
        self.text.push_str(&format!("\n{fence}\n\n</details>\n"));
        if shown < all.len() {
            self.line("");
            self.line(&format!("The SQL of {} more steps is left out for its length.", all.len() - shown));
        }
    }

    /// The page. Should headings alone be too long for it, it ends where it must, and says so.
    pub(super) fn finish(mut self) -> String {
        const CUT: &str = "\n\n… cut here for its length.\n";
        if self.text.len() > MAX_BYTES {
            let mut end = MAX_BYTES - CUT.len();
            while !self.text.is_char_boundary(end) {
                end -= 1;
            }
            self.text.truncate(end);
            self.text.push_str(CUT);
        }
        self.text
    }
}
