//! A proxy between a client and the server that falls silent at a statement of the client's.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How it fails the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Silence {
    /// What the server says in this session is read, and goes nowhere.
    SwallowsOne,
    /// The same in every session, those that are still to begin included.
    SwallowsAll,
    /// Nothing of this session is read any more.
    StopsReading,
}

type Trigger = dyn Fn(&str) -> Option<Silence> + Send + Sync;

/// It never tells the server that a client is gone: a network that is down does not either.
pub(crate) struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

impl Drop for Proxy {
    /// The network is back, and the server sees that its clients are gone.
    fn drop(&mut self) {
        self.shared.open.lock().unwrap().iter().for_each(|server| drop(server.shutdown(Shutdown::Both)));
    }
}

struct Shared {
    server: u16,
    trigger: Box<Trigger>,
    all: AtomicBool,
    seen: Mutex<Vec<String>>,
    /// Whatever was opened stays open.
    open: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// In front of a server's port. `trigger` is asked at each simple query, before it is passed on.
    pub(crate) fn start(server: u16, trigger: impl Fn(&str) -> Option<Silence> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            server,
            trigger: Box::new(trigger),
            all: AtomicBool::new(false),
            seen: Mutex::new(Vec::new()),
            open: Mutex::new(Vec::new()),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming() {
                let shared = Arc::clone(&serving);
                let client = client.unwrap();
                thread::spawn(move || relay(&client, &shared));
            }
        });
        Self { port, shared }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Every simple query that came by.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.shared.seen.lock().unwrap().clone()
    }
}

/// What one session's two directions share.
#[derive(Default)]
struct One {
    swallows: AtomicBool,
    stops: AtomicBool,
}

fn relay(client: &TcpStream, shared: &Arc<Shared>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", shared.server)) else { return };
    shared.open.lock().unwrap().push(server.try_clone().unwrap());
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let one = Arc::new(One::default());
    let back = {
        let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        let (one, shared) = (Arc::clone(&one), Arc::clone(shared));
        thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            loop {
                while one.stops.load(Ordering::SeqCst) {
                    thread::sleep(Duration::from_millis(20));
                }
                match from.read(&mut buffer) {
                    Ok(0) | Err(_) => {
                        let _ = to.shutdown(Shutdown::Both);
                        return;
                    }
                    Ok(count) => {
                        let silent = one.swallows.load(Ordering::SeqCst) || shared.all.load(Ordering::SeqCst);
                        if !silent && to.write_all(&buffer[..count]).is_err() {
                            return;
                        }
                    }
                }
            }
        })
    };
    // The first message has no type.
    let _ = forward(client, &server, shared, &one);
    drop(back);
}

fn forward(mut client: &TcpStream, mut server: &TcpStream, shared: &Shared, one: &One) -> std::io::Result<()> {
    let mut length = [0; 4];
    client.read_exact(&mut length)?;
    let mut body = vec![0; u32::from_be_bytes(length) as usize - 4];
    client.read_exact(&mut body)?;
    server.write_all(&[&length[..], &body].concat())?;
    loop {
        let mut head = [0; 5];
        client.read_exact(&mut head)?;
        let mut body = vec![0; u32::from_be_bytes(head[1..].try_into().unwrap()) as usize - 4];
        client.read_exact(&mut body)?;
        if head[0] == b'Q' {
            let sql = String::from_utf8_lossy(&body[..body.len() - 1]).into_owned();
            let silence = (shared.trigger)(&sql);
            shared.seen.lock().unwrap().push(sql);
            match silence {
                Some(Silence::SwallowsOne) => one.swallows.store(true, Ordering::SeqCst),
                Some(Silence::SwallowsAll) => shared.all.store(true, Ordering::SeqCst),
                Some(Silence::StopsReading) => one.stops.store(true, Ordering::SeqCst),
                None => {}
            }
        }
        // A client that leaves says so, and the server never hears of it.
        if head[0] != b'X' {
            server.write_all(&[&head[..], &body].concat())?;
        }
    }
}
