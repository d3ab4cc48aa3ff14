//! Files come back bit for bit, and every damage is a plain error.

use super::*;

fn sample() -> Contents {
    let tensors = [
        (
            "b.weight".to_owned(),
            HostTensor::new([2, 3], vec![1.0, -0.0, f32::MIN_POSITIVE, 1e-42, 5.5, f32::NAN]),
        ),
        ("a".to_owned(), HostTensor::new([], vec![7.0])),
        ("n.num_batches_tracked".to_owned(), HostTensor::counter(1_000_001)),
        ("empty".to_owned(), HostTensor::new([0, 4], vec![])),
        ("long".to_owned(), HostTensor::new([40_000], (0..40_000).map(|i| i as f32 * 0.1).collect())),
    ];
    let metadata = [("format".to_owned(), "x".to_owned()), ("text".to_owned(), "ü \"q\"\n".to_owned())];
    Contents { tensors: tensors.into(), metadata: metadata.into() }
}

#[test]
fn what_is_written_comes_back_bit_for_bit_and_equal_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (folder.path().join("1"), folder.path().join("2"));
    let want = sample();
    write(&one, &want.tensors, &want.metadata).unwrap();
    write(&two, &want.tensors, &want.metadata).unwrap();
    let bytes = std::fs::read(&one).unwrap();
    assert_eq!(bytes, std::fs::read(&two).unwrap());
    let got = read(&one).unwrap();
    assert_eq!(got.metadata, want.metadata);
    for (name, tensor) in &want.tensors {
        let bits = |t: &HostTensor| t.data.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&got.tensors[name]), bits(tensor), "{name}");
        assert_eq!((&got.tensors[name].shape, got.tensors[name].kind), (&tensor.shape, tensor.kind));
    }
    // The crate's own reader agrees that this is a sound file.
    let theirs = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(theirs.tensor("b.weight").unwrap().shape(), [2, 3]);
    let counter = theirs.tensor("n.num_batches_tracked").unwrap();
    assert_eq!((counter.dtype(), counter.shape()), (Dtype::I64, [].as_slice()));
    assert_eq!(counter.data(), 1_000_001i64.to_le_bytes());
}

#[test]
fn every_damage_is_a_plain_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.safetensors");
    let want = sample();
    write(&path, &want.tensors, &want.metadata).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    for cut in (0..bytes.len()).step_by(997).chain(0..64) {
        std::fs::write(&path, &bytes[..cut]).unwrap();
        let error = read(&path).unwrap_err();
        assert!(matches!(error, Error::Checkpoint { .. }), "{cut}: {error}");
        assert!(error.to_string().contains("cut short"), "{cut}: {error}");
    }
    let damaged: [&[u8]; 4] = [b"PK\x03\x04 a zip file of another program", &[0xff; 64], &[0; 64], b""];
    for bytes in damaged {
        std::fs::write(&path, bytes).unwrap();
        assert!(matches!(read(&path).unwrap_err(), Error::Checkpoint { .. }));
    }
    let mut long = bytes.clone();
    long.push(0);
    std::fs::write(&path, long).unwrap();
    assert!(read(&path).unwrap_err().to_string().contains("1 bytes too many"));
    assert!(matches!(read(folder.path()).unwrap_err(), Error::Checkpoint { .. } | Error::Io { .. }));
    assert!(matches!(read(&folder.path().join("none")).unwrap_err(), Error::Io { .. }));
}

#[test]
fn flipped_header_bytes_never_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.safetensors");
    let tensors = [("a".to_owned(), HostTensor::new([3], vec![1.0, 2.0, 3.0]))].into();
    write(&path, &tensors, &BTreeMap::new()).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    for i in 0..bytes.len() - 12 {
        for flip in [0x01, 0x10, 0x80] {
            let mut bytes = bytes.clone();
            bytes[i] ^= flip;
            std::fs::write(&path, bytes).unwrap();
            let _ = read(&path);
        }
    }
}

#[test]
fn floats_of_other_lengths_become_f32() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.safetensors");
    let (double, half, brain) = ((-1.5f64).to_le_bytes(), [0x00, 0x3e], [0xc0, 0x3f]);
    let view = |dtype, bytes| safetensors::tensor::TensorView::new(dtype, vec![1], bytes).unwrap();
    let views = [
        ("double", view(Dtype::F64, &double)),
        ("half", view(Dtype::F16, &half)),
        ("brain", view(Dtype::BF16, &brain)),
        ("word", view(Dtype::I32, &[7, 0, 0, 0])),
    ];
    std::fs::write(&path, safetensors::serialize(views, None).unwrap()).unwrap();
    let found = read(&path).unwrap().tensors;
    let value = |name: &str| (found[name].data[0], found[name].kind);
    assert_eq!((value("double"), value("half")), ((-1.5, ScalarType::F32), (1.5, ScalarType::F32)));
    assert_eq!((value("brain"), value("word")), ((1.5, ScalarType::F32), (7.0, ScalarType::I64)));
    // Only what is chosen is read, wherever it stands.
    let chosen = read_some(&path, &|_| Ok([("brain".to_owned(), "b".to_owned())].into())).unwrap().tensors;
    assert_eq!((chosen.len(), chosen["b"].data[0]), (1, 1.5));
}

#[test]
fn wrong_shapes_and_kinds_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.safetensors");
    let tensors = [("w".to_owned(), HostTensor::new([2, 2], vec![0.0; 3]))].into();
    let message = write(&path, &tensors, &BTreeMap::new()).unwrap_err().to_string();
    assert!(message.contains("`w`") && !path.exists(), "{message}");
    let view = safetensors::tensor::TensorView::new(Dtype::F8_E4M3, vec![1], &[0x38]).unwrap();
    std::fs::write(&path, safetensors::serialize([("n", view)], None).unwrap()).unwrap();
    assert!(read(&path).unwrap_err().to_string().contains("`n` holds F8_E4M3"));
    check(&path).unwrap();
    assert!(sample().tensor(&path, "nope").unwrap_err().to_string().contains("`nope` is missing"));
}
