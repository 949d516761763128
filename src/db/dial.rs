//! How a session's stream is made: plain, by TLS, or through a Unix-domain socket, always as a [`Line`].
//!
//! The driver takes no stream of ours but where it expects one of TLS. So it is always told to go straight to TLS, and
//! this is what it gets: the request for TLS (which the driver would send itself, and takes any answer but S for a no),
//! the handshake, or neither. For a Unix-domain socket it never asks for TLS: it is sent to a port of our own that says
//! nothing, and the socket is opened here.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};
use std::thread;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::UnixStream;
use tokio_postgres::Socket;
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::line::{Line, Patience};

/// SSLRequest (PostgreSQL documentation, "Message Formats").
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// What lies between a session and its server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// TCP, in clear.
    Plain,
    /// TCP and TLS; `direct` without asking for it first.
    Tls {
        /// `sslnegotiation=direct`
        direct: bool,
    },
    /// A Unix-domain socket.
    Unix {
        /// Where it is.
        path: PathBuf,
        /// Whose process must answer: `requirepeer`.
        peer: Option<u32>,
    },
}

/// Why there is no stream.
#[derive(Debug, thiserror::Error)]
pub(super) enum DialError {
    /// The socket's own.
    #[error("{0}")]
    Socket(io::Error),
    /// The server answered N.
    #[error("server does not support TLS")]
    NoTls,
    /// Neither S nor N: before TLS anybody can say so, and it is no reason to go on in clear.
    #[error("the answer to the request for TLS is {answer}, neither S nor N: not connecting in clear after it")]
    NoAnswer {
        /// The byte, escaped.
        answer: String,
    },
    /// `requirepeer`
    #[error("the server's process is the user with number {found}; requirepeer names the one with number {wanted}")]
    WrongPeer {
        /// Who must answer.
        wanted: u32,
        /// Who does.
        found: u32,
    },
    /// The handshake's.
    #[error("{0}")]
    Handshake(io::Error),
}

/// Makes the stream of one session, and of the requests to cancel it.
#[derive(Clone)]
pub(super) struct Dialer {
    pub(super) tls: MakeRustlsConnect,
    pub(super) way: Way,
    pub(super) patience: Patience,
}

/// One stream about to be made.
pub(super) struct Dial {
    dialer: Dialer,
    domain: String,
}

impl MakeTlsConnect<Socket> for Dialer {
    type Stream = Line;
    type TlsConnect = Dial;
    type Error = DialError;

    fn make_tls_connect(&mut self, domain: &str) -> Result<Dial, DialError> {
        Ok(Dial { dialer: self.clone(), domain: domain.to_owned() })
    }
}

impl TlsConnect<Socket> for Dial {
    type Stream = Line;
    type Error = DialError;
    type Future = Pin<Box<dyn Future<Output = Result<Line, DialError>> + Send>>;

    fn connect(self, socket: Socket) -> Self::Future {
        Box::pin(async move {
            let Self { dialer: Dialer { tls, way, patience }, domain } = self;
            let stream: Box<dyn TlsStream + Send + Unpin> = match way {
                Way::Plain => Box::new(Plain(socket)),
                Way::Tls { direct } => Box::new(secured(socket, tls, &domain, direct).await?),
                Way::Unix { path, peer } => {
                    drop(socket);
                    let stream = UnixStream::connect(path).await.map_err(DialError::Socket)?;
                    if let Some(wanted) = peer {
                        let found = stream.peer_cred().map_err(DialError::Socket)?.uid();
                        if found != wanted {
                            return Err(DialError::WrongPeer { wanted, found });
                        }
                    }
                    Box::new(Plain(stream))
                }
            };
            Ok(Line::new(stream, patience))
        })
    }
}

async fn secured(
    mut socket: Socket,
    mut tls: MakeRustlsConnect,
    domain: &str,
    direct: bool,
) -> Result<<MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream, DialError> {
    if !direct {
        socket.write_all(&SSL_REQUEST).await.map_err(DialError::Socket)?;
        // One byte, and not one more: what came with it would be taken for the server's own words after the handshake
        // (CVE-2021-23222).
        let answer = socket.read_u8().await.map_err(DialError::Socket)?;
        match answer {
            b'S' => {}
            b'N' => return Err(DialError::NoTls),
            other => return Err(DialError::NoAnswer { answer: format!("\"{}\"", other.escape_ascii()) }),
        }
    }
    let connect = <MakeRustlsConnect as MakeTlsConnect<Socket>>::make_tls_connect(&mut tls, domain);
    let connect = connect.map_err(|error| DialError::Handshake(io::Error::other(error)))?;
    connect.connect(socket).await.map_err(DialError::Handshake)
}

/// A port of our own for the driver to knock at, where the stream is made otherwise.
///
/// # Errors
/// The machine has no loopback.
pub(super) fn doorstep() -> io::Result<SocketAddr> {
    static DOORSTEP: OnceLock<Option<SocketAddr>> = OnceLock::new();
    let open = || {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
        let address = listener.local_addr().ok()?;
        let serve = move || listener.incoming().for_each(drop);
        thread::Builder::new().name("pgstrata-doorstep".to_owned()).spawn(serve).ok()?;
        Some(address)
    };
    DOORSTEP.get_or_init(open).ok_or_else(|| io::Error::other("no port of the loopback interface can be opened"))
}

/// A stream without TLS in the place of one with it.
struct Plain<S>(S);

impl<S: AsyncRead + Unpin> AsyncRead for Plain<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Plain<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Plain<S> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}
