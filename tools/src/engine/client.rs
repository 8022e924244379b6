//! HTTP to an engine, over its socket. A few requests without a body: not worth the client that runs the environments, which takes
//! as long to compile as all the rest.

use std::io;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};

use super::Address;

/// What an engine may answer; a list of thousands of images is a few megabytes.
const MOST_BYTES: usize = 64 << 20;

/// Why an engine did not answer as an engine does.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// There is nothing at the address.
    #[error("nothing listens there")]
    Nothing,
    /// The socket is not for this user.
    #[error("this user may not open it")]
    NotPermitted,
    /// Something is there, which did not answer in time.
    #[error("it did not answer within {} s", .0.as_secs_f32())]
    Silent(Duration),
    /// It refused.
    #[error("it answered {0}: {1}")]
    Refused(StatusCode, String),
    /// It is no engine, or broke off.
    #[error("{0}")]
    Broken(String),
}

/// Speaks to one engine. Each request has a connection of its own.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    address: Address,
    deadline: Duration,
}

/// A connection of any kind.
trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

impl Client {
    /// One whose requests may each take this long.
    pub(crate) fn new(address: Address, deadline: Duration) -> Self {
        Self { address, deadline }
    }

    /// Asks for a value.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let body = self.get_bytes(path).await?;
        serde_json::from_slice(&body).map_err(|error| {
            ClientError::Broken(format!("its answer to {path} is not that of an engine: {error}"))
        })
    }

    /// Asks for whatever is at a path.
    pub(crate) async fn get_bytes(&self, path: &str) -> Result<Bytes, ClientError> {
        match tokio::time::timeout(self.deadline, self.exchange(path)).await {
            Ok(answer) => answer,
            Err(_) => Err(ClientError::Silent(self.deadline)),
        }
    }

    async fn exchange(&self, path: &str) -> Result<Bytes, ClientError> {
        let broken = |error: &dyn std::fmt::Display| ClientError::Broken(error.to_string());
        let connection = connect(&self.address).await.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => ClientError::Nothing,
            io::ErrorKind::PermissionDenied => ClientError::NotPermitted,
            _ => broken(&error),
        })?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(connection)).await.map_err(|error| broken(&error))?;
        let driver = tokio::spawn(connection);
        let request = Request::get(path)
            // Engines do not look at it, HTTP wants one.
            .header(header::HOST, "engine")
            .header(header::CONNECTION, "close")
            .body(Empty::<Bytes>::new())
            .map_err(|error| broken(&error))?;
        let answer = sender.send_request(request).await.map_err(|error| broken(&error))?;
        let status = answer.status();
        let body =
            Limited::new(answer.into_body(), MOST_BYTES).collect().await.map_err(|error| broken(&error))?;
        driver.abort();
        let body = body.to_bytes();
        if status.is_success() { Ok(body) } else { Err(ClientError::Refused(status, message(&body))) }
    }
}

/// The engine's own words.
fn message(body: &[u8]) -> String {
    let value: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let told = value.as_ref().and_then(|value| value.get("message")?.as_str());
    told.map_or_else(|| String::from_utf8_lossy(body).trim().chars().take(300).collect(), str::to_owned)
}

async fn connect(address: &Address) -> io::Result<Box<dyn Connection>> {
    match address {
        Address::Tcp(host) => Ok(Box::new(tokio::net::TcpStream::connect(host).await?)),
        #[cfg(unix)]
        Address::Unix(path) => Ok(Box::new(tokio::net::UnixStream::connect(path).await?)),
        #[cfg(windows)]
        Address::Pipe(name) => {
            Ok(Box::new(tokio::net::windows::named_pipe::ClientOptions::new().open(name)?))
        }
        #[allow(unreachable_patterns, reason = "each system has one of the two")]
        other => Err(io::Error::new(
            io::ErrorKind::Unsupported,
            format!("{other} is of another operating system than this one"),
        )),
    }
}
