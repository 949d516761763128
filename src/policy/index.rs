//! The first pass over a source: where everything stands, and an early end for what no policy needs (duplicate keys,
//! merge keys, tags, deep nesting, alias bombs), each with its place.

use std::collections::BTreeMap;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StructureStyle};

use super::path::Segment;
use super::{Label, Place, PolicyError, PolicyPath, trap};

/// A larger source is no policy.
pub(crate) const MAX_BYTES: usize = 1 << 20;
/// Deeper nesting is no policy; the parser stops there before it has spent anything.
const MAX_DEPTH: usize = 32;
/// More values than this, aliases followed, are no policy.
const MAX_NODES: usize = 200_000;

/// Where a key and its value stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    /// The key; none for list items and the root.
    pub(crate) key: Option<Range<usize>>,
    /// The value; for a block collection its key.
    pub(crate) value: Range<usize>,
}

/// Every value's place in one source.
pub(crate) type Index = BTreeMap<PolicyPath, Spot>;

/// Indexes one source. Errors: everything that is wrong with its YAML as such.
pub(crate) fn index(name: &str, text: &str) -> Result<Index, Vec<PolicyError>> {
    let mut walk = Walk { name, text, ..Walk::default() };
    if text.len() > MAX_BYTES {
        return Err(vec![walk.error(
            PolicyPath::root(),
            0..0,
            format!("the file has {} bytes; a policy has at most {MAX_BYTES}", text.len()),
        )]);
    }
    // YAML 1.1 breaks lines at these and YAML 1.2 does not: what is a comment here would be a key there.
    if let Some((at, c)) = text.char_indices().find(|(_, c)| matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}')) {
        let message = format!("U+{:04X} is a line break to some readers of YAML and not to others", u32::from(c));
        return Err(vec![walk.error(PolicyPath::root(), at..at + c.len_utf8(), message).help("take it out")]);
    }
    let options = granit_parser::options! {
        emit_comments: false,
        disallow_directives: true,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    for next in Parser::new_from_str_with_options(text, options) {
        let stop = match next {
            Ok((event, span)) => walk.event(&event, span).err(),
            Err(error) => Some(walk.scan_error(&error)),
        };
        if let Some(error) = stop {
            walk.errors.push(error);
            break;
        }
    }
    if walk.errors.is_empty() { Ok(walk.index) } else { Err(walk.errors) }
}

/// How a table's name is spelled as a key: `Audit.Log` and `audit.log` are one table, and two overlays of one table
/// must meet. What is no table name stays as it is, to be refused where it is read.
pub(crate) fn canonical_key(map: &PolicyPath, key: &str) -> String {
    let is_tables = match map.segments() {
        [Segment::Key(tables)] => tables == "tables",
        [Segment::Key(environments), Segment::Key(_), Segment::Key(tables)] => {
            environments == "environments" && tables == "tables"
        }
        _ => false,
    };
    match key.parse::<crate::sql::TableName>() {
        Ok(table) if is_tables => table.to_string(),
        Ok(_) | Err(_) => key.to_owned(),
    }
}

enum Frame {
    Map { path: PolicyPath, seen: BTreeMap<String, Range<usize>>, key: Option<(String, Range<usize>)>, open: Open },
    Seq { path: PolicyPath, next: usize, open: Open },
}

/// What is needed again when a collection ends.
struct Open {
    anchor: Option<usize>,
    nodes_before: usize,
    flow_start: Option<usize>,
}

#[derive(Default)]
struct Walk<'a> {
    name: &'a str,
    text: &'a str,
    index: Index,
    errors: Vec<PolicyError>,
    stack: Vec<Frame>,
    documents: usize,
    nodes: usize,
    /// Values under an anchor, once it is complete.
    anchors: BTreeMap<usize, usize>,
}

impl Walk<'_> {
    fn error(&self, path: PolicyPath, span: Range<usize>, message: impl Into<String>) -> PolicyError {
        PolicyError::placed(path, Place { source: self.name.to_owned(), span }, message)
    }

    #[allow(clippy::wildcard_enum_match_arm, reason = "the parser's enum is non-exhaustive")]
    fn event(&mut self, event: &Event<'_>, span: Span) -> Result<(), PolicyError> {
        let range = self.range(&span);
        if event.is_node() {
            self.nodes += 1;
            if self.nodes > MAX_NODES {
                return Err(self.error(self.path(), range, format!("the file has more than {MAX_NODES} values")));
            }
            if event.tag().is_some() {
                return Err(self
                    .error(self.path(), range, "a policy has no YAML tags (`!…`)")
                    .help("quote the value if it begins with `!`"));
            }
        }
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(self
                        .error(PolicyPath::root(), range, "a second document begins here")
                        .help("one file holds one policy; several files are given with several `--policy`"));
                }
            }
            Event::Scalar(text, style, anchor, _) => {
                if let Some(Frame::Map { key: key @ None, seen, path, .. }) = self.stack.last_mut() {
                    let name = canonical_key(path, text);
                    if *style == ScalarStyle::Plain && name == "<<" {
                        let path = path.clone();
                        return Err(self
                            .error(path, range, "`<<` merge keys are not read")
                            .help("write the values out, or put what differs under `environments`"));
                    }
                    if let Some(first) = seen.insert(name.clone(), range.clone()) {
                        *key = Some((name.clone(), range.clone()));
                        let what = match path.segments() {
                            [Segment::Key(section)] if section == "tables" => "table",
                            _ => "key",
                        };
                        let path = path.key(name.clone());
                        let first = Place { source: self.name.to_owned(), span: first };
                        let error = self
                            .error(path.clone(), range, format!("{what} `{name}` is here twice"))
                            .says("again")
                            .and(Label::placed(path, first, "first here"));
                        self.errors.push(error);
                    } else {
                        *key = Some((name, range));
                    }
                } else {
                    self.value(range);
                    if *anchor != 0 {
                        self.anchors.insert(*anchor, 1);
                    }
                }
            }
            Event::Alias(id) => {
                self.no_key(&range, "an alias")?;
                let Some(count) = self.anchors.get(id).copied() else {
                    return Err(self.error(self.path(), range, "the alias is inside what it stands for"));
                };
                self.nodes = self.nodes.saturating_add(count);
                if self.nodes > MAX_NODES {
                    return Err(self.error(
                        self.path(),
                        range,
                        format!("with its aliases written out the file has more than {MAX_NODES} values"),
                    ));
                }
                self.value(range);
            }
            Event::MappingStart(style, anchor, _) => {
                self.no_key(&range, "a map")?;
                let (path, open) = self.open(*style, *anchor, range);
                self.stack.push(Frame::Map { path, seen: BTreeMap::new(), key: None, open });
            }
            Event::SequenceStart(style, anchor, _) => {
                self.no_key(&range, "a list")?;
                let (path, open) = self.open(*style, *anchor, range);
                self.stack.push(Frame::Seq { path, next: 0, open });
            }
            Event::MappingEnd | Event::SequenceEnd => {
                if let Some(Frame::Map { path, open, .. } | Frame::Seq { path, open, .. }) = self.stack.pop() {
                    if let Some(anchor) = open.anchor {
                        self.anchors.insert(anchor, self.nodes - open.nodes_before + 1);
                    }
                    if let (Some(start), Some(spot)) = (open.flow_start, self.index.get_mut(&path)) {
                        spot.value = start..range.end.max(start);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Where the next value belongs.
    fn path(&self) -> PolicyPath {
        match self.stack.last() {
            Some(Frame::Map { path, key: Some((key, _)), .. }) => path.key(key.clone()),
            Some(Frame::Map { path, key: None, .. }) => path.clone(),
            Some(Frame::Seq { path, next, .. }) => path.index(*next),
            None => PolicyPath::root(),
        }
    }

    /// Notes a value and its key, and makes room for the next.
    fn value(&mut self, range: Range<usize>) -> PolicyPath {
        let path = self.path();
        let key = match self.stack.last_mut() {
            Some(Frame::Map { key, .. }) => key.take().map(|(_, range)| range),
            Some(Frame::Seq { next, .. }) => {
                *next += 1;
                None
            }
            None => None,
        };
        // A value that is not written has no place of its own.
        let value = if range.is_empty() { key.clone().unwrap_or(range) } else { range };
        // A key that was here before keeps its first place.
        self.index.entry(path.clone()).or_insert(Spot { key, value });
        path
    }

    fn open(&mut self, style: StructureStyle, anchor: usize, range: Range<usize>) -> (PolicyPath, Open) {
        let start = range.start;
        // The span of a block collection runs into the next key's indentation: point at its key, or its first line.
        let line = self.text.get(start..).and_then(|rest| rest.lines().next()).map_or(0, |line| line.trim_end().len());
        let path = self.value(start..start + line);
        if let (StructureStyle::Block, Some(spot)) = (style, self.index.get_mut(&path))
            && let Some(key) = &spot.key
        {
            spot.value = key.clone();
        }
        let anchor = (anchor != 0).then_some(anchor);
        let flow_start = (style == StructureStyle::Flow).then_some(start);
        (path, Open { anchor, nodes_before: self.nodes, flow_start })
    }

    /// Refuses anything but a text where a key is due.
    fn no_key(&self, range: &Range<usize>, what: &str) -> Result<(), PolicyError> {
        match self.stack.last() {
            Some(Frame::Map { key: None, path, .. }) => {
                let error = self.error(path.clone(), range.clone(), format!("{what} is no key: keys are plain text"));
                Err(error.maybe_help(trap::help(self.text, range.start)))
            }
            Some(Frame::Map { key: Some(_), .. } | Frame::Seq { .. }) | None => Ok(()),
        }
    }

    /// The bytes of a span, without the white space that block scalars drag along.
    fn range(&self, span: &Span) -> Range<usize> {
        let range = span.byte_range().unwrap_or(0..0);
        let trimmed = self.text.get(range.clone()).map_or(0, |text| text.trim_end().len());
        range.start..range.start + trimmed
    }

    fn scan_error(&self, error: &ScanError) -> PolicyError {
        let at = error.marker().byte_offset().unwrap_or(0).min(self.text.len());
        // The parser notices at the line's break, or at the end, what went wrong before it.
        let at = if at == self.text.len() { self.text.trim_end().len().saturating_sub(1) } else { at };
        let at = (0..=at).rev().find(|at| self.text.is_char_boundary(*at)).unwrap_or(0);
        let width = self.text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        let (message, help) = trap::scan_error(error.kind(), MAX_DEPTH, self.text, at);
        self.error(self.path(), at..at + width, message).maybe_help(help)
    }
}
