//! TensorBoard event files: scalars only.
//!
//! An event file is a sequence of TFRecords, each an `Event` message of `tensorboard/compat/proto/event.proto`. The
//! four message fields in use do not justify a protobuf compiler, so they are encoded here.

use std::io::{self, Write};

/// Appends events to an event file. Readers find the file by the `tfevents` in its name.
pub struct EventWriter<W: Write> {
    writer: W,
}

impl<W: Write> EventWriter<W> {
    /// Begins an event file. Times are Unix times in seconds.
    pub fn new(writer: W, wall_time: f64) -> io::Result<Self> {
        let mut events = Self { writer };
        let mut event = event(wall_time, 0);
        put_bytes(&mut event, 3, b"brain.Event:2");
        events.record(&event)?;
        Ok(events)
    }

    /// Goes on with an event file that has its beginning already.
    pub fn resume(writer: W) -> Self {
        Self { writer }
    }

    /// Appends one value of the curve `tag`.
    pub fn scalar(&mut self, tag: &str, value: f32, step: u64, wall_time: f64) -> io::Result<()> {
        let mut entry = Vec::new();
        put_bytes(&mut entry, 1, tag.as_bytes());
        put_key(&mut entry, 2, FIXED32);
        entry.extend(value.to_le_bytes());
        let mut summary = Vec::new();
        put_bytes(&mut summary, 1, &entry);
        let mut event = event(wall_time, step);
        put_bytes(&mut event, 5, &summary);
        self.record(&event)
    }

    /// The frame of a TFRecord: length, checksum of the length, data, checksum of the data. One write, so that a
    /// record is torn only where the system tears it.
    fn record(&mut self, data: &[u8]) -> io::Result<()> {
        let length = (data.len() as u64).to_le_bytes();
        let mut record = Vec::with_capacity(data.len() + 16);
        record.extend(length);
        record.extend(masked_crc32c(&length).to_le_bytes());
        record.extend(data);
        record.extend(masked_crc32c(data).to_le_bytes());
        self.writer.write_all(&record)
    }
}

/// TFRecord's checksum: CRC-32C, rotated and offset so that a checksum of data with checksums in it stays sound.
fn masked_crc32c(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

// Wire types of the protobuf encoding.
const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const LENGTH_DELIMITED: u64 = 2;
const FIXED32: u64 = 5;

/// An `Event` with its time and step. Fields at their default are left out, as proto3 does.
fn event(wall_time: f64, step: u64) -> Vec<u8> {
    let mut event = Vec::new();
    if wall_time != 0.0 {
        put_key(&mut event, 1, FIXED64);
        event.extend(wall_time.to_le_bytes());
    }
    if step != 0 {
        put_key(&mut event, 2, VARINT);
        put_varint(&mut event, step);
    }
    event
}

fn put_key(message: &mut Vec<u8>, field: u64, wire_type: u64) {
    put_varint(message, field << 3 | wire_type);
}

fn put_bytes(message: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    put_key(message, field, LENGTH_DELIMITED);
    put_varint(message, bytes.len() as u64);
    message.extend(bytes);
}

fn put_varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push(value as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes are those of the `tensorboard` package, 2.21:
    ///
    /// ```python
    /// import io
    /// from tensorboard.compat.proto.event_pb2 import Event
    /// from tensorboard.compat.proto.summary_pb2 import Summary
    /// from tensorboard.summary.writer.record_writer import RecordWriter
    ///
    /// def scalar(tag, value, step, wall_time):
    ///     summary = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
    ///     return Event(wall_time=wall_time, step=step, summary=summary)
    ///
    /// file = io.BytesIO()
    /// writer = RecordWriter(file)
    /// for event in [
    ///     Event(wall_time=1700000000.25, file_version="brain.Event:2"),
    ///     scalar("solver/reward", -0.5, 0, 1700000001.5),
    ///     scalar("proposer/überprüft", 0.0, 300, 1700000002.0),
    /// ]:
    ///     writer.write(event.SerializeToString())
    /// print(file.getvalue().hex())
    /// ```
    #[test]
    fn bytes_are_those_of_the_tensorboard_package() {
        let mut file = Vec::new();
        let mut events = EventWriter::new(&mut file, 1_700_000_000.25).unwrap();
        events.scalar("solver/reward", -0.5, 0, 1_700_000_001.5).unwrap();
        events.scalar("proposer/überprüft", 0.0, 300, 1_700_000_002.0).unwrap();
        let expected = concat!(
            "1800000000000000a37f4b220900001040fc54d9411a0d627261696e2e4576656e743a32338d2fe9",
            "2100000000000000017becf60900006040fc54d9412a160a140a0d736f6c7665722f72657761726415000000bf8db07cf6",
            "2b00000000000000861bc34b0900008040fc54d94110ac022a1d0a1b0a1470726f706f7365722fc3bc6265727072c3bc66",
            "741500000000854b7e3f",
        );
        let hex: String = file.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, expected);
    }

    #[test]
    fn varints_take_seven_bits_a_byte() {
        let mut message = Vec::new();
        put_varint(&mut message, u64::MAX);
        assert_eq!(message, [[0xff; 9].as_slice(), &[1]].concat());
    }
}
