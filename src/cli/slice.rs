//! `losscape slice`: the loss over a plane through a trained network.

use super::Subcommand;
use super::arguments::{Common, Parts, config_and_out, name_kinds};
use super::config::Sources;
use super::networks::{self, Networks};
use super::output::{self, Target};
use super::progress::{Progress, say};
use crate::base::apart::check_apart;
use crate::base::{Error, Result, files};
use crate::landscape::directions::Draw;
use crate::passes::slice::{self, SliceEvent};
use crate::passes::{Saved, SliceResult, SliceSettings};
use crate::render::Style;
use clap::{ArgMatches, Args, Command};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

pub const COMMAND: Subcommand = Subcommand {
    name: "slice",
    about: "Loss and accuracy over a plane through a trained network",
    examples: EXAMPLES,
    command,
    run,
};

const DEFAULT_OUT: &str = "out/slice";

const EXAMPLES: &str = "Examples:
  losscape slice                                        train the default network if need be, and draw it
  losscape slice --run runs/a --x=-2:2:101 --y=-1:1:51 --out out/wide
  losscape slice --run runs/a --normalize layer --repeat 4 --x 25          four draws side by side
  losscape slice --run runs/a --run runs/b --labels plain,residual         two networks on one colour scale
  losscape slice --run runs/a --line --repeat 10                           ten lines, with their band
  losscape slice --run runs/a --directions through:b=runs/b --line         from one minimum to another
  losscape slice --run runs/a --directions through:b=runs/b,c=runs/c       the plane of three
  losscape slice --run runs/a --directions trajectory                      the training trajectory (train --snapshots)
  losscape slice --run runs/a --directions eigenvectors --maps curvature,gradient-norm
  losscape slice --run runs/a --adaptive --samples 500                     fewer points, fewer samples
  losscape slice --run runs/a --z=-1:1:11                                  a volume, as array and for ParaView
  losscape slice --run runs/a --shard 0/3 --out out/big                    a third of the points; then losscape merge
  losscape slice --config slice                                            the same keys as the flags, [train] for the network

Finished points are kept as they come: the same command goes on after a stop, --fresh begins anew.

Writes slice.json (scalars and settings), slice.npz (x, y, train_loss, train_accuracy, test_loss,
test_accuracy and further maps; row j is y[j]; several views along a first axis), directions.safetensors, and pictures:
contour, surface, contour-test, accuracy and one a map; line; volume.";

fn command(command: Command) -> Command {
    let command = SliceSettings::augment_args(networks::argument(command));
    let command = config_and_out(Common::augment_args(Parts::augment_args(command)), DEFAULT_OUT);
    name_kinds(super::help::pictures(command))
}

fn run(matches: &ArgMatches) -> Result<()> {
    let mut sources = Sources::new(matches)?;
    let settings: SliceSettings = sources.take(&[])?;
    let (common, style, parts): (Common, Style, Parts) =
        (sources.take(&[])?, sources.take(&[])?, sources.take(&[])?);
    let from = Networks::take(&mut sources)?;
    let out = sources.path("out")?;
    sources.finish()?;
    let networks = from.count();
    settings.check(networks)?;
    let sides: Vec<String> = settings.sides().iter().map(|s| s.n().to_string()).collect();
    let grid = sides.join(" x ");
    output::fits_in_memory(settings.grid_bytes(networks) as u64, &format!("{grid} points"))?;
    let out = out.unwrap_or_else(|| PathBuf::from(DEFAULT_OUT));
    let place = parts.place(out.clone())?;
    if let (true, Some(text)) = (settings.adaptive.is_some(), &parts.shard) {
        let expected = "a whole grid, since --adaptive asks for points as it goes";
        return Err(Error::expected("--shard", expected, text));
    }
    style.check()?;
    common.apply()?;
    from.apart(&out)?;
    settings.directions.inputs().into_iter().try_for_each(|input| check_apart(Path::new(input), &out))?;
    // Minutes of training must not end at a directory that cannot be written.
    let target = Target::new(place.directory.clone())?;
    let from = if place.shard.is_some() { from.shared() } else { from };
    let runs =
        from.read(&style, common.quiet, &|precision, samples| settings.check_for(precision, samples))?;
    if parts.fresh {
        slice::discard(target.directory())?;
    }
    let observer = Observer {
        grid,
        quiet: common.quiet,
        target: &target,
        style: &style,
        progress: OnceLock::new(),
        predicted: Mutex::default(),
    };
    let observe = |event: SliceEvent| observer.hears(event);
    if let Some(shard) = place.shard {
        // What a part is of stands in its logs.
        place.begin("slice", &json!({}))?;
        let done = slice::part(&settings, &runs, shard, target.directory(), &observe);
        observer.finish();
        done?;
        return place.complete(&target, &common);
    }
    let result = slice::run(&settings, &runs, Some(target.directory()), &observe);
    observer.finish();
    let (seconds, bytes) = observer.predicted.into_inner().unwrap_or_default();
    let machine = json!({"runs": from.names(), "predicted_seconds": seconds, "predicted_bytes": bytes});
    finish(&result?, &target, &style, machine, &common)
}

/// Shows how far a slice is.
struct Observer<'a> {
    /// "51 x 51".
    grid: String,
    quiet: bool,
    target: &'a Target,
    style: &'a Style,
    progress: OnceLock<Progress>,
    /// Seconds and bytes.
    predicted: Mutex<(f64, usize)>,
}

impl Observer<'_> {
    fn hears(&self, event: SliceEvent) {
        match event {
            SliceEvent::Begins {
                title,
                parameters,
                view: (view, views),
                points: (points, kept),
                seconds,
                bytes,
            } => {
                if let Ok(mut predicted) = self.predicted.lock() {
                    *predicted = (predicted.0 + seconds, predicted.1.max(bytes));
                }
                let of = if views > 1 { format!(" ({} of {views})", view + 1) } else { String::new() };
                self.line(&format!("slicing {title} ({parameters} parameters){of}"));
                if kept > 0 {
                    self.line(&format!("{kept} of {points} points were computed before and are kept"));
                }
                let (time, memory) = (output::about(seconds), output::bytes(bytes as f64));
                let threads = output::count(rayon::current_num_threads(), "thread");
                let of = format!("{points} of {} points", self.grid);
                self.line(&format!("{of}: {time} on {threads}, {memory}"));
                let _ =
                    self.progress.set(Progress::new("slice", "points", (points * views) as f64, self.quiet));
            }
            SliceEvent::Done(points) => {
                if let Some(bar) = self.progress.get() {
                    bar.add(points);
                }
            }
            // Worth a look on the way; what is wrong with the disk will be said at the end.
            SliceEvent::Picture(figure) => {
                let _ = self.target.show(figure, self.style);
            }
        }
    }

    fn line(&self, text: &str) {
        match self.progress.get() {
            Some(bar) => bar.line(text),
            None => say(self.quiet, text),
        }
    }

    fn finish(&self) {
        if let Some(bar) = self.progress.get() {
            bar.finish();
        }
    }
}

/// Writes a finished slice, removes what was kept of its way, and says what came out.
pub fn finish(
    result: &SliceResult,
    target: &Target,
    style: &Style,
    machine: serde_json::Value,
    common: &Common,
) -> Result<()> {
    let pictures = target.write(result, style, machine)?;
    if style.animate && !pictures.names.iter().any(|p| p.ends_with(output::MOVING)) {
        say(common.quiet, "note: nothing moves: --animate is for surfaces of one network and trajectories");
    }
    slice::discard(target.directory())?;
    match (common.json, common.quiet) {
        (true, _) => output::print_json(&result.json()?)?,
        (_, true) => {}
        _ => output::print(&summary(result, target, &pictures))?,
    }
    result.unmet().map_or(Ok(()), Err)
}

fn summary(result: &SliceResult, target: &Target, pictures: &output::Pictures) -> String {
    let views = result.views().len();
    let mut text = match views {
        1 => view_summary(result),
        _ => views_summary(result),
    };
    let number = if views > 1 { "-0" } else { "" };
    let vtk = match (result.settings().dimensions(), result.settings().vtk) {
        (2, true) => format!(", slice{number}.vti, slice{number}.vtp"),
        (3, _) | (_, true) => format!(", slice{number}.vti"),
        _ => String::new(),
    };
    let vtk = if views > 1 && !vtk.is_empty() { format!("{vtk} and so on") } else { vtk };
    text += &format!(
        "wrote {} in {}{}: {}, slice.json, slice.npz, directions.safetensors{vtk}\n",
        files::named(target.directory()),
        output::duration(target.seconds()),
        output::peak(),
        pictures.listed(),
    );
    text
}

/// What one view came to.
fn view_summary(result: &SliceResult) -> String {
    let facts = &result.views()[0].facts;
    let number = |path: &[&str]| result.scalar(path).unwrap_or(f64::NAN);
    let center = |key: &str| number(&["center", key]);
    let test = match facts.samples.test {
        0 => String::new(),
        _ => format!(
            "   test loss {}  accuracy {}",
            output::number(center("test_loss"), 6),
            output::percent(center("test_accuracy"))
        ),
    };
    let mut text = format!(
        "{}\n  center         train loss {}  accuracy {}{test}\n",
        facts.title,
        output::number(center("train_loss"), 6),
        output::percent(center("train_accuracy")),
    );
    let measured = facts.center.as_object().into_iter().flatten();
    for (key, value) in measured.filter(|(key, _)| !key.starts_with("train") && !key.starts_with("test")) {
        let value = output::number(value.as_f64().unwrap_or(f64::NAN), 6);
        text += &format!("  {:14} {value} at the center\n", key.replace('_', " "));
    }
    let at: Vec<String> = ["x", "y", "z"]
        .iter()
        .filter_map(|key| result.scalar(&["train_loss", "min", key]))
        .map(|c| output::number(c, 3))
        .collect();
    text += &match result.scalar(&["train_loss", "min", "value"]) {
        Some(value) => format!("  lowest         {} at ({})\n", output::number(value, 6), at.join(", ")),
        None => "  lowest         no point of the grid is finite\n".to_owned(),
    };
    if result.settings().dimensions() == 2 {
        let bent = match result.scalar(&["non_convexity"]) {
            Some(share) => format!("{:.2} % of the decided cells curve downwards", 100.0 * share),
            None => "not decided (see non_convexity_status)".to_owned(),
        };
        text += &format!("  non-convexity  {bent}, {} undecided\n", number(&["non_convexity_undecided"]));
    }
    if result.settings().dimensions() > 1 {
        text += &format!("  directions     cosine {}\n", output::number(number(&["cosine"]), 4));
    }
    if let Some(spared) = result.scalar(&["spared"]) {
        let share = 100.0 * spared / facts.points() as f64;
        let error = output::number(number(&["interpolation_error", "train_loss"]), 4);
        text += &format!(
            "  adaptive       {spared} of {} points spared ({share:.0} %), error of the loss about {error} of its range\n",
            facts.points()
        );
    }
    if let Some(largest) = result.scalar(&["train_loss_stderr", "max", "value"]) {
        let center = result.scalar(&["train_loss_stderr", "min", "value"]).unwrap_or(f64::NAN);
        text +=
            &format!("  standard error {} to {}\n", output::number(center, 4), output::number(largest, 4));
    }
    for (key, value) in &facts.directions {
        let numbers = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        let words = numbers.iter().map(|v| v.as_f64().map_or(v.to_string(), |x| output::number(x, 4)));
        text += &format!("  {:14} {}\n", key.replace('_', " "), words.collect::<Vec<String>>().join(", "));
    }
    text
}

/// What several views came to, a line each.
fn views_summary(result: &SliceResult) -> String {
    let width = result.views().iter().map(|v| v.facts.label.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (i, view) in result.views().iter().enumerate() {
        let facts = &view.facts;
        let number = |path: &[&str]| result.view_scalar(i, path).unwrap_or(f64::NAN);
        text += &format!(
            "{:width$}  seed {}  center {}  lowest {}  highest {}",
            facts.label,
            facts.seed,
            output::number(number(&["center", "train_loss"]), 6),
            output::number(number(&["train_loss", "min", "value"]), 6),
            output::number(number(&["train_loss", "max", "value"]), 3),
        );
        if result.settings().dimensions() == 2 {
            text += &format!("  non-convexity {:.4}", number(&["non_convexity"]));
        }
        text.push('\n');
    }
    text
}
