//! Batches of CIFAR as pickles of Python 2 and 3, and hostile ones. The parser's own tests stand with it.

use super::super::super::testing::mutants;
use super::super::tests::make;
use super::*;

const OF_NUMPY_1: &[u8] = include_bytes!("../../../tests/fixtures/cifar-batch-p4");
const OF_NUMPY_2: &[u8] = include_bytes!("../../../tests/fixtures/cifar-batch-p5");

fn read(bytes: impl Into<Vec<u8>>) -> Result<(Block, Vec<i64>)> {
    pickled(Kind::Ten, Part::memory("data_batch_1".into(), bytes.into()))
}

fn refusal(bytes: impl Into<Vec<u8>>) -> String {
    read(bytes).unwrap_err().to_string()
}

#[test]
fn batches_of_every_python_are_read_in_place() {
    for bytes in [OF_NUMPY_1, OF_NUMPY_2] {
        let (block, labels) = read(bytes).unwrap();
        assert_eq!((block.count, labels.as_slice()), (3, &[3, 0, 9][..]));
        let pixels = block.part.read(block.offset, 3 * 3072).unwrap();
        assert_eq!([pixels[0], pixels[3071], pixels[3072], pixels[3073], pixels[9215]], [10, 10, 99, 20, 30]);
    }
    let bytes = make::pickled_batch(7, 2, "labels", 10);
    let (block, labels) = read(bytes.clone()).unwrap();
    assert_eq!((block.count, labels), (2, vec![7, 8]));
    let end = block.offset as usize + 2 * 3072;
    assert_eq!(&bytes[end..], b"tbu.", "the pixels are the last of the file but its end");
}

#[test]
fn what_could_run_code_is_run_by_nobody() {
    let evil = refusal(include_bytes!("../../../tests/fixtures/evil.pickle").to_vec());
    assert!(evil.contains("no array of bytes `data`"), "{evil}");
    for code in [&b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R."[..], b"cnumpy\nload\n(U\x01xtR."]
    {
        assert!(refusal(code).contains("no array of bytes `data`"), "{}", refusal(code));
    }
}

#[test]
fn what_is_no_batch_ends_with_a_reason() {
    let whole = make::pickled_batch(0, 2, "labels", 10);
    let changed = |from: &[u8], to: &[u8]| {
        let at = whole.windows(from.len()).position(|window| window == from).unwrap();
        [&whole[..at], to, &whole[at + from.len()..]].concat()
    };
    let cases: [(Vec<u8>, &str); 9] = [
        (vec![], "cut short"),
        (whole[..whole.len() / 2].to_vec(), "cut short"),
        (b"}.".to_vec(), "no array of bytes `data`"),
        (b"K\x01.".to_vec(), "no array of bytes `data`"),
        (changed(b"U\x02u1", b"U\x02f1"), "no array of bytes `data`"),
        (changed(b"M\x00\x0c\x86", b"M\x00\x06\x86"), "no array of bytes `data`"),
        (changed(b"\x89T", b"\x88T"), "no array of bytes `data`"),
        (changed(b"U\x06labels", b"U\x06Labels"), "no list `labels`"),
        (changed(b"K\x00K\x01e", b"K\x00e"), "6144 bytes of pixels for 1 labels"),
    ];
    for (bytes, reason) in cases {
        let message = refusal(bytes);
        assert!(message.contains("data_batch_1") && message.contains(reason), "{reason}: {message}");
    }
}

/// Lists that hold themselves, and floods of objects.
#[test]
fn loops_and_floods_end() {
    assert!(refusal(b"}q\x01(U\x04datah\x01u.").contains("no array of bytes"));
    assert!(refusal(b"}q\x01(U\x06labels]q\x02h\x02au.").contains("no array of bytes"));
    assert!(refusal([vec![b'N'; 3 << 20], vec![b'.']].concat()).contains("objects"));
}

#[test]
fn no_damage_makes_a_batch_reach_beyond_its_file() {
    let (mut good, whole) = (0, make::pickled_batch(0, 1, "labels", 10));
    for bytes in mutants(&whole, 3000).chain(mutants(OF_NUMPY_2, 1000)) {
        let part = Part::memory("data_batch_1".into(), bytes);
        if let Ok((block, _)) = pickled(Kind::Ten, part.clone()) {
            assert!(block.offset + u64::from(block.count) * PIXELS <= part.length);
            good += 1;
        }
        drop(pickled_names(&part, "label_names"));
    }
    assert!(good > 100, "changes of pixels leave a batch readable: {good}");
}
