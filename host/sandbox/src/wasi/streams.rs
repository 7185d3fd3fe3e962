//! Streams that never block: what is read lies in memory already, and what is written goes to the capped output.

use std::sync::Arc;

use wasmtime::{Result, component::Resource};
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, DynPollable, StreamError, StreamResult, bindings::sync::io::streams,
};
use wasmtime_wasi_io::bindings::wasi::io::error;

use super::{CALL_FUEL, Wasi, clocks::Awaited, output::Stdio};

/// Of one read or write. A guest asks again for the rest.
pub(super) const CHUNK_BYTES_MAX: u64 = 64 << 10;

/// The rest of what can be read. By default nothing.
#[derive(Default)]
pub(super) struct Source {
    content: Arc<[u8]>,
    position: usize,
}

impl Source {
    pub(super) fn new(content: Arc<[u8]>, offset: u64) -> Self {
        let position = usize::try_from(offset).unwrap_or(usize::MAX).min(content.len());
        Self { content, position }
    }

    /// The next bytes, which are as many as asked for if there are so many.
    fn take(&mut self, length: u64) -> StreamResult<&[u8]> {
        let rest = &self.content[self.position..];
        let length = rest.len().min(length.min(CHUNK_BYTES_MAX) as usize);
        if rest.is_empty() {
            return Err(StreamError::Closed);
        }
        self.position += length;
        Ok(&rest[..length])
    }
}

/// A stream to stdout or stderr.
pub(super) struct Written(pub(super) Stdio);

impl Wasi {
    fn take(&mut self, stream: &Resource<DynInputStream>, length: u64) -> StreamResult<Vec<u8>> {
        self.pay_stream(length.min(CHUNK_BYTES_MAX))?;
        let source: &mut Source = self.kept(stream).map_err(StreamError::Trap)?;
        source.take(length).map(<[u8]>::to_vec)
    }

    fn put(&mut self, stream: &Resource<DynOutputStream>, bytes: &[u8]) -> StreamResult<()> {
        self.pay_stream(bytes.len() as u64)?;
        let Written(channel) = *self.kept(stream).map_err(StreamError::Trap)?;
        self.output.write(channel, bytes);
        Ok(())
    }

    fn put_zeroes(&mut self, stream: &Resource<DynOutputStream>, length: u64) -> StreamResult<()> {
        self.pay_stream(length)?;
        if length > CHUNK_BYTES_MAX {
            return Err(StreamError::trap("more was written than check-write allowed"));
        }
        self.put(stream, &vec![0; length as usize])
    }

    fn move_on(
        &mut self,
        to: &Resource<DynOutputStream>,
        from: &Resource<DynInputStream>,
        length: u64,
    ) -> StreamResult<u64> {
        let bytes = self.take(from, length)?;
        self.put(to, &bytes)?;
        Ok(bytes.len() as u64)
    }

    fn pay_stream(&mut self, bytes: u64) -> StreamResult<()> {
        self.pay(CALL_FUEL.saturating_add(bytes)).map_err(|trap| StreamError::Trap(trap.into()))
    }

    fn nothing_to_wait_for(&mut self) -> Result<Resource<DynPollable>> {
        self.pay(CALL_FUEL)?;
        self.keep(Awaited::Nothing)
    }
}

impl error::Host for Wasi {}

impl error::HostError for Wasi {
    fn to_debug_string(&mut self, error: Resource<wasmtime::Error>) -> Result<String> {
        self.pay(CALL_FUEL)?;
        Ok(self.kept::<wasmtime::Error, _>(&error)?.to_string())
    }

    fn drop(&mut self, error: Resource<wasmtime::Error>) -> Result<()> {
        self.dropped::<wasmtime::Error, _>(&error)
    }
}

impl streams::Host for Wasi {
    fn convert_stream_error(&mut self, error: StreamError) -> Result<streams::StreamError> {
        match error {
            StreamError::Closed => Ok(streams::StreamError::Closed),
            StreamError::LastOperationFailed(error) => Ok(streams::StreamError::LastOperationFailed(self.keep(error)?)),
            StreamError::Trap(error) => Err(error),
        }
    }
}

impl streams::HostInputStream for Wasi {
    fn read(&mut self, stream: Resource<DynInputStream>, length: u64) -> StreamResult<Vec<u8>> {
        self.take(&stream, length)
    }

    fn blocking_read(&mut self, stream: Resource<DynInputStream>, length: u64) -> StreamResult<Vec<u8>> {
        self.take(&stream, length)
    }

    fn skip(&mut self, stream: Resource<DynInputStream>, length: u64) -> StreamResult<u64> {
        Ok(self.take(&stream, length)?.len() as u64)
    }

    fn blocking_skip(&mut self, stream: Resource<DynInputStream>, length: u64) -> StreamResult<u64> {
        Ok(self.take(&stream, length)?.len() as u64)
    }

    fn subscribe(&mut self, _: Resource<DynInputStream>) -> Result<Resource<DynPollable>> {
        self.nothing_to_wait_for()
    }

    fn drop(&mut self, stream: Resource<DynInputStream>) -> Result<()> {
        self.dropped::<Source, _>(&stream)
    }
}

impl streams::HostOutputStream for Wasi {
    fn check_write(&mut self, _: Resource<DynOutputStream>) -> StreamResult<u64> {
        self.pay_stream(0)?;
        Ok(CHUNK_BYTES_MAX)
    }

    fn write(&mut self, stream: Resource<DynOutputStream>, bytes: Vec<u8>) -> StreamResult<()> {
        self.put(&stream, &bytes)
    }

    fn blocking_write_and_flush(&mut self, stream: Resource<DynOutputStream>, bytes: Vec<u8>) -> StreamResult<()> {
        self.put(&stream, &bytes)
    }

    fn write_zeroes(&mut self, stream: Resource<DynOutputStream>, length: u64) -> StreamResult<()> {
        self.put_zeroes(&stream, length)
    }

    fn blocking_write_zeroes_and_flush(&mut self, stream: Resource<DynOutputStream>, length: u64) -> StreamResult<()> {
        self.put_zeroes(&stream, length)
    }

    fn flush(&mut self, _: Resource<DynOutputStream>) -> StreamResult<()> {
        self.pay_stream(0)
    }

    fn blocking_flush(&mut self, _: Resource<DynOutputStream>) -> StreamResult<()> {
        self.pay_stream(0)
    }

    fn splice(
        &mut self,
        to: Resource<DynOutputStream>,
        from: Resource<DynInputStream>,
        length: u64,
    ) -> StreamResult<u64> {
        self.move_on(&to, &from, length)
    }

    fn blocking_splice(
        &mut self,
        to: Resource<DynOutputStream>,
        from: Resource<DynInputStream>,
        length: u64,
    ) -> StreamResult<u64> {
        self.move_on(&to, &from, length)
    }

    fn subscribe(&mut self, _: Resource<DynOutputStream>) -> Result<Resource<DynPollable>> {
        self.nothing_to_wait_for()
    }

    fn drop(&mut self, stream: Resource<DynOutputStream>) -> Result<()> {
        self.dropped::<Written, _>(&stream)
    }
}
