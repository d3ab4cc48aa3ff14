use super::*;
use std::io::Write;
use std::path::PathBuf;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

const FILES: [&str; 3] =
    ["10_swav_checkpoint.pth.tar", "10_swav_released_legacy.pth.tar", "10_swav_released_zip.pth.tar"];

/// All tensors of a file under its own names.
fn read_all(path: &Path) -> Result<BTreeMap<String, HostTensor>> {
    read(path, &|shapes| Ok(shapes.keys().map(|name| (name.clone(), name.clone())).collect()))
}

/// A file of its own for a test.
fn written(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

#[test]
fn both_containers_and_a_training_checkpoint_are_read() {
    for (name, stem, prototypes) in [
        (FILES[0], [2, 3, 7, 7], [9, 8]),
        (FILES[1], [4, 3, 7, 7], [12, 8]),
        (FILES[2], [4, 3, 7, 7], [12, 8]),
    ] {
        let tensors = read_all(&golden(name)).unwrap();
        // A training checkpoint nests the weights, a released file does not.
        let nested = tensors.contains_key("state_dict.module.conv1.weight");
        assert_eq!(nested, name == FILES[0]);
        let of = |name: &str| &tensors[&format!("{}module.{name}", if nested { "state_dict." } else { "" })];
        assert_eq!(of("conv1.weight").shape, stem, "{name}");
        assert_eq!(of("prototypes.weight").shape, prototypes, "{name}");
        let counter = of("bn1.num_batches_tracked");
        assert_eq!(
            (counter.kind, counter.shape.len(), counter.data.len()),
            (ScalarType::I64, 0, 1),
            "{name}"
        );
        assert!(tensors.values().all(|t| t.shape.iter().product::<usize>() == t.data.len()), "{name}");
    }
}

/// Every cut and many changed bytes are an error or other numbers, never a panic.
#[test]
fn damaged_files_never_panic() {
    for name in FILES {
        let bytes = std::fs::read(golden(name)).unwrap();
        for part in [0, 3, 100, 500, 999] {
            let cut = written(&bytes[..bytes.len() * part / 1000]);
            assert!(read_all(cut.path()).is_err(), "{name} cut to {part} per mille");
        }
        for at in (0..40).map(|i| (i * i * 97) % bytes.len()).chain(130..300) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0xa5;
            let _ = read_all(written(&damaged).path());
        }
    }
}

/// The pickles of a stream whose object is `object`, with one storage of four floats.
fn stream(object: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.".to_vec();
    bytes.extend_from_slice(b"\x80\x02}X\x0d\0\0\0little_endian\x88s.\x80\x02");
    bytes.extend_from_slice(object);
    bytes.extend_from_slice(b".\x80\x02]X\x01\0\0\0ka.");
    bytes.extend_from_slice(&4u64.to_le_bytes());
    bytes.extend([1.0f32, 2.0, 3.0, 4.0].iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

/// `{"w": a tensor}` of that first element, shape and strides.
fn tensor(first: u8, shape: [u8; 2], strides: [u8; 2]) -> Vec<u8> {
    let mut object = b"}X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n((".to_vec();
    object
        .extend_from_slice(b"X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0kX\x06\0\0\0cuda:0K\x04NtQ");
    object.extend_from_slice(&[b'K', first]);
    for [a, b] in [shape, strides] {
        object.extend_from_slice(&[b'K', a, b'K', b, 0x86]);
    }
    object.extend_from_slice(b"\x89NtRs");
    object
}

#[test]
fn strides_are_followed_and_bounded() {
    let values = |first, shape, strides| {
        let file = written(&stream(&tensor(first, shape, strides)));
        read_all(file.path()).map(|mut tensors| tensors.remove("w").unwrap().data).map_err(|e| e.to_string())
    };
    assert_eq!(values(0, [2, 2], [2, 1]).unwrap(), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(values(0, [2, 2], [1, 2]).unwrap(), [1.0, 3.0, 2.0, 4.0]);
    assert_eq!(values(1, [1, 3], [3, 1]).unwrap(), [2.0, 3.0, 4.0]);
    assert_eq!(values(0, [0, 2], [2, 1]).unwrap(), [0.0; 0]);
    assert!(values(1, [2, 2], [2, 1]).unwrap_err().contains("beyond its storage"));
    // 65,025 values out of one: more than the file could hold.
    assert!(values(0, [255, 255], [0, 0]).unwrap_err().contains("larger than the file"));
}

#[test]
fn an_import_is_only_noted() {
    for hostile in
        [&b"cposix\nsystem\nX\x01\0\0\0x\x85R"[..], b"ctorch.jit\nload\n)R", b"cbuiltins\neval\n)R"]
    {
        let error = read_all(written(&stream(hostile)).path()).unwrap_err().to_string();
        assert!(error.contains("an object without a tensor"), "{error}");
        // Beside tensors it is passed over.
        let mut object = tensor(0, [2, 2], [2, 1]);
        object.extend_from_slice(b"X\x01\0\0\0h");
        object.extend_from_slice(hostile);
        object.push(b's');
        let found = read_all(written(&stream(&object)).path()).unwrap();
        assert_eq!((found.len(), &*found["w"].data), (1, &[1.0, 2.0, 3.0, 4.0][..]));
    }
}

/// `torch.save(model)`: a module that holds a module that holds the tensor, with a hook of the trainer beside them.
#[test]
fn a_pickled_module_is_read_as_its_state_dict() {
    let mut object = b"cmine\nNet\n)\x81}X\x08\0\0\0_modules}X\x04\0\0\0convctorch.nn\nConv2d\n)\x81}X\x0b\0\0\0_parameters".to_vec();
    object.extend(tensor(0, [2, 2], [2, 1]));
    object.extend_from_slice(b"sX\x06\0\0\0_hooksN\x73bssb");
    let found = read_all(written(&stream(&object)).path()).unwrap();
    assert_eq!(found.keys().collect::<Vec<_>>(), ["conv.w"]);
}

#[test]
fn a_dict_that_holds_itself_ends() {
    // {"a": itself, "w": tensor}
    let mut object = b"}q\0X\x01\0\0\0ah\0s".to_vec();
    let inner = tensor(0, [2, 2], [2, 1]);
    object.extend_from_slice(&inner[1..]);
    let found = read_all(written(&stream(&object)).path()).unwrap();
    assert!(found.contains_key("w") && found.len() < 100);
}

#[test]
fn what_is_no_state_dict_is_refused() {
    for (object, word) in [(&b"K\x01"[..], "a number"), (b"}", "a dict"), (b"]", "a list")] {
        let error = read_all(written(&stream(object)).path()).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}
