//! Policy errors and warnings for people: file, line, caret and what to do.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, Severity, SourceCode,
    ThemeCharacters, ThemeStyles,
};
use pgstrata::policy::{Label, Place, PolicyError, PolicyPath, Source, Warning};
use pgstrata::render::clean;

use super::masked;

/// Lines longer than this are not shown: a megabyte on one line is no excerpt.
const LONGEST_LINE: usize = 400;
/// Lines shown before and after the ones that labels are on.
const CONTEXT: usize = 1;
/// More than these at once nobody reads; each costs a pass over its file.
const MOST: usize = 25;

/// All errors, in the order of files and lines.
pub(crate) fn report(errors: &[PolicyError], sources: &[Source], colour: bool, width: usize) -> String {
    let shown = errors.iter().map(|error| Shown {
        severity: Severity::Error,
        path: &error.path,
        message: &error.message,
        help: error.help.as_deref(),
        labels: &error.labels,
    });
    render(shown.collect(), sources, colour, width)
}

/// All warnings, in the order of files and lines.
pub(crate) fn warning_report(
    warnings: &[(Warning, Option<Place>)],
    sources: &[Source],
    colour: bool,
    width: usize,
) -> String {
    let labels: Vec<[Label; 1]> = warnings
        .iter()
        .map(|(warning, place)| {
            let mut label = Label::value(warning.path.clone(), "");
            label.place.clone_from(place);
            [label]
        })
        .collect();
    let shown = warnings.iter().zip(&labels).map(|((warning, _), labels)| Shown {
        severity: Severity::Warning,
        path: &warning.path,
        message: &warning.message,
        help: warning.help.as_deref(),
        labels,
    });
    render(shown.collect(), sources, colour, width)
}

struct Shown<'a> {
    severity: Severity,
    path: &'a PolicyPath,
    message: &'a str,
    help: Option<&'a str>,
    labels: &'a [Label],
}

fn render(mut all: Vec<Shown<'_>>, sources: &[Source], colour: bool, width: usize) -> String {
    let texts: Vec<Text<'_>> = sources.iter().map(Text::new).collect();
    let order = |shown: &Shown<'_>| {
        let place = shown.labels.iter().find_map(|label| label.place.as_ref());
        place.map(|place| (sources.iter().position(|source| source.name == place.source), place.span.start))
    };
    all.sort_by_key(order);
    let styles = if colour { ThemeStyles::ansi() } else { ThemeStyles::none() };
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme { characters: ThemeCharacters::unicode(), styles })
        .with_width(width.max(40))
        .with_context_lines(CONTEXT)
        .with_links(false)
        .without_syntax_highlighting();
    let mut out = String::new();
    let more = all.len().saturating_sub(MOST);
    for shown in all.into_iter().take(MOST) {
        let diagnostic = Rendered::new(&shown, &texts);
        if handler.render_report(&mut out, &diagnostic).is_err() {
            // Only the excerpt can fail; the message must not be lost with it.
            out.push_str(&format!("{}: {}\n", diagnostic.path, diagnostic.message));
        }
        out.push('\n');
    }
    if more > 0 {
        out.push_str(&format!("and {more} more\n"));
    }
    // The renderer pads lines.
    out.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim_end().to_owned() + "\n"
}

/// Words of ours, which may quote a policy.
fn shown_words(text: &str) -> String {
    clean(&masked::masked(text)).into_owned()
}

/// A source as it is shown: what is not UTF-8 replaced, secrets masked, what cannot be seen escaped.
struct Text<'a> {
    name: &'a str,
    text: String,
    /// From where on, in bytes of the source, places are elsewhere in the text: both, in order.
    moved: Vec<(usize, usize)>,
}

impl<'a> Text<'a> {
    fn new(source: &'a Source) -> Self {
        // What is replaced here moves nothing before it.
        let read = String::from_utf8_lossy(&source.bytes);
        let mut this = Self { name: &source.name, text: String::with_capacity(read.len()), moved: vec![(0, 0)] };
        let mut begins = 0;
        for line in read.split_inclusive('\n') {
            // A longer one is not shown.
            if line.len() > LONGEST_LINE {
                this.text.push_str(line);
            } else {
                this.add(line, begins);
            }
            begins += line.len();
        }
        this
    }

    fn add(&mut self, line: &str, begins: usize) {
        let mut done = 0;
        for secret in masked::secrets(line) {
            self.add_clean(&line[done..secret.start], begins + done);
            self.moved.push((begins + secret.start, self.text.len()));
            self.text.push_str(masked::MASK);
            self.moved.push((begins + secret.end, self.text.len()));
            done = secret.end;
        }
        self.add_clean(&line[done..], begins + done);
    }

    fn add_clean(&mut self, part: &str, begins: usize) {
        // The renderer knows these.
        let known = |c: char| matches!(c, '\n' | '\r' | '\t');
        let odd = |c: char| !known(c) && matches!(clean(c.encode_utf8(&mut [0; 4])), Cow::Owned(_));
        let mut done = 0;
        for (at, hidden) in part.match_indices(odd) {
            self.text.push_str(&part[done..at]);
            self.moved.push((begins + at, self.text.len()));
            self.text.push_str(&clean(hidden));
            done = at + hidden.len();
            self.moved.push((begins + done, self.text.len()));
        }
        self.text.push_str(&part[done..]);
    }

    /// Where in the text a place of the source is.
    fn place(&self, at: usize) -> usize {
        let before = self.moved.partition_point(|(from, _)| *from <= at);
        let (from, to) = self.moved.get(before.saturating_sub(1)).copied().unwrap_or_default();
        let next = self.moved.get(before).map_or(self.text.len(), |(_, to)| *to);
        (to + at.saturating_sub(from)).min(next)
    }

    fn clamped(&self, span: &Range<usize>) -> Range<usize> {
        let back =
            |at: usize| (0..=at.min(self.text.len())).rev().find(|at| self.text.is_char_boundary(*at)).unwrap_or(0);
        let start = back(self.place(span.start));
        start..back(self.place(span.end)).max(start)
    }

    /// Whether what would be shown around a place is short enough to show.
    fn is_legible(&self, span: &Range<usize>) -> bool {
        let line = self.text.get(..span.start).map_or(0, |head| head.matches('\n').count());
        let lines = self.text.get(span.clone()).map_or(0, |inside| inside.matches('\n').count());
        let first = line.saturating_sub(CONTEXT);
        self.text.lines().skip(first).take(lines + 2 * CONTEXT + 1).all(|line| line.len() <= LONGEST_LINE)
    }

    /// `file:line:column`.
    fn position(&self, span: &Range<usize>) -> String {
        let head = self.text.get(..span.start).unwrap_or_default();
        let line = head.matches('\n').count() + 1;
        let column = head.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        format!("{}:{line}:{column}", self.name)
    }
}

/// One diagnostic with an excerpt of one file, or none; labels in other files follow as diagnostics of their own.
#[derive(Debug)]
struct Rendered {
    severity: Severity,
    path: String,
    message: String,
    help: Option<String>,
    source: Option<NamedSource<String>>,
    labels: Vec<LabeledSpan>,
    related: Vec<Rendered>,
}

impl Rendered {
    fn new(shown: &Shown<'_>, texts: &[Text<'_>]) -> Self {
        let mut rendered = Self {
            severity: shown.severity,
            path: shown_words(&shown.path.to_string()),
            message: shown_words(shown.message),
            help: shown.help.map(shown_words),
            source: None,
            labels: Vec::new(),
            related: Vec::new(),
        };
        let mut main = None;
        for label in shown.labels {
            let Some(Place { source, span }) = &label.place else { continue };
            let Some(text) = texts.iter().find(|text| text.name == source) else { continue };
            let span = text.clamped(span);
            let said = (!label.text.is_empty()).then(|| shown_words(&label.text));
            if !text.is_legible(&span) {
                rendered.message = format!("{}: {}", text.position(&span), rendered.message);
                continue;
            }
            let spot = LabeledSpan::new(said, span.start, span.len());
            match main {
                None => {
                    main = Some(source);
                    rendered.source = Some(text.named());
                    rendered
                        .labels
                        .push(LabeledSpan::new_primary_with_span(spot.label().map(str::to_owned), *spot.inner()));
                }
                Some(main) if main == source => rendered.labels.push(spot),
                Some(_) => rendered.related.push(Self {
                    severity: Severity::Advice,
                    path: String::new(),
                    message: shown_words(&label.text),
                    help: None,
                    source: Some(text.named()),
                    labels: vec![LabeledSpan::new(None, span.start, span.len())],
                    related: Vec::new(),
                }),
            }
        }
        rendered
    }
}

impl Text<'_> {
    fn named(&self) -> NamedSource<String> {
        NamedSource::new(clean(self.name), self.text.clone())
    }
}

impl fmt::Display for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Rendered {}

impl Diagnostic for Rendered {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        (!self.path.is_empty()).then(|| Box::new(&self.path) as Box<dyn fmt::Display>)
    }

    fn severity(&self) -> Option<Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        (!self.labels.is_empty())
            .then(|| Box::new(self.labels.iter().cloned()) as Box<dyn Iterator<Item = LabeledSpan>>)
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        (!self.related.is_empty())
            .then(|| Box::new(self.related.iter().map(|one| one as &dyn Diagnostic)) as Box<dyn Iterator<Item = _>>)
    }
}

#[cfg(test)]
#[path = "diagnostics_tests.rs"]
mod tests;
