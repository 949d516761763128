//! The line to a server: a stream on which no answer is waited for longer than its limit.
//!
//! The driver has no deadline for reading, and its sessions are waited on by the thread that uses them: an answer that
//! a network swallows would hold that thread for ever, keepalives or not, where a proxy stands between and answers them.
//! A watchdog that shuts the socket from another thread would need the socket, which the driver keeps to itself. So the
//! stream itself knows whether an answer is due (it counts what was asked and what was answered), and fails the read that
//! has waited too long, or all that come, once somebody gave the line up.

use std::fmt;
use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;
use tokio_postgres::tls::{ChannelBinding, TlsStream};

/// Five seconds more than the longest statement of an inspection may take.
pub(super) const ANSWER: Duration = Duration::from_secs(35);

/// What the session and whoever may give it up share with its stream.
#[derive(Clone, Debug)]
pub(super) struct Patience(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    limit: Option<Duration>,
    /// How many answers are due: the session's start, and what was asked since.
    due: u32,
    /// Since when the first of them is.
    since: Option<Instant>,
    /// Why nothing is waited for any more.
    given_up: Option<String>,
    waker: Option<Waker>,
}

impl Patience {
    pub(super) fn new(limit: Duration) -> Self {
        let state = State { limit: Some(limit), due: 0, since: None, given_up: None, waker: None };
        Self(Arc::new(Mutex::new(state)))
    }

    /// How long an answer may take from now on; `None` for as long as it likes.
    pub(super) fn set_limit(&self, limit: Option<Duration>) {
        self.lock().limit = limit;
    }

    /// Since when an answer is due, if one is.
    pub(super) fn waits_since(&self) -> Option<Instant> {
        self.lock().since
    }

    /// Ends the wait, and every later one.
    pub(super) fn give_up(&self, because: String) {
        let waker = {
            let mut state = self.lock();
            state.given_up.get_or_insert(because);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(super) fn is_given_up(&self) -> bool {
        self.lock().given_up.is_some()
    }

    /// Whether nobody else has it any more: its session is over.
    pub(super) fn is_last(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    /// Whether both are of one session.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream as the driver sees it: plain text, whatever is below.
pub(super) struct Line {
    stream: Box<dyn TlsStream + Send + Unpin>,
    patience: Patience,
    timer: Option<Pin<Box<Sleep>>>,
    asked: Frames,
    answered: Frames,
    /// The first message of a session has no type; what follows up to the first answer asks for nothing more.
    started: bool,
    ended: bool,
}

impl Line {
    pub(super) fn new(stream: Box<dyn TlsStream + Send + Unpin>, patience: Patience) -> Self {
        Self {
            stream,
            patience,
            timer: None,
            asked: Frames::default(),
            answered: Frames::default(),
            started: false,
            ended: false,
        }
    }

    fn refused(&self) -> Option<io::Error> {
        self.patience.lock().given_up.clone().map(|because| io::Error::new(io::ErrorKind::TimedOut, because))
    }

    /// Has the task woken when the answer is overdue; fails where it is already.
    fn keep_time(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let (end, limit) = {
            let mut state = self.patience.lock();
            state.waker = Some(cx.waker().clone());
            let (Some(since), Some(limit)) = (state.since, state.limit) else { return Ok(()) };
            let Some(end) = since.checked_add(limit) else { return Ok(()) };
            (tokio::time::Instant::from_std(end), limit)
        };
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(end)));
        timer.as_mut().reset(end);
        if timer.as_mut().poll(cx).is_ready() {
            self.patience.give_up(format!("no answer within {} s", limit.as_secs_f32()));
        }
        self.refused().map_or(Ok(()), Err)
    }

    fn has_asked(&mut self, sent: &[u8]) {
        let questions = if self.started { self.asked.count(sent, b"QSF") } else { 0 };
        let mut state = self.patience.lock();
        if self.started {
            state.due += questions;
        } else {
            state.due = 1;
        }
        if state.due > 0 {
            state.since.get_or_insert_with(Instant::now);
        }
    }

    fn has_answered(&mut self, came: &[u8]) {
        let answers = self.answered.count(came, b"Z");
        if answers == 0 {
            return;
        }
        self.started = true;
        let mut state = self.patience.lock();
        state.due = state.due.saturating_sub(answers);
        state.since = (state.due > 0).then(Instant::now);
    }
}

/// Finds messages of some types in a stream of them (PostgreSQL documentation, "Message Formats").
#[derive(Debug, Default)]
struct Frames {
    head: [u8; 5],
    have: usize,
    rest: u32,
}

impl Frames {
    /// How many messages of these types end in this piece of the stream.
    fn count(&mut self, mut piece: &[u8], types: &[u8]) -> u32 {
        let mut found = 0;
        while let Some((first, rest)) = piece.split_first() {
            if self.have < self.head.len() {
                if let Some(slot) = self.head.get_mut(self.have) {
                    *slot = *first;
                }
                self.have += 1;
                piece = rest;
                if self.have < self.head.len() {
                    continue;
                }
                let [_, a, b, c, d] = self.head;
                self.rest = u32::from_be_bytes([a, b, c, d]).saturating_sub(4);
            } else {
                let skipped = piece.len().min(usize::try_from(self.rest).unwrap_or(usize::MAX));
                self.rest = self.rest.saturating_sub(u32::try_from(skipped).unwrap_or(u32::MAX));
                piece = piece.get(skipped..).unwrap_or_default();
            }
            if self.rest == 0 {
                found += u32::from(types.contains(&self.head[0]));
                self.have = 0;
            }
        }
        found
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if let Some(error) = self.refused() {
            return Poll::Ready(Err(error));
        }
        let before = buf.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buf) {
            // The driver lets an end hide what was said before it: first whoever waits is to read why (57P01, and what
            // PgBouncer says).
            Poll::Ready(Ok(())) if buf.filled().len() == before && !self.ended => {
                self.ended = true;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Poll::Ready(Ok(())) => {
                self.has_answered(buf.filled().get(before..).unwrap_or_default());
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => match self.keep_time(cx) {
                Ok(()) => Poll::Pending,
                Err(error) => Poll::Ready(Err(error)),
            },
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(error) = self.refused() {
            return Poll::Ready(Err(error));
        }
        let written = Pin::new(&mut self.stream).poll_write(cx, data);
        match &written {
            Poll::Ready(Ok(count)) => self.has_asked(data.get(..*count).unwrap_or_default()),
            // What cannot even be sent waits for the other end as well.
            Poll::Pending => {
                self.patience.lock().since.get_or_insert_with(Instant::now);
            }
            Poll::Ready(Err(_)) => {}
        }
        match self.keep_time(cx) {
            Ok(()) => written,
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.bounded(cx, |stream, cx| stream.poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.bounded(cx, |stream, cx| stream.poll_shutdown(cx))
    }
}

impl Line {
    fn bounded(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(Pin<&mut (dyn TlsStream + Send + Unpin)>, &mut Context<'_>) -> Poll<io::Result<()>>,
    ) -> Poll<io::Result<()>> {
        if let Some(error) = self.refused() {
            return Poll::Ready(Err(error));
        }
        match poll(Pin::new(&mut *self.stream), cx) {
            Poll::Ready(done) => Poll::Ready(done),
            Poll::Pending => {
                self.patience.lock().since.get_or_insert_with(Instant::now);
                match self.keep_time(cx) {
                    Ok(()) => Poll::Pending,
                    Err(error) => Poll::Ready(Err(error)),
                }
            }
        }
    }
}

impl TlsStream for Line {
    fn channel_binding(&self) -> ChannelBinding {
        self.stream.channel_binding()
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("patience", &self.patience).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_found_however_the_stream_is_cut() {
        let mut stream = Vec::new();
        for (kind, body) in [(b'D', &b"ZZZZZZ"[..]), (b'C', b""), (b'Z', b"I"), (b'D', b"Z"), (b'Z', b"T")] {
            stream.push(kind);
            stream.extend(u32::try_from(body.len() + 4).unwrap().to_be_bytes());
            stream.extend(body);
        }
        for size in 1..=stream.len() {
            let mut frames = Frames::default();
            let found: u32 = stream.chunks(size).map(|piece| frames.count(piece, b"Z")).sum();
            assert_eq!((found, frames.have), (2, 0), "pieces of {size}");
        }
        assert_eq!(Frames::default().count(&stream[..stream.len() - 1], b"Z"), 1, "the last is not whole");
    }
}
