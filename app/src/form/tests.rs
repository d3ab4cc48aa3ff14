use super::*;

fn setting(key: &str) -> &'static Setting {
    Config::setting(key).unwrap()
}

#[test]
fn edits_go_over_the_preset_and_are_checked_where_they_stand() {
    let mut form = Form::default();
    assert!(form.resolve().errors.is_empty());
    form.edit(setting("batch"), "many".into());
    form.edit(setting("lr"), "0.5".into());
    form.edit(setting("eval_size"), "64".into());
    let resolved = form.resolve();
    // One wrong by itself, one that does not fit another.
    assert_eq!(resolved.errors.keys().collect::<Vec<_>>(), ["batch", "eval_size"]);
    assert_eq!((resolved.config.batch, resolved.config.lr), (64, 0.5));
    assert!(form.is_edited("lr") && form.text(setting("batch")) == "many");
    form.reset("batch");
    form.edit(setting("eval_size"), "32".into());
    assert!(form.resolve().errors.is_empty() && form.edited() == 1);
}

#[test]
fn a_folder_brings_its_usual_preset_and_shorter_runs_fit() {
    let mut form = Form::default();
    form.set_data(Some("my photos".into()));
    assert_eq!(form.preset(), Preset::Photos);
    form.edit(setting("epochs"), "2".into());
    let resolved = form.resolve();
    assert!(resolved.errors.is_empty(), "{:?}", resolved.errors);
    assert!(resolved.config.warmup < 2.0);
    assert_eq!(form.command_line(), "swav-wgpu train 'my photos' --preset photos --epochs=2");
    form.set_data(None);
    assert_eq!(form.preset(), Preset::Demo);
}

#[test]
fn the_command_line_is_understood_by_the_command() {
    let mut form = Form::default();
    form.edit(setting("recompute"), "true".into());
    form.edit(setting("crops"), "2x32@0.3-1,4x16@0.1-0.3".into());
    form.edit(setting("out"), "runs/it's mine".into());
    let line = form.command_line();
    assert!(line.ends_with("--crops=2x32@0.3-1,4x16@0.1-0.3 --out='runs/it'\\''s mine' --recompute=true"));
}

#[test]
fn a_time_takes_the_place_of_steps_and_is_said_as_the_command_says_it() {
    let mut form = Form::default();
    form.edit(setting("steps"), "40".into());
    form.set_within(Some(Duration::from_secs(1800)));
    assert!(form.resolve().config.steps.is_none() && !form.is_edited("steps"));
    assert_eq!(form.command_line(), "swav-wgpu train --preset demo --for 30m");
    assert_eq!(Form::restored(form.saved()), form);
    form.edit(setting("steps"), "40".into());
    assert_eq!((form.within(), form.resolve().config.steps), (None, Some(40)));
}

#[test]
fn a_time_takes_the_place_of_epochs_that_were_typed_or_suit_the_pictures() {
    let mut form = Form::default();
    form.set_data(Some("small".into()));
    let rule = "because".to_owned();
    form.advise(&[Advice { key: "epochs", value: "730".into(), rule }]);
    assert_eq!(form.resolve().config.epochs, 730);
    form.set_within(Some(Duration::from_secs(1200)));
    // The recipe's warm-up is a share of the recipe's epochs: the command has no others.
    let recipe = Config::from_preset(Preset::Photos).unwrap();
    assert_eq!(form.resolve().config.epochs, recipe.epochs);
    assert_eq!(form.command_line(), "swav-wgpu train small --preset photos --for 20m");
    form.edit(setting("epochs"), "9".into());
    assert_eq!((form.within(), form.resolve().config.epochs), (None, 9));
    assert_eq!(form.command_line(), "swav-wgpu train small --preset photos --epochs=9");
    form.set_within(Some(Duration::from_secs(1200)));
    assert!(!form.is_edited("epochs"));
    // What an earlier version remembered may have both.
    let saved = r#"{"preset": "demo", "within": "5m", "edits": {"epochs": "9", "steps": "3", "lr": "0.3"}}"#;
    let both = Form::restored(serde_json::from_str(saved).unwrap());
    assert_eq!(both.command_line(), "swav-wgpu train --preset demo --lr=0.3 --for 5m");
}

#[test]
fn a_mistyped_time_is_an_error_until_it_is_put_right() {
    let mut form = Form::default();
    form.type_within("20x");
    assert!(form.within().is_none() && form.is_mistyped());
    let errors = form.resolve().errors;
    assert!(errors["length"].contains("20x") && errors["length"].contains("10m"), "{errors:?}");
    form.type_within(" 20m ");
    assert_eq!((form.within(), form.resolve().errors.len()), (Some(Duration::from_secs(1200)), 0));
    form.type_within("20x");
    form.type_within(" ");
    assert_eq!((form.within(), form.resolve().errors.len()), (None, 0));
    form.type_within("20x");
    form.edit(setting("epochs"), "9".into());
    assert!(form.resolve().errors.is_empty());
}

#[test]
fn what_suits_the_pictures_lies_under_what_is_typed_and_goes_with_the_folder() {
    let advice = |key, value: &str| Advice { key, value: value.into(), rule: "because".into() };
    let all = [advice("preset", "cifar"), advice("batch", "16"), advice("prototypes", "40")];
    let mut form = Form::default();
    form.advise(&all);
    assert_eq!((form.preset(), form.rule("batch")), (Preset::Demo, None), "the built-in set has its own");
    form.set_data(Some("small".into()));
    form.edit(setting("prototypes"), "50".into());
    form.advise(&all);
    let config = form.resolve().config;
    assert_eq!((form.preset(), config.batch, config.prototypes), (Preset::Cifar, 16, 50));
    assert_eq!((form.rule("batch"), form.edited()), (Some("because"), 1));
    assert_eq!(form.command_line(), "swav-wgpu train small --preset cifar --batch=16 --prototypes=50");
    // A click on the built-in drawings does not forget the folder.
    form.set_data(None);
    assert_eq!((form.rule("batch"), form.folder()), (None, Some(Path::new("small"))));
    form.set_data(Some("small".into()));
    form.set_preset(Preset::Demo);
    form.advise(&all);
    assert_eq!((form.preset(), form.rule("batch")), (Preset::Demo, None), "a person's choice stands");
}

#[test]
fn a_form_is_remembered_and_a_run_can_be_had_again() {
    let mut form = Form::default();
    form.set_data(Some("photos".into()));
    form.edit(setting("lr"), "0.3".into());
    let text = serde_json::to_string(&form.saved()).unwrap();
    assert_eq!(Form::restored(serde_json::from_str(&text).unwrap()), form);
    let strange = r#"{"preset": "of tomorrow", "edits": {"nonsense": "1", "lr": "0.3"}}"#;
    assert_eq!(Form::restored(serde_json::from_str(strange).unwrap()).edited(), 1);
    let mut config = form.resolve().config;
    config.set("out", "somewhere").unwrap();
    let again = Form::again(&config);
    assert_eq!((again.edited(), again.resolve().config.lr, again.data()), (1, 0.3, form.data()));
    assert_eq!(again.resolve().config.out, None);
}

#[test]
fn every_setting_has_a_row_or_a_control() {
    let rows: usize = groups().iter().map(|(_, rows)| rows.len()).sum();
    assert_eq!(rows + ELSEWHERE.len(), Config::SETTINGS.len());
    assert_eq!(groups()[0].0, "Run");
}
