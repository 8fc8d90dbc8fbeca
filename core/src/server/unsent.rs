//! What a socket still holds of what was written to it.
#![allow(unsafe_code, reason = "the kernel tells it by an ioctl that no crate wraps")]

use std::io;

use rustix::ioctl::{Getter, Opcode, ioctl};
use tokio::net::TcpStream;

/// Whether the number of the ioctl is known here: other architectures have others.
const IS_KNOWN: bool = cfg!(all(
    target_os = "linux",
    any(
        target_arch = "x86_64",
        target_arch = "aarch64",
        target_arch = "riscv64",
        target_arch = "s390x"
    )
));
/// `SIOCOUTQ`.
const SIOCOUTQ: Opcode = 0x5411;

/// Bytes that were written and that the other side has not acknowledged.
///
/// # Errors
/// Where the system does not tell.
pub(super) fn unsent(stream: &TcpStream) -> io::Result<u64> {
    if !IS_KNOWN {
        return Err(io::ErrorKind::Unsupported.into());
    }
    // SAFETY: for a socket, the kernel answers this number with one `int` and does nothing else.
    let bytes = unsafe { ioctl(stream, Getter::<SIOCOUTQ, i32>::new()) }?;
    u64::try_from(bytes).map_err(io::Error::other)
}

#[cfg(all(test, target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;
    use tokio::time::{sleep, timeout};

    #[tokio::test]
    async fn what_was_written_and_not_read_is_all_on_its_way() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap());
        let (client, accepted) = tokio::join!(client, listener.accept());
        let (mut client, (server, _)) = (client.unwrap(), accepted.unwrap());
        assert_eq!(unsent(&server).unwrap(), 0);
        let mut written = 0;
        while let Ok(n) = server.try_write(&[0; 64 << 10]) {
            written += n;
        }
        let left = unsent(&server).unwrap();
        assert!(left > 0 && left <= written as u64, "{left} of {written}");
        let mut all = vec![0; written];
        let leaves = async {
            client.read_exact(&mut all).await.unwrap();
            // The last acknowledgement may come a little later.
            while unsent(&server).unwrap() > 0 {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(Duration::from_secs(20), leaves).await.expect("all of it leaves");
    }
}
