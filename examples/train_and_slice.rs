//! Trains a small network in memory and draws the loss around it: `cargo run --release --example train_and_slice`.

use losscape::analyses::{Analysis, Networks, Record, Run, Saved, SliceSettings, Work, training};
use losscape::base::Result;
use losscape::render::{Style, draw};
use losscape::train::TrainSettings;

fn main() -> Result<()> {
    let settings = TrainSettings { epochs: 5, ..TrainSettings::default() };
    let run = Run::of(training::run(&settings, &mut |_| ())?)?;
    let plane = SliceSettings { x: "-1:1:21".parse().ok(), ..SliceSettings::default() };
    let of = Networks { runs: &[run], ..Networks::default() };
    if let Some(slice) = plane.run(of, &Work::default())? {
        print!("{}", slice.report());
        println!("{} bytes of SVG", draw(&slice.figures()[0], &Style::default())?.svg.len());
    }
    Ok(())
}
