//! How the sandbox and its processes speak: frames of a length and a message, and descriptors of files.
//!
//! They take turns. The sandbox believes nothing that a process says: a length, a time and a type are all that it takes.

use std::{
    fs::File,
    io::{self, ErrorKind, Read, Write},
    os::fd::{AsRawFd, FromRawFd as _, OwnedFd, RawFd},
    ptr,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::found::{FileError, Found};

/// Of a frame.
const LENGTH_BYTES: usize = 4;
/// Room for a frame that is kept from one to the next.
const KEPT_BYTES: usize = 64 << 10;

/// One end of the way between the sandbox and a process.
pub(super) struct Channel<S> {
    stream: S,
    /// Memory of the last frame that was sent, and of the last that was received, whose length is its own: it is not
    /// cleared before each.
    sent: Vec<u8>,
    received: Vec<u8>,
}

/// What a process says while it works on a request.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Said<A> {
    /// A judge wants the content of a file.
    Read {
        directory: String,
        path: String,
    },
    /// A judge wants the names in a folder.
    Names {
        directory: String,
        path: String,
    },
    /// A judge wants the names of the granted directories.
    Directories,
    /// It wants to know what is there.
    Find {
        directory: String,
        path: String,
    },
    /// It wants the content of a file, and why there is none as WASI has it.
    Content {
        directory: String,
        path: String,
    },
    /// It wants the names in a folder, and why there are none as WASI has it.
    Sorted {
        directory: String,
        path: String,
    },
    Done(A),
}

impl<S: Read + Write> Channel<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, sent: Vec::new(), received: Vec::new() }
    }

    pub(super) fn stream(&self) -> &S {
        &self.stream
    }

    /// Sends a message. It takes no longer than until `end` and once the stream's own time limit.
    pub(super) fn send(&mut self, message: &impl Serialize, end: Option<Instant>) -> io::Result<()> {
        let mut frame = std::mem::take(&mut self.sent);
        frame.clear();
        frame.extend([0; LENGTH_BYTES]);
        let mut frame = postcard::to_extend(message, frame).map_err(io::Error::other)?;
        let length = u32::try_from(frame.len() - LENGTH_BYTES).map_err(io::Error::other)?;
        frame[..LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
        let mut rest = &*frame;
        while !rest.is_empty() {
            match self.stream.write(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            in_time(end)?;
        }
        self.sent = kept(frame);
        Ok(())
    }

    /// Receives a message of at most so many bytes, which must be the only one on its way.
    pub(super) fn receive<M: DeserializeOwned>(&mut self, max_bytes: usize, end: Option<Instant>) -> io::Result<M> {
        let mut frame = std::mem::take(&mut self.received);
        frame.resize(frame.len().max(KEPT_BYTES), 0);
        let mut filled = 0;
        let end_of_frame = loop {
            if let Some(length) = frame[..filled].first_chunk() {
                let length = u32::from_le_bytes(*length) as usize;
                if length > max_bytes {
                    return Err(io::Error::other(format!("a message of {length} bytes; the limit is {max_bytes}")));
                }
                let end_of_frame = LENGTH_BYTES + length;
                if filled >= end_of_frame {
                    break end_of_frame;
                }
                frame.resize(frame.len().max(end_of_frame), 0);
            }
            match self.stream.read(&mut frame[filled..]) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => filled += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            in_time(end)?;
        };
        if filled > end_of_frame {
            return Err(io::Error::other("a message that nobody waited for"));
        }
        let message = postcard::from_bytes(&frame[LENGTH_BYTES..end_of_frame]).map_err(io::Error::other)?;
        self.received = kept(frame);
        Ok(message)
    }
}

/// The memory of a frame for the next one, within reason.
fn kept(mut frame: Vec<u8>) -> Vec<u8> {
    if frame.len() > KEPT_BYTES {
        frame.truncate(KEPT_BYTES);
        frame.shrink_to_fit();
    }
    frame
}

fn in_time(end: Option<Instant>) -> io::Result<()> {
    match end {
        Some(end) if Instant::now() >= end => Err(ErrorKind::TimedOut.into()),
        _ => Ok(()),
    }
}

/// The end of a process, from which its judge asks for files.
#[derive(Clone)]
pub(super) struct Asker(Arc<Mutex<Channel<File>>>);

impl Asker {
    pub(super) fn new(channel: Channel<File>) -> Self {
        Self(Arc::new(Mutex::new(channel)))
    }

    /// What the process works on, until there is no more.
    pub(super) fn next<M: DeserializeOwned>(&self) -> io::Result<M> {
        self.channel(|channel| channel.receive(usize::MAX, None))
    }

    pub(super) fn send(&self, message: &impl Serialize) -> io::Result<()> {
        self.channel(|channel| channel.send(message, None))
    }

    pub(super) fn read(&self, directory: &str, path: &str) -> Result<Vec<u8>, String> {
        self.ask(&Said::Read { directory: directory.into(), path: path.into() })
    }

    pub(super) fn names(&self, directory: &str, path: &str) -> Result<Vec<String>, String> {
        self.ask(&Said::Names { directory: directory.into(), path: path.into() })
    }

    pub(super) fn directories(&self) -> Vec<String> {
        self.ask_for(&Said::Directories).unwrap_or_default()
    }

    pub(super) fn find(&self, directory: &str, path: &str) -> Result<Found, FileError> {
        self.ask_for(&Said::Find { directory: directory.into(), path: path.into() })
    }

    pub(super) fn content(&self, directory: &str, path: &str) -> Result<Vec<u8>, FileError> {
        self.ask_for(&Said::Content { directory: directory.into(), path: path.into() })
    }

    pub(super) fn sorted(&self, directory: &str, path: &str) -> Result<Vec<String>, FileError> {
        self.ask_for(&Said::Sorted { directory: directory.into(), path: path.into() })
    }

    fn ask_for<M: DeserializeOwned>(&self, question: &Said<()>) -> Result<M, FileError> {
        let answer = self.send(question).and_then(|()| self.next::<Result<M, FileError>>());
        answer.unwrap_or(Err(FileError::Other))
    }

    fn ask<M: DeserializeOwned>(&self, question: &Said<()>) -> Result<M, String> {
        let answer = self.send(question).and_then(|()| self.next::<Result<M, String>>());
        answer.unwrap_or_else(|error| Err(format!("the sandbox does not answer: {error}")))
    }

    fn channel<R>(&self, with: impl FnOnce(&mut Channel<File>) -> R) -> R {
        // Between two messages a channel is as good as new.
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Room for the control message that carries one descriptor, aligned as one must be.
type Control = [u64; 4];

/// Sends an open file.
pub(super) fn send_file(socket: &impl AsRawFd, file: &impl AsRawFd) -> io::Result<()> {
    with_message(|message| {
        let descriptor: RawFd = file.as_raw_fd();
        // SAFETY: the message has room for one control message, whose data is one descriptor.
        unsafe {
            let header = libc::CMSG_FIRSTHDR(message);
            (*header).cmsg_level = libc::SOL_SOCKET;
            (*header).cmsg_type = libc::SCM_RIGHTS;
            (*header).cmsg_len = libc::CMSG_LEN(size_of::<RawFd>() as u32) as usize;
            libc::CMSG_DATA(header).cast::<RawFd>().write_unaligned(descriptor);
        }
        // SAFETY: everything that the message points to outlives the call.
        match unsafe { libc::sendmsg(socket.as_raw_fd(), message, libc::MSG_NOSIGNAL) } {
            1 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    })
}

/// Receives an open file.
pub(super) fn receive_file(socket: &impl AsRawFd) -> io::Result<File> {
    with_message(|message| {
        // SAFETY: everything that the message points to outlives the call.
        match unsafe { libc::recvmsg(socket.as_raw_fd(), message, libc::MSG_CMSG_CLOEXEC) } {
            1 => {}
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            _ => return Err(io::Error::last_os_error()),
        }
        // SAFETY: the kernel has written the control message, if there is one, and a descriptor in it is ours.
        unsafe {
            let header = libc::CMSG_FIRSTHDR(message);
            if header.is_null() || (*header).cmsg_type != libc::SCM_RIGHTS {
                return Err(io::Error::other("no file came"));
            }
            let descriptor = libc::CMSG_DATA(header).cast::<RawFd>().read_unaligned();
            Ok(OwnedFd::from_raw_fd(descriptor).into())
        }
    })
}

/// A message of one byte with room for one descriptor.
fn with_message<R>(use_it: impl FnOnce(&mut libc::msghdr) -> R) -> R {
    let mut byte = 0_u8;
    let mut part = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
    let mut control: Control = [0; 4];
    // SAFETY: every field of it may be zero.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = ptr::from_mut(&mut part);
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    // SAFETY: it only computes.
    message.msg_controllen = unsafe { libc::CMSG_SPACE(size_of::<RawFd>() as u32) } as usize;
    use_it(&mut message)
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Seek as _, SeekFrom},
        os::unix::net::UnixStream,
        thread,
        time::Duration,
    };

    use super::*;

    fn pair() -> (Channel<UnixStream>, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        (Channel::new(ours), theirs)
    }

    /// What the sandbox makes of what a process writes.
    fn received(written: &[u8]) -> Result<String, String> {
        let (mut channel, mut theirs) = pair();
        theirs.write_all(written).unwrap();
        channel.receive::<String>(100, None).map_err(|error| error.to_string())
    }

    #[test]
    fn a_process_that_breaks_the_protocol_is_not_believed() {
        assert_eq!(received(b"\x03\0\0\0\x02hi").unwrap(), "hi");
        assert!(received(b"\xff\xff\xff\xff").unwrap_err().contains("the limit is 100"));
        assert!(received(b"\x03\0\0\0\x02hi\x03").unwrap_err().contains("nobody waited for"));
        // A string that claims to be longer than its frame, and one that is not UTF-8.
        assert!(received(b"\x03\0\0\0\x7fhi").is_err());
        assert!(received(b"\x03\0\0\0\x02\xff\xff").is_err());
        // Nothing more comes.
        assert!(received(b"\x03\0\0\0\x02h").is_err());
    }

    #[test]
    fn one_that_sends_byte_after_byte_is_too_slow_in_the_end() {
        let (mut channel, mut theirs) = pair();
        let end = Instant::now() + Duration::from_millis(20);
        let dribble = thread::spawn(move || while theirs.write_all(&[1]).is_ok() {});
        let error = channel.receive::<String>(usize::MAX, Some(end)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        drop(channel);
        dribble.join().unwrap();
    }

    #[test]
    fn large_messages_and_open_files_cross() {
        let (mut channel, theirs) = pair();
        let long = "é".repeat(1 << 20);
        let sender = thread::spawn({
            let (long, theirs) = (long.clone(), theirs.try_clone().unwrap());
            move || Channel::new(theirs).send(&long, None).unwrap()
        });
        assert!(channel.receive::<String>(4 << 20, None).unwrap() == long);
        sender.join().unwrap();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"content").unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        send_file(&theirs, &file).unwrap();
        let mut content = String::new();
        receive_file(&channel.stream).unwrap().read_to_string(&mut content).unwrap();
        assert_eq!(content, "content");
    }
}
