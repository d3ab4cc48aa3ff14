//! Data files as public hubs ship them: Parquet and Arrow.

use super::*;

#[test]
fn parquet_files_of_hubs_are_read() {
    let (_folder, dataset) = opened(&vec![fixture("hub.parquet")], "hub.parquet");
    let dataset = dataset.unwrap();
    assert_eq!((dataset.len(), dataset.classes()), (12, &["cat", "dog", "eel"].map(String::from)[..]));
    // Row groups have five rows each, of which one is null.
    for picture in [11, 0, 4, 6, 9, 10, 1] {
        let pixels = dataset.decode(picture).unwrap();
        assert_eq!(
            (pixels.dimensions(), pixels.get_pixel(1, 1).0),
            ((8, 6 + picture % 3), [picture as u8 * 10; 3])
        );
        assert_eq!(dataset.label(picture), Some(picture % 3));
    }
    let message = dataset.decode(5).unwrap_err().to_string();
    assert!(message.contains("hub.parquet") && message.contains("no picture in this row"), "{message}");

    let files = vec![
        ("data/train-00000-of-00002.parquet".to_owned(), fixture("hub.parquet").1),
        ("data/test-00000-of-00001.parquet".to_owned(), fixture("hub.parquet").1),
    ];
    let (_folder, dataset) = opened(&files, "");
    let dataset = dataset.unwrap();
    assert_eq!((dataset.len(), dataset.pretrain()[0], dataset.splits()[0].queries.len()), (24, 12, 12));
    assert_eq!(dataset.decode(23).unwrap().get_pixel(0, 0).0, [110; 3]);

    let (_folder, dataset) = opened(&vec![fixture("plain.parquet")], "plain.parquet");
    let dataset = dataset.unwrap();
    assert_eq!((dataset.classes().len(), dataset.label(0), dataset.label(3)), (2, Some(1), None));
    assert_eq!(dataset.decode(3).unwrap().get_pixel(0, 0).0, [30; 3]);

    let message = refused(&vec![fixture("no-pictures.parquet")], "no-pictures.parquet");
    assert!(message.contains("no column of pictures") && message.contains("text, n"), "{message}");
    let (_folder, dataset) = opened(&vec![fixture("zstd.parquet")], "zstd.parquet");
    assert_eq!(dataset.unwrap().decode(3).unwrap().get_pixel(0, 0).0, [30; 3]);
}

#[test]
fn parquet_files_of_every_usual_compression_are_read() {
    use parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};
    let codecs = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::BROTLI(BrotliLevel::default()),
        Compression::LZ4,
        Compression::LZ4_RAW,
        Compression::ZSTD(ZstdLevel::default()),
    ];
    for codec in codecs {
        let (_folder, dataset) = opened(&vec![("a.parquet".into(), make::parquet(5, codec))], "a.parquet");
        let dataset = dataset.unwrap();
        assert_eq!(
            (dataset.len(), dataset.classes()),
            (5, &["0", "1", "2"].map(String::from)[..]),
            "{codec}"
        );
        check_colours(&dataset, |picture| make::colour(picture as usize));
        assert_eq!(label(&dataset, 4), "1", "{codec}");
    }
}

/// `saved.arrow` was written by `save_to_disk` of Hugging Face's datasets 5: pictures of 16×16 and labels by number.
#[test]
fn arrow_files_of_save_to_disk_are_read() {
    let (name, bytes) = fixture("saved.arrow");
    let colour = |picture: u32| [(picture * 10 % 250) as u8, 50, (picture * 3 % 250) as u8];
    let (_folder, dataset) = opened(&vec![(name.clone(), bytes.clone())], "saved.arrow");
    let dataset = dataset.unwrap();
    assert_eq!((dataset.len(), dataset.classes()), (12, &["cat", "dog", "eel"].map(String::from)[..]));
    check_colours(&dataset, colour);
    assert_eq!((label(&dataset, 0), label(&dataset, 11)), ("cat", "eel"));
    assert_eq!((dataset.picture_name(7).as_str(), dataset.notices().len()), ("saved.arrow#7", 0));

    let part = |part: &str| (format!("set/{part}/data-00000-of-00001.arrow"), bytes.clone());
    let files = vec![part("train"), part("test"), ("set/dataset_dict.json".into(), b"{}".to_vec())];
    let (_folder, dataset) = opened(&files, "set");
    let dataset = dataset.unwrap();
    assert_eq!((dataset.len(), dataset.pretrain()[0], dataset.splits()[0].queries.len()), (24, 12, 12));
    check_colours(&dataset, |picture| colour(picture % 12));

    let short = vec![("a.arrow".into(), bytes[..bytes.len() / 2].to_vec())];
    let message = refused(&short, "a.arrow");
    assert!(message.contains("a.arrow") && message.contains("cut short"), "{message}");
    let message = refused(&vec![("a.arrow".into(), vec![b'x'; 900])], "a.arrow");
    assert!(message.contains("not an Arrow stream"), "{message}");
}
