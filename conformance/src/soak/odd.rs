//! Clients that are no good: they leave, are slow, or do not speak HTTP.

use std::thread;
use std::time::Duration;

use super::client::{Ask, Client, Deed, Done, Wrong, right};
use super::project::TIME;
use crate::{Received, Stop, request};

pub(super) const DEEDS: &[Deed] = &[
    Deed { name: "leaves at once", weight: 20, run: leaves_at_once },
    Deed { name: "leaves before the head", weight: 20, run: leaves_before_the_head },
    Deed { name: "leaves while it reads", weight: 20, run: leaves_while_it_reads },
    Deed { name: "leaves while it sends", weight: 20, run: leaves_while_it_sends },
    Deed { name: "leaves a script", weight: 10, run: leaves_a_script },
    Deed { name: "head in pieces", weight: 5, run: head_in_pieces },
    Deed { name: "body in pieces", weight: 5, run: body_in_pieces },
    Deed { name: "reads slowly", weight: 3, run: reads_slowly },
    Deed { name: "not HTTP", weight: 20, run: not_http },
];

/// What takes as long as the limits of time, or longer: done by threads of their own.
pub(super) const STALLS: &[Deed] = &[
    Deed {
        name: "stalls in the head",
        weight: 1,
        run: |client| stalls(client, b"GET /run/hello/ HTTP/1.1\r\nhost:"),
    },
    Deed {
        name: "stalls in the body",
        weight: 1,
        run: |client| {
            let target = ["/run/echo/", "/run/inspect/"][client.random.length(2)];
            let mut bytes = request("POST", target, &[("content-length", "1000")], b"");
            bytes.extend(b"begun");
            stalls(client, &bytes)
        },
    },
    Deed { name: "stops reading", weight: 1, run: stops_reading },
];

fn leaves_at_once(client: &mut Client<'_>) -> Done {
    client.connect().map(drop)
}

fn leaves_before_the_head(client: &mut Client<'_>) -> Done {
    let raw = client.begin("/run/sleep/?ms=1000")?;
    thread::sleep(Duration::from_millis(client.random.below(20)));
    drop(raw);
    Ok(())
}

fn leaves_while_it_reads(client: &mut Client<'_>) -> Done {
    let mut raw = client.begin("/run/stream/?chunks=200&size=10000&delay_ms=1")?;
    let mut head = raw.head("GET").map_err(|stop| format!("the head: {stop}"))?;
    if head.status != 200 {
        return Err(Wrong::Unexplained(format!("a stream is answered with {}", head.status)));
    }
    for _ in 0..client.random.below(4) {
        raw.piece(&mut head).map_err(|stop| format!("a piece: {stop}"))?;
    }
    Ok(())
}

fn leaves_while_it_sends(client: &mut Client<'_>) -> Done {
    let mut raw = client.connect()?;
    client.tally.left += 1;
    let target = client.random.one_of(&["/run/echo/", "/run/inspect/", "/script/through"]);
    let head = request("POST", target, &[("content-length", "100000")], b"");
    raw.send(head).map_err(|error| error.to_string())?;
    let length = client.random.length(50_000);
    let part = client.random.bytes(length);
    raw.send(part).map_err(|error| error.to_string())?;
    Ok(())
}

fn leaves_a_script(client: &mut Client<'_>) -> Done {
    let raw = client.begin("/script/chain")?;
    thread::sleep(Duration::from_millis(client.random.below(5)));
    drop(raw);
    Ok(())
}

fn head_in_pieces(client: &mut Client<'_>) -> Done {
    let mut raw = client.connection()?;
    client.tally.left += 1;
    for piece in request("GET", "/run/hello/", &[], b"").chunks(5) {
        raw.send(piece).map_err(|error| error.to_string())?;
        thread::sleep(Duration::from_millis(5));
    }
    let answer = raw.response().map_err(|stop| stop.to_string())?;
    client.tally.left -= 1;
    client.judge(&answer, &Ask::default())?;
    right(&answer, 200, b"Hello from mik!\n")?;
    client.keep(raw);
    Ok(())
}

fn body_in_pieces(client: &mut Client<'_>) -> Done {
    let mut raw = client.connection()?;
    client.tally.left += 1;
    let body = client.random.bytes(200);
    let head = request("POST", "/run/echo/", &[("content-length", "200")], b"");
    raw.send(head).map_err(|error| error.to_string())?;
    for piece in body.chunks(20) {
        thread::sleep(Duration::from_millis(5));
        raw.send(piece).map_err(|error| error.to_string())?;
    }
    let answer = raw.response().map_err(|stop| stop.to_string())?;
    client.tally.left -= 1;
    client.judge(&answer, &Ask::default())?;
    right(&answer, 200, &body)?;
    client.keep(raw);
    Ok(())
}

fn reads_slowly(client: &mut Client<'_>) -> Done {
    let mut raw = client.begin("/run/stream/?chunks=26&size=65536")?;
    let mut head = raw.head("GET").map_err(|stop| stop.to_string())?;
    let mut read = 0;
    while let Some(piece) = raw.piece(&mut head).map_err(|stop| format!("after {read}: {stop}"))? {
        let expected = b'a' + u8::try_from(read / 65_536).unwrap_or_default();
        if piece.first() != Some(&expected) {
            return Err(Wrong::Other(format!("a wrong byte at {read}")));
        }
        read += piece.len();
        thread::sleep(Duration::from_millis(10));
    }
    match read == 26 * 65_536 {
        true => Ok(()),
        false => Err(Wrong::Other(format!("{read} bytes"))),
    }
}

fn not_http(client: &mut Client<'_>) -> Done {
    const BYTES: [&[u8]; 9] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/3.0\r\nhost: h\r\n\r\n",
        b"GET /run/hello/ HTTP/1.1\r\n\r\n",
        b"GET /run/hello/ HTTP/1.1\r\nhost: h\r\nno colon\r\n\r\n",
        b"POST /run/echo/ HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        b"POST /run/echo/ HTTP/1.1\r\nhost: h\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"\0\0\0\0\0\0\0\0\r\n\r\n",
        b"GET /run/hello/ HTTP/1.1\r\nhost: h\r\nx: \0\r\n\r\n",
        b"this is not HTTP\r\n\r\n",
    ];
    let sent = match client.random.per_mille(300) {
        // By chance it might be HTTP; by chance the earth might be hit.
        true => [client.random.bytes(100), b"\r\n\r\n".to_vec()].concat(),
        false => client.random.one_of(&BYTES).to_vec(),
    };
    let mut raw = client.connect()?;
    client.tally.left += 1;
    let _ = raw.send(&sent);
    raw.finish_sending();
    let received = raw.collect();
    refused_and_closed(&received).map_err(|failure| {
        Wrong::Other(format!("{failure}: sent {}, received {received}", crate::shown(&sent)))
    })
}

/// Refused with a 4xx, or with a status of the parser, or closed without a word; and never two answers.
fn refused_and_closed(received: &Received) -> Result<(), String> {
    let is_right = match received.answers.as_slice() {
        [] => true,
        [answer] => matches!(answer.status(), 400..=499 | 501 | 505),
        _ => false,
    };
    match received.end {
        Stop::Closed | Stop::Reset if is_right => Ok(()),
        _ => Err("expected to be refused".to_owned()),
    }
}

/// Sends this and no more: the server gives up in time.
fn stalls(client: &mut Client<'_>, sent: &[u8]) -> Done {
    let mut raw = client.connect()?;
    client.tally.left += 1;
    let _ = raw.send(sent);
    // A bound on hanging is ten times what the limit allows.
    let received = raw.patience(10 * TIME).collect();
    let is_right = match received.answers.as_slice() {
        [] => true,
        // One that had begun breaks off.
        [answer] => answer.status() == 408 || (answer.status() == 200 && !answer.is_whole()),
        _ => false,
    };
    match received.end {
        Stop::Closed | Stop::Reset if is_right => Ok(()),
        _ => Err(Wrong::Other(format!("expected 408 or the end, got {received}"))),
    }
}

/// Reads nothing of an answer that no buffer takes: the server resets the connection.
fn stops_reading(client: &mut Client<'_>) -> Done {
    let mut raw = client.begin("/run/stream/?chunks=400&size=65536")?;
    let mut waited = Duration::ZERO;
    // While nothing is read, an end is seen only by what is sent.
    while raw.send(b"\r\n").is_ok() {
        if waited > 10 * TIME {
            return Err(Wrong::Other(format!("still open after {waited:?}")));
        }
        if !client.goes_on() {
            return Ok(());
        }
        let pause = Duration::from_millis(100);
        thread::sleep(pause);
        waited += pause;
    }
    Ok(())
}
