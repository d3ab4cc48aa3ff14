use super::*;

/// `OrderedDict([('a.weight', (1, 2.5, None, True)), ('b', [1, -2, 70000, 2**70])])` by CPython's own
/// writer, in protocols 1, 2, 4 and 5.
const WRITTEN: [&[u8]; 4] = [
    b"ccollections\nOrderedDict\nq\0)Rq\x01(X\x08\0\0\0a.weightq\x02(K\x01G@\x04\0\0\0\0\0\0NI01\ntq\x03X\
      \x01\0\0\0bq\x04]q\x05(K\x01J\xfe\xff\xff\xffJp\x11\x01\0L1180591620717411303424L\neu.",
    b"\x80\x02ccollections\nOrderedDict\nq\0)Rq\x01(X\x08\0\0\0a.weightq\x02(K\x01G@\x04\0\0\0\0\0\0N\x88t\
      q\x03X\x01\0\0\0bq\x04]q\x05(K\x01J\xfe\xff\xff\xffJp\x11\x01\0\x8a\x09\0\0\0\0\0\0\0\0@eu.",
    b"\x80\x04\x95^\0\0\0\0\0\0\0\x8c\x0bcollections\x94\x8c\x0bOrderedDict\x94\x93\x94)R\x94(\x8c\x08a.we\
      ight\x94(K\x01G@\x04\0\0\0\0\0\0N\x88t\x94\x8c\x01b\x94]\x94(K\x01J\xfe\xff\xff\xffJp\x11\x01\0\x8a\
      \x09\0\0\0\0\0\0\0\0@eu.",
    b"\x80\x05\x95^\0\0\0\0\0\0\0\x8c\x0bcollections\x94\x8c\x0bOrderedDict\x94\x93\x94)R\x94(\x8c\x08a.we\
      ight\x94(K\x01G@\x04\0\0\0\0\0\0N\x88t\x94\x8c\x01b\x94]\x94(K\x01J\xfe\xff\xff\xffJp\x11\x01\0\x8a\
      \x09\0\0\0\0\0\0\0\0@eu.",
];

#[test]
fn every_protocol_of_cpython_is_read_alike() {
    for bytes in WRITTEN {
        let (pickle, taken) = parse(bytes).unwrap();
        assert_eq!(taken, bytes.len());
        let entries = pickle.root().entries().unwrap();
        assert_eq!(entries.iter().map(|(key, _)| key.text().unwrap()).collect::<Vec<_>>(), ["a.weight", "b"]);
        let [one, float, none, truth] = pickle.root().get("a.weight").unwrap().array().unwrap();
        assert_eq!(
            (one.size(), float.float(), none.kind(), truth.int()),
            (Some(1), Some(2.5), "None", Some(1))
        );
        let members: Vec<i128> = entries[1].1.members().unwrap().map(|m| m.int().unwrap()).collect();
        assert_eq!(members, [1, -2, 70_000, 1 << 70]);
    }
}

#[test]
fn what_follows_the_end_is_left_to_the_caller() {
    let (pickle, taken) = parse(b"\x80\x02K\x07.\x80\x02N.").unwrap();
    assert_eq!((pickle.root().int(), taken), (Some(7), 5));
}

#[test]
fn an_import_is_only_noted() {
    // What `__reduce__` of a hostile class gives: `os.system("touch x")`.
    let old: &[u8] =
        b"\x80\x02}q\0X\x01\0\0\0xq\x01cposix\nsystem\nq\x02X\x07\0\0\0touch xq\x03\x85q\x04Rq\x05s.";
    let new: &[u8] = b"\x80\x04\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x07touch x\x94\x85\x94R\x94.";
    for bytes in [old, new] {
        let (pickle, _) = parse(bytes).unwrap();
        let call = pickle.root().get("x").unwrap_or(pickle.root()).call().unwrap();
        assert_eq!(call.0, "posix.system");
    }
}

/// What other programs put beside their data, by CPython's own writer in several protocols: a path, a set, an object
/// with keyword arguments, one of an old class, a date.
#[test]
fn whatever_stands_beside_the_data_is_passed_over() {
    for beside in [
        &b"cpathlib\nPosixPath\n(X\x01\0\0\0atR"[..],
        b"\x8f(K\x01K\x02\x90",
        b"(K\x01K\x02\x91",
        b"\x8c\x09functools\x8c\x07partial\x93)}\x92}b",
        b"(cmine\nOld\nK\x01o}b",
        b"(K\x01imine\nOld\n}b",
        b"S'text'",
        b"Vtext\n0N",
        b"cdatetime\ndatetime\nC\x02ab\x85R",
        b"cbuiltins\ngetattr\ncmine\nA\nX\x01\0\0\0b\x86R)R",
        b"cmine\nL\n)\x81(K\x01e",
        b"\x82\x07",
        b"\x8a\x11\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11",
        b"X\x03\0\0\0\xed\xb3\xbf",
        b"\x97\x98",
    ] {
        let mut bytes = b"\x80\x05}(X\x01\0\0\0a".to_vec();
        bytes.extend_from_slice(beside);
        if beside.starts_with(b"S") {
            bytes.push(b'\n');
        }
        bytes.extend_from_slice(b"X\x01\0\0\0bK\x07u.");
        let (pickle, _) = parse(&bytes).unwrap_or_else(|error| panic!("{error}: {beside:?}"));
        assert_eq!(pickle.root().get("b").and_then(Item::int), Some(7), "{beside:?}");
    }
}

#[test]
fn calls_states_and_storages_are_noted() {
    // numpy's arrays and PyTorch's tensors are a call, with a state or a storage outside the pickle.
    let bytes = b"\x80\x02cnumpy\nndarray\nK\x01\x85R(U\x07storageK\x03tQb.";
    let (pickle, _) = parse(bytes).unwrap();
    let (name, arguments) = pickle.root().call().unwrap();
    assert_eq!((name, arguments.array::<1>().unwrap()[0].int()), ("numpy.ndarray", Some(1)));
    let [word, number] = pickle.root().state().unwrap().persistent().unwrap().array().unwrap();
    assert_eq!((word.text(), word.bytes(), number.size()), (Some("storage"), Some(&b"storage"[..]), Some(3)));
}

#[test]
fn unknown_opcodes_are_refused_with_their_place() {
    for (bytes, word) in [
        (&b"\x80\x02\xff."[..], "opcode 0xff"),
        (b"\x80\x02(i", "cut short"),
        (b"\x80\x02(o.", "no class"),
        (b"\x80\x02?.", "opcode `?`"),
        (b"\x80\x09N.", "protocol 9"),
    ] {
        let error = parse(bytes).unwrap_err();
        assert!(error.contains(word) && error.contains("byte "), "{error}");
    }
}

#[test]
fn sharing_and_cycles_take_no_memory() {
    // Thirty lists, each of which holds the one before it ten times: 10^30 numbers if written out.
    let mut bytes = b"\x80\x02]K\x01a".to_vec();
    for _ in 0..30 {
        bytes.extend_from_slice(b"q\x000](");
        bytes.extend_from_slice(&b"h\0".repeat(10));
        bytes.push(b'e');
    }
    bytes.push(b'.');
    let (pickle, _) = parse(&bytes).unwrap();
    assert!(pickle.nodes.len() < 40);
    let (pickle, _) = parse(b"\x80\x02]q\0h\0a.").unwrap();
    assert_eq!(pickle.root().array::<1>().unwrap()[0].id, pickle.root().id);
}

#[test]
fn too_many_objects_are_refused() {
    let error = parse(&vec![b'N'; MOST_OBJECTS + 2]).unwrap_err();
    assert!(error.contains("objects"), "{error}");
}

/// Every cut, and every byte changed to a few others, is an error or some value, never a panic.
#[test]
fn damaged_files_never_panic() {
    for bytes in WRITTEN {
        for end in 0..bytes.len() {
            assert!(parse(&bytes[..end]).is_err());
        }
        for at in 0..bytes.len() {
            for change in [0x01, 0x20, 0x80, 0xff] {
                let mut damaged = bytes.to_vec();
                damaged[at] ^= change;
                if let Ok((pickle, _)) = parse(&damaged) {
                    let _ = (pickle.root().entries(), pickle.root().state().map(Item::kind));
                }
            }
        }
    }
    for bytes in
        [&b"\x8e\xff\xff\xff\xff\xff\xff\xff\xffx."[..], b"0.", b"e.", b"(.", b"u.", b"\x85.", b"h\x05."]
    {
        assert!(parse(bytes).is_err(), "{bytes:?}");
    }
}
