//! Lists and tables that name pictures.

use super::*;
use crate::data::testing::encode;
use image::{ImageFormat, RgbImage};

#[test]
fn excluded_rows_are_left_out_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.png", "a_mask.png", "b.png"] {
        std::fs::write(folder.path().join(name), encode(RgbImage::new(2, 2), ImageFormat::Png)).unwrap();
    }
    let list = folder.path().join("list.csv");
    std::fs::write(&list, "file,label,split\na.png,x,train\na_mask.png,y,train\nb.png,y,test\n").unwrap();
    let select = Selection { exclude: vec!["*_mask.*".into()], ..Selection::default() };
    let set = Dataset::open_with(Some(&list), select, Reading::default()).unwrap();
    let names: Vec<_> = (0..set.len() as u32).map(|at| set.picture_name(at)).collect();
    assert_eq!((names, set.pretrain()), (vec!["a.png".to_owned(), "b.png".to_owned()], &[0][..]));
    assert_eq!((set.class_of(1), &set.splits()[0].queries[..]), (Some("y"), &[1][..]));
    assert!(set.path_of(1).unwrap().ends_with("b.png") && set.decode(1).is_ok());
    assert!(set.notices().join("\n").contains("*_mask.*: 1 file"), "{:?}", set.notices());
}

#[test]
fn list_files_name_pictures_labels_and_parts() {
    let list =
        "path,label,split\na/0.png,cat,train\na/1.png,dog,train\nb/2.png,cat,test\nb/gone.png,dog,test\n";
    let files = vec![
        ("list.csv".into(), list.into()),
        ("a/0.png".into(), make::png(0)),
        ("a/1.png".into(), make::png(1)),
        ("b/2.png".into(), make::png(2)),
    ];
    let (_folder, dataset) = opened(&files, "list.csv");
    let dataset = dataset.unwrap();
    assert_eq!((dataset.len(), dataset.pretrain(), dataset.classes().len()), (4, &[0, 1][..], 2));
    assert_eq!(dataset.splits()[0].queries, [2, 3]);
    assert_eq!(dataset.decode(2).unwrap().get_pixel(5, 7).0, make::colour(2));
    assert!(dataset.decode(3).unwrap_err().to_string().contains("gone.png"));
}

#[test]
fn lists_name_pictures_as_people_write_them() {
    let pictures = || -> Files {
        (0..4)
            .map(|i| (format!("train/sub/{i}.png"), make::png(i)))
            .chain([("train/x.png".into(), vec![])])
            .collect()
    };
    let lists: [&[u8]; 6] = [
        b"\xef\xbb\xbffilename,label\nsub\\0.png,cat\nsub\\1.png,dog\nsub\\2.png,cat\nsub\\3.png,\"a, b\"\n",
        b"label;path;note\ncat;train/sub/0.png;\ndog;train/sub/1.png;\ncat;train/sub/2.png;\n\"a, b\";train/sub/3.png;\n",
        b"id,breed\n0,cat\n1,dog\n2,cat\n3,\"a, b\"\n",
        b"id\timage_id\tlabel\n7\tsub/0\tcat\n8\tsub/1\tdog\n9\tsub/2\tcat\n10\tsub/3\ta, b\n",
        b"name,cat,dog,\"a, b\"\n0.png,1,0,0\n1.png,0,1,0\n2.png,1,0,0\n3.png,0,0,1\n",
        b"{\"file_name\":\"sub/0.png\",\"label\":\"cat\"}\n{\"file_name\":\"sub/1.png\",\"label\":\"dog\"}\n\
          {\"file_name\":\"sub/2.png\",\"label\":\"cat\"}\n{\"file_name\":\"sub/3.png\",\"label\":\"a, b\"}\n",
    ];
    for (at, list) in lists.into_iter().enumerate() {
        let name = if at == 5 { "train.jsonl" } else { "train.csv" };
        let (folder, dataset) = opened(&[pictures(), vec![(name.into(), list.to_vec())]].concat(), name);
        let dataset = dataset.unwrap();
        assert_eq!((dataset.len(), dataset.classes().join("|")), (4, "a, b|cat|dog".into()), "{at}");
        check_colours(&dataset, |picture| make::colour(picture as usize));
        assert_eq!(
            [0, 1, 2, 3].map(|picture| label(&dataset, picture)),
            ["cat", "dog", "cat", "a, b"],
            "{at}"
        );
        assert_eq!(dataset.path_of(3), Some(folder.path().join("train/sub/3.png")));
        assert!(dataset.notices().is_empty(), "{:?}", dataset.notices());
    }
}
