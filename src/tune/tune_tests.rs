use super::*;
use crate::gpu::Geometry;

fn facts() -> AdapterFacts {
    AdapterFacts {
        index: 0,
        name: "Card 9".to_owned(),
        kind: "discrete GPU".to_owned(),
        backend: "Vulkan".to_owned(),
        driver: "maker 1.2".to_owned(),
        compiler: None,
        software: false,
        max_buffer_bytes: 1 << 30,
        max_binding_bytes: 1 << 30,
        subgroup: Some((8, 8)),
        int64: false,
        f16: false,
        matrix: None,
        timestamps: true,
    }
}

const WINOGRAD: Method = Method::Winograd;
const SQUARE: Method = Method::Tile(Geometry { rows: 8, columns: 8, depth: 16 });

/// The usual methods take these seconds, and one other of each form takes those.
fn row(operation: Operation, tile: [f64; 2], subgroup: [f64; 2]) -> Row {
    let form = |family, usual, other, [a, b]: [f64; 2]| {
        let usual = Timed { method: usual, seconds: a };
        let mut methods = vec![usual, Timed { method: other, seconds: b }];
        methods.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
        Form { family, usual, methods }
    };
    let forms = vec![
        form(Family::Tile, WINOGRAD, SQUARE, tile),
        form(Family::Subgroup, Method::Subgroup, WINOGRAD, subgroup),
    ];
    Row { operation, class: Class::Deep, shape: String::new(), flop: 1.0, forms }
}

#[test]
fn the_form_that_takes_less_in_all_wins_and_small_gains_change_nothing() {
    let rows = [
        row(Operation::Forward, [2.0, 1.0], [1.5, 3.0]),
        row(Operation::BackwardInput, [1.0, 0.99], [0.9, 3.0]),
        row(Operation::BackwardWeight, [1.0, 5.0], [9.0, 8.0]),
    ];
    let choices = choose(&facts(), &rows);
    let of = |operation| choices.method(operation, Class::Deep);
    assert_eq!(choices.family(), Family::Tile);
    assert_eq!(of(Operation::Forward), Some(SQUARE));
    assert_eq!(of(Operation::BackwardInput), None, "1 % is no gain");
    assert_eq!(of(Operation::BackwardWeight), None, "nothing is faster than the usual one");
    let tuning = Tuning { adapter: facts(), choices, rows: rows.to_vec(), units: None };
    let gain = tuning.gain(&tuning.rows[0]).map(|(was, is)| (was.seconds, is.seconds));
    assert_eq!(gain, Some((2.0, 1.0)));

    let subgroup = choose(&facts(), &rows[..2]);
    assert_eq!(subgroup.family(), Family::Tile, "1 + 1/0.9 against 1.5 + 1");
    let subgroup = choose(&facts(), &[row(Operation::Forward, [2.0, 1.9], [1.5, 0.5])]);
    assert_eq!(subgroup.to_string(), "subgroup; forward.deep=winograd");
    assert_eq!(choose(&facts(), &[]), Choices::usual(Family::Tile));
}

#[test]
fn every_operation_of_every_class_has_a_case() {
    let cases: Vec<_> = Case::all().iter().map(|case| (case.operation, case.class())).collect();
    for class in Class::ALL {
        for operation in Operation::ALL {
            let needed = (class, operation) != (Class::Stem, Operation::BackwardInput);
            assert_eq!(cases.contains(&(operation, class)), needed, "{operation} {class}");
        }
    }
}

#[test]
fn stored_choices_fit_one_adapter_driver_and_version() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/tuning.json");
    let mut store = Store::read(&path).unwrap();
    assert_eq!(store.find(&facts()).unwrap(), None);
    let first = Choices::only(Family::Tile, SQUARE);
    store.write(Entry::new(&facts(), &first)).unwrap();
    let other = AdapterFacts { driver: "maker 1.3".to_owned(), ..facts() };
    store.write(Entry::new(&other, &Choices::usual(Family::Direct))).unwrap();
    let second = Choices::only(Family::Tile, WINOGRAD);
    store.write(Entry::new(&facts(), &second)).unwrap();

    let store = Store::read(&path).unwrap();
    assert_eq!(store.find(&facts()).unwrap(), Some(second));
    assert_eq!(store.find(&other).unwrap(), Some(Choices::usual(Family::Direct)));
    assert_eq!(store.find(&AdapterFacts { name: "Card 8".to_owned(), ..facts() }).unwrap(), None);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.matches("Card 9").count(), 2, "{text}");
    std::fs::write(&path, text.replace(env!("CARGO_PKG_VERSION"), "0.0.1")).unwrap();
    assert_eq!(Store::read(&path).unwrap().find(&facts()).unwrap(), None);

    std::fs::write(&path, "[{").unwrap();
    let error = Store::read(&path).unwrap_err().to_string();
    assert!(error.contains("tuning.json"), "{error}");
    let entry = Entry { choices: "tile; forward.deep=magic".to_owned(), ..Entry::new(&facts(), &first) };
    std::fs::write(&path, serde_json::to_string(&[entry]).unwrap()).unwrap();
    let error = Store::read(&path).unwrap().find(&facts()).unwrap_err().to_string();
    assert!(error.contains("magic"), "{error}");
}

#[test]
fn wrong_matrix_units_leave_the_next_family() {
    let wrong = || Units::Unusable("3 of 9 sums of whole numbers are wrong (forward)".to_owned());
    let usual = Gpu::open(None, None).expect("an adapter; `make test` installs one");
    let settings = || Config { precision: Precision::F16, tuned: Tuned::Off, ..Config::default() };

    // Nobody asked for them: the kernels are the usual ones, and the sentence goes to the user.
    let mut config = settings();
    let taken = offered(&mut config, wrong());
    assert_eq!((config.kernels, &config.tuned), (Kernels::Auto, &Tuned::Off));
    assert!(taken.units.is_some_and(|units| units.sentence().contains("left aside: 3 of 9")));
    // Right ones that are slow are no other case, and fast ones are taken.
    offered(&mut config, Units::Slower(2.0));
    assert_eq!(config.tuned, Tuned::Off);
    offered(&mut config, Units::Faster(0.5));
    assert_eq!(config.tuned, Tuned::Choices("matrix".to_owned()));

    // Who asks for them by name is told, and the settings do not ask a second time.
    let mut config = settings();
    let refused = demanded(&mut config, wrong()).unwrap_err().to_string();
    assert!(refused.contains("kernels") && refused.contains("is matrix, but 3 of 9"), "{refused}");
    assert!(refused.ends_with("; `--kernels auto` takes the next family that is right here"), "{refused}");
    assert_eq!(config.kernels, Kernels::Auto);
    demanded(&mut config, Units::Slower(2.0)).expect("slow ones may be asked for");
    assert_eq!(config.kernels, Kernels::Matrix);

    // A tuning that met them chooses among the others.
    let tuner = |units| {
        let devices = vec![Arc::clone(&usual)];
        let rows = vec![row(Operation::Forward, [1.0, 2.0], [8.0, 9.0])];
        Tuner { devices, cases: Vec::new(), rows, units: Some(units), width: None }.finish()
    };
    assert_eq!(tuner(wrong()).choices.family(), Family::Tile);
    assert_eq!(tuner(Units::Faster(0.5)).choices.family(), Family::Matrix);
}
