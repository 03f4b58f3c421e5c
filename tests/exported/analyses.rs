//! Analyses of exported networks, as of any other.

use crate::exported::{data, expected, file, numbers};
use losscape::analyses::exported::open;
use losscape::analyses::{Run, SharpnessSettings, SliceSettings, sharpness, slice};
use losscape::base::Precision;

fn run(name: &str) -> Run {
    open(&file(&format!("{name}.pt2")), &data(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

#[test]
fn a_slice_has_the_exported_loss_at_its_center() {
    for name in ["mlp", "clip", "tabular"] {
        let settings = SliceSettings {
            x: Some("-1:1:3".parse().expect("a range")),
            precision: Some(Precision::F64),
            ..SliceSettings::default()
        };
        let result =
            slice::run(&settings, &[run(name)], None, &|_| ()).unwrap_or_else(|e| panic!("{name}: {e}"));
        let json = losscape::analyses::Saved::json(&result).expect("JSON");
        let own = json["center"]["train_loss"].as_f64().unwrap_or_else(|| panic!("{name}: {json}"));
        let other = expected(name)["loss"].as_f64().expect("a number");
        assert!((own - other).abs() <= 1e-10 * other.abs(), "{name}: {own} for {other}");
    }
}

#[test]
fn certified_eigenvalues_are_the_outermost_of_pytorch() {
    let settings =
        SharpnessSettings { precision: Some(Precision::F64), quick: true, ..SharpnessSettings::default() };
    let result =
        sharpness::run(&settings, &[run("mlp")], None, &|_| ()).expect("a result").expect("all of it");
    let json = losscape::analyses::Saved::json(&result).expect("JSON");
    let all = expected("mlp")["eigenvalues"].clone();
    let other = all[0].as_f64().expect("a number");
    let own = json["lambda_max"]["value"].as_f64().unwrap_or_else(|| panic!("{json}"));
    assert!((own - other).abs() <= 1e-3 * other, "{own} for {other}");
}

#[test]
fn weights_of_another_file_take_the_place_of_its_own() {
    let mut beside = data("mlp");
    beside.weights = Some(file("mlp.pt2"));
    let own = open(&file("mlp.pt2"), &beside).expect("the same network");
    assert_eq!(own.theta, run("mlp").theta);
    beside.weights = Some(file("vae.pt2"));
    let refusal = open(&file("mlp.pt2"), &beside).expect_err("another network").to_string();
    assert!(refusal.contains("expected the parameters of the same network"), "{refusal}");
    let _ = numbers("mlp", Precision::F32, false);
}
