//! A raw HTTP/1.1 client: it sends what the test wrote and shows what the server sent.
//!
//! Nothing is added to a request but `Host` and the body's framing, and both can be left out;
//! nothing of an answer is interpreted but its framing. A body shorter than announced is an answer
//! with [`Response::complete`] unset, not an error, because registry 2.8 sends such.

mod connection;
mod request;
mod response;
mod url;

use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;

pub use connection::Connection;
pub use request::Request;
pub use response::Response;
pub use url::{path_of, percent_decode, percent_encode, query_value, with_query};

/// A client that keeps one connection open between requests.
#[derive(Debug)]
pub struct Client {
    addr: SocketAddr,
    idle: Mutex<Option<Connection>>,
}

impl Client {
    /// A client of the server at this address; it connects with the first request.
    pub fn new(addr: SocketAddr) -> Self {
        Self {
            addr,
            idle: Mutex::new(None),
        }
    }

    /// The server's address.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// A new connection of its own.
    pub fn connect(&self) -> Connection {
        Connection::open(self.addr).unwrap_or_else(|error| panic!("cannot connect to {}: {error}", self.addr))
    }

    /// Sends a request and reads its answer; panics when there is none.
    #[track_caller]
    pub fn send(&self, request: impl std::borrow::Borrow<Request>) -> Response {
        let request = request.borrow();
        self.try_send(request)
            .unwrap_or_else(|error| panic!("no answer to {} {}: {error}", request.method, request.target))
    }

    /// Sends a request and reads its answer, over the open connection if it still works, else over
    /// a new one.
    pub fn try_send(&self, request: &Request) -> io::Result<Response> {
        let idle = self.idle.lock().expect("no holder panics").take();
        let mut connection = match idle.filter(Connection::is_quiet) {
            Some(connection) => connection,
            None => Connection::open(self.addr)?,
        };
        let answer = connection.send(request)?;
        if connection.reusable {
            *self.idle.lock().expect("no holder panics") = Some(connection);
        }
        Ok(answer)
    }

    /// Sends the head of a request and the first `count` bytes of its body, then cuts the
    /// connection.
    pub fn send_and_cut(&self, request: &Request, count: usize) {
        let mut connection = self.connect();
        connection
            .send_part(request, count)
            .expect("the server takes the beginning of a request");
        connection.cut();
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    /// Answers one connection with these bytes and returns what the client sent up to `expected`
    /// bytes.
    fn answer_once(answer: &'static str, expected: usize) -> (SocketAddr, impl FnOnce() -> String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut sent = vec![0; expected];
            stream.read_exact(&mut sent).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8(sent).unwrap()
        });
        (addr, move || thread.join().unwrap())
    }

    #[test]
    fn a_request_goes_out_as_written_and_the_answer_comes_back_as_sent() {
        let request = Request::put("http://elsewhere/p?q=1")
            .header("accept", "a")
            .header("accept", "b");
        let request = request.chunked(["abc", "", "de"]).without_host();
        let wire = "PUT /p?q=1 HTTP/1.1\r\naccept: a\r\naccept: b\r\nTransfer-Encoding: chunked\r\n\r\n\
                    3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        let answer = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nX-a: 1\r\nx-A: 2\r\n\
                      Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
        let (addr, sent) = answer_once(answer, wire.len());
        let response = Client::new(addr).send(request);
        assert_eq!(sent(), wire);
        assert_eq!((response.status, response.text().as_str()), (201, "ok"));
        assert_eq!(response.headers_named("x-a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(response.headers[1].0, "x-A");
        assert!(response.complete);
    }

    #[test]
    fn a_body_shorter_than_announced_is_incomplete() {
        let head = "GET / HTTP/1.1\r\nHost: 127.0.0.1:";
        let (addr, sent) = answer_once("HTTP/1.1 416 No\r\nContent-Length: 9\r\n\r\nshort", head.len());
        let response = Client::new(addr).send(Request::get("/"));
        sent();
        assert_eq!((response.text().as_str(), response.complete), ("short", false));
    }
}
