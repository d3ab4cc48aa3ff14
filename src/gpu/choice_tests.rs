use super::*;

#[test]
fn choices_read_back() {
    for family in Family::ALL {
        assert_eq!(family.to_string().parse(), Ok(Choices::usual(family)));
        for method in Method::all(family) {
            let only = Choices::only(family, method);
            assert_eq!(only.to_string().parse(), Ok(only));
        }
    }
    let text = "tile; width=132; forward.deep=winograd; backward_weight.stem=direct-8x4";
    let choices: Choices = text.parse().unwrap();
    assert_eq!(choices.to_string(), text);
    assert_eq!(choices.method(Operation::Forward, Class::Deep), Some(Method::Winograd));
    assert_eq!(choices.method(Operation::Forward, Class::Stem), None);
    assert_eq!((choices.width(), choices.chosen()), (Some(132), 2));
    let matrix = choices.clone().with_matrix_units();
    assert_eq!(matrix.to_string(), text.replace("tile", "matrix"));
    assert_eq!(matrix.without_matrix_units(), choices);
}

#[test]
fn choices_that_cannot_be_are_refused_with_the_part_that_is_wrong() {
    for (text, word) in [
        ("", "family"),
        ("fast", "fast"),
        ("tile; forward", "`forward`"),
        ("tile; forward.deep=subgroup", "of the tile kernels"),
        ("subgroup; forward.deep=tile-4x4x16", "of the subgroup kernels"),
        ("tile; forward.deep=tile-9x4x16", "tile-9x4x16"),
        ("tile; sideways.deep=winograd", "sideways"),
        ("tile; forward.deep=winograd-9x9", "of the tile kernels"),
        ("tile; forward.wide=winograd", "wide"),
        ("tile;", "``"),
        ("tile; width=0", "width=0"),
        ("tile; width=many", "width=many"),
    ] {
        let reason = text.parse::<Choices>().unwrap_err();
        assert!(reason.contains(word), "{text}: {reason}");
    }
}

#[test]
fn classes_follow_the_window() {
    let of = [(3, 64, 7, 2), (64, 128, 1, 2), (64, 128, 3, 2), (64, 128, 3, 1), (256, 64, 3, 1)];
    let of = of.map(|(channels, filters, kernel, stride)| Class::of(channels, filters, kernel, stride));
    assert_eq!(of, Class::ALL);
}
