//! Asking a whois server (RFC 3912), with bounds on time and size.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use super::WhoisServer;

/// To connect to each of a server's addresses.
const TO_CONNECT: Duration = Duration::from_secs(5);
/// How many addresses of a server are tried.
const ADDRESSES: usize = 3;
/// For the answer.
const TO_ANSWER: Duration = Duration::from_secs(10);
/// Answers have some 5 kB.
const LARGEST: usize = 256 << 10;

/// The answer to one line.
///
/// # Errors
///
/// Why there is none.
pub(super) fn ask(server: &WhoisServer, question: &str) -> Result<String, String> {
    let mut stream = connect(server)?;
    read_answer(&mut stream, question, TO_ANSWER)
        .map(decode)
        .map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                format!("no whole answer within {} s", TO_ANSWER.as_secs())
            }
            _ => error.to_string(),
        })
}

fn connect(server: &WhoisServer) -> Result<TcpStream, String> {
    let addresses = (server.host.as_str(), server.port).to_socket_addrs();
    let mut last = "it has no address".to_owned();
    for address in addresses
        .map_err(|error| error.to_string())?
        .take(ADDRESSES)
    {
        match TcpStream::connect_timeout(&address, TO_CONNECT) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error.to_string(),
        }
    }
    Err(last)
}

/// A server that drips one byte at a time does not get more time for that.
fn read_answer(stream: &mut TcpStream, question: &str, patience: Duration) -> io::Result<Vec<u8>> {
    let end = Instant::now() + patience;
    stream.set_write_timeout(Some(patience))?;
    stream.write_all(question.as_bytes())?;
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut part) {
            Ok(0) => return Ok(answer),
            Ok(length) => answer.extend_from_slice(&part[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if answer.len() > LARGEST {
            return Err(io::Error::other(format!(
                "the answer has more than {LARGEST} bytes"
            )));
        }
    }
}

/// UTF-8, or ISO 8859-1, in which some registries answer.
fn decode(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    fn answered(work: impl FnOnce(TcpStream) + Send + 'static) -> io::Result<Vec<u8>> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let mut stream = TcpStream::connect(listener.local_addr()?)?;
        let (guest, _) = listener.accept()?;
        let server = thread::spawn(move || work(guest));
        let answer = read_answer(&mut stream, "q\r\n", Duration::from_millis(300));
        drop(stream);
        server.join().unwrap();
        answer
    }

    #[test]
    fn an_answer_ends_with_the_connection() {
        let answer = answered(|mut guest| {
            let mut question = [0; 3];
            guest.read_exact(&mut question).unwrap();
            assert_eq!(&question, b"q\r\n");
            guest.write_all(b"refer: x\n").unwrap();
        });
        assert_eq!(answer.unwrap(), b"refer: x\n");
    }

    #[test]
    fn dripping_takes_no_longer() {
        let begun = Instant::now();
        let answer = answered(|mut guest| {
            while guest.write_all(b"%").is_ok() {
                thread::sleep(Duration::from_millis(10));
            }
        });
        assert!(answer.is_err());
        assert!(begun.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn an_endless_answer_is_cut() {
        let answer = answered(|mut guest| while guest.write_all(&[b'%'; 4096]).is_ok() {});
        assert!(answer.unwrap_err().to_string().contains("more than"));
    }

    #[test]
    fn old_encodings_are_read() {
        assert_eq!(decode("René".into()), "René");
        assert_eq!(decode(b"Ren\xe9".to_vec()), "René");
    }
}
