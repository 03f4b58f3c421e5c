//! Runs analyses by their names, with settings from text, on networks in memory: `cargo run --release --example any_analysis`.

use losscape::analyses::{ANALYSES, Networks, Run, Work, training};
use losscape::base::section::Section;
use losscape::base::{Error, Result};
use losscape::study::overlay::Overlay;
use losscape::train::TrainSettings;

fn main() -> Result<()> {
    let train = |seed| -> Result<Run> {
        let settings = TrainSettings { epochs: 5, seed, ..TrainSettings::default() };
        Run::of(training::run(&settings, &mut |_| ())?)
    };
    let runs = [train(0)?, train(1)?];
    for (name, settings) in [("sharpness", "quick = true"), ("connect", "epochs = 5\nplane = 0")] {
        let entry = ANALYSES.iter().find(|entry| entry.name == name);
        let entry = entry.ok_or_else(|| Error::expected("analysis", "a known one", name))?;
        let mut given = Overlay::new(Section::parse(name, settings)?, Vec::new());
        let asked = (entry.take)(&mut given)?;
        asked.validate(runs.len(), &TrainSettings::default())?;
        let of = Networks { runs: &runs, ..Networks::default() };
        if let Some(record) = asked.run(0, of, &Work::default())? {
            println!("{}", record.report());
        }
    }
    Ok(())
}
