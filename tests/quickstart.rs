// Train a network on handwritten digits, then look at the loss around it. (`src/lib.rs` shows this very file.)

use losscape::analyses::{DataSettings, Run, Saved, SliceSettings, slice, training};
use losscape::render::{Style, draw};
use losscape::train::TrainSettings;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The defaults: 1297 images of 8 x 8 pixels, one hidden layer of 32 units, 20 epochs of SGD.
    let settings = TrainSettings::default();
    let trained = training::run(&settings, &mut |_| {})?.trained;
    println!("trained: loss {:.6}, accuracy {:.4}", trained.train.loss, trained.train.accuracy);

    // A trained network and its data: what every analysis takes. `Run::read` gets one from a run directory.
    let (data, dataset) = DataSettings::load(&settings)?;
    let network = (*trained.network).clone();
    let (theta, state) = (trained.point.theta, trained.point.state);
    let run = Run { network, theta, state, precision: settings.precision, data, dataset, origin: None };

    // The plane through the weights along two random, filter-normalised directions.
    let plane = SliceSettings {
        x: Some("-1:1:11".parse()?),
        y: Some("-1:1:11".parse()?),
        ..SliceSettings::default()
    };
    let slice = slice::run(&plane, &[run], None, &|_| {})?;

    // Its center is the trained network, to the last digit, and no other point of this grid is lower.
    assert_eq!(slice.scalar(&["center", "train_loss"]), Some(trained.train.loss));
    assert_eq!(slice.minimum(), Some((0.0, 0.0, trained.train.loss)));

    // The first of its figures: filled contours of the training loss.
    let drawing = draw(&slice.figures()[0], &Style::default())?;
    assert!(drawing.svg.contains("training loss"));
    Ok(())
}
