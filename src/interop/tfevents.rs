//! Event files of TensorBoard: records of protocol buffers, each with its length and two checksums.
//!
//! Sources: `tensorflow/core/util/event.proto`, `summary.proto`, and `lib/io/record_writer.h` for the frame. Only what
//! curves and pictures need is declared; fields that are not there are skipped by every reader.

use crc::{CRC_32_ISCSI, Crc};
use prost::Message;

/// The version that a file begins with.
const VERSION: &str = "brain.Event:2";
/// `SessionLog.START`.
const START: i32 = 1;
const CASTAGNOLI: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

#[derive(Clone, PartialEq, Message)]
struct Event {
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
    #[prost(message, optional, tag = "7")]
    session: Option<Session>,
}

#[derive(Clone, PartialEq, Message)]
struct Session {
    #[prost(int32, tag = "1")]
    status: i32,
}

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    values: Vec<Value>,
}

#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(float, optional, tag = "2")]
    number: Option<f32>,
    #[prost(message, optional, tag = "4")]
    picture: Option<Picture>,
}

#[derive(Clone, PartialEq, Message)]
struct Picture {
    #[prost(int32, tag = "1")]
    height: i32,
    #[prost(int32, tag = "2")]
    width: i32,
    /// 3 is RGB.
    #[prost(int32, tag = "3")]
    channels: i32,
    #[prost(bytes = "vec", tag = "4")]
    encoded: Vec<u8>,
}

/// The records that a file begins with. Readers drop what earlier files of the folder say of `step` and later steps: a
/// run that goes on from a checkpoint does those steps again.
#[must_use]
pub fn beginning(time: f64, step: u64) -> Vec<u8> {
    let version = Event { wall_time: time, file_version: Some(VERSION.to_owned()), ..Event::default() };
    let session = Some(Session { status: START });
    let start = Event { wall_time: time, step: step as i64, session, ..Event::default() };
    [record(&version), record(&start)].concat()
}

/// A record of numbers by their tags, as of a step.
#[must_use]
pub fn scalars(time: f64, step: u64, numbers: &[(String, f64)]) -> Vec<u8> {
    let value = |(tag, number): &(String, f64)| Value {
        tag: tag.clone(),
        number: Some(*number as f32),
        picture: None,
    };
    let summary = Some(Summary { values: numbers.iter().map(value).collect() });
    record(&Event { wall_time: time, step: step as i64, summary, ..Event::default() })
}

/// A record of an RGB picture, encoded as PNG or JPEG, as of a step. `size` is width and height in pixels.
#[must_use]
pub fn picture(time: f64, step: u64, tag: &str, encoded: Vec<u8>, size: [u32; 2]) -> Vec<u8> {
    let [width, height] = size.map(|side| side as i32);
    let picture = Some(Picture { height, width, channels: 3, encoded });
    let summary = Some(Summary { values: vec![Value { tag: tag.to_owned(), number: None, picture }] });
    record(&Event { wall_time: time, step: step as i64, summary, ..Event::default() })
}

/// An event in its frame: length, checksum of the length, the event, checksum of the event.
fn record(event: &Event) -> Vec<u8> {
    let body = event.encode_to_vec();
    let length = (body.len() as u64).to_le_bytes();
    [&length[..], &masked(&length).to_le_bytes(), &body, &masked(&body).to_le_bytes()].concat()
}

/// A checksum that may itself stand in data that is summed (`crc32c::Mask`).
fn masked(bytes: &[u8]) -> u32 {
    CASTAGNOLI.checksum(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What TensorFlow's own writer gives for the version record at time 0.
    #[test]
    fn records_have_the_frame_of_the_format() {
        let event = Event { file_version: Some(VERSION.to_owned()), ..Event::default() };
        let bytes = record(&event);
        assert_eq!(bytes[..8], 15u64.to_le_bytes());
        // The published check value of CRC-32C is that of the digits.
        assert_eq!(CASTAGNOLI.checksum(b"123456789"), 0xe306_9283);
        // crc32c_test.cc: 32 bytes of zeros.
        assert_eq!(CASTAGNOLI.checksum(&[0; 32]), 0x8a91_36aa);
        assert_eq!(bytes[12..27], *b"\x1a\x0dbrain.Event:2");
        assert_eq!(bytes.len(), 8 + 4 + 15 + 4);
    }

    #[test]
    fn events_come_back_from_their_bytes() {
        let bytes = scalars(2.5, 7, &[("train/loss".to_owned(), 1.25), ("train/lr".to_owned(), 0.5)]);
        let event = Event::decode(&bytes[12..bytes.len() - 4]).unwrap();
        let values = event.summary.unwrap().values;
        assert_eq!((event.wall_time, event.step, values.len()), (2.5, 7, 2));
        assert_eq!((&*values[0].tag, values[0].number), ("train/loss", Some(1.25)));
        let bytes = picture(0.0, 9, "gallery", vec![1, 2, 3], [4, 5]);
        let event = Event::decode(&bytes[12..bytes.len() - 4]).unwrap();
        let picture = event.summary.unwrap().values.remove(0).picture.unwrap();
        assert_eq!((picture.width, picture.height, picture.encoded), (4, 5, vec![1, 2, 3]));
    }
}
