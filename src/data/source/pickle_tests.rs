//! Pickles of Python 2 and 3, and hostile ones.

use super::super::super::testing::mutants;
use super::super::tests::make;
use super::*;

fn part(bytes: impl Into<Vec<u8>>) -> Part {
    Part::memory("data_batch_1".into(), bytes.into())
}

fn refused(bytes: impl Into<Vec<u8>>) -> String {
    batch(&part(bytes), "labels").unwrap_err().to_string()
}

#[test]
fn batches_of_every_python_are_read_in_place() {
    for bytes in [
        include_bytes!("../../../tests/fixtures/cifar-batch-p4").to_vec(),
        include_bytes!("../../../tests/fixtures/cifar-batch-p5").to_vec(),
    ] {
        let part = part(bytes);
        let batch = batch(&part, "labels").unwrap();
        assert_eq!((batch.length, batch.labels.as_slice()), (3 * 3072, &[3, 0, 9][..]));
        let pixels = part.read(batch.offset, 3 * 3072).unwrap();
        assert_eq!([pixels[0], pixels[3071], pixels[3072], pixels[3073], pixels[9215]], [10, 10, 99, 20, 30]);
    }
    let bytes = make::pickled_batch(7, 2, "labels", 10);
    let batch = batch(&part(bytes), "labels").unwrap();
    assert_eq!((batch.length, batch.labels), (2 * 3072, vec![7, 8]));
}

#[test]
fn what_could_run_code_is_refused_by_name() {
    let evil = include_bytes!("../../../tests/fixtures/evil.pickle").to_vec();
    let message = refused(evil);
    assert!(message.contains("posix.system") && message.contains("run code"), "{message}");
    for (name, code) in [
        ("os.system", &b"cos\nsystem\n(S'ls'\ntR."[..]),
        ("builtins.eval", b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R."),
        ("numpy.load", b"cnumpy\nload\n(S'x'\ntR."),
    ] {
        assert!(refused(code).contains(name), "{name}: {}", refused(code));
    }
    // Objects, persistent ids, extensions and further buffers are not data.
    for code in
        [&b"(ios\nsystem\n."[..], b"(cos\nx\n\x81.", b"Pwhat\n.", b"\x82\x01.", b"\x97.", b"(o.", b"2."]
    {
        let message = refused(code);
        assert!(message.contains("instruction") || message.contains("run code"), "{message}");
    }
}

#[test]
fn broken_pickles_end_with_a_reason() {
    for (code, reason) in [
        (&b""[..], "cut short"),
        (b"}", "cut short"),
        (b"K", "cut short"),
        (b"T\xff\xff\xff\xff.", "cut short"),
        (b"\x8e\xff\xff\xff\xff\xff\xff\xff\xff.", "cut short"),
        (b"\x8a\xff.", "cut short"),
        (b"a.", "stack is empty"),
        (b"K\x01K\x02a.", "no list"),
        (b"t.", "mark is missing"),
        (b"h\x07.", "never stored"),
        (b"Inonsense\n.", "none"),
        (b"K\x01)R.", "no function"),
        (b"}.", "no `data`"),
        (b".", "no `data`"),
        (b"K\x01.", "no `data`"),
    ] {
        let message = refused(code);
        assert!(message.contains(reason), "{code:?}: {message}");
    }
}

/// Values that hold themselves end like any other, and a flood of values is stopped.
#[test]
fn loops_and_floods_cost_nothing() {
    assert!(refused(b"]q\x01h\x01a.").contains("no `data`"));
    assert!(refused(b"}q\x01(U\x04datah\x01u.").contains("no `data`"));
    let flood = refused([vec![b'N'; 9 << 20], vec![b'.']].concat());
    assert!(flood.contains("more than"), "{flood}");
    let flood = refused([b"N".to_vec(), vec![0x94; 9 << 20], vec![b'.']].concat());
    assert!(flood.contains("more than"), "{flood}");
}

#[test]
fn no_change_of_a_byte_makes_the_reader_panic() {
    let mut read = 0;
    let whole = make::pickled_batch(0, 1, "labels", 10);
    for bytes in
        mutants(&whole, 3000).chain(mutants(include_bytes!("../../../tests/fixtures/cifar-batch-p5"), 1000))
    {
        let part = part(bytes);
        if let Ok(found) = batch(&part, "labels") {
            assert!(found.offset + found.length <= part.length);
            read += 1;
        }
        drop(names(&part, "label_names"));
    }
    assert!(read > 100, "changes of pixels leave a batch readable: {read}");
}
